"""Forecasts that the teams of a hub have published: a file a team and week, ``model-output/<team>/<week>-<team>.csv``.

Format: https://docs.hubverse.io/en/latest/user-guide/model-output.html
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd

from forecasting.data.columns import STATISTIC
from forecasting.data.formatting import format_date
from forecasting.data.us_states import NATION, STATES
from forecasting.sources.shared.download import RETRY_AFTER, Downloads, RemoteFile, utc_now
from forecasting.sources.shared.file_contents import FileContents
from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.hubs import HUBS
from forecasting.support.errors import DataError, RequestError, SourceError
from forecasting.tables.forecast_file import read_forecasts

#: Tables kept in memory once read, those that were asked for last.
MAX_CACHED_TABLES = 40
_PLACES = (NATION, *STATES.values())
_TEAM = re.compile(r"\w[\w+.-]{0,79}", re.ASCII)


class HubForecasts:
    """Downloads and keeps the forecasts that the teams of one hub have published.

    Args:
        name: of the source, as in `HUBS`.
        base: another address to take the files from, for tests and mirrors.
        limits: what a download may take.
        now: the clock.
    """

    def __init__(
        self,
        name: str,
        base: str | None = None,
        limits: DownloadLimits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.hub = HUBS[name]
        self.downloads = Downloads(limits, now)
        self._name = name
        self._base = base or self.hub.model_output
        self._failed: dict[tuple[str, pd.Timestamp], tuple[datetime, str]] = {}
        self._kept: OrderedDict[tuple[str, pd.Timestamp], pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def cached_table(self, team: str, week: pd.Timestamp) -> pd.DataFrame | None:
        """The table that `table` gave, if it is still in memory; raises its `SourceError` again for ten minutes."""
        with self._lock:
            failure = self._failed.get((team, week))
            if failure and self.downloads.age(failure[0]) < RETRY_AFTER:
                raise SourceError(failure[1])
            return self._kept.get((team, week))

    def table(self, team: str, week: pd.Timestamp) -> pd.DataFrame:
        """A team's forecasts table of one reference date, downloaded unless there is a copy; places go by name.

        Raises `SourceError`, and `RequestError` for what is no team's name, with one sentence.
        """
        if not _TEAM.fullmatch(team):
            raise RequestError(f"'{team[:60]}' is no team's name; they are like '{self.hub.ensemble}'.")
        if (known := self.cached_table(team, week)) is not None:
            return known
        try:
            table = self._read(self.downloads.local_copy(self._remote(team, week)).path, team)
        except (SourceError, DataError) as error:
            problem = self._said(error, team, week)
            with self._lock:
                self._failed[team, week] = (self.downloads.now(), problem)
            raise SourceError(problem) from None
        with self._lock:
            self._failed.pop((team, week), None)
            self._kept[team, week] = table
            while len(self._kept) > MAX_CACHED_TABLES:
                self._kept.popitem(last=False)
        return table

    def _remote(self, team: str, week: pd.Timestamp) -> RemoteFile:
        return RemoteFile(
            f"{self._base}{team}/{week:%Y-%m-%d}-{team}.csv",
            f"{self._name}-{team}-{week:%Y-%m-%d}",
            self.hub.publisher,
            lambda path: FileContents(len(self._read(path, team))),
        )

    def _read(self, path: Path, team: str) -> pd.DataFrame:
        table = read_forecasts(path, f"{team}.csv", _PLACES)
        if STATISTIC in table:
            table = table[table[STATISTIC] == self.hub.target].drop(columns=STATISTIC).reset_index(drop=True)
        if table.empty:
            raise DataError(f"{team}.csv: no row is of the target '{self.hub.target}'; choose another team.")
        return table

    def _said(self, error: Exception, team: str, week: pd.Timestamp) -> str:
        """The sentence for a reader: without a forecast for that week the answer is a 404."""
        if "(it answered 404" in str(error):
            return f"{self.hub.publisher} has no forecast of '{team}' for the week to {format_date(week)}."
        reason = str(error).partition(", and there is no earlier copy")[0].rstrip(".")
        return f"{reason}; the forecast of '{team}' for the week to {format_date(week)} is not drawn."
