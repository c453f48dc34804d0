"""RespiCast, the ECDC's forecast hubs, as sources: weekly figures of respiratory infections in Europe (`EUROPEAN_HUBS`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from forecasting.data.frequency import weekly
from forecasting.data.panel import Statistic
from forecasting.sources.shared.download import utc_now
from forecasting.sources.shared.european_hubs import EUROPEAN_HUBS, EuropeanHub, read_european_target_data
from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.live_source import LiveSource
from forecasting.tables.cells.tidy_table import TidyTable, concatenate_tables


class EuropeanHubSource(LiveSource):
    """Weekly figures of European countries, the newest only.

    Args:
        hub: the hub.
        base, limits, now: as in `LiveSource`.
    """

    frequency = weekly("SUN")

    def __init__(
        self,
        hub: EuropeanHub,
        base: str | None = None,
        limits: DownloadLimits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name, self.label, self.summary, self.home = hub.name, hub.label, hub.summary, hub.home
        self.attribution, self.licence, self.order = hub.attribution, hub.licence, hub.order
        self.publisher, self.base, self.files = hub.publisher, hub.target_data, tuple(hub.files)
        self._hub = hub
        super().__init__(base, limits, now)

    @classmethod
    def registered(cls) -> Sequence[EuropeanHubSource]:
        """One source a hub."""
        return [cls(hub) for hub in EUROPEAN_HUBS.values()]

    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics of the hub's files."""
        return tuple(self._hub.files.values())

    def read(self, paths: Sequence[Path]) -> TidyTable:
        """The figures of the files as one table."""
        return concatenate_tables([read_european_target_data(path, self._hub) for path in paths])
