"""Johns Hopkins CSSE: cumulative cases and deaths by country and province, a column a day.

Dong, Du & Gardner (2020), An interactive web-based dashboard to track COVID-19 in real time, Lancet Inf Dis 20(5).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forecasting.data.panel import Statistic, new_and_cumulative
from forecasting.sources.shared.live_source import LiveSource
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.cells.tidy_table import TidyTable, concatenate_tables
from forecasting.tables.jhu_format import ATTRIBUTION, LICENCE, noun_from_name, parse_jhu_table


class JohnsHopkins(LiveSource):
    """The world's countries, and the provinces of a few, from 22 January 2020 to 9 March 2023."""

    name = "jhu"
    label = "Johns Hopkins (world)"
    summary = (
        "Confirmed COVID-19 cases and deaths of about 200 countries, and of the provinces of a few, by the day from "
        "22 January 2020 until Johns Hopkins University stopped collecting on 9 March 2023. Countries reported each "
        "in its own way: look for weekend gaps, backlogs and corrections."
    )
    home = "https://github.com/CSSEGISandData/COVID-19"
    attribution = ATTRIBUTION
    licence = LICENCE
    order = 20
    publisher = "Johns Hopkins"
    base = (
        "https://raw.githubusercontent.com/CSSEGISandData/COVID-19/master/csse_covid_19_data/csse_covid_19_time_series/"
    )
    files = ("time_series_covid19_confirmed_global.csv", "time_series_covid19_deaths_global.csv")

    def statistics(self) -> tuple[Statistic, ...]:
        """New and cumulative cases and deaths."""
        return (
            *new_and_cumulative("cases", reported_cumulative=True),
            *new_and_cumulative("deaths", reported_cumulative=True),
        )

    def read(self, paths: Sequence[Path]) -> TidyTable:
        """The files of cases and deaths as one tidy table."""
        raws = [read_table(path.read_bytes(), path.name, own=True) for path in paths]
        return concatenate_tables([parse_jhu_table(raw, noun_from_name(raw.name)) for raw in raws])
