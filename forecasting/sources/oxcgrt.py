"""Oxford COVID-19 Government Response Tracker: cumulative cases and deaths, one row a jurisdiction and day.

Hale et al. (2021), A global panel database of pandemic policies, Nature Human Behaviour 5, 529-538.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forecasting.data.panel import Statistic, new_and_cumulative
from forecasting.sources.shared.live_source import LiveSource
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.cells.tidy_table import TidyTable
from forecasting.tables.oxcgrt_format import ATTRIBUTION, LICENCE, needed_columns, parse_oxcgrt_tables


class Oxford(LiveSource):
    """Countries, and the states or nations of a few, from 1 January 2020 to 31 December 2022."""

    name = "oxcgrt"
    label = "Oxford tracker (world)"
    summary = (
        "Confirmed COVID-19 cases and deaths beside the Oxford tracker's policies: 185 countries, and the states, "
        "provinces or nations of Australia, Brazil, Canada, China, India, the United Kingdom and the United States, "
        "by the day through 2020, 2021 and 2022, when the tracker ended."
    )
    home = "https://github.com/OxCGRT/covid-policy-dataset"
    attribution = ATTRIBUTION
    licence = LICENCE
    order = 30
    publisher = "The Oxford tracker"
    base = "https://raw.githubusercontent.com/OxCGRT/covid-policy-dataset/main/data/"
    files = ("OxCGRT_compact_national_v1.csv", "OxCGRT_compact_subnational_v1.csv")

    def statistics(self) -> tuple[Statistic, ...]:
        """New and cumulative cases and deaths."""
        return (
            *new_and_cumulative("cases", reported_cumulative=True),
            *new_and_cumulative("deaths", reported_cumulative=True),
        )

    def read(self, paths: Sequence[Path]) -> TidyTable:
        """The files as one tidy table; a place that is in several is taken once."""
        return parse_oxcgrt_tables(
            [read_table(path.read_bytes(), path.name, needed_columns, own=True) for path in paths]
        )
