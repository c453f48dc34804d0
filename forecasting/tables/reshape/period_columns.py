"""Period columns: a row a year with a column a month, or a row a day with a column an hour, stacked into one series."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell, quote_cells
from forecasting.tables.cells.date_formats import end_of_week, match_date_format, month_number
from forecasting.tables.cells.dictionary_columns import decode_column
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import fold_words
from forecasting.tables.reshape.cell_patterns import are_years, column_texts, whole_numbers

#: Share of the rows that have a year where the others, such as totals, are left out.
_YEARS_SHARE = 0.7
#: Column of dates and of figures of a stacked table.
_DATE, _VALUE = "date", "value"
#: Words of columns that tell the year, and the month.
_YEAR_NAMES = frozenset(("year", "years", "jahr", "jahre", "annee", "ano", "anno", "yr", "fy", "calendar"))
_MONTH_NAMES = frozenset(("month", "months", "monat", "mois", "mes"))
#: Columns that are figures of several periods, and no figures of their own.
TOTAL_NAMES = frozenset(
    (
        "total", "totals", "sum", "summe", "gesamt", "annual", "year", "mean", "average", "avg", "mittel", "somme", "moyenne",
        "media", "ytd", "insgesamt",
    )
)  # fmt: skip


@dataclass(frozen=True)
class _Family:
    """Columns that are the periods of a year, a month or a day.

    Attributes:
        noun: one of them, as a sentence says it.
        whole: what they are periods of: ``"year"``, ``"month"`` or ``"day"``.
        places: column -> its number.
    """

    noun: str
    whole: str
    places: dict[str, int]


def stack_period_columns(raw: RawTable) -> RawTable:
    """The table with a row a period where it has a column a period; the same table otherwise."""
    family = _find_family(list(raw.cells))
    if family is None:
        return raw
    others = [column for column in raw.cells if column not in family.places]
    found = _dates_of_rows(raw, family, others)
    if found is None:
        return raw
    used, kept, dates, remark = found
    left = [column for column in others if column not in used]
    labels = [column for column in left if not _is_figure(raw, column)]
    telling = _telling_column(raw, [*used, *labels], left, kept)
    dropped = [column for column in left if column not in labels and column != telling]
    rows, columns = np.flatnonzero(kept), list(family.places)
    values = np.stack([decode_column(raw.cells[column]).to_numpy(dtype=object)[rows] for column in columns], axis=1)
    filled = np.array([str(cell).strip().lower() not in BLANK_TEXTS for cell in values.ravel()])
    filled &= np.array([cell is not None and cell == cell for cell in values.ravel()])
    flat, repeated = dates.ravel(), np.repeat(rows, len(columns))
    # Days as 31 February, and periods before the first figure and after the last one, are no gaps.
    there = np.isin(flat, flat[filled]) if family.noun != "day" else filled
    known = flat[filled & (flat != "")]
    if not len(known):
        return raw
    there &= (flat >= known.min()) & (flat <= known.max()) & (flat != "")
    cells = pd.DataFrame({_DATE: flat[there], _VALUE: values.ravel()[there]}, dtype=object)
    cells[_DATE] = cells[_DATE].astype("str")
    if all(isinstance(cell, str) for cell in cells[_VALUE]):
        cells[_VALUE] = cells[_VALUE].astype("str")
    for column in labels:
        name = f"{column} 2" if column in (_DATE, _VALUE) else column
        cells[name] = decode_column(raw.cells[column]).to_numpy(dtype=object)[repeated[there]]
        cells[name] = cells[name].astype("string").fillna("").astype("str")
    if telling is not None:
        cells[telling if "region" in cells else "region"] = column_texts(raw.cells[telling])[repeated[there]]
        cells = cells.astype({name: "str" for name in cells if name not in (_DATE, _VALUE)})
    nouns = "times of day" if family.noun == "minute" else f"{family.noun}s"
    remarks = [
        f"{len(columns)} columns, {quote_cell(columns[0])} to {quote_cell(columns[-1])}, are read as the {nouns} of one "
        f"series, with {remark}."
    ]
    if dropped:
        remarks.append(f"Left out beside them: {quote_cells(dropped)}.")
    if not kept.all():
        remarks.append(f"Left out, because no {family.whole} is told: {raw.place(int(np.argmin(kept)))}" + _more(~kept))
    return raw.changed(cells, raw.lines[repeated[there]], *remarks)


def _more(left: np.ndarray) -> str:
    return f" and {int(left.sum()) - 1:,} more." if left.sum() > 1 else "."


def _telling_column(raw: RawTable, known: list[str], others: Sequence[str], kept: np.ndarray) -> str | None:
    """The column of whole numbers that tells apart rows that are the same in those that are known, as a meter's number."""
    cells = raw.cells[kept]
    if not cells.duplicated(known).any():
        return None
    for column in others:
        if column in known or (whole_numbers(raw.cells[column]) < 0).any() or fold_words(column) & TOTAL_NAMES:
            continue
        if not cells.duplicated([*known, column]).any():
            return column
    return None


def _is_figure(raw: RawTable, column: str) -> bool:
    """Whether a column beside the periods is a total or another figure, and no name of the row."""
    if fold_words(column) & TOTAL_NAMES:
        return True
    texts = column_texts(raw.cells[column])
    filled = [text for text in texts if text.lower() not in BLANK_TEXTS]
    numbers = sum(bool(re.fullmatch(r"[-+]?[0-9.,][0-9.,' ]*%?|[.*:-]+", text)) for text in filled)
    return not filled or numbers > 0.7 * len(filled)


def _find_family(columns: Sequence[str]) -> _Family | None:
    for noun, whole, place, fits in _PATTERNS:
        places = {column: number for column in columns if (number := place(column)) is not None}
        numbers = list(places.values())
        if whole == "day" and _shop_numbers(list(places)):
            continue
        if len(set(numbers)) == len(numbers) and fits(set(numbers)):
            return _Family(noun, whole, places)
    return None


def _month(name: str) -> int | None:
    text = name.strip().rstrip(".")
    if found := re.fullmatch(r"(?:M|month|monat|mois|mes)[ _-]?(0?[1-9]|1[0-2])", text, re.IGNORECASE):
        return int(found[1])
    if found := re.fullmatch(r"(?:0?[1-9]|1[0-2])[ ._-]+([^\W\d_]{3,12})", text):
        text = found[1]
    return (month_number(text) or None) if re.fullmatch(r"[^\W\d_]{3,12}", text) else None


def _bare(name: str) -> int | None:
    return int(name) if re.fullmatch(r"[0-9]{1,2}", name.strip()) else None


def _hour_of_digits(name: str) -> int | None:
    """The hour of ``07`` and of ``0`` to ``23``; columns 1 to 24 may be shops as well."""
    text = name.strip()
    return int(text) if re.fullmatch(r"[0-9]|[0-2][0-9]", text) else None


def _numbered(pattern: str) -> Callable[[str], int | None]:
    """The number in names of a pattern."""

    def number(name: str) -> int | None:
        found = re.fullmatch(pattern, name.strip(), re.IGNORECASE)
        return int(next(group for group in found.groups() if group)) if found else None

    return number


def _minutes(name: str) -> int | None:
    """The minutes since midnight of ``13:30``, also of ``13:30-14:00``."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3])[:h.]([0-5][0-9])(:00)?( ?[-–] ?[0-9]{1,2}[:h.][0-9]{2})?", name.strip())
    return 60 * int(found[1]) + int(found[2]) if found else None


def _from_one_to(*lasts: int) -> Callable[[set[int]], bool]:
    return lambda numbers: any(numbers == set(range(1, last + 1)) for last in lasts)


def _hours(numbers: set[int]) -> bool:
    return numbers in (set(range(24)), set(range(1, 25)))


def _shop_numbers(names: Sequence[str]) -> bool:
    """Whether columns are called 1, 2, 3 …, without a sign that these are hours."""
    return "1" in names and "0" not in names


def _regular_minutes(numbers: set[int]) -> bool:
    return len(numbers) >= 12 and len(set(np.diff(sorted(numbers)).tolist())) == 1


#: Noun, what these are parts of, the number in a name, and whether the numbers of all names make such a family.
_PATTERNS: tuple[tuple[str, str, Callable[[str], int | None], Callable[[set[int]], bool]], ...] = (
    ("month", "year", _month, lambda numbers: len(numbers) >= 6),
    ("quarter", "year", _numbered(r"[QT]\.?[ _-]?(\d{1,2})|(\d{1,2})[QT]|(?:quarter|quartal|trimestre|qtr)[ _-]?([1-4])|([1-4])\.? (?:quartal|quarter|trimestre)"), _from_one_to(4)),
    ("half-year", "year", _numbered(r"[HS][ _-]?(\d{1,2})|(\d{1,2})H"), _from_one_to(2)),
    ("week", "year", _numbered(r"(?:W|KW|week|wk|woche|sem\.?|semaine|semana)[ ._-]?(\d{1,2})"), _from_one_to(52, 53)),
    ("hour", "day", _numbered(r"(?:H|HE|hour|hr|stunde|heure|hora)[ ._-]?(\d{1,2})"), _hours),
    ("minute", "day", _minutes, _regular_minutes),
    ("hour", "day", _hour_of_digits, _hours),
    ("month", "year", _bare, _from_one_to(12)),
    ("day", "month", _numbered(r"(?:D|day|tag|jour|dia)?[ ._-]?(\d{1,2})"), _from_one_to(31, 30)),
)  # fmt: skip


def _dates_of_rows(
    raw: RawTable, family: _Family, others: Sequence[str]
) -> tuple[list[str], np.ndarray, np.ndarray, str] | None:
    """The columns that tell the whole of a row, which rows have one, the dates of these, and what they are read with."""
    if family.whole == "day":
        return _dates_of_hours(raw, family, others)
    year = _year_column(raw, others)
    if year is None:
        return None
    years = whole_numbers(raw.cells[year])
    kept, used, said = are_years(years), [year], f"the year in {quote_cell(year)}"
    numbers = np.array(list(family.places.values()))
    if family.whole == "month":
        month = next((name for name in others if fold_words(name) & _MONTH_NAMES), None)
        if month is None:
            return None
        months = month_numbers(raw.cells[month])
        kept, used = kept & (months > 0), [year, month]
        said += f" and the month in {quote_cell(month)}"
        wholes = [(f"{y:04d}-{m:02d}", 0) for y, m in zip(years[kept], months[kept], strict=True)]
        texts = [[_day(text, int(number)) for number in numbers] for text, _ in wholes]
        return used, kept, np.array(texts, dtype=object).reshape(int(kept.sum()), len(numbers)), said
    shift = np.zeros(len(numbers), dtype=int)
    if family.noun == "month" and (np.diff(numbers) < 0).sum() == 1 and len(numbers) == 12:
        # A year that begins in July ends in the next one.
        shift = np.cumsum(np.concatenate([[0], np.diff(numbers) < 0]))
        first, *_, last = family.places
        said += f", taken as that of {quote_cell(first)}, so that {quote_cell(last)} is in the next one"
    texts = [
        [_period(family.noun, int(whole + more), int(n)) for n, more in zip(numbers, shift, strict=True)]
        for whole in years[kept]
    ]
    return used, kept, np.array(texts, dtype=object).reshape(int(kept.sum()), len(numbers)), said


def _dates_of_hours(
    raw: RawTable, family: _Family, others: Sequence[str]
) -> tuple[list[str], np.ndarray, np.ndarray, str] | None:
    found = next(((name, days) for name in others if (days := iso_days(raw, name)) is not None), None)
    if found is None:
        return None
    name, days = found
    numbers, kept = np.array(list(family.places.values())), days != ""
    minutes = numbers if family.noun == "minute" else 60 * (numbers - numbers.min())
    texts = [[f"{day} {minute // 60:02d}:{minute % 60:02d}" for minute in minutes] for day in days[kept]]
    said = f"the day in {quote_cell(name)}"
    if family.noun == "hour" and numbers.min() == 1:
        said += "; hour 1 begins at 00:00"
    return [name], kept, np.array(texts, dtype=object).reshape(int(kept.sum()), len(numbers)), said


def _year_column(raw: RawTable, columns: Sequence[str]) -> str | None:
    """The column whose cells are years, one called so before another."""
    shares = {column: float(are_years(whole_numbers(raw.cells[column])).mean()) for column in columns[:50]}
    found = [column for column, share in shares.items() if share >= _YEARS_SHARE]
    return next((column for column in found if fold_words(column) & _YEAR_NAMES), found[0] if found else None)


def month_numbers(cells: pd.Series) -> np.ndarray:
    """The months 1 to 12 that cells name or number, 0 where one is none."""
    numbers = whole_numbers(cells)
    if not (numbers >= 0).any():
        texts = column_texts(cells)
        known = {text: month_number(text.rstrip(".")) for text in set(texts) if len(text.rstrip(".")) >= 3}
        numbers = np.array([known.get(text, 0) for text in texts], dtype=np.int64)
    return np.where((numbers >= 1) & (numbers <= 12), numbers, 0)


def iso_days(raw: RawTable, column: str) -> np.ndarray | None:
    """The cells of a column of days as ISO texts, empty where one is blank; None of any column that is not one of those.

    Days as 03/04/2021 stay as they are written.
    """
    cells = raw.cells[column]
    if pd.api.types.is_datetime64_any_dtype(cells):
        if (cells.dropna() != cells.dropna().dt.normalize()).any():
            return None
        return cells.dt.strftime("%Y-%m-%d").fillna("").to_numpy(dtype=object)
    texts = column_texts(cells)
    known: dict[str, str] = {}
    for text in set(texts):
        if text.lower() in BLANK_TEXTS:
            known[text] = ""
            continue
        plain = re.sub(r"^(\d{4})(\d{2})(\d{2})(\.0)?$", r"\1-\2-\3", re.sub(r"[ T]00:00(:00)?$", "", text))
        date_format, part = match_date_format(plain)
        if date_format is None or part.get("time") or not (part.get("d") or "a" in part):
            return None
        known[text] = plain
    return np.array([known[text] for text in texts], dtype=object) if any(known.values()) else None


def _day(month: str, day: int) -> str:
    text = f"{month}-{day:02d}"
    return "" if pd.isna(pd.to_datetime(text, errors="coerce")) else text


def _period(noun: str, year: int, number: int) -> str:
    """The date of a period of a year, as dates are everywhere here: the first day, but the last one of a week."""
    if noun == "week":
        return end_of_week(year, number)
    month = {"month": number, "quarter": 3 * number - 2, "half-year": 6 * number - 5}[noun]
    return f"{year:04d}-{month:02d}-01"
