"""The ECDC's RespiCast hubs as data: a hub more is an entry more in `EUROPEAN_HUBS`. Their files have one format.

A row a week and place, in columns ``target, location, truth_date, year_week, value, data_source``: the week's Sunday, and the country's
two letters (or a part of the United Kingdom). A file has the newest figures only, no vintages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.kind import AMOUNT
from forecasting.data.panel import Statistic
from forecasting.sources.shared.hub_target_data import ADMISSIONS
from forecasting.sources.shared.hubs import Publication
from forecasting.tables.cells.parse_dates import parse_dates
from forecasting.tables.cells.parse_numbers import parse_numbers
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.cells.tidy_table import TidyTable

#: The columns that are read: the statistic's name, the place's code, the week's last day and the figure.
TARGET, LOCATION, WEEK, FIGURE = "target", "location", "truth_date", "value"
#: The day that weeks end on, as Python counts: Sunday.
_SUNDAY = 6
#: The places by the hubs' codes.
PLACES = {
    "AT": "Austria",
    "BE": "Belgium",
    "BG": "Bulgaria",
    "CH": "Switzerland",
    "CY": "Cyprus",
    "CZ": "Czechia",
    "DE": "Germany",
    "DK": "Denmark",
    "EE": "Estonia",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "GB-ENG": "England",
    "GB-NIR": "Northern Ireland",
    "GB-SCT": "Scotland",
    "GB-WLS": "Wales",
    "GR": "Greece",
    "HR": "Croatia",
    "HU": "Hungary",
    "IE": "Ireland",
    "IS": "Iceland",
    "IT": "Italy",
    "LI": "Liechtenstein",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "LV": "Latvia",
    "MT": "Malta",
    "NL": "Netherlands",
    "NO": "Norway",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SE": "Sweden",
    "SI": "Slovenia",
    "SK": "Slovakia",
}


@dataclass(frozen=True)
class EuropeanHub(Publication):
    """A RespiCast hub.

    Attributes, beside those of a `Publication`:
        target_data: the address of the folder with observed values, with the last slash.
        files: the files in it, each with the statistic that it has.
        targets: what the files call each statistic, by its column.
    """

    target_data: str
    files: Mapping[str, Statistic]
    targets: Mapping[str, str]


_PUBLISHED_AS = "Only the newest figures are kept, so a look back uses those and not what was known then."
#: The hubs' files do not say; their pages do.
_LICENCE = "as the hub's page says"
_RATE = "cases per 100,000"
#: The hubs by the name of their source.
EUROPEAN_HUBS = {
    hub.name: hub
    for hub in (
        EuropeanHub(
            name="respicast_syndromic",
            label="RespiCast ILI and ARI (Europe, live)",
            summary=(
                "Consultations for influenza-like illness (ILI) and for acute respiratory infection (ARI) per 100,000 people "
                "in countries of Europe, by the week to Sunday; per 100,000 consultations in Finland, Luxembourg and Malta. "
                "Countries count each in its own way, some in winter only, so levels do not compare. The RespiCast hub "
                f"merges ERVISS and the WHO's FluID. {_PUBLISHED_AS}"
            ),
            home="https://github.com/european-modelling-hubs/RespiCast-SyndromicIndicators",
            attribution="RespiCast (ECDC); ERVISS; WHO FluID",
            licence=_LICENCE,
            order=37,
            publisher="RespiCast",
            target_data=(
                "https://raw.githubusercontent.com/european-modelling-hubs/RespiCast-SyndromicIndicators/main/target-data/"
            ),
            files={
                "latest-ILI_incidence.csv": Statistic(
                    "ili_rate", "Influenza-like illness (ILI) per 100,000", _RATE, "ili_rate", kind=AMOUNT
                ),
                "latest-ARI_incidence.csv": Statistic(
                    "ari_rate", "Acute respiratory infection (ARI) per 100,000", _RATE, "ari_rate", kind=AMOUNT
                ),
            },
            targets={"ili_rate": "ILI incidence", "ari_rate": "ARI incidence"},
        ),
        EuropeanHub(
            name="respicast_covid",
            label="RespiCast COVID-19 admissions (Europe, live)",
            summary=(
                "New hospital admissions for COVID-19 in countries of Europe, by the week to Sunday, as countries report them "
                "to the European Respiratory Virus Surveillance Summary (ERVISS). Several have stopped; look at the last date. "
                f"{_PUBLISHED_AS}"
            ),
            home="https://github.com/european-modelling-hubs/RespiCast-Covid19",
            attribution="RespiCast (ECDC); ERVISS",
            licence=_LICENCE,
            order=38,
            publisher="RespiCast",
            target_data="https://raw.githubusercontent.com/european-modelling-hubs/RespiCast-Covid19/main/target-data/",
            files={
                "latest-hospital_admissions.csv": Statistic(
                    "new_admissions", "New COVID-19 hospital admissions", "admissions", ADMISSIONS
                )
            },
            targets={ADMISSIONS: "hospital admissions"},
        ),
    )
}


def read_european_target_data(path: Path, hub: EuropeanHub) -> TidyTable:
    """The figures of a file, sorted, places by name; of a week that a place has twice the later row counts.

    Raises `DataError` for a file that is not what the hub's usually are.
    """
    raw = read_table(path.read_bytes(), path.name, _needed, own=True)
    raw.require_columns((TARGET, LOCATION, WEEK, FIGURE))
    column = _statistic(raw, hub)
    raw = raw.take_rows((raw.cells[TARGET] == hub.targets[column]).to_numpy(dtype=bool, na_value=False))
    places = raw.cells[LOCATION].map(PLACES)
    known = places.notna().to_numpy()
    if not known.any():
        raise raw.error(f"{raw.cells[LOCATION].iloc[0]!r} in the column {LOCATION!r} is no code of a place.", 0)
    weeks = parse_dates(raw, WEEK)
    if (wrong := weeks.dt.day_of_week != _SUNDAY).any():
        row = int(np.argmax(wrong))
        raise raw.error(f"{weeks.iloc[row]:%Y-%m-%d} in the column {WEEK!r} is no Sunday.", row)
    table = pd.DataFrame({REGION: places, STATISTIC: column, DATE: weeks, VALUE: parse_numbers(raw, FIGURE)})[known]
    table = table.drop_duplicates([REGION, DATE], keep="last").sort_values([REGION, DATE], ignore_index=True)
    left_out = ", ".join(sorted(raw.cells[LOCATION][~known].astype(str).unique()))
    notes = (f"Left out, because the codes are of no known place: {left_out}.",) if left_out else ()
    return TidyTable(table.astype({REGION: "str", STATISTIC: "str"}), notes=notes)


def _needed(header: Sequence[str]) -> list[str]:
    """The columns that are read; all of any other table, for the message to be about what is missing."""
    known = [column for column in header if column in (TARGET, LOCATION, WEEK, FIGURE)]
    return known if TARGET in known else list(header)


def _statistic(raw: RawTable, hub: EuropeanHub) -> str:
    """The statistic that a file has, by its column."""
    there = set(raw.cells[TARGET].dropna().unique())
    found = [column for column, target in hub.targets.items() if target in there]
    if len(found) != 1:
        wanted = " or ".join(repr(target) for target in hub.targets.values())
        raise raw.error(f"there is no row of the target {wanted}; get the file anew from the publisher.")
    return found[0]
