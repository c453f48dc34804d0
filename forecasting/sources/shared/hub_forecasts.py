"""The forecasts that a hub's teams have published: a file a team and week, ``model-output/<team>/<week>-<team>.csv``.

Format: https://docs.hubverse.io/en/latest/user-guide/model-output.html
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from forecasting.data.columns import STATISTIC
from forecasting.data.formatting import format_date
from forecasting.data.us_states import NATION, STATES
from forecasting.sources import cdc_covid, flusight
from forecasting.sources.shared.download import PATIENCE, Downloads, Remote, utc_now
from forecasting.sources.shared.http import Limits
from forecasting.support.errors import DataError, RequestError, SourceError
from forecasting.tables.forecast_file import read_forecasts

#: Files kept in memory once read.
KEPT = 40
_PLACES = (NATION, *STATES.values())
_TEAM = re.compile(r"\w[\w+.-]{0,79}", re.ASCII)


@dataclass(frozen=True)
class Hub:
    """Where a hub keeps the forecasts, the name of its own ensemble, and what our figures are called there."""

    publisher: str
    base: str
    ensemble: str
    target: str


#: By the name of the source that has the hub's figures.
HUBS = {
    "cdc_covid": Hub(
        cdc_covid.CovidHub.publisher,
        "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/model-output/",
        "CovidHub-ensemble",
        cdc_covid.TARGET,
    ),
    "flusight": Hub(
        flusight.FluSight.publisher,
        "https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/model-output/",
        "FluSight-ensemble",
        flusight.TARGET,
    ),
}


class HubForecasts:
    """One hub's published forecasts.

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
        limits: Limits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.hub = HUBS[name]
        self.downloads = Downloads(limits, now)
        self._name = name
        self._base = base or self.hub.base
        self._failed: dict[tuple[str, pd.Timestamp], tuple[datetime, str]] = {}
        self._kept: OrderedDict[tuple[str, pd.Timestamp], pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, team: str, week: pd.Timestamp) -> pd.DataFrame | None:
        """What `table` gave, if it is still in memory; raises its `SourceError` again for a while."""
        with self._lock:
            failure = self._failed.get((team, week))
            if failure and self.downloads.age(failure[0]) < PATIENCE:
                raise SourceError(failure[1])
            return self._kept.get((team, week))

    def table(self, team: str, week: pd.Timestamp) -> pd.DataFrame:
        """A team's forecasts table of one reference date, downloaded unless there is a copy; places go by name.

        Raises `SourceError`, and `RequestError` for what is no team's name, with one sentence.
        """
        if not _TEAM.fullmatch(team):
            raise RequestError(f"'{team[:60]}' is no team's name; they are like '{self.hub.ensemble}'.")
        if (known := self.known(team, week)) is not None:
            return known
        try:
            found = self._read(self.downloads.copy(self._remote(team, week)).path, team)
        except (SourceError, DataError) as error:
            problem = self._said(error, team, week)
            with self._lock:
                self._failed[team, week] = (self.downloads.now(), problem)
            raise SourceError(problem) from None
        with self._lock:
            self._failed.pop((team, week), None)
            self._kept[team, week] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _remote(self, team: str, week: pd.Timestamp) -> Remote:
        return Remote(
            f"{self._base}{team}/{week:%Y-%m-%d}-{team}.csv",
            f"{self._name}-{team}-{week:%Y-%m-%d}",
            self.hub.publisher,
            lambda path: len(self._read(path, team)),
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
