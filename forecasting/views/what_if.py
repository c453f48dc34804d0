"""What-if charts: a model's forecasts of the real figures and of those after a shock, as a figure and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import format_change
from forecasting.evaluation.shocks import shock_periods
from forecasting.evaluation.stress_tests import HIGH, LOW, ShockedSeries, ShockResponse, judge_response
from forecasting.models import model
from forecasting.views.charts import (
    adapted_to_kind,
    base_layout,
    history_line,
    iso_dates,
    json_numbers,
    line_trace,
    marked_with_dates,
)
from forecasting.views.palette import LIGHT, Theme, rgba

#: The multiple of the lines up to which bands count for the axis.
MOST_BAND = 2.0


@dataclass(frozen=True)
class WhatIfChart:
    """The content of a what-if chart: one model's two forecasts.

    Attributes:
        real: its forecast of the real series.
        after: its forecast of the struck one (`Struck.request`).
        smooth: draw means over the last season instead of single periods.
    """

    struck: ShockedSeries
    real: Forecast
    after: Forecast
    smooth: bool

    @property
    def answer(self) -> ShockResponse:
        """How the model reacted to the shock."""
        return judge_response(self.struck, self.real, self.after)

    def quantiles(self, forecast: Forecast) -> np.ndarray:
        """The quantiles that are drawn, shape (horizon, 23)."""
        return forecast.means if self.smooth else forecast.values

    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The date range on show: the horizon, and twice as much before it."""
        series = self.struck.real
        behind = max(2 * self.real.horizon, 6 * shock_periods(series.frequency))
        return series.dates[-min(behind, len(series))], self.real.dates[-1]

    def top(self) -> float:
        """The end of the y axis: the highest value on show, of bands up to twice the lines."""
        first = self.window()[0]
        pasts = [history_line(s, self.smooth)[s.dates >= first] for s in (self.struck.real, self.struck.series)]
        lines = [*pasts, *(self.quantiles(f)[:, MEDIAN] for f in (self.real, self.after)), self.marks().to_numpy()]
        highest = max(float(np.nanmax(line, initial=0.0)) for line in lines)
        band = float(self.quantiles(self.after)[:, HIGH].max())
        return 1.06 * (max(highest, min(band, MOST_BAND * highest)) or 1.0)

    def marks(self) -> pd.Series:
        """The heights of the changed figures' markers: on their line, as published if set aside, else on the real line."""
        series = self.struck.series
        drawn = pd.Series(history_line(series, self.smooth), index=series.dates)
        real = pd.Series(history_line(self.struck.real, self.smooth), index=self.struck.real.dates)
        changed = self.struck.changed
        return drawn.reindex(changed.index).fillna(changed).fillna(real)


def what_if_figure(picture: WhatIfChart, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure: the real figures and their forecast in grey, the changed ones and theirs over them."""
    struck, colour = picture.struck, theme.model(picture.after.model)
    pasts = [history_line(series, picture.smooth) for series in (struck.real, struck.series)]
    traces = [
        _band(picture, colour),
        line_trace(iso_dates(struck.real.dates), pasts[0], "Real", theme.muted, 1.4, "real"),
        _median(picture, picture.real, pasts[0][-1], "Answer to the real figures", theme.muted, 1.8, "answer-real"),
        line_trace(iso_dates(struck.series.dates), pasts[1], "What if", theme.text, 1.6, "struck"),
        _median(picture, picture.after, pasts[1][-1], "Answer", colour, 2.4, "answer-struck"),
        _marks(picture, theme),
    ]
    layout = marked_with_dates(base_layout(picture.window(), theme, ""), picture.real.origin, struck.real.frequency)
    shown = [{**trace, "showlegend": False} for trace in traces]
    return adapted_to_kind({"data": shown, "layout": layout}, struck.real)


def _band(picture: WhatIfChart, colour: str) -> dict[str, Any]:
    table, dates = picture.quantiles(picture.after), iso_dates(picture.after.dates)
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": "band",
        "x": dates + dates[::-1],
        "y": json_numbers(np.concatenate([table[:, HIGH], table[::-1, LOW]])),
        "fill": "toself",
        "fillcolor": rgba(colour, 0.2),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _median(
    picture: WhatIfChart, forecast: Forecast, last: float, name: str, colour: str, width: float, uid: str
) -> dict[str, Any]:
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    values = np.concatenate([[last], picture.quantiles(forecast)[:, MEDIAN]])
    line = line_trace(iso_dates(dates), values, name, colour, width, uid)
    return line | {"meta": {"joined": True}}  # its first point is the last figure


def _marks(picture: WhatIfChart, theme: Theme) -> dict[str, Any]:
    """Markers of the changed figures: full if used, hollow if set aside, a cross if not published."""
    changed, at = picture.struck.changed, picture.marks()
    aside = changed.index > picture.struck.series.origin
    symbols = np.where(changed.isna(), "x-thin", np.where(aside, "circle-open", "circle"))
    return {
        "type": "scatter",
        "mode": "markers",
        "uid": "marks",
        "x": iso_dates(pd.DatetimeIndex(at.index)),
        "y": json_numbers(at.to_numpy()),
        "name": "Changed",
        "marker": {
            "symbol": symbols.tolist(),
            "size": 6,
            "color": theme.text,
            "line": {"width": 1.4, "color": theme.text},
        },
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def reaction_sentence(picture: WhatIfChart) -> str:
    """How the model reacted, in a sentence, e.g. "ETS followed: +210 % over the next 28 days; 80 % band 3.0× as wide"."""
    answer, shock = picture.answer, picture.struck.shock
    did = "never saw it" if answer.reacted is None else shock.did(answer.total)
    over = f"over the next {picture.struck.real.frequency.steps(picture.real.horizon)}"
    words = f"**{model(picture.after.model).label}** {did}: {format_change(answer.total, 1.0)} {over}; {_wide(answer)}."
    return words if answer.sound else f"{words} And some of what it says is impossible: not finite, negative or zero."


def _wide(answer: ShockResponse) -> str:
    if not np.isfinite(answer.width):
        return "80 % band out of nothing"
    wide = f"80 % band {answer.width:.1f}× as wide"
    return f"{wide}, less than the counts grew" if answer.widened is False and answer.width > 1 else wide


def preparation_sentence(struck: ShockedSeries) -> str:
    """What the preparation did with the shock before any model saw it, in a sentence."""
    notes = " ".join(note for note in struck.series.notes if note not in struck.real.notes)
    if struck.set_aside and not struck.shock.seen_or_not:
        notes = f"{notes} So no model sees the change.".strip()
    return notes or "Every model sees the change as it is."
