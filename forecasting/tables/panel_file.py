"""A reader's own table -> `Panel`: tidy, wide, one series, or as the publishers write it; CSV, Parquet or XLSX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data import frequency
from forecasting.data.columns import AS_OF, DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel, Statistic, new_and_cumulative
from forecasting.support.errors import DataError
from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.dictionary_columns import as_text, constant, plain
from forecasting.tables.cells.names import coded_labels
from forecasting.tables.cells.parse_cells import dates, number_block, numbers, parsed_numbers, shown
from forecasting.tables.cells.raw_table import RawTable, read_table
from forecasting.tables.cells.tidy import Tidy, fullest, in_order, places, repeats, stacked, statistics_in, steps

#: What other programs call our columns; the hub and Nixtla's libraries among them.
SYNONYMS = {"location_name": REGION, "location": REGION, "unique_id": REGION, "ds": DATE, "y": VALUE}
_SHAPES = "give the columns region, date and value, or dates in the first column and a column a region"


@dataclass(frozen=True)
class Understood:
    """A table whose columns are known, and whom to credit for it."""

    tidy: Tidy
    statistics: tuple[Statistic, ...]
    attribution: str
    licence: str = "as its owner says"


def read_panel(file: str | Path | bytes, name: str | None = None, cumulative: bool = False) -> Panel:
    """The table in `file` (a path, or its bytes) as a `Panel` whose source is `name` (the file's name by default).

    Understood are, as CSV (comma, semicolon, tab or bar), JSON records, Parquet or XLSX (the first sheet), also gzipped
    or as the one table in a zip archive:

    - tidy: ``date, value`` and, as there are, ``region``, ``statistic``, ``as_of`` and further numeric columns, which
      are covariates; ``location`` and ``location_name`` may stand for ``region``;
    - wide: dates in the first column, then a numeric column a region;
    - the Oxford tracker's tables and Johns Hopkins' global time series.

    Values are counts per period unless `cumulative`, or unless the file's or the statistic's name has the word
    "cumulative" in it. Empty cells are periods that were not published. A line of a CSV with too few cells is read as if
    the others were empty, and `Panel.notes` say so; one with too many is refused unless those are empty.

    Raises `DataError`, on one line, with the file, the line or column, what is wrong there and what to do.
    """
    return panel_of(table_of(file, name), cumulative)


def table_of(file: str | Path | bytes, name: str | None = None) -> RawTable:
    """The cells that `read_panel` makes its panel of; `RawTable.notes` say which lines were odd."""
    content, name = opened(file, name)
    return read_table(content, name, oxcgrt_format.needed, strict=False, coded=True)


def panel_of(raw: RawTable, cumulative: bool = False) -> Panel:
    """What `read_panel` makes of a table whose cells were read. Raises `DataError` as it does."""
    return panel_from(raw, understand(raw, cumulative))


def panel_from(raw: RawTable, understood: Understood) -> Panel:
    """The `Panel` of a table that was understood. Raises `DataError` without figures or a usual spacing of dates."""
    table = understood.tidy.table
    if table[VALUE].notna().sum() == 0:
        raise raw.error("there is no figure in it; fill in the values.")
    return Panel(
        raw.name,
        plain(table),
        understood.statistics,
        _frequencies(raw, table),
        understood.attribution,
        understood.licence,
        (*raw.notes, *understood.tidy.notes, *_hints(table, understood.statistics)),
        understood.tidy.parents,
    )


def opened(file: str | Path | bytes, name: str | None = None) -> tuple[bytes, str]:
    """What is in a file, and what messages call it. Raises `DataError` where it cannot be read."""
    if isinstance(file, bytes):
        return file, name or "your table"
    path = Path(file)
    try:
        return path.read_bytes(), name or path.name
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise DataError(f"{path}: {reason}; check the path.") from None


def understand(raw: RawTable, cumulative: bool = False) -> Understood:
    """Which column is what, by the header alone, and what is in the cells. Raises `DataError` as `read_panel` does."""
    header = list(raw.cells)
    cumulative = cumulative or "cumulative" in words(raw.name)
    if oxcgrt_format.is_published(header):
        tidy = oxcgrt_format.tidy([replace(raw, cells=plain(raw.cells))])
        return _published(tidy, ("cases", "deaths"), oxcgrt_format.ATTRIBUTION, oxcgrt_format.LICENCE)
    if jhu_format.is_published(header):
        noun = jhu_format.noun_of(raw.name)
        tidy = jhu_format.tidy(replace(raw, cells=plain(raw.cells)), noun)
        return _published(tidy, (noun,), jhu_format.ATTRIBUTION, jhu_format.LICENCE)
    raw = _renamed(raw)
    if DATE in raw.cells and VALUE in raw.cells:
        tidy = _from_tidy(raw)
    elif VALUE in raw.cells and REGION in raw.cells:
        raise raw.error(f"no column is called 'date' among {_listed(header)}; rename the one that holds the dates.")
    elif DATE in raw.cells and REGION in raw.cells:
        raise raw.error(f"no column is called 'value' among {_listed(header)}; rename the one that holds the counts.")
    else:
        tidy = _from_wide(raw)
    return Understood(tidy, statistics_of(tidy.table, cumulative), f"Figures from {raw.name}")


def _published(tidy: Tidy, nouns: tuple[str, ...], attribution: str, licence: str) -> Understood:
    statistics = tuple(s for noun in nouns for s in new_and_cumulative(noun, reported_cumulative=True))
    return Understood(tidy, statistics, attribution, licence)


def _renamed(raw: RawTable) -> RawTable:
    """With our names for the columns, and without what else may stand for one of them."""
    names = our_names(raw.cells)
    lower = _in_small_letters(raw.cells)
    spare = [lower[synonym] for synonym in SYNONYMS if synonym in lower and lower[synonym] not in names]
    cells = raw.cells.drop(columns=spare if VALUE in names.values() else []).rename(columns=names)
    return replace(raw, cells=_without_index(cells))


def our_names(header: Iterable[str]) -> dict[str, str]:
    """Our names for the columns that have one, whatever their case; of several that may be the region, the most readable."""
    lower = _in_small_letters(header)
    names: dict[str, str] = {lower[name]: name for name in (REGION, DATE, VALUE, STATISTIC, AS_OF) if name in lower}
    for synonym, name in SYNONYMS.items():
        if synonym in lower and name not in names.values():
            names[lower[synonym]] = name
    return names


def _in_small_letters(header: Iterable[str]) -> dict[str, str]:
    """The columns by their names in small letters; of two the one that is written so."""
    columns = list(header)
    return {column.lower(): column for column in columns} | {column: column for column in columns if column.islower()}


def _without_index(cells: pd.DataFrame) -> pd.DataFrame:
    """Without a nameless first column that only counts the rows, as `DataFrame.to_csv` writes it."""
    first = cells.columns[0]
    counts = pd.to_numeric(as_text(cells[first]), errors="coerce") if first == "column 1" else None
    if counts is not None and len(cells.columns) > 1 and (counts.to_numpy() == np.arange(len(cells))).all():
        return cells.drop(columns=first)
    return cells


def _from_tidy(raw: RawTable) -> Tidy:
    table = pd.DataFrame(
        {
            REGION: _labels(raw, REGION, Path(raw.name).name.split(".")[0] or raw.name),
            STATISTIC: _labels(raw, STATISTIC, VALUE),
            DATE: dates(raw, DATE),
            VALUE: numbers(raw, VALUE),
        }
    )
    if AS_OF in raw.cells:
        table[AS_OF] = dates(raw, AS_OF)
    keys = [column for column in (REGION, STATISTIC, DATE, AS_OF) if column in table]
    found = places(table, keys)
    _check_unique(raw, table, keys, found)
    extra, notes = _covariates(raw, [column for column in raw.cells if column not in (*PANEL, AS_OF)])
    table = in_order(pd.concat([table, extra], axis=1), found)
    return Tidy(table.reset_index(drop=True), notes=notes)


def _labels(raw: RawTable, column: str, otherwise: str) -> pd.Series:
    if column not in raw.cells:
        return constant(otherwise, len(raw.cells))
    labels = coded_labels(raw, column)
    nameless = (labels == "").to_numpy()
    if nameless.any():
        raise raw.error(f"the column {column!r} is empty; fill it in or delete the row.", int(np.argmax(nameless)))
    return labels


def _check_unique(raw: RawTable, table: pd.DataFrame, keys: list[str], found: np.ndarray) -> None:
    """Raises `DataError` for the first of the `places` by `keys` that stands twice."""
    twice = repeats(found)
    if not twice.any():
        return
    row = int(np.argmax(twice))
    first = int(np.argmax(found == found[row]))
    names = [table.loc[row, column] for column in (REGION, STATISTIC) if column in raw.cells]
    what = " ".join(", ".join(names).split())
    day = f"{table.loc[row, DATE]:%Y-%m-%d}" + (f" as of {table.loc[row, AS_OF]:%Y-%m-%d}" if AS_OF in keys else "")
    raise raw.error(f"{what + ' ' if what else ''}on {day} is also in {raw.place(first)}; keep one of the two.", row)


def _covariates(raw: RawTable, columns: list[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The further columns that hold numbers; the others are left out, and a note says so."""
    kept, left = {}, []
    for column in columns:
        values, wrong = parsed_numbers(raw, column)
        if wrong.sum() > np.isfinite(values).sum() or not np.isfinite(values).any():
            left.append(column)
        else:
            kept[column] = numbers(raw, column)
    notes = (f"Left out, because they hold no numbers: {', '.join(left)}.",) if left else ()
    return pd.DataFrame(kept, index=range(len(raw.cells))), notes


def _from_wide(raw: RawTable) -> Tidy:
    first = DATE if DATE in raw.cells else raw.cells.columns[0]
    others = [column for column in raw.cells if column != first]
    if not others:
        raise raw.error(f"it has one column only ({shown(first)}); {_SHAPES}.")
    try:
        days = dates(raw, first)
    except DataError as error:
        if "not a date" not in str(error):
            raise
        raise raw.error(f"the columns are {_listed(list(raw.cells))}; {_SHAPES}.") from None
    twice = days.duplicated().to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        earlier = raw.place(int(np.argmax(days == days[row])))
        raise raw.error(f"{days[row]:%Y-%m-%d} is also in {earlier}; keep one of the two.", row)
    table = stacked(others, pd.DatetimeIndex(days), number_block(raw, others).T, VALUE)
    table[REGION] = table[REGION].astype("str")
    # A column of a wide table stays in its place; only its days are put in order.
    position = np.repeat(np.arange(len(others)), len(days))
    order = np.lexsort((table[DATE].to_numpy(), position))
    return Tidy(table.iloc[order].reset_index(drop=True))


def statistics_of(table: pd.DataFrame, cumulative: bool) -> tuple[Statistic, ...]:
    """What may be asked of tidy rows: each statistic, and its running total where that is what they hold."""
    found = []
    for column in table[STATISTIC].unique():
        totals = cumulative or "cumulative" in words(column)
        label = "Counts" if column == VALUE else column.replace("_", " ").capitalize()
        if not totals:
            found.append(Statistic(column, label, "counts", column))
            continue
        noun = " ".join(word for word in words(column) if word not in ("cumulative", VALUE)) or "counts"
        shown_total = f"cumulative_{column}" if "cumulative" not in words(column) else column
        new = column if shown_total != column else f"new_{noun.replace(' ', '_')}"
        found.append(Statistic(new, f"New {noun}", noun, column, reported_cumulative=True))
        found.append(Statistic(shown_total, f"Cumulative {noun}", noun, column, True, True))
    return tuple(found)


def _frequencies(raw: RawTable, table: pd.DataFrame) -> dict[str, Frequency]:
    """How often each statistic is counted, which the region with the most figures tells."""
    found = {}
    for column, rows in statistics_in(table):
        chosen, figures = fullest(rows)
        found[column] = _frequency(raw, rows[figures], rows[chosen])
    return found


def _frequency(raw: RawTable, figures: pd.DataFrame, rows: pd.DataFrame) -> Frequency:
    """The spacing of the dates that have figures; where that is odd, because of gaps, of all dates."""
    try:
        return frequency.infer(_days(figures))
    except DataError as error:
        try:
            return frequency.infer(_days(rows))
        except DataError:
            raise raw.error(str(error)) from None


def _days(rows: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(rows[DATE]).unique().sort_values()


def _hints(table: pd.DataFrame, statistics: tuple[Statistic, ...]) -> tuple[str, ...]:
    """A question back when counts never fall: they may be running totals."""
    if any(statistic.reported_cumulative for statistic in statistics) or AS_OF in table:
        return ()
    changes = steps(table)
    if len(changes) < 30 or (changes < 0).mean() > 0.005 or (changes > 0).mean() < 0.3:
        return ()
    return ("These figures hardly ever fall: if they are running totals, say that they are cumulative.",)


def words(text: str) -> list[str]:
    """The words of a name, in lower case."""
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def _listed(columns: list[str]) -> str:
    listed = ", ".join(shown(column) for column in columns[:8])
    return listed + (f" and {len(columns) - 8} more" if len(columns) > 8 else "")
