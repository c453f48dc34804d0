"""Parse the Oxford COVID-19 Government Response Tracker's tables as published: a row a jurisdiction and day, running totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.tables.cells.parse_dates import parse_dates
from forecasting.tables.cells.parse_numbers import parse_numbers
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import TidyTable

#: Whom to credit.
ATTRIBUTION = "Oxford COVID-19 Government Response Tracker, Blavatnik School of Government, University of Oxford"
#: Under what terms.
LICENCE = "CC BY 4.0"
#: Columns that are read.
_NEEDED = ("CountryName", "RegionName", "Jurisdiction", "Date", "ConfirmedCases", "ConfirmedDeaths")
#: Columns that are read where they are there.
_OPTIONAL = ("CityName",)
#: The same place may be there as policies of its own government and as all policies in force; the counts are equal.
_PREFERRED = ("TOTAL", "ALL", "WIDE", "GOV")
#: Columns that together name a place.
_PLACE = ["country", "area", "city"]
Place = tuple[str, str, str]


def is_oxcgrt_table(header: Sequence[str]) -> bool:
    """Whether a table with this header is one of the tracker's."""
    return {"CountryName", "ConfirmedCases", "Date"} <= set(header)


def needed_columns(header: Sequence[str]) -> Sequence[str]:
    """The few of the tracker's many columns that are read; all columns of any other table."""
    if not is_oxcgrt_table(header):
        return header
    return [column for column in header if column in _NEEDED + _OPTIONAL]


def parse_oxcgrt_tables(raws: Sequence[RawTable]) -> TidyTable:
    """The tracker's tables as tidy rows of ``cases`` and ``deaths``, sorted by country and place.

    A place has its own name, or ``"United States, Georgia"`` where another has the same. Raises `DataError` for a
    missing column, a cell that is no date or number, and a day that a place has twice.
    """
    rows = _one_jurisdiction(pd.concat([_rows(raw, i) for i, raw in enumerate(raws)], ignore_index=True))
    twice = rows.duplicated([*_PLACE, DATE]).to_numpy()
    if twice.any():
        row = rows.iloc[int(np.argmax(twice))]
        place = row["city"] or row["area"] or row["country"]
        raise raws[row["file"]].error(f"'{place}' has {row[DATE]:%Y-%m-%d} twice; keep one of the rows.", row["row"])
    places = rows.groupby(_PLACE, sort=True)
    names = _names(list(places.groups))
    rows = rows.assign(place=places.ngroup()).sort_values(["place", DATE], kind="stable", ignore_index=True)
    return TidyTable(_long(rows, list(names.values())), _parents(names))


def _rows(raw: RawTable, file: int) -> pd.DataFrame:
    raw.require_columns(_NEEDED)
    area = _words(raw, "RegionName")
    return pd.DataFrame(
        {
            "country": _words(raw, "CountryName"),
            "area": area.where(area != "Country-wide", ""),
            "city": _words(raw, "CityName") if "CityName" in raw.cells else "",
            "rank": _rank(_words(raw, "Jurisdiction")),
            DATE: parse_dates(raw, "Date"),
            "cases": parse_numbers(raw, "ConfirmedCases"),
            "deaths": parse_numbers(raw, "ConfirmedDeaths"),
            "file": file,
            "row": np.arange(len(raw.cells)),
        }
    )


def _words(raw: RawTable, column: str) -> pd.Series:
    return raw.cells[column].fillna("").astype("str").str.strip()


def _rank(jurisdictions: pd.Series) -> pd.Series:
    kinds = {word: word.rsplit("_", 1)[-1] for word in jurisdictions.unique()}
    ranks = {word: _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED) for word, kind in kinds.items()}
    return jurisdictions.map(ranks)


def _one_jurisdiction(rows: pd.DataFrame) -> pd.DataFrame:
    """Of several rows a place and day, those of the jurisdiction with the most figures."""
    variant = ["rank", "file"]
    figures = rows.groupby([*_PLACE, *variant])[["cases", "deaths"]].count().sum(axis=1).rename("figures").reset_index()
    best = figures.sort_values(["figures", *variant], ascending=[False, True, True]).drop_duplicates(_PLACE)
    return rows.merge(best[[*_PLACE, *variant]], on=[*_PLACE, *variant])


def _names(places: list[Place]) -> dict[Place, str]:
    """Place -> the name of its region, all different."""
    taken = Counter(_own(place) for place in places)
    countries = {place[0] for place in places}
    names: dict[Place, str] = {}
    for place in places:
        own = _own(place)
        if _outer(place) and (taken[own] > 1 or own in countries):
            own = f"{place[0]}, {own}"
        names[place] = own if own not in names.values() else ", ".join(part for part in place if part)
    return names


def _parents(names: dict[Place, str]) -> dict[str, str]:
    return {name: names.get(outer, _own(outer)) for place, name in names.items() if (outer := _outer(place))}


def _own(place: Place) -> str:
    return place[2] or place[1] or place[0]


def _outer(place: Place) -> Place | None:
    if place[2] and place[1]:
        return (place[0], place[1], "")
    return (place[0], "", "") if place[2] or place[1] else None


def _long(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Cases, then deaths, of each place; `rows` are sorted by ``place``, its position in `names`."""
    region = np.asarray(names, dtype=object)[rows["place"]]
    parts = [
        pd.DataFrame({REGION: region, STATISTIC: noun, DATE: rows[DATE], VALUE: rows[noun], "place": rows["place"]})
        for noun in ("cases", "deaths")
    ]
    table = pd.concat(parts, ignore_index=True).sort_values("place", kind="stable", ignore_index=True)
    return table[list(PANEL)].astype({REGION: "str", STATISTIC: "str"})
