"""The US CDC's forecast hubs as sources: weekly hospital admissions as they were published week by week (`HUBS`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from forecasting.data.frequency import weekly
from forecasting.data.panel import Statistic
from forecasting.sources.shared.download import utc_now
from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.hub_target_data import admissions_statistic, read_hub_target_data
from forecasting.sources.shared.hubs import HUBS, ForecastHub
from forecasting.sources.shared.live_source import LiveSource
from forecasting.tables.cells.tidy_table import TidyTable


class HubSource(LiveSource):
    """Weekly hospital admissions of the United States and its states, with the vintages that a hub has kept.

    Args:
        hub: the hub.
        base, limits, now: as in `LiveSource`.
    """

    frequency = weekly("SAT")

    def __init__(
        self,
        hub: ForecastHub,
        base: str | None = None,
        limits: DownloadLimits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name, self.label, self.summary, self.home = hub.name, hub.label, hub.summary, hub.home
        self.attribution, self.licence, self.order = hub.attribution, hub.licence, hub.order
        self.publisher, self.base, self.files = hub.publisher, hub.target_data, (hub.target_file,)
        self._target = hub.target
        super().__init__(base, limits, now)

    @classmethod
    def registered(cls) -> Sequence[HubSource]:
        """One source a hub."""
        return [cls(hub) for hub in HUBS.values()]

    def statistics(self) -> tuple[Statistic, ...]:
        """New hospital admissions."""
        return (admissions_statistic(self._target),)

    def read(self, paths: Sequence[Path]) -> TidyTable:
        """The admissions in the file, with their vintages."""
        return read_hub_target_data(paths[0], self._target)
