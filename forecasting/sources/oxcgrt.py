"""Oxford COVID-19 Government Response Tracker: cumulative cases and deaths, one row a jurisdiction and day.

Hale et al. (2021), A global panel database of pandemic policies, Nature Human Behaviour 5, 529-538.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.columns import DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.panel import Statistic
from forecasting.sources._cells import dates, numbers
from forecasting.sources._live import LiveSource
from forecasting.sources._table import RawTable, read_table
from forecasting.sources._tidy import Tidy
from forecasting.sources.base import new_and_cumulative

_NEEDED = ("CountryName", "RegionName", "Jurisdiction", "Date", "ConfirmedCases", "ConfirmedDeaths")
_OPTIONAL = ("CityName",)
#: The same place may be there as policies of its own government and as all policies in force; the counts are equal.
_PREFERRED = ("TOTAL", "ALL", "WIDE", "GOV")
_PLACE = ["country", "area", "city"]
Place = tuple[str, str, str]


class Oxford(LiveSource):
    """Countries, and the states or nations of a few, from 1 January 2020 to 31 December 2022."""

    name = "oxcgrt"
    label = "Oxford tracker (world)"
    summary = (
        "Confirmed COVID-19 cases and deaths beside the Oxford tracker's policies: 185 countries, and the states, "
        "provinces or nations of Australia, Brazil, Canada, China, India, the United Kingdom and the United States, "
        "by the day through 2020, 2021 and 2022, when the tracker ended."
    )
    home = "https://github.com/OxCGRT/covid-policy-dataset"
    attribution = "Oxford COVID-19 Government Response Tracker, Blavatnik School of Government, University of Oxford"
    licence = "CC BY 4.0"
    order = 30
    publisher = "The Oxford tracker"
    base = "https://raw.githubusercontent.com/OxCGRT/covid-policy-dataset/main/data/"
    files = ("OxCGRT_compact_national_v1.csv", "OxCGRT_compact_subnational_v1.csv")

    def statistics(self) -> tuple[Statistic, ...]:
        """New and cumulative cases and deaths."""
        return (
            *new_and_cumulative("cases", reported_cumulative=True),
            *new_and_cumulative("deaths", reported_cumulative=True),
        )

    def read(self, paths: Sequence[Path]) -> Tidy:
        """The files as one tidy table; a place that is in several is taken once."""
        return tidy([read_table(path.read_bytes(), path.name, needed) for path in paths])


def is_published(header: Sequence[str]) -> bool:
    """Whether a table with this header is one of the tracker's."""
    return {"CountryName", "ConfirmedCases", "Date"} <= set(header)


def needed(header: Sequence[str]) -> Sequence[str]:
    """The few of the tracker's many columns that are read; all columns of any other table."""
    if not is_published(header):
        return header
    return [column for column in header if column in _NEEDED + _OPTIONAL]


def tidy(raws: Sequence[RawTable]) -> Tidy:
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
    return Tidy(_long(rows, list(names.values())), _parents(names))


def _rows(raw: RawTable, file: int) -> pd.DataFrame:
    for column in _NEEDED:
        if column not in raw.cells:
            raise raw.error(f"the header lacks the column {column!r}; get the file anew from the publisher.")
    area = _words(raw, "RegionName")
    return pd.DataFrame(
        {
            "country": _words(raw, "CountryName"),
            "area": area.where(area != "Country-wide", ""),
            "city": _words(raw, "CityName") if "CityName" in raw.cells else "",
            "rank": _rank(_words(raw, "Jurisdiction")),
            DATE: dates(raw, "Date"),
            "cases": numbers(raw, "ConfirmedCases"),
            "deaths": numbers(raw, "ConfirmedDeaths"),
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
