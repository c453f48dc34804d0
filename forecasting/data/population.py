"""Population: how many people live in a country or a US state, for figures per 100,000 people."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, lru_cache

from forecasting.data.bundled_files import POPULATION
from forecasting.data.us_states import FIPS, NATION_CODE, hub_locations

#: Regions of panels whose population was looked up that are remembered.
MOST_REMEMBERED = 500


@dataclass(frozen=True)
class Population:
    """How many people live in a region.

    Attributes:
        people: their number.
        source: who says so, and of which year where that is known: ``"US Census Bureau 2019"``.
    """

    people: int
    source: str


@lru_cache(maxsize=MOST_REMEMBERED)
def population(region: str, among: tuple[str, ...]) -> Population | None:
    """The population of `region`; None where it is not known.

    Args:
        region: a country, the United States, or one of its states and territories, by name or code.
        among: all regions of the table. Where fewer than half of them are places that are known, a name like "Jordan" is
            hardly the country, and where at least half are in the United States, "Georgia" and "DE" are states.
    """
    found = _populations(among)
    return found.get(region) if 2 * len(found) >= len(among) else None


@lru_cache(maxsize=8)
def _populations(regions: tuple[str, ...]) -> dict[str, Population]:
    """The populations of those `regions` that are known."""
    known = _known()
    found = {region: known.get(_key(place)) for region, place in hub_locations(regions).items()}
    return {region: people for region, people in found.items() if people is not None}


def _key(place: str) -> str:
    """What `_known` calls a place: a hub's code of a state, or else a name or code in lower case."""
    state = FIPS.get(place)
    return f"{NATION_CODE}-{state}".lower() if state else place.strip().lower()


@cache
def _known() -> dict[str, Population]:
    """All populations, by code and by the name of a country, in lower case."""
    with POPULATION.open(newline="", encoding="utf-8") as file:
        rows = [
            (row["code"], row["name"], Population(int(row["population"]), row["source"]))
            for row in csv.DictReader(file)
        ]
    countries = [(name.lower(), people) for code, name, people in rows if not code.startswith(f"{NATION_CODE}-")]
    names = dict(countries) | {name.removeprefix("the "): people for name, people in countries}
    return names | {code.lower(): people for code, _, people in rows}
