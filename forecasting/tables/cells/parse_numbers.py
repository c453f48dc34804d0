"""Numbers out of the cells of a raw table; a cell that is none is an error that names its line, or is pointed out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, USUAL_BLANKS, quote_cell, stripped_text
from forecasting.tables.cells.decimal_sign import column_has_decimal_comma, with_decimal_points
from forecasting.tables.cells.dictionary_columns import decode_columns, distinct_cells, is_coded
from forecasting.tables.cells.raw_table import RawTable


def parse_numbers(raw: RawTable, column: str) -> np.ndarray:
    """The column as floats, NaN where it is blank. Raises `DataError` for the first cell that is not a number."""
    values, wrong = try_parse_numbers(raw, column)
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = raw.cells[column].iloc[row]
        raise raw.error(f"{quote_cell(cell)} in the column {column!r} is not a number; {number_remedy(cell)}", row)
    return values


def try_parse_numbers(raw: RawTable, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The column as floats, and where a cell is neither blank nor a finite number."""
    cells = raw.cells[column]
    if is_coded(cells):
        codes, texts = distinct_cells(cells)
        values, wrong = _floats(texts, raw.decimal_comma)
        return values[codes], wrong[codes]
    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return np.full(len(cells), np.nan), cells.notna().to_numpy()
    return _floats(cells, raw.decimal_comma)


def parse_number_block(raw: RawTable, columns: list[str]) -> np.ndarray:
    """Several columns as floats, a row a row, as `parse_numbers` but in one go: a wide table may have a thousand."""
    block = decode_columns(raw.cells[columns])
    if all(dtype.kind in "iuf" for dtype in block.dtypes):
        return block.to_numpy(dtype=float, na_value=np.nan)
    flat = pd.Series(block.to_numpy(dtype=object).ravel())
    values, wrong = _floats(flat, raw.decimal_comma)
    if wrong.any() or not all(pd.api.types.is_string_dtype(dtype) for dtype in block.dtypes):
        return np.column_stack([parse_numbers(raw, column) for column in columns])
    return values.reshape(block.shape)


def try_parse_number_block(raw: RawTable, columns: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Several columns as `try_parse_numbers` of each, a row a row."""
    block = decode_columns(raw.cells[columns])
    if all(
        pd.api.types.is_string_dtype(dtype) and dtype.kind == "O" and str(dtype) != "object" for dtype in block.dtypes
    ):
        values, wrong = _floats(pd.Series(block.to_numpy(dtype=object).ravel(), dtype="string"), raw.decimal_comma)
        return values.reshape(block.shape), wrong.reshape(block.shape)
    parts = [try_parse_numbers(raw, column) for column in columns]
    return np.column_stack([values for values, _ in parts]), np.column_stack([wrong for _, wrong in parts])


def _floats(cells: pd.Series, decimal_comma: bool) -> tuple[np.ndarray, np.ndarray]:
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_complex_dtype(cells):
        values = cells.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan), np.isinf(values)
    if cells.dtype == object:
        # A date or a truth value in a sheet is no number, though it can be turned into one.
        cells = cells.where(
            [isinstance(cell, str | int | float) and cell is not True for cell in cells], stripped_text(cells)
        )
        cells = cells.astype("string")
    if decimal_comma:
        cells = with_decimal_points(cells)
    values = _plain_floats(cells)
    if values is None:
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True)
    unread = np.flatnonzero(~np.isfinite(values))
    values[unread] = np.nan
    unread_texts = stripped_text(cells.iloc[unread])
    wrong = np.zeros(len(values), dtype=bool)
    wrong[unread] = ~unread_texts.str.lower().isin(BLANK_TEXTS).to_numpy()
    if wrong.any() and not decimal_comma and column_has_decimal_comma(unread_texts, cells):
        return _floats(cells, True)
    return values, wrong


def _plain_floats(cells: pd.Series) -> np.ndarray | None:
    """Texts as floats, NaN where they are blank; None where one of them is neither, nor a number as programs write it."""
    texts = pc.cast(pa.array(cells, from_pandas=True), pa.large_string())
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
