"""Why a forecast moved: what it said of the same dates earlier, and what new figures, revised ones and other weights changed of it.

One thing is changed at a time, and the model is run again after each: first the new figures come, as if nothing before them had been
revised; then the earlier figures are revised; then, of a blend, its members count as they do now. Whatever the order, the parts
add up to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import format_iso
from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.evaluation.backtest import Cutoff, rolling_origins, series_at_cutoff
from forecasting.jobs.request import Request
from forecasting.support.errors import RequestError


@dataclass(frozen=True)
class ForecastChange:
    """What was expected of a stretch of dates earlier and what is now, and the way from one to the other.

    Attributes:
        region: its name.
        model: which model says it.
        since: the last date with a figure when it was forecast earlier.
        first, last: the dates that both forecasts are of.
        before, now: what was expected, and is: a sum, or of figures that do not add up their mean.
        new, revised, model_change: what new figures, revised ones and another model or other weights added. Their sum is `now` less
            `before`.
        periods: how many figures are new.
        came: the new figures, their sum or mean.
        expected: what the earlier forecast had expected of those.
        vintages: whether anything is known of revisions.
    """

    region: str
    model: str
    since: pd.Timestamp
    first: pd.Timestamp
    last: pd.Timestamp
    before: float
    now: float
    new: float
    revised: float
    model_change: float
    periods: int
    came: float
    expected: float
    vintages: bool

    @property
    def parts(self) -> dict[str, float]:
        """What each cause added, by its name."""
        return {"new": self.new, "revised": self.revised, "model": self.model_change}

    def rounded_parts(self, decimals: int = 0) -> dict[str, float]:
        """The parts rounded so that they still add up to the difference of the rounded figures before and now.

        The units that rounding leaves over go to the parts that lost most by it.
        """
        unit = 10.0**-decimals
        whole = round((round(self.now, decimals) - round(self.before, decimals)) / unit)
        exact = {name: part / unit for name, part in self.parts.items()}
        found = {name: round(part) for name, part in exact.items()}
        left = whole - sum(found.values())
        changed = [name for name, part in exact.items() if part]  # nothing stays nothing
        lost = sorted(changed, key=lambda name: np.sign(left) * (found[name] - exact[name]))
        for place in range(abs(left)):
            found[lost[place % len(lost)]] += int(np.sign(left))
        return {name: round(units * unit, decimals) for name, units in found.items()}

    def to_json(self, statistic: str) -> dict[str, Any]:
        """The change as JSON values, unrounded; the part of revisions is null where nothing is known of them."""
        return {
            "region": self.region,
            "statistic": statistic,
            "model": self.model,
            "since": format_iso(self.since),
            "first": format_iso(self.first),
            "last": format_iso(self.last),
            "before": self.before,
            "now": self.now,
            "new": self.new,
            "revised": self.revised if self.vintages else None,
            "model_change": self.model_change,
            "came": self.came,
            "expected": self.expected,
        }


@dataclass(frozen=True)
class ChangeTask:
    """What is asked of a model to say why its forecast moved.

    Attributes:
        earlier, unrevised, now: the region as it stood at the earlier date, as it would stand now had nothing been revised since,
            and as it stands. The last two are one and the same without vintages.
        steps: periods, from the first after the last figure on, that are looked at.
    """

    earlier: Cutoff
    unrevised: Cutoff
    now: Cutoff
    steps: int

    def __post_init__(self) -> None:
        if self.earlier.series.origin >= self.now.series.origin:
            raise RequestError(
                f"There are no figures of {self.now.region} after {self.earlier.series.origin:%Y-%m-%d}, so nothing moved."
            )

    @property
    def dates(self) -> pd.DatetimeIndex:
        """The dates that both forecasts are of."""
        return self.now.series.frequency.after(self.now.series.origin, self.steps)

    def requests(self, model: str, horizon: int) -> tuple[Request, Request, Request]:
        """The earlier forecast, that of unrevised figures, and the present one; each reaches all of `dates`.

        Args:
            horizon: the steps of the present one, as it is asked for elsewhere.
        """
        late = self.now.series.frequency.after(self.earlier.series.origin, horizon + len(self._new_dates))
        reach = int(late.searchsorted(self.dates[-1])) + 1
        return (
            Request(self.earlier.series, model, max(horizon, reach)),
            Request(self.unrevised.series, model, horizon),
            Request(self.now.series, model, horizon),
        )

    @property
    def _new_dates(self) -> pd.DatetimeIndex:
        dates = self.now.series.dates
        return dates[dates > self.earlier.series.origin]

    def change(
        self, earlier: Forecast, unrevised: Forecast, now: Forecast, members: Mapping[str, Forecast], vintages: bool
    ) -> ForecastChange:
        """The change between two forecasts, by its causes.

        Args:
            earlier, unrevised, now: what `requests` gave.
            members: of a blend, the present forecasts of its members by model, as far as they are there.
            vintages: whether anything is known of revisions.
        """
        series, dates, new = self.now.series, self.dates, self._new_dates
        before = self._expected(earlier, dates)
        with_new, present = self._expected(unrevised, dates), self._expected(now, dates)
        # Where the new figures have changed the weights already, there is no telling the two apart.
        apart = unrevised.fitted.get("weights") == earlier.fitted.get("weights")
        weighed_as_before = _with_weights_of(earlier, now, members) if apart else None
        with_revised = self._expected(weighed_as_before or now, dates)
        came = float(series.values[-len(new) :].sum()) / (1 if series.kind.adds_up else len(new))
        return ForecastChange(
            self.now.region,
            now.model,
            self.earlier.series.origin,
            dates[0],
            dates[-1],
            before,
            present,
            with_new - before,
            with_revised - with_new,
            present - with_revised,
            len(new),
            came,
            self._expected(earlier, new),
            vintages,
        )

    def _expected(self, forecast: Forecast, dates: pd.DatetimeIndex) -> float:
        """The median of what a forecast says of dates that follow each other: of their sum, or their mean."""
        first, last = (int(forecast.dates.get_loc(date)) for date in (dates[0], dates[-1]))
        if first == last:
            return float(forecast.values[first, MEDIAN])
        total = forecast.totals[last, MEDIAN] - (forecast.totals[first - 1, MEDIAN] if first else 0.0)
        return float(total) / (1 if self.now.series.kind.adds_up else len(dates))


def change_task(
    panel: Panel,
    series: Series,
    statistic: str,
    steps: int,
    since: pd.Timestamp | None = None,
    training: TrainingOptions = ALL_HISTORY,
    at: Callable[[Panel, str, str, pd.Timestamp], Cutoff] = series_at_cutoff,
    unrevised: Callable[[Panel, pd.Timestamp], Panel] | None = None,
) -> ChangeTask:
    """What has to be forecast to say why a forecast moved. Raises `DataError`, `RequestError` where there is nothing to compare.

    Args:
        series: the region as it stands, with what models learn from chosen.
        steps: periods, from the first after the last figure on, that are looked at.
        since: only what was published before it counts; by default a week of days, or else a period, before the last figure.
        training: what models learn from, as of each date.
        at, unrevised: `series_at_cutoff` and `without_revisions`, of which somebody may keep what they gave.
    """
    region, step = series.region, series.frequency.cycle
    before = since if since is not None else rolling_origins(panel, region, statistic, 1, 1, step, step)[0]
    earlier = at(panel, region, statistic, before).with_training(training)
    published = panel.published_on(statistic)
    asked = series.origin if published is None else published + pd.Timedelta(days=1)
    now = same = Cutoff(region, asked, replace(series, cumulative=False), series.origin)
    if panel.has_vintages():
        alike = (unrevised or without_revisions)(panel, before)
        same = at(alike, region, statistic, asked).with_training(training)
    return ChangeTask(earlier, same, now, steps)


def _with_weights_of(earlier: Forecast, now: Forecast, members: Mapping[str, Forecast]) -> Forecast | None:
    """The present blend with the earlier weights; None where they are the same, or a member is missing."""
    weights = earlier.fitted.get("weights")
    if not weights or weights == now.fitted.get("weights") or not weights.keys() <= members.keys():
        return None

    def mean(table: str) -> np.ndarray:
        return np.asarray(sum(weight * getattr(members[name], table) for name, weight in weights.items()))

    return replace(now, values=mean("values"), totals=mean("totals"), means=mean("means"))


def without_revisions(panel: Panel, since: pd.Timestamp) -> Panel:
    """The panel as it would be had no figure that was known at `since` been revised later. Without vintages, the panel itself.

    Figures that came later are as they were published, and so is what was published before. Raises `RequestError` when nothing had
    been published.
    """
    if not panel.has_vintages():
        return panel
    known = panel.as_of(since).table
    table = panel.table.copy()
    later = np.flatnonzero((table[AS_OF] >= since).to_numpy())
    key = [REGION, STATISTIC, DATE]
    place = pd.MultiIndex.from_frame(known[key].astype({REGION: str, STATISTIC: str}))
    asked = pd.MultiIndex.from_frame(table[key].iloc[later].astype({REGION: str, STATISTIC: str}))
    found = place.get_indexer(asked)
    for column in (VALUE, *panel.covariates()):
        values = table[column].to_numpy(copy=True)
        values[later[found >= 0]] = known[column].to_numpy()[found[found >= 0]]
        table[column] = values
    return replace(panel, table=table, published=None)
