"""The tile map of the United States: tiles of one size, about where each state is, so that small ones can be tapped.

The layout is the one that National Public Radio's graphics desk made known in 2015; the territories stand around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecasting.data.us_states import postal_code

#: Rows from north to south; two spaces are an empty place.
_LAYOUT = """
AK -- -- -- -- US -- -- -- -- ME
-- -- -- -- -- -- -- -- -- VT NH
WA ID MT ND MN IL WI MI NY RI MA
OR NV WY SD IA IN OH PA NJ CT --
CA UT CO NE MO KY WV VA MD DE --
-- AZ NM KS AR TN NC SC DC -- --
MP GU -- OK LA MS AL GA -- -- VI
HI AS -- TX -- -- -- -- FL -- PR
"""
#: Postal code -> column and row, from the top left.
PLACES = {
    code: (column, row)
    for row, line in enumerate(_LAYOUT.strip().splitlines())
    for column, code in enumerate(line.split())
    if code != "--"
}
#: How many states a map needs.
LEAST_STATES = 10


@dataclass(frozen=True)
class Tile:
    """Where a region is on the map, and the two letters on it."""

    region: str
    code: str
    column: int
    row: int


def tiles(regions: Sequence[str]) -> list[Tile]:
    """A tile for each of the `regions` that is a state or a territory, or the nation; none where it is not about those.

    Two letters may be a country (``"DE"``): at least half of all regions must be American, and ten or more.
    """
    codes = {region: code for region in regions if (code := postal_code(region)) in PLACES}
    if len(codes) < max(LEAST_STATES, len(regions) / 2):
        return []
    return [Tile(region, code, *PLACES[code]) for region, code in codes.items()]
