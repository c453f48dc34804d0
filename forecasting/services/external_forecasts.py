"""External forecasts: those that teams gave a hub, and those in a reader's own file."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forecasting.data.columns import MODEL, REGION, STATISTIC
from forecasting.sources.shared.hub_forecasts import HubForecasts
from forecasting.sources.shared.hub_statistics import disease_admissions
from forecasting.sources.shared.hubs import HUBS, ForecastHub
from forecasting.sources.us_respiratory import UsRespiratory
from forecasting.support.caching import SingleFlight
from forecasting.support.errors import DataError
from forecasting.tables.forecast_file import read_forecasts

#: Readers' files kept in memory once read; they are large.
FILES_KEPT = 2


class ExternalForecasts:
    """Forecasts tables that were not made here; nothing waits for a download longer than it is told to."""

    def __init__(self, loader: SingleFlight) -> None:
        self.hubs: dict[str, HubForecasts] = {}
        self._loader = loader
        self._files: OrderedDict[str, pd.DataFrame | DataError] = OrderedDict()
        self._lock = threading.Lock()

    def hub(self, source: str, statistic: str) -> ForecastHub | None:
        """The hub whose admissions a source's statistic is, for the forecasts that teams have published there."""
        if source == UsRespiratory.name:
            return next((hub for hub in HUBS.values() if disease_admissions(hub).name == statistic), None)
        return HUBS.get(source)

    def published(self, hub: str, team: str, week: pd.Timestamp, patience: float | None = None) -> pd.DataFrame | None:
        """The forecasts table that a team gave the hub called `hub` for one reference date, of every place.

        None when it is not here after `patience` seconds: ask again, the download goes on. Raises `SourceError`,
        `RequestError`.
        """
        with self._lock:
            if hub not in self.hubs:
                self.hubs[hub] = HubForecasts(hub)
            forecasts = self.hubs[hub]
        known = forecasts.cached_table(team, week)
        return (
            known
            if known is not None
            else self._loader.result((hub, team, week), lambda: forecasts.table(team, week), patience)
        )

    def uploaded(
        self, content: bytes, name: str, regions: Sequence[str], patience: float | None = None
    ) -> pd.DataFrame | None:
        """The forecasts table in a reader's file, places called as in `regions`; None when not read in `patience` seconds.

        Raises `DataError`.
        """
        digest = hashlib.sha256("\n".join([name, *regions]).encode() + b"\n" + content).hexdigest()
        with self._lock:
            known = self._files.get(digest)
        if known is None:
            known = self._loader.result(digest, lambda: _read(content, name, regions), patience)
        if known is None:
            return None
        with self._lock:
            self._files[digest] = known
            while len(self._files) > FILES_KEPT:
                self._files.popitem(last=False)
        if isinstance(known, DataError):
            raise known
        return known


def _read(content: bytes, name: str, regions: Sequence[str]) -> pd.DataFrame | DataError:
    """The forecasts table, or why it is none: a page asks many times and shall be told the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forecasts"
        path.write_bytes(content)
        try:
            table = read_forecasts(path, name, regions)
        except DataError as error:
            return error
    names = [column for column in (REGION, STATISTIC, MODEL) if column in table]
    return table.astype(dict.fromkeys(names, "category"))
