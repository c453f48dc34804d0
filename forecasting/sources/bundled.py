"""The bundled figures, in the folder `data` of the repository: they work at once, and without a network."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.bundled_files import ADMISSIONS, CASES, FOLDER, INFLUENZA
from forecasting.data.columns import DATE, REGION, STATISTIC
from forecasting.data.formatting import format_date
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic, new_and_cumulative
from forecasting.data.us_states import NATION, STATES
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.hub_statistics import disease_admissions
from forecasting.sources.shared.hub_target_data import admissions_statistic
from forecasting.sources.shared.hubs import HUBS
from forecasting.support.errors import SourceError
from forecasting.tables.cells.parse_dates import parse_dates
from forecasting.tables.cells.parse_numbers import parse_numbers
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.cells.tidy_table import stack_wide_table

#: Their statistics' names in `Panel.table`.
_CASES, _ADMISSIONS, _INFLUENZA = "cases", "admissions", disease_admissions(HUBS["flusight"]).column
#: Whom to credit for cases and for admissions, and their terms.
CASES_BY, CASES_LICENCE = "Johns Hopkins University CSSE COVID-19 Data", "CC BY 4.0"
ADMISSIONS_BY, ADMISSIONS_LICENCE = "US CDC, National Healthcare Safety Network", "public domain"


class Bundled(Source):
    """Daily cases of six countries, and weekly hospital admissions of the United States and its states."""

    name = "bundled"
    label = "COVID-19: cases to May 2021, US hospital admissions to March 2026; influenza to July 2025"
    short_label = "Bundled: COVID-19, influenza"
    summary = (
        "Three small tables that come with the program. COVID-19 cases of six countries by the day, from 22 January "
        "2020 to 16 May 2021, as Johns Hopkins University collected them; and hospital admissions of the United States, "
        "its states, the District of Columbia and Puerto Rico by the week, for COVID-19 from 9 November 2024 to "
        "28 March 2026 and for influenza from 5 February 2022 to 19 July 2025, as the Centers for Disease Control and "
        "Prevention published them."
    )
    home = "https://data.cdc.gov/"
    attribution = f"{CASES_BY} (cases); {ADMISSIONS_BY} (admissions)"
    licence = f"{CASES_LICENCE} (cases); {ADMISSIONS_LICENCE} (admissions)"
    order = 10

    def statistics(self) -> tuple[Statistic, ...]:
        """New and cumulative cases, and new hospital admissions for COVID-19 and for influenza."""
        admissions = admissions_statistic(HUBS["cdc_covid"].target)
        influenza = disease_admissions(HUBS["flusight"])
        cases = new_and_cumulative("cases", reported_cumulative=True)
        return (
            *(replace(one, attribution=CASES_BY, licence=CASES_LICENCE) for one in cases),
            *(replace(one, attribution=ADMISSIONS_BY, licence=ADMISSIONS_LICENCE) for one in (admissions, influenza)),
        )

    def panel(self) -> Panel:
        """The three tables as one panel; the whole country stands before its states."""
        files = (CASES, ADMISSIONS, INFLUENZA)
        try:
            return _panel(*files, *(file.stat().st_mtime_ns for file in files))
        except OSError as error:
            raise SourceError(f"The bundled figures are not at {FOLDER} ({error.strerror}); install anew.") from None


@lru_cache(maxsize=1)
def _panel(cases: Path, admissions: Path, influenza: Path, *modified: int) -> Panel:
    """The tables below each other; `modified` makes a changed file be read again."""
    files = {_CASES: cases, _ADMISSIONS: admissions, _INFLUENZA: influenza}
    table = pd.concat([_long(path, statistic) for statistic, path in files.items()], ignore_index=True)
    return Panel(
        Bundled.name,
        table,
        Bundled().statistics(),
        {_CASES: DAILY, _ADMISSIONS: weekly("SAT"), _INFLUENZA: weekly("SAT")},
        Bundled.attribution,
        Bundled.licence,
        (_ends(table),),
        {region: NATION for region in table[REGION].unique() if region in STATES.values()},
    )


def _long(path: Path, statistic: str) -> pd.DataFrame:
    raw = read_table(path.read_bytes(), path.name, own=True)
    first, *regions = raw.cells.columns
    names = {region: NATION if region == "US" else STATES.get(region, region) for region in regions}
    if statistic != _CASES:
        regions.sort(key=lambda region: (names[region] != NATION, names[region]))
    values = np.vstack([parse_numbers(raw, region) for region in regions])
    return stack_wide_table(
        [names[region] for region in regions], pd.DatetimeIndex(parse_dates(raw, first)), values, statistic
    )


def _ends(table: pd.DataFrame) -> str:
    last = table.groupby(STATISTIC)[DATE].max().map(format_date)
    return (
        f"Bundled figures: cases end on {last[_CASES]}, admissions with the week to {last[_ADMISSIONS]}, "
        f"those for influenza with the week to {last[_INFLUENZA]}."
    )
