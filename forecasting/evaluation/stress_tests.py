"""Stress tests: change the last counts of a region as no score ever shows, and judge whether a model's response is sensible.

A shock changes the last published counts of one region; where running totals are published, the new counts behind them,
which are then added up again. The whole panel is prepared anew, as it would be in reality, so a shock may be repaired or
set aside before any model sees it. Every shock strikes the last figures that the real series uses, and both answers are
compared over the same dates: the horizon after those figures.

Of an answer three things are asked:

- *Reacted*: the median total over the horizon, as a multiple of the answer to the real figures, lies between the shock's
  `least` and `most`. A model that never saw the shock, because it was set aside, is not judged, unless that is what the
  shock is about (`silence`).
- *Sound*: every quantile is finite, not negative and in order; and a silence does not turn counts into zeros.
- *Widened*: the 80 % bands, added up over the horizon and divided by the median total, grew. In counts they would grow
  with any level; this asks for more doubt than before about every single case. Not asked of `weekday`: the counts are the
  same and came a day later, which is no reason to know less about their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.forecast import MEDIAN, QUANTILES, Forecast
from forecasting.data.panel import Panel
from forecasting.data.regular_grid import to_regular_grid
from forecasting.data.series import Series
from forecasting.data.training_options import TrainingOptions
from forecasting.evaluation.shocks import Shock, shock_periods
from forecasting.jobs.request import Request
from forecasting.preparation.prepare import prepare
from forecasting.support.caching import lazy
from forecasting.support.errors import DataError

#: Positions of the 80 % band's ends among the quantiles.
LOW = QUANTILES.index(0.1)
HIGH = QUANTILES.index(0.9)
#: History that a shock needs, in multiples of `shock_periods`: of days six weeks, of longer periods twelve.
LEAST_STRETCHES = 6


@dataclass(frozen=True)
class ShockedSeries:
    """One region after a shock.

    Attributes:
        real: the series as it is, without its pool: both answers are to be given by the same means.
        series: the same after the shock, prepared anew.
        changed: new counts as published after the shock, where they differ, by date (NaN: not published).
    """

    shock: Shock
    real: Series
    series: Series
    changed: pd.Series

    @lazy
    def gap(self) -> int:
        """Periods at the end that the preparation does not let models see."""
        return int((self.real.dates > self.series.origin).sum())

    @property
    def set_aside(self) -> bool:
        """Whether models see nothing of the shock."""
        return bool((self.changed.index > self.series.origin).all())

    def with_training(self, training: TrainingOptions) -> ShockedSeries:
        """The same, with what models learn from chosen."""
        return replace(self, real=training.of(self.real), series=training.of(self.series))

    def request(self, model: str, horizon: int) -> Request:
        """What to ask for so that `horizon` periods after the last real figure are forecast."""
        return Request(self.series, model, horizon + self.gap)


def apply_shock(panel: Panel, region: str, statistic: str, shock: Shock) -> ShockedSeries:
    """`region` with the `shock` at its end. Raises `RequestError`, and `DataError` where there is too little to strike."""
    asked = panel.statistic(statistic)
    frequency = panel.frequency_of(asked.name, region)
    real = replace(prepare(panel, region, statistic), cumulative=False, pool=None)
    steps = shock_periods(frequency)
    if len(real) < LEAST_STRETCHES * steps:
        least = frequency.steps(LEAST_STRETCHES * steps)
        raise DataError(f"{frequency.steps(len(real))} of figures are too few for a what-if; it takes {least}.")
    known = panel.as_of(None).as_of(real.origin)
    published = to_regular_grid(known.counts(region, statistic), frequency, cumulative=asked.reported_cumulative)
    before = _new_counts(published) if asked.reported_cumulative else published
    after = pd.Series(shock.change(before.to_numpy(), steps), index=before.index)
    changed = after[~np.isclose(before, after, equal_nan=True)]
    if changed.empty:
        raise DataError(f"The last figures of {region} are such that '{shock.label}' would not change them.")
    struck = _with(known, region, asked.column, _totals(after, published) if asked.reported_cumulative else after)
    after_it = replace(prepare(struck, region, statistic), cumulative=False, pool=None)
    return ShockedSeries(shock, real, after_it, changed)


def _new_counts(totals: pd.Series) -> pd.Series:
    """New counts from running totals, 0 where no total was published."""
    filled = totals.ffill().fillna(0.0)
    return filled.diff().fillna(filled.iloc[0])


def _totals(counts: pd.Series, published: pd.Series) -> pd.Series:
    """The inverse: running totals, without those that were not published before or are not now."""
    return counts.fillna(0.0).cumsum().where(published.notna() & counts.notna())


def _with(panel: Panel, region: str, column: str, counts: pd.Series) -> Panel:
    """`panel` with other counts for one region."""
    table = panel.table
    others = table[(table[REGION] != region) | (table[STATISTIC] != column)]
    own = pd.DataFrame({REGION: region, STATISTIC: column, DATE: counts.index, VALUE: counts.to_numpy()})
    return replace(panel, table=pd.concat([others[list(PANEL)], own], ignore_index=True))


@dataclass(frozen=True)
class ShockResponse:
    """What a model made of a shock, as multiples of its answer to the real figures over the same dates.

    Attributes:
        total: the median of the total.
        width: the 80 % bands, added up, in counts.
        reacted, widened: see above; None where it is not demanded.
        sound: see above.
    """

    total: float
    width: float
    reacted: bool | None
    sound: bool
    widened: bool | None

    @property
    def doubt(self) -> float:
        """The width of the bands relative to the total, as a multiple of what it was."""
        return _ratio(self.width, self.total)


def judge_response(struck: ShockedSeries, real: Forecast, after: Forecast) -> ShockResponse:
    """`real` is a model's forecast of the real series, `after` that of the struck one (`Struck.request`)."""
    shock, gap = struck.shock, after.horizon - real.horizon
    total = _ratio(_total(after, gap), _total(real, 0))
    width = _ratio(_width(after, gap), _width(real, 0))
    answer = ShockResponse(
        total, width, None, _sound(after) and not (shock.seen_or_not and _vanished(real, after, gap)), None
    )
    if struck.set_aside and not shock.seen_or_not:
        return answer
    reacted = shock.least <= total <= shock.most
    return replace(answer, reacted=reacted, widened=answer.doubt > 1 if shock.widens else None)


def _total(forecast: Forecast, gap: int) -> float:
    """The median total after the first `gap` periods: the median to the end less the one to there, which is close."""
    total = forecast.totals[:, MEDIAN]
    return float(total[-1] - (total[gap - 1] if gap else 0.0))


def _width(forecast: Forecast, gap: int) -> float:
    return float((forecast.values[gap:, HIGH] - forecast.values[gap:, LOW]).sum())


def _ratio(now: float, before: float) -> float:
    if before > 0:
        return now / before
    return 1.0 if now <= 0 else float("inf")


def _sound(forecast: Forecast) -> bool:
    tables = (forecast.values, forecast.totals, forecast.means)
    return all(np.isfinite(t).all() and (t >= 0).all() and (np.diff(t, axis=1) >= 0).all() for t in tables)


def _vanished(real: Forecast, after: Forecast, gap: int) -> bool:
    """Whether a week (a period of other than daily counts) is now expected to be zero that was not."""
    return bool(((after.means[gap:, MEDIAN] == 0) & (real.means[:, MEDIAN] > 0)).any())
