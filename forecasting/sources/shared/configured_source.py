"""Base class of the databases and data sets that the configuration names: read when asked for, kept for ten minutes."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from forecasting.data.panel import Panel, Statistic
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.download import utc_now
from forecasting.support.errors import ForecastingError
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.panel_file import panel_from_raw_table

#: Figures that were read are read again when they are older than this.
KEPT_FOR = timedelta(minutes=10)
#: How the note begins that says why figures are older.
_STALE = "These figures could not be read anew:"


class ConfiguredSource(Source):
    """A table at an address of the configuration, under a name of its own.

    Args:
        name: what requests, links and the command line call it.
        label: what a page calls it.
        variable: the environment variable that has its address, which no message tells.
        now: the clock.
    """

    live = True
    home = ""
    licence = "as its owner says"

    def __init__(self, name: str, label: str, variable: str, now: Callable[[], datetime] = utc_now) -> None:
        self.name, self.label, self._variable, self._now = name, label, variable, now
        self.summary = f"What {variable} leads to, read when it is asked for and kept for some minutes."
        self.attribution = f"Figures from {name}"
        self._reading = threading.Lock()
        self._read: tuple[datetime, Panel] | None = None

    @abstractmethod
    def read_cells(self) -> tuple[RawTable, tuple[str, ...]]:
        """The table as it is now, and the columns that were of no use. Raises `SourceError`, without the address."""

    def read(self, cumulative: bool = False) -> Panel:
        """The figures as they are now. Raises `SourceError`, or `DataError` when they are not understood."""
        raw, left = self.read_cells()
        panel = panel_from_raw_table(raw, cumulative)
        notes = (f"Left out, because they hold no numbers: {', '.join(left)}.",) if left else ()
        return replace(panel, notes=(f"Read from {self.name} at {_moment(self._now())}.", *notes, *panel.notes))

    def panel(self) -> Panel:
        """The figures as read within the last minutes, read now if they were not.

        Where that fails and older ones are there, those, with a note that says so.
        """
        with self._reading:
            if self._read is None:
                self._read = self._now(), self.read()
            elif self._now() - self._read[0] > KEPT_FOR:
                self._read = self._now(), self._newer(self._read[1])
            return self._read[1]

    def statistics(self) -> tuple[Statistic, ...]:
        """Those of what was read last; none before that."""
        return self._read[1].statistics if self._read else ()

    def fetch(self, accept: bool = False) -> str:
        """Read it now, and keep that for some minutes."""
        with self._reading:
            self._read = self._now(), self.read()
            table = self._read[1].table
        return f"{len(table):,} figures of '{self.label}' were read just now; they are kept for some minutes only."

    def _newer(self, older: Panel) -> Panel:
        try:
            return self.read()
        except ForecastingError as error:
            known = [note for note in older.notes if not note.startswith(_STALE)]
            return replace(older, notes=(f"{_STALE} {error}", *known))


def _moment(when: datetime) -> str:
    return f"{when:%H:%M} UTC on {when.day} {when:%B %Y}"
