"""Read a table without being told its columns: `read_panel` makes a `Panel` of a CSV, JSON, Parquet or XLSX file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency
from forecasting.data.infer_frequency import infer_frequency
from forecasting.data.panel import ASSUMED_UNREPORTED, Panel, Statistic
from forecasting.data.region_calendar import RegionCalendar, region_calendars
from forecasting.support.errors import DataError
from forecasting.tables import oxcgrt_format
from forecasting.tables.cells.date_formats import today
from forecasting.tables.cells.dictionary_columns import decode_columns
from forecasting.tables.cells.number_format import NumberFormat
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_file_content, read_table
from forecasting.tables.cells.tidy_table import (
    changes_between_rows,
    look_like_totals,
    rows_by_statistic,
    rows_of_fullest_region,
)
from forecasting.tables.interpret_table import InterpretedTable, interpret_table
from forecasting.tables.period_dates import on_period_dates
from forecasting.tables.reshape.reshape_table import reshape_table

#: Regions with another calendar that a note names.
NAMED_REGIONS = 5

#: What a reader of a table without a mapping can say of figures that hardly ever fall.
SAY_CUMULATIVE = (
    "say that they are cumulative (--cumulative, or --no-cumulative if each is the figure of its own period)"
)

#: Rows, the first ones, that are looked at for figures that never fall.
EXAMINED_ROWS = 20_000
#: How far after now a date of publication may lie: clocks and time zones differ.
MOST_AHEAD = pd.Timedelta(days=2)


def read_panel(
    file: str | Path | bytes,
    name: str | None = None,
    cumulative: bool | None = None,
    number_format: str | None = None,
    kind: str | None = None,
    zeros_at_end: str | None = None,
) -> Panel:
    """The table in `file` (a path, or its bytes) as a `Panel` whose source is `name` (the file's name by default).

    Understood are, as CSV (comma, semicolon, tab or bar), JSON records, Parquet or XLSX (the first sheet), also gzipped
    or as the one table in a zip archive:

    - tidy: ``date, value`` and, as there are, ``region``, ``statistic``, ``as_of`` and further numeric columns, which
      are covariates; ``location`` and ``location_name`` may stand for ``region``;
    - wide: dates in the first column, then a numeric column a region;
    - the Oxford tracker's tables and Johns Hopkins' global time series.

    Values are figures per period unless `cumulative`, or unless the file's or the statistic's name has the word
    "cumulative" in it. What they are (``count``, ``amount``, ``measurement`` or ``share``) is proposed from them and from
    the names, unless `kind` says it. Zeros at the end of counts, where the level before rules them out, are taken for
    figures that are not in yet, unless `zeros_at_end` says that they are ``"true"``. Numbers are written as `number_format` says (a `NumberFormat`), or as each column
    shows. Empty cells are periods that were not published. A line of a CSV with too few cells is read as if the others
    were empty, and `Panel.notes` say so; one with too many is refused unless those are empty.

    Raises `DataError`, on one line, with the file, the line or column, what is wrong there and what to do; also for figures
    that never fall, where nobody has said whether they are running totals.
    """
    panel = panel_from_raw_table(read_raw_table(file, name, number_format), cumulative)
    panel = panel if kind is None else panel.with_kind(kind)
    panel = panel if zeros_at_end is None else panel.with_zeros_at_end(zeros_at_end)
    if cumulative is None and may_be_totals(panel):
        raise DataError(
            f"{panel.source}: '{panel.statistics[0].column}' never falls: are these running totals? Say cumulative=True if "
            "they are, or cumulative=False if each is the figure of its own period."
        )
    return panel


def may_be_totals(panel: Panel) -> bool:
    """Whether the figures of the first region never fall, and nothing says what they are: only a person knows it."""
    first = panel.statistics[0]
    if first.reported_cumulative or not first.kind.adds_up or panel.has_vintages():
        return False
    head = panel.table.iloc[:EXAMINED_ROWS]
    one = (head[REGION] == head[REGION].iloc[0]) & (head[STATISTIC] == first.column)
    return look_like_totals(head.loc[one, VALUE].to_numpy(float, na_value=np.nan))


def read_raw_table(file: str | Path | bytes, name: str | None = None, number_format: str | None = None) -> RawTable:
    """The cells that `read_panel` makes its panel of; `RawTable.notes` say which lines were odd."""
    chosen = None if number_format is None else NumberFormat.parse(number_format)
    content, name = read_file_content(file, name)
    own = not isinstance(file, bytes)
    raw = read_table(content, name, oxcgrt_format.needed_columns, strict=False, coded=True, own=own)
    return replace(reshape_table(raw), number_format=chosen)


def panel_from_raw_table(raw: RawTable, cumulative: bool | None = None) -> Panel:
    """The `Panel` that `read_panel` makes of a table whose cells were read. Raises `DataError` as it does."""
    return build_panel(raw, interpret_table(raw, bool(cumulative)), cumulative is not None)


def build_panel(
    raw: RawTable, interpreted: InterpretedTable, totals_are_known: bool = False, to_say: str = SAY_CUMULATIVE
) -> Panel:
    """The `Panel` of a table that was interpreted. Raises `DataError` without figures or a usual spacing of dates.

    Unless `totals_are_known`, `Panel.notes` point out figures that may be running totals, and what is `to_say` then.
    """
    table = interpreted.tidy.table
    if table[VALUE].notna().sum() == 0:
        raise raw.error("there is no figure in it; fill in the values.")
    _check_vintages(raw, table)
    hint = () if totals_are_known else _cumulative_hint(table, interpreted.statistics, to_say)
    frequencies, calendars = _calendars(raw, table)
    table, moved = on_period_dates(table, frequencies, calendars)
    panel = Panel(
        raw.name,
        decode_columns(table),
        interpreted.statistics,
        frequencies,
        interpreted.attribution,
        interpreted.licence,
        (
            *raw.notes,
            *interpreted.tidy.notes,
            *moved,
            *_calendar_notes(frequencies, calendars),
            *hint,
        ),
        interpreted.tidy.parents,
        calendars,
    )
    return panel.with_zeros_at_end(ASSUMED_UNREPORTED)


def _check_vintages(raw: RawTable, table: pd.DataFrame) -> None:
    """Raises `DataError` for a vintage that is still to come: it would be the newest, and hide all others."""
    limit = pd.Timestamp(today()) + MOST_AHEAD
    if AS_OF not in table or not table[AS_OF].max() > limit:
        return
    coming = table.loc[table[AS_OF] > limit, AS_OF]
    rows = "1 row has" if len(coming) == 1 else f"{len(coming):,} rows have"
    raise raw.error(
        f"{rows} an as_of that is still to come ({coming.max():%Y-%m-%d}), which would hide all that was published before; "
        "correct it, or leave it out."
    )


def _calendars(
    raw: RawTable, table: pd.DataFrame
) -> tuple[dict[str, Frequency], dict[tuple[str, str], RegionCalendar]]:
    """How often each statistic is counted, which the region with the most figures tells, and the regions that differ."""
    frequencies: dict[str, Frequency] = {}
    calendars: dict[tuple[str, str], RegionCalendar] = {}
    for column, rows in rows_by_statistic(table):
        chosen, figures = rows_of_fullest_region(rows)
        frequencies[column] = _frequency(raw, rows[figures], rows[chosen])
        codes, names = _regions(rows[REGION])
        if len(names) > 1:
            dates, known = rows[DATE].to_numpy(), rows[VALUE].notna().to_numpy()
            own = region_calendars(codes, dates, known, frequencies[column], _days(rows[figures]))
            calendars |= {(column, str(names[code])): calendar for code, calendar in own.items()}
    return frequencies, calendars


def _regions(cells: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """The number of each row's region, and their names."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return cells.cat.codes.to_numpy().astype(np.intp), cells.cat.categories
    codes, names = pd.factorize(cells)
    return codes, pd.Index(names)


def _calendar_notes(
    frequencies: dict[str, Frequency], calendars: dict[tuple[str, str], RegionCalendar]
) -> tuple[str, ...]:
    """A sentence on the regions whose dates are spaced otherwise than those of most; none where all have the same."""
    others = {region: own.frequency for (_, region), own in calendars.items()}
    if not others:
        return ()
    usual = next(iter(frequencies.values()))
    spaced = {
        region: own.described if own != usual else f"{own.name}, on other dates" for region, own in others.items()
    }
    named = [f"{region} ({words})" for region, words in list(spaced.items())[:NAMED_REGIONS]]
    more = f" and {len(others) - NAMED_REGIONS} more" if len(others) > NAMED_REGIONS else ""
    return (
        f"Figures are {usual.described}, but not everywhere: {', '.join(named)}{more}; each region keeps its own dates.",
    )


def _frequency(raw: RawTable, figures: pd.DataFrame, rows: pd.DataFrame) -> Frequency:
    """The spacing of the dates that have figures; where that is odd, because of gaps, of all dates."""
    try:
        return infer_frequency(_days(figures), _days(rows))
    except DataError as error:
        try:
            return infer_frequency(_days(rows))
        except DataError:
            raise raw.error(str(error)) from None


def _days(rows: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(rows[DATE]).unique().sort_values()


def _cumulative_hint(table: pd.DataFrame, statistics: tuple[Statistic, ...], to_say: str) -> tuple[str, ...]:
    """A sentence when counts hardly ever fall: they may be running totals."""
    if any(statistic.reported_cumulative for statistic in statistics) or AS_OF in table:
        return ()
    changes = changes_between_rows(table)
    if len(changes) < 30 or (changes < 0).mean() > 0.005 or (changes > 0).mean() < 0.3 or np.ptp(changes) == 0:
        return ()
    return (f"These figures hardly ever fall: if they are running totals, {to_say}.",)
