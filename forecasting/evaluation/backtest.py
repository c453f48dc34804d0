"""Backtests: cut a panel at earlier dates, as it was known then, and forecast from each cutoff.

A backtest sends ordinary requests for a series as it stood at an earlier date: prepared anew from the newest
vintage before it, or from the rows up to it where a source has no vintages. They go through the same queue and store as
any other, so each is fitted once for everybody, a new origin or model costs only itself, and no model can see what came
later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, HORIZON, ORIGIN, REGION, VALUE
from forecasting.data.forecast import Forecast, stack_forecasts
from forecasting.data.panel import Panel
from forecasting.data.pool_spec import PoolSpec
from forecasting.data.series import Series
from forecasting.data.training_options import TrainingOptions
from forecasting.jobs.request import Request
from forecasting.preparation.prepare import prepare
from forecasting.support.caching import lazy
from forecasting.support.errors import DataError, RequestError

#: A model must have had so many horizons' worth of history, or an origin is not worth the name.
LEAST_HISTORY = 2


@dataclass(frozen=True)
class Cutoff:
    """One region's series as it stood at a cutoff date.

    Attributes:
        region: its name.
        at: the date of asking.
        series: what a model may see, prepared from what was known then; corrected last counts are used, so no gap.
        origin: the last date that had been published then; horizons count from it. It is later than the series' own
            where the last points were too doubtful to use: those are forecast too, and not scored.
    """

    region: str
    at: pd.Timestamp
    series: Series
    origin: pd.Timestamp

    @lazy
    def gap(self) -> int:
        """Periods between the last that a model sees and the origin."""
        return 0 if self.series.provisional is None else len(self.series.provisional)

    def with_training(self, training: TrainingOptions) -> Cutoff:
        """The same, with what models learn from chosen."""
        return replace(self, series=training.of(self.series))

    def request(self, model: str, horizon: int) -> Request:
        """What to ask for so that `horizon` periods after the origin are forecast."""
        return Request(self.series, model, horizon + self.gap)

    def table(self, forecast: Forecast) -> pd.DataFrame:
        """The forecasts table, counted from the origin."""
        return stack_cutoffs([(self, forecast)])


def stack_cutoffs(made: Sequence[tuple[Cutoff, Forecast]]) -> pd.DataFrame:
    """The forecasts table of many cutoffs, one after the other, each counted from its own origin."""
    table = stack_forecasts([(cutoff.region, forecast, None) for cutoff, forecast in made])
    if not made:
        return table
    rows = [forecast.values.size for _, forecast in made]
    table[HORIZON] -= np.repeat([cutoff.gap for cutoff, _ in made], rows)
    table[ORIGIN] = np.repeat(np.array([cutoff.origin.to_datetime64() for cutoff, _ in made]), rows)
    return table[table[HORIZON] > 0].reset_index(drop=True)


#: What `prepare.incomplete_from` gives: for each last date that regions share, from when on their counts are incomplete.
Tails = dict[pd.Timestamp, pd.Timestamp]


def series_at_cutoff(panel: Panel, region: str, statistic: str, at: pd.Timestamp, tails: Tails | None = None) -> Cutoff:
    """`region` as it stood at `at`: of vintages the newest before it, else the rows up to it.

    `tails` is of all regions at that date, where `panel` has only some of them. Always new counts per period, also where
    running totals were asked for. Raises `RequestError` when there was nothing then, `DataError` when it was of no use.
    """
    return _cut(panel, panel.as_of(at), region, statistic, at, tails)


def _cut(
    panel: Panel, known: Panel, region: str, statistic: str, at: pd.Timestamp, tails: Tails | None = None
) -> Cutoff:
    """`known` is the panel as it stood at `at`."""
    series = replace(prepare(known, region, statistic, tails), cumulative=False)
    if series.pool and known.published is None:  # the same pool, without holding on to a copy of the table
        series = replace(series, pool=PoolSpec(panel, series.pool.statistic, at))
    origin = series.origin if series.provisional is None else pd.Timestamp(series.provisional.index[-1])
    return Cutoff(region, at, series, origin)


def series_at_cutoffs(
    panel: Panel, regions: Sequence[str], statistic: str, dates: Iterable[pd.Timestamp]
) -> Iterator[Cutoff | DataError]:
    """Every region at every date; a `DataError` stands in the place of one that had nothing to learn from.

    Date by date, because what is incomplete at the end is judged once for all regions.
    """
    for at in dates:
        try:
            known = panel.as_of(at)
        except RequestError as error:
            yield from (_why_not(region, at, error) for region in regions)
            continue
        for region in regions:
            try:
                yield _cut(panel, known, region, statistic, at)
            except (DataError, RequestError) as error:
                yield _why_not(region, at, error)


def _why_not(region: str, at: pd.Timestamp, error: Exception) -> DataError:
    return DataError(f"{region} at {at:%Y-%m-%d}: {error}")


def one_cutoff_per_origin(cutoffs: Iterable[Cutoff]) -> tuple[list[Cutoff], list[Cutoff]]:
    """Keep the first cutoff of each region and origin; returns those, and those left out.

    Two dates share an origin where nothing was published between them, or where a region had stopped reporting.
    """
    kept: dict[tuple[str, pd.Timestamp], Cutoff] = {}
    repeated = [cutoff for cutoff in cutoffs if kept.setdefault((cutoff.region, cutoff.origin), cutoff) is not cutoff]
    return list(kept.values()), repeated


def rolling_origins(
    panel: Panel, region: str, statistic: str, horizon: int, count: int, step: int = 1, came: int | None = None
) -> list[pd.Timestamp]:
    """The dates of the last `count` origins whose whole horizon has come, `step` periods apart, oldest first.

    With `came` the last is the one after which so many periods have come. Of a panel with vintages, the days after the
    last vintages that fit. Raises `DataError` when there is none.
    """
    series = prepare(panel, region, statistic)
    end = len(series) - 1 - (horizon if came is None else came)
    places = [end - step * back for back in range(count)]
    dates = [series.dates[place] for place in places if place + 1 >= max(LEAST_HISTORY * horizon, 2)]
    if panel.has_vintages():
        dates = _vintages(panel, statistic, dates)
    if not dates:
        raise DataError(
            f"{series.frequency.steps(len(series))} of figures are too few to look back {horizon} with at least "
            f"{LEAST_HISTORY * horizon} to learn from."
        )
    return sorted(dates)


def _vintages(panel: Panel, statistic: str, origins: Sequence[pd.Timestamp]) -> list[pd.Timestamp]:
    """The day after the statistic's first vintage that came after each origin."""
    published = pd.DatetimeIndex(panel.vintages_of(statistic))
    found = {published[place] for origin in origins if (place := int(published.searchsorted(origin))) < len(published)}
    return [date + pd.Timedelta(days=1) for date in found]


def truth_table(panel: Panel, regions: Iterable[str], statistic: str) -> pd.DataFrame:
    """The observed counts as they are known now: columns ``region, date, value``, new counts per period, prepared like any series.

    The last counts are those that were published, not what they are expected to become: nobody is judged by a guess.
    """
    return pd.concat([_truth(panel, region, statistic) for region in regions], ignore_index=True)


def truth_tables(panel: Panel, regions: Iterable[str], statistic: str) -> tuple[pd.DataFrame, list[str]]:
    """`truth_table` of the regions that have one, and a sentence for each that has none, as one that is reported no more."""
    tables, unknown = [pd.DataFrame({REGION: [], DATE: [], VALUE: []})], list[str]()
    for region in regions:
        try:
            tables.append(_truth(panel, region, statistic))
        except (DataError, RequestError) as error:
            unknown.append(f"{region} ({statistic}): {error}")
    return pd.concat(tables[1:] or tables, ignore_index=True), unknown


def _truth(panel: Panel, region: str, statistic: str) -> pd.DataFrame:
    series = prepare(panel, region, statistic)
    return pd.DataFrame({REGION: region, DATE: series.dates, VALUE: series.published})
