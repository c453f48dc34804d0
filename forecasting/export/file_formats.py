"""Write tables as CSV, XLSX and Parquet; a prepared series as a table.

Names of regions, statistics and columns come from strangers' files. Whatever a spreadsheet would run is written as text,
in CSV and XLSX alike (`escape_formulas`); Parquet, which no spreadsheet runs, holds them as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, REGION, VALUE
from forecasting.data.panel import Panel
from forecasting.data.regular_grid import to_regular_grid
from forecasting.data.series import Series
from forecasting.export import hub_rules
from forecasting.support.errors import DataError
from forecasting.tables.cells.formula_escape import escape_formulas, unescape_formulas

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
    from pyarrow.parquet import ParquetWriter

#: Control characters, which no XLSX file may hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: Rows of a sheet, the header included.
SHEET_ROWS = 1_048_576
#: Letters of a sheet's name.
MAX_SHEET_NAME_LETTERS = 31
#: Signs that a sheet's name may not have.
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
#: Earlier days are written as text, for a spreadsheet has no such dates.
_FIRST_DAY = pd.Timestamp("1900-03-01")
#: Of a figure; one that differs from what was published by more is called repaired.
_ROUNDING = 1e-6


def to_csv(table: pd.DataFrame) -> bytes:
    """UTF-8 CSV with ISO dates, `repr`-exact numbers and no index; text is `escape_formulas`, numbers never are."""
    return CsvFormat.of(table).written(table)


@dataclass(frozen=True)
class CsvFormat:
    """How a table, or one part of it after the other, is written as CSV: dates `timed` or not, all texts in quotes or few."""

    timed: bool
    quoting: Literal[0, 2]

    @staticmethod
    def of(table: pd.DataFrame) -> CsvFormat:
        """The format that a whole table needs."""
        returns = any("\r" in name for name in _texts(_change_texts(table, escape_formulas)))
        return CsvFormat.needed(returns, any(_has_times(table[column]) for column in _date_columns(table)))

    @staticmethod
    def needed(returns: bool, timed: bool) -> CsvFormat:
        """The format of texts with carriage `returns`, which the csv module itself would leave unquoted, and of `timed` dates."""
        return CsvFormat(timed, csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL)

    def written(self, table: pd.DataFrame, header: bool = True) -> bytes:
        """A table, or a part of it, as CSV."""
        date_format = "%Y-%m-%dT%H:%M" if self.timed else "%Y-%m-%d"
        safe = _change_texts(table, escape_formulas)
        text = safe.to_csv(index=False, header=header, date_format=date_format, quoting=self.quoting)
        return str(text).encode(errors="replace")


def read_exported_csv(content: bytes) -> pd.DataFrame:
    """A table that `to_csv` wrote, with the names that it had; dates stay text."""
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""])
    return _change_texts(table, unescape_formulas)


def to_xlsx(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """A workbook with a sheet a table, by the sheets' names: numbers, dates and text as such, and no formula.

    Text is `escape_formulas` as in CSV, for a workbook may be saved as CSV, and typed as text besides. Of numbers the 15 digits
    are kept that spreadsheets know; NaN is an empty cell, infinity the text ``inf``. Raises `DataError` for a table too
    long for a sheet.
    """
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    for name, table in zip(_sheet_names(tables), tables.values(), strict=True):
        if len(table) >= SHEET_ROWS:
            raise DataError(f"{name} has {len(table):,} rows, more than a spreadsheet takes; choose CSV or Parquet.")
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for place, column in enumerate(table.columns, start=1):
            sheet.column_dimensions[get_column_letter(place)].width = _column_width(table[column])
        for row in _sheet_rows(sheet, _change_texts(table, escape_formulas)):
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def to_parquet(table: pd.DataFrame) -> bytes:
    """Parquet with the same columns as the table; a hub's dates are days there, as the hubs want them."""
    days = [column for column in (hub_rules.REFERENCE, hub_rules.ENDS) if column in table and len(table)]
    table = table.assign(**{column: table[column].dt.date for column in days})
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


class ParquetParts:
    """A Parquet file of a table that comes in parts, each a row group: the first has the columns and their types."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: ParquetWriter | None = None

    def write(self, table: pd.DataFrame) -> None:
        """Write a part."""
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        schema = self._writer.schema if self._writer else None
        part = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
        if self._writer is None:
            self._writer = ParquetWriter(self._file, part.schema)
        self._writer.write_table(part)

    def close(self) -> None:
        """Write what stands at the file's end."""
        if self._writer:
            self._writer.close()


def cleaned_series_table(panel: Panel, region: str, statistic: str, series: Series) -> pd.DataFrame:
    """A prepared series beside the published figures: a row a period, new counts per period also of running totals.

    Args:
        panel, region, statistic: where the `series` comes from.

    Returns:
        ``region, date``; ``value``, what models see, NaN where a figure is too doubtful to use; ``reported``, what was
        published, NaN where nothing was or, of running totals, where there is none before; ``provisional``, whether the
        figure is shown but not used; ``note``, how the two differ, empty where they do not.
    """
    late = series.provisional if series.provisional is not None else pd.Series(dtype=float)
    dates = series.dates.append(pd.DatetimeIndex(late.index))
    wanted = panel.statistic(statistic)
    published = to_regular_grid(
        panel.counts(region, statistic), panel.frequency_of(wanted.name, region), cumulative=wanted.reported_cumulative
    )
    if wanted.reported_cumulative:
        published = published - published.ffill().shift()
    table = pd.DataFrame(
        {
            REGION: region,
            DATE: dates,
            VALUE: np.concatenate([series.values, np.full(len(late), np.nan)]),
            "reported": published.reindex(dates).to_numpy(),
            "provisional": np.arange(len(dates)) >= len(series),
        }
    )
    corrected = dates.isin([] if series.reported is None else series.reported.index)
    unlike = (table[VALUE] - table["reported"]).abs() > _ROUNDING * (1 + table[VALUE].abs())
    table["note"] = np.select(
        [table["provisional"], corrected, table["reported"].isna(), unlike],
        ["incomplete, not used", "corrected by what such figures become", "nothing published, filled in", "repaired"],
        "",
    )
    return table


def _date_columns(table: pd.DataFrame) -> list[str]:
    return [column for column in table.columns if pd.api.types.is_datetime64_any_dtype(table[column])]


def _has_times(column: pd.Series) -> bool:
    return bool((column.dropna().dt.normalize() != column.dropna()).any())


def _has_no_text(column: pd.Series) -> bool:
    """Whether it holds no text, as its type says."""
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)


def _texts(table: pd.DataFrame) -> Iterator[str]:
    """Every text in it once a column, the columns' names included."""
    yield from (column for column in table.columns if isinstance(column, str))
    for column in table.columns:
        if not _has_no_text(table[column]):
            yield from (cell for cell in table[column].unique() if isinstance(cell, str))


def _change_texts(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """The table with `change` made to its texts and columns' names, and to nothing else."""
    changed = {text: new for text in _texts(table) if (new := change(text)) != text}
    if not changed:
        return table
    columns = {
        column: table[column].astype(object).map(lambda cell: changed.get(cell, cell))
        for column in table.columns
        if not _has_no_text(table[column])
    }
    return table.assign(**columns).rename(columns=changed)


def _sheet_names(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Names that a workbook takes: short, without its signs, and no two alike whatever their case."""
    names: list[str] = []
    for given in tables:
        name = _NOT_IN_NAMES.sub(" ", given).strip(" '")[:MAX_SHEET_NAME_LETTERS] or "Table"
        stem, count = name, 2
        while name.lower() in {other.lower() for other in names}:
            name, count = f"{stem[: MAX_SHEET_NAME_LETTERS - 4]} {count}", count + 1
        names.append(name)
    return names


def _column_width(column: pd.Series) -> float:
    """Wide enough for the name and the longest of the first cells, in characters."""
    shown = 12 if pd.api.types.is_datetime64_any_dtype(column) else column.head(100).map(lambda cell: len(str(cell)))
    return float(min(max(10, len(str(column.name)) + 2, np.max(shown) if len(column) else 0), 44))


def _sheet_rows(sheet: Any, table: pd.DataFrame) -> Iterator[list[Any]]:
    """The header and the rows, as openpyxl's write-only sheets take them."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font  # type: ignore[import-untyped]

    def text(value: str) -> WriteOnlyCell:
        """A cell of text, whatever it looks like: openpyxl itself would make a formula of ``=1``."""
        cell = WriteOnlyCell(sheet, _CONTROL.sub("\ufffd", value).encode(errors="replace").decode())
        cell.data_type = "s"
        return cell

    def moment(value: pd.Timestamp, form: str) -> WriteOnlyCell:
        if value < _FIRST_DAY:
            return text(f"{value:%Y-%m-%d}")
        cell = WriteOnlyCell(sheet, value.date() if form == "yyyy-mm-dd" else value.to_pydatetime())
        cell.number_format = form
        return cell

    def cells(column: pd.Series) -> list[Any]:
        if pd.api.types.is_datetime64_any_dtype(column):
            form = "yyyy-mm-dd hh:mm" if _has_times(column) else "yyyy-mm-dd"
            return [None if pd.isna(value) else moment(value, form) for value in column]
        return [_xlsx_cell(value, text) for value in column]

    header = [text(str(column)) for column in table.columns]
    for cell in header:
        cell.font = Font(bold=True)
    yield header
    yield from map(list, zip(*(cells(table[column]) for column in table.columns), strict=True))


def _xlsx_cell(value: Any, text: Callable[[str], WriteOnlyCell]) -> Any:
    """A number, a truth value, a day or nothing as such; anything else as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | date):
        return value
    if isinstance(value, int | float):
        return value if np.isfinite(value) else None if value != value else text(str(value))
    return None if value is None or value is pd.NA or value is pd.NaT else text(str(value))
