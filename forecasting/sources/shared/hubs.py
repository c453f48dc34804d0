"""The forecast hubs whose figures and forecasts are read, as data: a hub more is one entry more in `HUBS`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ForecastHub:
    """A forecast hub of the US CDC.

    Attributes:
        name, label, summary, home, attribution, licence, order: as in `forecasting.sources.shared.base.Source`.
        publisher: who publishes it, as a sentence begins.
        repository: the address of the hub's files, with the last slash.
        target_file: the file with its observed values, in the hubverse's time-series format.
        target: what the hub calls new hospital admissions by the week.
        ensemble: the name of the hub's own ensemble among its teams.
    """

    name: str
    label: str
    summary: str
    home: str
    attribution: str
    licence: str
    order: int
    publisher: str
    repository: str
    target_file: str
    target: str
    ensemble: str

    @property
    def target_data(self) -> str:
        """The address of the folder with observed values."""
        return f"{self.repository}target-data/"

    @property
    def model_output(self) -> str:
        """The address of the folder with the teams' forecasts."""
        return f"{self.repository}model-output/"


#: The hubs by the name of their source.
HUBS = {
    hub.name: hub
    for hub in (
        ForecastHub(
            name="cdc_covid",
            label="CDC COVID-19 admissions (US, live)",
            summary=(
                "New hospital admissions of patients with confirmed COVID-19 in the United States, its states, the "
                "District of Columbia and Puerto Rico, by the week to Saturday. Hospitals report to the National "
                "Healthcare Safety Network; the COVID-19 Forecast Hub keeps the figures as they stood on each Wednesday "
                "since November 2024, so a look back uses what was known then. The last weeks are revised, mostly "
                "upwards."
            ),
            home="https://github.com/CDCgov/covid19-forecast-hub",
            attribution="US CDC COVID-19 Forecast Hub; National Healthcare Safety Network",
            licence="Apache 2.0",
            order=32,
            publisher="The COVID-19 Forecast Hub",
            repository="https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/",
            target_file="time-series.parquet",
            target="wk inc covid hosp",
            ensemble="CovidHub-ensemble",
        ),
        # Until July 2025 the hub called a vintage by its last week; such a one counts from the Wednesday after.
        ForecastHub(
            name="flusight",
            label="FluSight influenza admissions (US, live)",
            summary=(
                "New hospital admissions of patients with confirmed influenza in the United States, its states, the "
                "District of Columbia and Puerto Rico, by the week to Saturday. Hospitals report to the National "
                "Healthcare Safety Network; FluSight keeps the figures as they stood week by week since January 2025, so "
                "a look back uses what was known then. The last weeks are revised, mostly upwards."
            ),
            home="https://github.com/cdcepi/FluSight-forecast-hub",
            attribution="US CDC FluSight Forecast Hub; National Healthcare Safety Network",
            licence="MIT",
            order=34,
            publisher="FluSight",
            repository="https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/",
            target_file="time-series.csv",
            target="wk inc flu hosp",
            ensemble="FluSight-ensemble",
        ),
    )
}
