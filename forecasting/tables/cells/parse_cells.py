"""Cells of a raw table -> numbers and dates; every cell that is neither is an error that names its line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecasting.tables.cells.dictionary_columns import distinct, first_rows, is_coded, plain
from forecasting.tables.cells.raw_table import RawTable

#: What people and programs write where nothing was published.
BLANK = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nat", "<na>"})
#: The same as they usually stand there.
_USUAL_BLANKS = (*BLANK, *map(str.upper, BLANK - {""}), "NaN", "None", "NaT", "Null")

_TIME = r"(?P<time>[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})([-/.])(?P<m>\d{{1,2}})\2(?P<d>\d{{1,2}}){_TIME}")
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<time>)")
_MONTH = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})(?P<d>)(?P<time>)")
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})([-/.])(?P<b>\d{{1,2}})\2(?P<y>\d{{4}}|\d{{2}}){_TIME}")
_WORD = r"(?P<m>[^\W\d_]{3,10})\.?"
_WORDED_DAY_FIRST = re.compile(rf"(?P<d>\d{{1,2}})\.?[- ](de )?{_WORD}[- ,]+(de )?(?P<y>\d{{4}}|\d{{2}})(?P<time>)")
_WORDED_MONTH_FIRST = re.compile(rf"{_WORD}[- ](?P<d>\d{{1,2}}),? (?P<y>\d{{4}})(?P<time>)")
_WORDED_MONTH = re.compile(rf"{_WORD}[- /](de )?(?P<y>\d{{4}})(?P<d>)(?P<time>)")
_MONTH_LAST = re.compile(r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})(?P<d>)(?P<time>)")
_WEEK = re.compile(r"(?P<y>\d{4})[- ]?(W|KW)[- ]?(?P<w>\d{1,2})(?P<time>)", re.IGNORECASE)
_QUARTER = re.compile(r"(?P<y>\d{4})[- ]?[QT](?P<q>[1-4])(?P<time>)", re.IGNORECASE)
_QUARTER_FIRST = re.compile(r"[QT](?P<q>[1-4])[- /](?P<y>\d{4})(?P<time>)", re.IGNORECASE)
_FAMILIES = (
    _YEAR_FIRST,
    _COMPACT,
    _MONTH,
    _YEAR_LAST,
    _WORDED_DAY_FIRST,
    _WORDED_MONTH_FIRST,
    _WORDED_MONTH,
    _MONTH_LAST,
    _WEEK,
    _QUARTER,
    _QUARTER_FIRST,
)
_OFFSET = re.compile(r"(?<=\d)(Z|[+-]\d{2}:?\d{2})$")
#: How the months begin, without accents, in English, German, French and Spanish.
_MONTHS = (
    ("jan", "ene"),
    ("feb", "fev"),
    ("mar", "maer"),
    ("apr", "avr", "abr"),
    ("may", "mai"),
    ("jun", "juin"),
    ("jul", "juil"),
    ("aug", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt"),
    ("nov",),
    ("dec", "dez", "dic"),
)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


def numbers(raw: RawTable, column: str) -> np.ndarray:
    """The column as floats, NaN where it is blank. Raises `DataError` for the first cell that is not a number."""
    values, wrong = parsed_numbers(raw, column)
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = raw.cells[column].iloc[row]
        raise raw.error(f"{shown(cell)} in the column {column!r} is not a number; {cure(cell)}", row)
    return values


def parsed_numbers(raw: RawTable, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The column as floats, and where a cell is neither blank nor a finite number."""
    cells = raw.cells[column]
    if is_coded(cells):
        codes, texts = distinct(cells)
        values, wrong = _floats(texts, raw.decimal_comma)
        return values[codes], wrong[codes]
    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return np.full(len(cells), np.nan), cells.notna().to_numpy()
    return _floats(cells, raw.decimal_comma)


def number_block(raw: RawTable, columns: list[str]) -> np.ndarray:
    """Several columns as floats, a row a row, as `numbers` but in one go: a wide table may have a thousand."""
    block = plain(raw.cells[columns])
    if all(dtype.kind in "iuf" for dtype in block.dtypes):
        return block.to_numpy(dtype=float, na_value=np.nan)
    flat = pd.Series(block.to_numpy(dtype=object).ravel())
    values, wrong = _floats(flat, raw.decimal_comma)
    if wrong.any() or not all(pd.api.types.is_string_dtype(dtype) for dtype in block.dtypes):
        return np.column_stack([numbers(raw, column) for column in columns])
    return values.reshape(block.shape)


def parsed_block(raw: RawTable, columns: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Several columns as `parsed_numbers` of each, a row a row."""
    block = plain(raw.cells[columns])
    if all(
        pd.api.types.is_string_dtype(dtype) and dtype.kind == "O" and str(dtype) != "object" for dtype in block.dtypes
    ):
        values, wrong = _floats(pd.Series(block.to_numpy(dtype=object).ravel(), dtype="string"), raw.decimal_comma)
        return values.reshape(block.shape), wrong.reshape(block.shape)
    parts = [parsed_numbers(raw, column) for column in columns]
    return np.column_stack([values for values, _ in parts]), np.column_stack([wrong for _, wrong in parts])


def _floats(cells: pd.Series, decimal_comma: bool) -> tuple[np.ndarray, np.ndarray]:
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_complex_dtype(cells):
        values = cells.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan), np.isinf(values)
    if cells.dtype == object:
        # A date or a truth value in a sheet is no number, though it can be turned into one.
        cells = cells.where([isinstance(cell, str | int | float) and cell is not True for cell in cells], _text(cells))
        cells = cells.astype("string")
    if decimal_comma:
        cells = _text(cells).str.replace(",", ".", regex=False)
    values = _plain_floats(cells)
    if values is None:
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True)
    unread = np.flatnonzero(~np.isfinite(values))
    values[unread] = np.nan
    left = _text(cells.iloc[unread])
    wrong = np.zeros(len(values), dtype=bool)
    wrong[unread] = ~left.str.lower().isin(BLANK).to_numpy()
    if wrong.any() and not decimal_comma and _has_decimal_comma(left, cells):
        return _floats(cells, True)
    return values, wrong


def _plain_floats(cells: pd.Series) -> np.ndarray | None:
    """Texts as floats, NaN where they are blank; None where one of them is neither, nor a number as programs write it."""
    texts = pc.cast(pa.array(cells, from_pandas=True), pa.large_string())
    blank = pc.is_in(texts, value_set=pa.array(_USUAL_BLANKS, pa.large_string()))
    try:
        values = pc.cast(pc.if_else(blank, None, texts), pa.float64())
    except pa.ArrowInvalid:
        return None
    # Adding nothing turns -0 into 0.
    return values.to_numpy(zero_copy_only=False) + 0.0


def _has_decimal_comma(unread: pd.Series, cells: pd.Series) -> bool:
    """Whether cells are written as 1,5, none of them as 1.5, and some that cannot mean thousands."""
    commas = unread[unread.str.contains(",", regex=False)]
    if commas.empty or not commas.str.fullmatch(_DECIMAL_COMMA).all() or commas.str.fullmatch(_THOUSANDS_COMMA).all():
        return False
    return not _text(cells).str.contains(".", regex=False).any()


def dates(raw: RawTable, column: str) -> pd.Series:
    """The column as dates without a time zone; a time of day that all share is dropped.

    Raises `DataError` for the first cell that is not a date, and when day and month cannot be told apart.
    """
    codes, cells = distinct(raw.cells[column])
    rows = first_rows(codes)
    if pd.api.types.is_datetime64_any_dtype(cells):
        parsed = cells if cells.dt.tz is None else cells.dt.tz_localize(None)
        if parsed.isna().any():
            raise raw.error(_no_date(column), int(rows[np.argmax(parsed.isna())]))
    else:
        texts = [_OFFSET.sub("", text) for text in _text(cells)]
        parsed = pd.Series(_parse(raw, column, texts, rows))
    return pd.Series(_plain(parsed)[codes])


def readable_dates(raw: RawTable, column: str, day_first: bool | None = None) -> tuple[pd.Series, np.ndarray]:
    """As `dates`, but NaT where a cell is no date, and which cells those are; forms may be mixed.

    `day_first` says how 03/04/2021 is meant. Raises `DataError` when it is None and the cells do not tell.
    """
    codes, cells = distinct(raw.cells[column])
    if pd.api.types.is_datetime64_any_dtype(cells):
        parsed = cells if cells.dt.tz is None else cells.dt.tz_localize(None)
    else:
        texts = _text(cells).tolist()
        found = [_form(text) for text in texts]
        last = [i for i, (family, _) in enumerate(found) if family is _YEAR_LAST]
        parts = [part for _, part in found]
        rows = first_rows(codes)[last]
        _order_day_and_month(raw, column, [parts[i] for i in last], [texts[i] for i in last], rows, day_first)
        iso = pd.Series([_iso(part) if part else "" for part in parts], dtype="str")
        parsed = pd.to_datetime(iso, format="ISO8601", errors="coerce").astype("datetime64[us]")
    parsed = parsed.where((parsed.dt.year >= 1900) & (parsed.dt.year <= 2200))
    return pd.Series(_plain(parsed)[codes]), parsed.isna().to_numpy()[codes]


def _form(text: str) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    text = _OFFSET.sub("", text)
    for family in _FAMILIES:
        match = family.fullmatch(text)
        if match:
            return family, match.groupdict()
    return None, {}


def date_share(texts: Sequence[str]) -> float:
    """How many of `texts` are dates: 0 is none, 1 is all."""
    parts = [part for family, part in map(_form, texts) if family]
    for part in parts:
        if "a" in part:
            part["d"], part["m"] = (part["a"], part["b"]) if int(part["b"]) <= 12 else (part["b"], part["a"])
    parsed = pd.to_datetime(pd.Series([_iso(part) for part in parts], dtype="str"), format="ISO8601", errors="coerce")
    return float(((parsed.dt.year >= 1900) & (parsed.dt.year <= 2200)).sum()) / max(len(texts), 1)


def two_orders(texts: Sequence[str]) -> str | None:
    """A text of `texts` that may be two different days, where none of them shows which is meant."""
    matches = [match for text in texts if (match := _YEAR_LAST.fullmatch(_OFFSET.sub("", text)))]
    pairs = [(int(match["a"]), int(match["b"])) for match in matches]
    if any(max(pair) > 12 for pair in pairs):
        return None
    return next((match[0] for match, (a, b) in zip(matches, pairs, strict=True) if a != b), None)


def shown(cell: Any) -> str:
    """A cell as a message quotes it: on one line, and not longer than a reader needs."""
    text = " ".join(str(cell).split())
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"


def _text(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(cells) and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")  # 20210304.0 is a date, too
    return cells.astype("string").fillna("").str.strip()


def _plain(parsed: pd.Series) -> np.ndarray:
    days = parsed.dt.normalize()
    if (parsed - days).nunique() == 1:
        parsed = days
    return parsed.to_numpy("datetime64[us]")


def _parse(raw: RawTable, column: str, texts: list[str], rows: np.ndarray) -> np.ndarray:
    """The dates that `texts` mean, `rows` being where each stands first."""
    family = next((f for f in _FAMILIES if f.fullmatch(texts[0])), None)
    matches = [family.fullmatch(text) if family else None for text in texts]
    if None in matches:
        row = int(rows[matches.index(None)])
        text = texts[matches.index(None)]
        if text.lower() in BLANK:
            raise raw.error(_no_date(column), row)
        if any(f.fullmatch(text) for f in _FAMILIES):
            raise raw.error(
                f"{shown(text)} in the column {column!r} is written otherwise than the dates above it; "
                "write all as 2021-03-31.",
                row,
            )
        raise raw.error(f"{shown(text)} in the column {column!r} is not a date; write dates as 2021-03-31.", row)
    parts = [match.groupdict() for match in matches if match]
    if family is _YEAR_LAST:
        _order_day_and_month(raw, column, parts, texts, rows)
    parsed = pd.to_datetime(pd.Series([_iso(part) for part in parts]), format="ISO8601", errors="coerce")
    wrong = (parsed.isna() | (parsed.dt.year < 1900) | (parsed.dt.year > 2200)).to_numpy()
    if wrong.any():
        position = int(np.argmax(wrong))
        raise raw.error(
            f"{shown(texts[position])} in the column {column!r} is not a day of the calendar; mend it.",
            int(rows[position]),
        )
    return parsed.to_numpy()


def _order_day_and_month(
    raw: RawTable,
    column: str,
    parts: list[dict[str, str]],
    texts: list[str],
    rows: np.ndarray,
    chosen: bool | None = None,
) -> None:
    """Set day and month of each part as `chosen`, or where only one order fits every row."""
    if chosen is not None:
        for part in parts:
            part["d"], part["m"] = (part["a"], part["b"]) if chosen else (part["b"], part["a"])
        return
    first = np.array([int(part["a"]) for part in parts])
    second = np.array([int(part["b"]) for part in parts])
    day_first, month_first = bool((second <= 12).all()), bool((first <= 12).all())
    if day_first and month_first and (first != second).any():
        position = int(np.argmax(first != second))
        raise raw.error(
            f"{shown(texts[position])} in the column {column!r} may mean day first or month first; "
            "write dates as 2021-03-31.",
            int(rows[position]),
        )
    if not day_first and not month_first:
        culprit = int(np.argmax(second > 12)) if first[0] > 12 else int(np.argmax(first > 12))
        raise raw.error(
            f"{shown(texts[culprit])} in the column {column!r} does not have day and month in the order of the "
            "other dates; write all as 2021-03-31.",
            int(rows[culprit]),
        )
    for part in parts:
        part["d"], part["m"] = (part["a"], part["b"]) if day_first else (part["b"], part["a"])


def _iso(part: dict[str, str]) -> str:
    year = part["y"] if len(part["y"]) == 4 else f"20{part['y']}"
    if "q" in part:
        return f"{year}-{3 * int(part['q']) - 2:02d}-01"
    if "w" in part:
        return _end_of_week(int(year), int(part["w"]))
    month = int(part["m"]) if part["m"].isdigit() else _month_number(part["m"])
    clock = (part["time"] or "")[1:]
    if clock and clock[1] == ":":
        clock = "0" + clock
    return f"{year}-{month:02d}-{int(part['d'] or 1):02d}" + (f" {clock}" if clock else "")


def _end_of_week(year: int, week: int) -> str:
    """The Sunday that ends an ISO week; weeks are named for their last day everywhere here."""
    try:
        return date.fromisocalendar(year, week, 7).isoformat()
    except ValueError:
        return ""


def _month_number(word: str) -> int:
    letters = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return next((i for i, names in enumerate(_MONTHS, 1) if plain.startswith(names)), 0)


def _no_date(column: str) -> str:
    return f"there is no date in the column {column!r}; fill it in or delete the row."


def cure(cell: Any) -> str:
    """What to do about a cell that is no number."""
    text = str(cell).strip()
    if re.fullmatch(r"[+-]?\d{1,3}([, ']\d{3})+(\.\d+)?", text):
        return f"write it without separators ({re.sub(r'[^0-9.+-]', '', text)})."
    if text.startswith("="):
        return "formulas are not calculated; save the values."
    return "write a number, or leave the cell empty where nothing was published."
