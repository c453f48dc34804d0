"""The CDC's COVID-19 Forecast Hub: weekly hospital admissions as they were published week by week."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forecasting.sources.shared.hub_target_data import HubSource, time_series
from forecasting.tables.cells.tidy_table import TidyTable

TARGET = "wk inc covid hosp"


class CovidHub(HubSource):
    """The United States and its states from 2020 (in vintages since 20 November 2024), updated on Wednesdays."""

    name = "cdc_covid"
    label = "CDC COVID-19 admissions (US, live)"
    summary = (
        "New hospital admissions of patients with confirmed COVID-19 in the United States, its states, the District of "
        "Columbia and Puerto Rico, by the week to Saturday. Hospitals report to the National Healthcare Safety Network; "
        "the COVID-19 Forecast Hub keeps the figures as they stood on each Wednesday since November 2024, so a look "
        "back uses what was known then. The last weeks are revised, mostly upwards."
    )
    home = "https://github.com/CDCgov/covid19-forecast-hub"
    attribution = "US CDC COVID-19 Forecast Hub; National Healthcare Safety Network"
    licence = "Apache 2.0"
    order = 32
    publisher = "The COVID-19 Forecast Hub"
    base = "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/target-data/"
    target = TARGET
    files = ("time-series.parquet",)

    def read(self, paths: Sequence[Path]) -> TidyTable:
        """The admissions in the file, with their vintages."""
        return time_series(paths[0], TARGET)
