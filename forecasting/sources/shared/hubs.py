"""The forecast hubs whose figures and forecasts are read, as data: a hub more is one entry more in `HUBS`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Publication:
    """What every hub says of itself as a source.

    Attributes:
        name, label, summary, home, attribution, licence, order: as in `forecasting.sources.shared.base.Source`.
        publisher: who publishes it, as a sentence begins.
    """

    name: str
    label: str
    summary: str
    home: str
    attribution: str
    licence: str
    order: int
    publisher: str


@dataclass(frozen=True)
class ForecastHub(Publication):
    """A forecast hub of the US CDC.

    Attributes, beside those of a `Publication`:
        repository: the address of the hub's files, with the last slash.
        target_file: the file with its observed values, in the hubverse's time-series format.
        target: what the hub calls new hospital admissions by the week.
        share_target: what it calls the share of emergency department visits, where its file has that.
        disease: what it forecasts, as in a sentence.
        short: the same as a part of names, e.g. ``"flu"``.
        ensemble: the name of the hub's own ensemble among its teams.
    """

    repository: str
    target_file: str
    target: str
    share_target: str
    disease: str
    short: str
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
            share_target="wk inc covid prop ed visits",
            disease="COVID-19",
            short="covid",
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
            share_target="wk inc flu prop ed visits",
            disease="influenza",
            short="flu",
            ensemble="FluSight-ensemble",
        ),
        ForecastHub(
            name="cdc_rsv",
            label="CDC RSV admissions (US, live)",
            summary=(
                "New hospital admissions of patients with confirmed respiratory syncytial virus (RSV) in the United States, "
                "its states, the District of Columbia and Puerto Rico, by the week to Saturday. Hospitals report to the "
                "National Healthcare Safety Network; the RSV Forecast Hub, which began in 2025, keeps the figures as they "
                "stood on each Wednesday, so a look back uses what was known then. The last weeks are revised, mostly "
                "upwards."
            ),
            home="https://github.com/CDCgov/rsv-forecast-hub",
            attribution="US CDC RSV Forecast Hub; National Healthcare Safety Network",
            licence="CC0 1.0; Apache 2.0",
            order=36,
            publisher="The RSV Forecast Hub",
            repository="https://raw.githubusercontent.com/CDCgov/rsv-forecast-hub/main/",
            target_file="time-series.parquet",
            target="wk inc rsv hosp",
            share_target="wk inc rsv prop ed visits",
            disease="RSV",
            short="rsv",
            ensemble="RSVHub-ensemble",
        ),
    )
}
