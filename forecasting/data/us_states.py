"""The United States' states and territories: their names, postal codes and census (FIPS) codes.

Source: US Census Bureau, American National Standards Institute codes for states (INCITS 38).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

NATION = "United States"
#: Postal code -> name.
STATES = {
    "AK": "Alaska",
    "AL": "Alabama",
    "AR": "Arkansas",
    "AS": "American Samoa",
    "AZ": "Arizona",
    "CA": "California",
    "CO": "Colorado",
    "CT": "Connecticut",
    "DC": "District of Columbia",
    "DE": "Delaware",
    "FL": "Florida",
    "GA": "Georgia",
    "GU": "Guam",
    "HI": "Hawaii",
    "IA": "Iowa",
    "ID": "Idaho",
    "IL": "Illinois",
    "IN": "Indiana",
    "KS": "Kansas",
    "KY": "Kentucky",
    "LA": "Louisiana",
    "MA": "Massachusetts",
    "MD": "Maryland",
    "ME": "Maine",
    "MI": "Michigan",
    "MN": "Minnesota",
    "MO": "Missouri",
    "MP": "Northern Mariana Islands",
    "MS": "Mississippi",
    "MT": "Montana",
    "NC": "North Carolina",
    "ND": "North Dakota",
    "NE": "Nebraska",
    "NH": "New Hampshire",
    "NJ": "New Jersey",
    "NM": "New Mexico",
    "NV": "Nevada",
    "NY": "New York",
    "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon",
    "PA": "Pennsylvania",
    "PR": "Puerto Rico",
    "RI": "Rhode Island",
    "SC": "South Carolina",
    "SD": "South Dakota",
    "TN": "Tennessee",
    "TX": "Texas",
    "UT": "Utah",
    "VA": "Virginia",
    "VI": "US Virgin Islands",
    "VT": "Vermont",
    "WA": "Washington",
    "WI": "Wisconsin",
    "WV": "West Virginia",
    "WY": "Wyoming",
}
#: Census code -> postal code; the forecast hubs call places by it.
FIPS = {
    "01": "AL",
    "02": "AK",
    "04": "AZ",
    "05": "AR",
    "06": "CA",
    "08": "CO",
    "09": "CT",
    "10": "DE",
    "11": "DC",
    "12": "FL",
    "13": "GA",
    "15": "HI",
    "16": "ID",
    "17": "IL",
    "18": "IN",
    "19": "IA",
    "20": "KS",
    "21": "KY",
    "22": "LA",
    "23": "ME",
    "24": "MD",
    "25": "MA",
    "26": "MI",
    "27": "MN",
    "28": "MS",
    "29": "MO",
    "30": "MT",
    "31": "NE",
    "32": "NV",
    "33": "NH",
    "34": "NJ",
    "35": "NM",
    "36": "NY",
    "37": "NC",
    "38": "ND",
    "39": "OH",
    "40": "OK",
    "41": "OR",
    "42": "PA",
    "44": "RI",
    "45": "SC",
    "46": "SD",
    "47": "TN",
    "48": "TX",
    "49": "UT",
    "50": "VT",
    "51": "VA",
    "53": "WA",
    "54": "WV",
    "55": "WI",
    "56": "WY",
    "60": "AS",
    "66": "GU",
    "69": "MP",
    "72": "PR",
    "78": "VI",
}
#: What hubs and links call the nation.
NATION_CODE = "US"
_POSTAL = {
    **{postal_code: postal_code for postal_code in STATES},
    **FIPS,
    **{name.upper(): postal_code for postal_code, name in STATES.items()},
    **dict.fromkeys(("VIRGIN ISLANDS", "U.S. VIRGIN ISLANDS"), "VI"),
    **dict.fromkeys(("US", "USA", NATION.upper()), NATION_CODE),
}
#: Postal code -> census code, the nation's being its letters.
_CODES = {**{postal_code: code for code, postal_code in FIPS.items()}, NATION_CODE: NATION_CODE}


def postal_code(name: str) -> str | None:
    """``"01"``, ``"1"``, ``"AL"`` and ``"Alabama"`` -> ``"AL"``; the nation -> ``"US"``; None for any other place."""
    upper = name.strip().upper()
    return _POSTAL.get(upper.zfill(2) if upper.isdigit() else upper)


def match_places(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Each of `names` -> what `known` calls the same place; a name that `known` has, or has no other for, stays."""
    called = {code: region for region in known if (code := postal_code(region)) is not None}
    return {name: name if name in known else called.get(postal_code(name) or "", name) for name in names}


def hub_locations(names: Iterable[str], among: Iterable[str] = ()) -> dict[str, str]:
    """Each of `names` -> what a forecast hub calls it: two digits for a state, ``"US"``; other places keep their names.

    Two letters may be a country (``"DE"``), and so may Georgia: they are states where at least half of all regions there
    are (`among`; `names` if not given) are in the United States.
    """
    names = list(names)
    every = [postal_code(name) for name in among or names]
    at_home = 2 * sum(code is not None for code in every) >= len(every)
    sure = {name: at_home or not _ambiguous(name) for name in names}
    return {name: _CODES.get(postal_code(name) or "", name) if sure[name] else name for name in names}


def _ambiguous(name: str) -> bool:
    return name.strip().upper() != NATION_CODE and (len(name.strip()) <= 2 or name.strip().upper() == "GEORGIA")
