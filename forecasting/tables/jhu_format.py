"""Parse Johns Hopkins CSSE's global time series as published: a row a place, a column a day, running totals."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.formatting import format_date
from forecasting.tables.cells.parse_numbers import parse_number_block
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import TidyTable, stack_wide_table

#: Whom to credit.
ATTRIBUTION = "COVID-19 Data Repository by the CSSE at Johns Hopkins University"
#: Under what terms.
LICENCE = "CC BY 4.0"
#: The column of provinces, empty for a country.
PROVINCE = "Province/State"
#: The column of countries.
COUNTRY = "Country/Region"
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})")
#: Provinces that are no places; they count in their country's total only.
_NO_PLACE = frozenset({"Recovered", "Repatriated Travellers", "Unknown"})


def is_jhu_table(header: Sequence[str]) -> bool:
    """Whether a table with this header is one of Johns Hopkins' global time series."""
    return PROVINCE in header and COUNTRY in header


def noun_from_name(name: str) -> str:
    """What a file counts (``"cases"``, ``"deaths"``, ``"recovered"``); only its name tells."""
    return next((noun for noun in ("deaths", "recovered") if noun in name.lower()), "cases")


def parse_jhu_table(raw: RawTable, noun: str) -> TidyTable:
    """A wide table as tidy rows with ``noun`` as their statistic.

    Provinces become ``"Australia, Victoria"``; a country that gives only provinces gets their sum as its own row.
    Raises `DataError` for a header that is not a list of days, a row without a country or a cell that is no number.
    """
    raw.require_columns((PROVINCE, COUNTRY))
    columns = [column for column in raw.cells if _DAY.fullmatch(column)]
    if not columns:
        raise raw.error("the header has no column that is a day like 3/31/20; get the file anew.")
    days, notes = _days(raw, columns)
    values = parse_number_block(raw, columns)
    places = pd.DataFrame(
        {
            "province": raw.cells[PROVINCE].fillna("").astype(str).str.strip(),
            "country": raw.cells[COUNTRY].fillna("").astype(str).str.strip(),
        }
    )
    _check_places(raw, places)
    regions, rows = _regions(places, values)
    parents = {f"{c}, {p}": c for p, c in zip(places["province"], places["country"], strict=True) if p}
    parents = {child: parent for child, parent in parents.items() if child in regions}
    order = sorted(range(len(regions)), key=regions.__getitem__)
    table = stack_wide_table([regions[i] for i in order], days, rows[order], noun)
    return TidyTable(table, parents, notes)


def _days(raw: RawTable, columns: list[str]) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """The days that the header means. The publisher's own file of 26 March 2020 has two under a wrong year."""
    try:
        days = [_day(column) for column in columns]
    except ValueError as error:
        raise raw.error(f"the header has a column that is not a day ({error}); get the file anew.") from None
    misdated = []
    for i in range(1, len(days)):
        expected = days[i - 1] + pd.Timedelta(days=1)
        if days[i] != expected and (days[i].month, days[i].day) == (expected.month, expected.day):
            misdated.append(i)
            days[i] = expected
        if days[i] <= days[i - 1]:
            raise raw.error(f"the column {columns[i]!r} does not follow {columns[i - 1]!r}; get the file anew.")
    if not misdated:
        return pd.DatetimeIndex(days), ()
    first, last = misdated[0], misdated[-1]
    if first == last:
        note = f"The column {columns[first]} carries a wrong year; it was read as {format_date(days[first])}."
    else:
        read_as = f"{format_date(days[first])} to {format_date(days[last])}"
        note = f"The columns {columns[first]} to {columns[last]} carry a wrong year; they were read as {read_as}."
    return pd.DatetimeIndex(days), (note,)


def _day(column: str) -> pd.Timestamp:
    month, day, year = (int(part) for part in column.split("/"))
    try:
        return pd.Timestamp(year=year if year > 99 else 2000 + year, month=month, day=day)
    except ValueError:
        raise ValueError(f"'{column}'") from None


def _check_places(raw: RawTable, places: pd.DataFrame) -> None:
    nowhere = (places["country"] == "").to_numpy()
    if nowhere.any():
        raise raw.error(f"there is no name in the column {COUNTRY!r}; fill it in.", int(np.argmax(nowhere)))
    twice = places.duplicated().to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        place = ", ".join(part for part in (places["country"][row], places["province"][row]) if part)
        raise raw.error(f"'{place}' is there twice; keep one of the rows.", row)


def _regions(places: pd.DataFrame, values: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names and figures: a row a place, and a total for each country that has none of its own."""
    country, province = places["country"].to_numpy(), places["province"].to_numpy()
    own = set(country[province == ""])
    regions, rows = [], []
    for i in range(len(places)):
        if province[i] == "":
            regions.append(str(country[i]))
            rows.append(values[i])
        elif province[i] not in _NO_PLACE:
            regions.append(f"{country[i]}, {province[i]}")
            rows.append(values[i])
    for name in dict.fromkeys(country):
        if name not in own:
            regions.append(str(name))
            # A day that one province lacks has no total: a sum of the others would look like a fall.
            rows.append(values[country == name].sum(axis=0))
    return regions, np.vstack(rows)
