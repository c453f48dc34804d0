"""FluSight, the CDC's influenza forecast hub: weekly hospital admissions as they were published week by week."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forecasting.sources.shared.hub_target_data import HubSource, time_series
from forecasting.tables.cells.tidy_table import TidyTable

TARGET = "wk inc flu hosp"


class FluSight(HubSource):
    """The United States and its states from November 2024 (in vintages since January 2025), updated on Wednesdays.

    Until July 2025 the hub called a vintage by its last week; such a one counts from the Wednesday after.
    """

    name = "flusight"
    label = "FluSight influenza admissions (US, live)"
    summary = (
        "New hospital admissions of patients with confirmed influenza in the United States, its states, the District "
        "of Columbia and Puerto Rico, by the week to Saturday. Hospitals report to the National Healthcare Safety "
        "Network; FluSight keeps the figures as they stood week by week since January 2025, so a look back uses what "
        "was known then. The last weeks are revised, mostly upwards."
    )
    home = "https://github.com/cdcepi/FluSight-forecast-hub"
    attribution = "US CDC FluSight Forecast Hub; National Healthcare Safety Network"
    licence = "MIT"
    order = 34
    publisher = "FluSight"
    base = "https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/target-data/"
    target = TARGET
    files = ("time-series.csv",)

    def read(self, paths: Sequence[Path]) -> TidyTable:
        """The admissions in the file, with their vintages."""
        return time_series(paths[0], TARGET)
