"""Prepare a series: published figures of a region become a regular, clean `Series`, with a sentence for every repair.

Causal: only the table that is given is looked at, so a truncated one is prepared as if its end were today.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT, Kind
from forecasting.data.panel import TRUE_ZEROS, UNREPORTED_ZEROS, Panel, Statistic
from forecasting.data.panel_cache import PerPanel
from forecasting.data.pool_spec import pool_spec
from forecasting.data.regular_grid import as_dates, as_figures, count_leading_zeros, counts_from_totals, values_on_grid
from forecasting.data.series import Series
from forecasting.preparation.incomplete_reports import LEAST_REGIONS, doubtful_alone, doubtful_together, last_zeros_end
from forecasting.preparation.messages import (
    early_end_sentences,
    moved_sentences,
    pattern_sentences,
    repair_sentences,
    tail_sentences,
    true_zeros_sentences,
)
from forecasting.preparation.regular_figures import regular_figures
from forecasting.preparation.repairs import (
    fill_gaps,
    has_true_zeros,
    spread_corrections,
    spread_dumps,
    spread_piles,
    subtract_in_proportion,
)
from forecasting.preparation.revision_correction import correct_last_counts, doubt_last_count, usual_revisions

#: Dates of a region that are remembered for others, at most.
MOST_REMEMBERED = 5_000
#: Statistics of a panel whose panel-wide work is kept: a page looks at few.
KEPT = 16


def prepare(
    panel: Panel,
    region: str,
    statistic: str | None = None,
    incomplete_from: dict[pd.Timestamp, pd.Timestamp] | None = None,
) -> Series:
    """Prepare the series of one region for a model; `Series.notes` says what was repaired.

    Of a panel with vintages the newest one is used, and the last counts are corrected by what such counts have become
    (`Series.reported`, `Series.doubt`); without, a last count that fell too deep is in doubt. What is incomplete at the end is decided by all regions that
    end on the same date, then by the region itself, and goes to `Series.provisional` as new counts per period (also
    where running totals are reported or shown).

    `incomplete_from` is what `incomplete_from` gave for the whole panel, where this one has only some of its regions.

    Raises `RequestError` when there is no such region or statistic, `DataError` when it has no figures.
    """
    asked, known = panel.statistic(statistic), panel.as_of(None)
    frequency, column = panel.frequency_of(asked.name, region), _column(known, asked)
    own = (asked.column, region) in panel.calendars
    if region not in column.parts:
        panel.counts(region, statistic)  # raises, naming what is missing
    together = column.provisional_from if incomplete_from is None else incomplete_from
    end = column.ends[region]
    series = _clean(
        *column.figures(region),
        frequency,
        asked.kind,
        reported_cumulative=asked.reported_cumulative,
        shown_cumulative=asked.shown_cumulative,
        provisional_from=None if own else together.get(end),
        zeros_at_end=asked.zeros_at_end,
    )
    notes = early_end_sentences(end, column.usual_end, frequency)
    pool = pool_spec(known, asked.name) if len(column.parts) > 1 and asked.kind.low >= 0 else None
    series = replace(series, notes=(*notes, *series.notes), region=region, pool=pool)
    if not asked.kind.repaired or (asked.zeros_at_end == TRUE_ZEROS and not series.values[-1:].any()):
        return series
    usual = usual_revisions(known.published, asked, frequency).get(region) if known.published and not own else None
    if usual and (at := known.published_on(asked.name)):
        return correct_last_counts(series, usual, at)
    return doubt_last_count(series) if series.provisional is None else series


def incomplete_from(panel: Panel, statistic: str | None = None) -> dict[pd.Timestamp, pd.Timestamp]:
    """For each last date that regions share: from when on their counts are incomplete, where they are."""
    return _column(panel.as_of(None), panel.statistic(statistic)).provisional_from


def clean_figures(
    figures: pd.Series,
    frequency: Frequency,
    kind: Kind = COUNT,
    *,
    reported_cumulative: bool = False,
    shown_cumulative: bool = False,
    provisional_from: pd.Timestamp | None = None,
    zeros_at_end: str = UNREPORTED_ZEROS,
) -> Series:
    """Figures by date -> a `Series` without gaps: counts as `clean_counts` does, others as `regular_figures` does.

    Raises `DataError` where there is no figure at all, or figures that are measured are said to be running totals.
    """
    return _clean(
        as_figures(figures),
        as_dates(figures.index),
        frequency,
        kind,
        reported_cumulative=reported_cumulative,
        shown_cumulative=shown_cumulative,
        provisional_from=provisional_from,
        zeros_at_end=zeros_at_end,
    )


def _clean(
    figures: np.ndarray,
    dates: pd.DatetimeIndex,
    frequency: Frequency,
    kind: Kind,
    *,
    reported_cumulative: bool,
    shown_cumulative: bool,
    provisional_from: pd.Timestamp | None,
    zeros_at_end: str,
) -> Series:
    """`clean_figures` of floats and their dates: a table takes its time, and this is called for every series there is."""
    if kind.repaired:
        return _clean_counts(
            figures, dates, frequency, reported_cumulative, shown_cumulative, provisional_from, zeros_at_end
        )
    return regular_figures(
        pd.Series(figures, index=dates),
        frequency,
        kind,
        reported_cumulative=reported_cumulative,
        shown_cumulative=shown_cumulative,
    )


def clean_counts(
    counts: pd.Series,
    frequency: Frequency,
    *,
    reported_cumulative: bool = False,
    shown_cumulative: bool = False,
    provisional_from: pd.Timestamp | None = None,
    zeros_at_end: str = UNREPORTED_ZEROS,
) -> Series:
    """Counts by date, with gaps, NaN, corrections and piles -> a `Series` without any.

    Args:
        counts: figures as published, indexed by date; NaN where nothing was published.
        frequency: the spacing that the series shall have.
        reported_cumulative: `counts` are running totals.
        shown_cumulative: passed on as `Series.cumulative`.
        provisional_from: from this date on nothing is used, whatever the figures look like, unless zeros there are true.
        zeros_at_end: as of `Statistic`.

    Returns:
        The series. Its values, `before` and `provisional` (new counts per period) add up to what was published,
        except for interpolated gaps, which the notes name.

    Raises:
        DataError: there is no figure at all.
    """
    return _clean_counts(
        as_figures(counts),
        as_dates(counts.index),
        frequency,
        reported_cumulative,
        shown_cumulative,
        provisional_from,
        zeros_at_end,
    )


def _clean_counts(
    counts: np.ndarray,
    given: pd.DatetimeIndex,
    frequency: Frequency,
    reported_cumulative: bool,
    shown_cumulative: bool,
    provisional_from: pd.Timestamp | None,
    zeros_at_end: str,
) -> Series:
    values, dates = values_on_grid(counts, given, frequency, cumulative=reported_cumulative)
    before = 0.0
    notes = moved_sentences(counts, given, dates, frequency)
    if reported_cumulative:
        values, before, unreported = counts_from_totals(values)
        if unreported:
            notes.append(f"What came after {frequency.steps(unreported)} without a report was shared evenly with them.")
    first = count_leading_zeros(values)
    # Zeros before the first count tell whether those after it are natural.
    judged = _end(values, dates, frequency, provisional_from) - first
    dates, values = (dates[first:], values[first:]) if first else (dates, values)
    end = judged = judged if judged > 0 else len(values)
    if zeros_at_end == TRUE_ZEROS and (stop := last_zeros_end(values)):
        end = stop
    used, before, repairs = _repaired(values[:end], before, dates, frequency)
    notes += [
        *repairs,
        *pattern_sentences(used, dates, frequency),
        *tail_sentences(values, dates, end, frequency, zeros_at_end),
        *(true_zeros_sentences(dates[judged:end], frequency) if judged < end else ()),
    ]
    provisional = None if end == len(values) else pd.Series(values[end:], index=dates[end:])
    true_zeros = has_true_zeros(used, frequency.cycle)
    return Series(dates[0], frequency, used, before, shown_cumulative, provisional, tuple(notes), true_zeros=true_zeros)


def _end(
    values: np.ndarray, dates: pd.DatetimeIndex, frequency: Frequency, provisional_from: pd.Timestamp | None
) -> int:
    """Where the trustworthy values end: at `provisional_from`, or earlier by their own doing."""
    end = len(values)
    if provisional_from is not None:
        end = int(dates.searchsorted(provisional_from)) or end
    return doubtful_alone(values[:end], frequency.cycle)


def _repaired(
    counts: np.ndarray, before: float, dates: pd.DatetimeIndex, frequency: Frequency
) -> tuple[np.ndarray, float, list[str]]:
    """Corrections, piles, dumps and gaps, in this order; the counts, the total before them and what was done."""
    cycle, notes = frequency.cycle, []
    if counts.min() > 0:  # not for NaN: nothing is silent, taken back or missing
        dumped = spread_dumps(counts, cycle)
        return dumped.values, before, repair_sentences("dump", dumped, dates, frequency)
    correct_last_counts, left = spread_corrections(counts, cycle)
    notes += repair_sentences("correction", correct_last_counts, dates, frequency)
    piled = spread_piles(correct_last_counts.values, cycle)
    notes += repair_sentences("pile", piled, dates, frequency)
    dumped = spread_dumps(piled.values, cycle)
    notes += repair_sentences("dump", dumped, dates, frequency)
    filled = fill_gaps(dumped.values, cycle)
    notes += repair_sentences("gap", filled, dates, frequency)
    if left >= 0:
        return filled.values, before, notes
    if before + left >= 0:
        return filled.values, before + left, notes
    if filled.values.sum() < -left:
        notes.append("The corrections exceed all counts, so the series could not keep its total.")
    return subtract_in_proportion(filled.values, -left), before, notes


@dataclass(frozen=True)
class _Column:
    """One statistic of a panel, cut into its regions; `ends` are their last dates, and `usual_end` the one that half of them reach."""

    dates: pd.DatetimeIndex
    values: np.ndarray
    parts: dict[str, slice]
    ends: dict[str, pd.Timestamp]
    usual_end: pd.Timestamp | None = None
    provisional_from: dict[pd.Timestamp, pd.Timestamp] = field(default_factory=dict)

    def figures(self, region: str) -> tuple[np.ndarray, pd.DatetimeIndex]:
        part = self.parts[region]
        return self.values[part], self._dates(part)

    def _dates(self, part: slice) -> pd.DatetimeIndex:
        """Regions mostly have the same dates, so the last ones are remembered: to cut others out takes longer."""
        if part.stop - part.start > MOST_REMEMBERED or self.dates.tz is not None:
            return self.dates[part]
        return _remembered_dates(self.dates.asi8[part].tobytes(), self.dates.unit)


@lru_cache(maxsize=256)
def _remembered_dates(moments: bytes, unit: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.frombuffer(moments, dtype=np.int64).view(f"M8[{unit}]"))


_COLUMNS: PerPanel[_Column] = PerPanel(KEPT)


def _column(panel: Panel, asked: Statistic) -> _Column:
    """The asked statistic's column, cut once for each table."""
    return _COLUMNS.get(panel, (asked.column, asked.reported_cumulative, asked.kind), lambda: _cut(panel, asked))


def _cut(panel: Panel, asked: Statistic) -> _Column:
    table = panel.table[panel.table[STATISTIC] == asked.column]
    codes, regions = pd.factorize(table[REGION])
    dates = pd.DatetimeIndex(table[DATE])
    order = np.lexsort((dates.asi8, codes))
    codes, dates, values = codes[order], dates[order], table[VALUE].to_numpy(float, na_value=np.nan)[order]
    bounds = np.searchsorted(codes, np.arange(len(regions) + 1))
    parts = {name: slice(int(bounds[i]), int(bounds[i + 1])) for i, name in enumerate(regions)}
    ends = dates[bounds[1:] - 1]
    usual_end = ends.sort_values()[len(ends) // 2] if len(ends) else None
    column = _Column(dates, values, parts, dict(zip(regions, ends, strict=True)), usual_end)
    if len(regions) and asked.kind.repaired:
        common = np.array([(asked.column, str(name)) not in panel.calendars for name in regions])
        frequency = panel.frequencies[asked.column]
        column.provisional_from.update(_provisional(column, codes, bounds, common, frequency, asked))
    return column


def _provisional(
    column: _Column,
    codes: np.ndarray,
    bounds: np.ndarray,
    common: np.ndarray,
    frequency: Frequency,
    asked: Statistic,
) -> dict[pd.Timestamp, pd.Timestamp]:
    """For each last date that regions share: from when on their counts are incomplete, where they are.

    Regions of another calendar than the `common` one are left aside: each is judged alone.
    """
    ends = column.dates[bounds[1:] - 1]
    found = {}
    for end in ends.unique():
        together = np.flatnonzero((ends == end) & common)
        if len(together) < LEAST_REGIONS:
            continue
        rows = np.isin(codes, together)
        dates = frequency.between(column.dates[rows].min(), end)
        places = dates.searchsorted(column.dates[rows])
        if places.max() >= len(dates):  # dates off the grid: each region is judged alone
            continue
        wide = np.full((len(dates), len(together)), np.nan)
        wide[places, np.searchsorted(together, codes[rows])] = column.values[rows]
        start = doubtful_together(_new_counts(wide) if asked.reported_cumulative else wide, frequency.cycle)
        if start < len(dates):
            found[end] = dates[start]
    return found


def _new_counts(totals: np.ndarray) -> np.ndarray:
    """Periods × regions of running totals -> new counts; a period without a report counts as none."""
    filled = pd.DataFrame(totals).ffill().to_numpy()
    return np.diff(filled, axis=0, prepend=np.nan)
