"""Numbers out of the cells of a raw table; a cell that is none is an error that names its line, or is pointed out."""

from __future__ import annotations

import re
from dataclasses import replace
from numbers import Number
from typing import Any, SupportsFloat

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecasting.data.formatting import format_plain
from forecasting.support.errors import DataError
from forecasting.tables.cells.blank_cells import BLANK_TEXTS, USUAL_BLANKS, quote_cell, stripped_text
from forecasting.tables.cells.date_formats import match_date_format
from forecasting.tables.cells.dictionary_columns import decode_column, decode_columns, distinct_cells, is_coded
from forecasting.tables.cells.number_format import NumberDoubt, ParsedNumbers, is_plain_column, parse_number_texts
from forecasting.tables.cells.raw_table import RawTable

_LIMIT = re.compile(r"[<>≤≥] ?=? ?[0-9][0-9.,]*")
#: Other columns that are looked at for the decimal sign of a table, and rows of each.
_LOOKED_COLUMNS = 100
_LOOKED_ROWS = 5_000


def parse_numbers(raw: RawTable, column: str, limits: bool = False) -> np.ndarray:
    """The column as floats, NaN where it is blank. Raises `DataError` for the first cell that is not a number.

    With `limits`, NaN also where it is a limit as <5.
    """
    values, wrong = try_parse_numbers(raw, column)
    if limits and wrong.any():
        wrong = wrong & ~limit_cells(raw, [column])[:, 0]
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = raw.cells[column].iloc[row]
        raise raw.error(f"{quote_cell(cell)} in the column {column!r} is not a number; {number_remedy(cell)}", row)
    return values


def try_parse_numbers(raw: RawTable, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The column as floats, and where a cell is neither blank nor a finite number.

    Raises `DataError` when 1.020 may be two numbers and neither the column nor the rest of the table shows which.
    """
    parsed = _parse_column(raw, column)
    if parsed.doubt is not None:
        raise _doubt_error(raw, column, parsed.doubt)
    return parsed.values, parsed.wrong


def limit_cells(raw: RawTable, columns: list[str]) -> np.ndarray:
    """Which cells of the columns say no figure but a limit, as <5, which publishers write instead of small counts."""
    masks = []
    for column in columns:
        codes, cells = distinct_cells(raw.cells[column])
        masks.append(stripped_text(cells).str.fullmatch(_LIMIT).to_numpy(dtype=bool)[codes])
    return np.column_stack(masks)


def multiplier_notes(raw: RawTable, columns: list[str]) -> tuple[str, ...]:
    """A sentence on numbers as 12.1k, which are written with a word that multiplies them."""
    for column in columns:
        cells = distinct_cells(raw.cells[column])[1] if is_coded(raw.cells[column]) else raw.cells[column]
        if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells):
            continue
        if isinstance(cells.dtype, pd.StringDtype) and _plain_floats(_as_texts(cells)) is not None:
            continue
        if found := _parse_column(raw, column).multiplied:
            text, value = found
            return (
                f"Words behind numbers multiply them: {quote_cell(text)} in {quote_cell(column)} is {format_plain(value)}.",
            )
    return ()


def _as_texts(cells: pd.Series) -> pa.Array:
    texts = pc.cast(pa.array(cells, from_pandas=True), pa.large_string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def are_percents(raw: RawTable, columns: list[str]) -> bool:
    """Whether the figures of the first column that holds texts are written with percent signs."""
    for column in columns:
        cells = raw.cells[column]
        if is_coded(cells) or pd.api.types.is_string_dtype(cells):
            texts = stripped_text(distinct_cells(cells.iloc[:_LOOKED_ROWS])[1])
            filled = texts[~texts.str.lower().isin(BLANK_TEXTS)]
            return len(filled) > 0 and bool(filled.str.endswith("%").mean() > 0.5)
    return False


def guess_numbers(raw: RawTable, column: str) -> tuple[np.ndarray, NumberDoubt | None]:
    """The column as floats, NaN for whatever is no number, and the doubt that only a person can end."""
    parsed = _parse_column(raw, column)
    return parsed.values, parsed.doubt


def number_doubt(raw: RawTable, columns: list[str]) -> NumberDoubt | None:
    """The doubt that is left about the numbers of one or several columns of the same figures."""
    if len(columns) == 1:
        return guess_numbers(raw, columns[0])[1]
    return _parse_block(raw, columns).doubt


def parse_number_block(raw: RawTable, columns: list[str], limits: bool = False) -> np.ndarray:
    """Several columns as floats, a row a row, as `parse_numbers` but in one go: a wide table may have a thousand."""
    values, wrong = try_parse_number_block(raw, columns)
    if limits and wrong.any():
        wrong = wrong & ~limit_cells(raw, columns)
    if wrong.any():
        # By rows within the first column that has one, as messages name them.
        place = int(np.argmax(wrong.any(axis=0)))
        row = int(np.argmax(wrong[:, place]))
        cell = raw.cells[columns[place]].iloc[row]
        raise raw.error(
            f"{quote_cell(cell)} in the column {columns[place]!r} is not a number; {number_remedy(cell)}", row
        )
    return values


def try_parse_number_block(raw: RawTable, columns: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Several columns as `try_parse_numbers` of each, a row a row, but judged together: they are the same figures."""
    parsed = _parse_block(raw, columns)
    if parsed.doubt is not None:
        texts = decode_columns(raw.cells[columns]).astype("string").apply(stripped_text)
        raise _doubt_error(raw, columns, parsed.doubt, int(np.argmax((texts == parsed.doubt.text).any(axis=1))))
    shape = (len(raw.cells), len(columns))
    return parsed.values.reshape(shape), parsed.wrong.reshape(shape)


def _parse_block(raw: RawTable, columns: list[str]) -> ParsedNumbers:
    """The cells of several columns, row after row, judged as one column."""
    block = decode_columns(raw.cells[columns])
    if all(dtype.kind in "iuf" for dtype in block.dtypes):
        values = block.to_numpy(dtype=float, na_value=np.nan).ravel()
        return ParsedNumbers(np.where(np.isfinite(values), values, np.nan), np.isinf(values))
    flat = pd.Series(block.to_numpy(dtype=object).ravel())
    texts = all(isinstance(dtype, pd.StringDtype) for dtype in block.dtypes)
    return _parse_cells(flat.astype("string") if texts else flat, raw)


def _doubt_error(raw: RawTable, column: str | list[str], doubt: NumberDoubt, row: int | None = None) -> DataError:
    if row is None:
        row = int(np.argmax((stripped_text(decode_column(raw.cells[str(column)])) == doubt.text).to_numpy()))
    where = f" in the column {column!r}" if isinstance(column, str) else ""
    readings = " or ".join(f"{value:g} (number format {name})" for name, value in doubt.meanings.items())
    return raw.error(f"{quote_cell(doubt.text)}{where} may mean {readings}; say which with --number-format.", row)


def _parse_column(raw: RawTable, column: str) -> ParsedNumbers:
    cells = raw.cells[column]
    if is_coded(cells):
        codes, texts = distinct_cells(cells)
        parsed = _parse_cells(texts, raw, column, np.bincount(codes, minlength=len(texts)))
        return replace(parsed, values=parsed.values[codes], wrong=parsed.wrong[codes])
    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return ParsedNumbers(np.full(len(cells), np.nan), cells.notna().to_numpy())
    return _parse_cells(cells, raw, column)


def _parse_cells(
    cells: pd.Series, raw: RawTable, column: str | None = None, counts: np.ndarray | None = None
) -> ParsedNumbers:
    """The cells as numbers; where they leave a doubt, the other columns of the table but `column` may end it.

    `counts` says how often each is there, where each is given once.
    """
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_complex_dtype(cells):
        values = cells.to_numpy(dtype=float, na_value=np.nan)
        return ParsedNumbers(np.where(np.isfinite(values), values, np.nan), np.isinf(values))
    if cells.dtype == object:
        return _parse_mixed_cells(cells, raw, column)
    texts = _as_texts(cells)
    decimal = raw.number_format.decimal_sign if raw.number_format else None
    values = None if decimal == "," else _plain_floats(texts)
    if values is not None and (decimal == "." or is_plain_column(texts)):
        wrong = np.isinf(values)
        return ParsedNumbers(np.where(wrong, np.nan, values), wrong)
    return _parse_texts(texts.fill_null(""), raw, column, counts=counts)


def _parse_mixed_cells(cells: pd.Series, raw: RawTable, column: str | None) -> ParsedNumbers:
    """Cells of a sheet, some of which are numbers by type; a date or a truth value is none, though it can be turned into one."""
    typed = np.array([isinstance(cell, Number) and not isinstance(cell, bool | np.bool_) for cell in cells], dtype=bool)
    values = np.full(len(cells), np.nan)
    values[typed] = [float(cell) if isinstance(cell, SupportsFloat) else np.nan for cell in cells[typed]]
    wrong = np.isinf(values)
    values[wrong] = np.nan
    if typed.all():
        return ParsedNumbers(values, wrong)
    texts = pa.array(stripped_text(cells[~typed]), pa.large_string(), from_pandas=True).fill_null("")
    parsed = _parse_texts(texts, raw, column, values[typed])
    values[~typed], wrong[~typed] = parsed.values, parsed.wrong
    return replace(parsed, values=values, wrong=wrong)


def _parse_texts(
    texts: pa.Array,
    raw: RawTable,
    column: str | None,
    beside: np.ndarray | None = None,
    counts: np.ndarray | None = None,
) -> ParsedNumbers:
    parsed = parse_number_texts(texts, raw.number_format, beside, raw.expect_comma, counts=counts)
    if parsed.doubt is None or column is None:
        return parsed
    sign = _sign_of_other_columns(raw, column)
    return parsed if sign is None else parse_number_texts(texts, None, beside, raw.expect_comma, sign, counts)


def _sign_of_other_columns(raw: RawTable, column: str) -> str | None:
    """The decimal sign that all other columns show that show one."""
    signs = set()
    for other in [name for name in raw.cells if name != column][:_LOOKED_COLUMNS]:
        cells = raw.cells[other]
        if not (is_coded(cells) or isinstance(cells.dtype, pd.StringDtype)):
            continue
        texts = distinct_cells(cells.iloc[:_LOOKED_ROWS])[1].astype("string").fillna("")
        first = next((text for text in texts.str.strip() if text.lower() not in BLANK_TEXTS), "")
        if match_date_format(first)[0] is None:
            signs.add(
                parse_number_texts(pa.array(texts, pa.large_string()), expect_comma=raw.expect_comma).decimal_sign
            )
    signs.discard(None)
    return signs.pop() if len(signs) == 1 else None


def _plain_floats(texts: pa.Array) -> np.ndarray | None:
    """Texts as floats, NaN where they are blank; None where one of them is neither, nor a number as programs write it."""
    blank = pc.is_in(texts, value_set=pa.array(USUAL_BLANKS, pa.large_string()))
    try:
        values = pc.cast(pc.if_else(blank, None, texts), pa.float64())
    except pa.ArrowInvalid:
        return None
    # Adding nothing turns -0 into 0.
    return values.to_numpy(zero_copy_only=False) + 0.0


def number_remedy(cell: Any) -> str:
    """What to do about a cell that is no number, as a message ends."""
    text = str(cell).strip()
    if re.fullmatch(r"[+-]?\d{1,3}([, ']\d{3})+(\.\d+)?", text):
        return f"write it without separators ({re.sub(r'[^0-9.+-]', '', text)})."
    if text.startswith("="):
        return "formulas are not calculated; save the values."
    return "write a number, or leave the cell empty where nothing was published."
