"""Base class of sources that are downloaded: files are fetched, read once, and kept in memory while they are the same."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from forecasting.data.frequency import DAILY, Frequency
from forecasting.data.panel import Panel
from forecasting.sources.shared.acceptance import acceptance_sentences, publisher_in_sentence, refusals_explained
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.download import REFRESH_AFTER, Downloads, LocalCopy, RemoteFile, format_age, utc_now
from forecasting.sources.shared.file_contents import FileContents, table_contents
from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.parquet_cache import parsed_table_path, read_parsed_table, write_parsed_table
from forecasting.support.errors import DataError, SourceError
from forecasting.tables.cells.tidy_table import TidyTable


class LiveSource(Source):
    """A source whose files are downloaded from a publisher.

    Attributes, besides those of `Source`:
        publisher: who publishes it, as a sentence begins.
        base: the address of the folder that the files are in, with the last slash.
        files: their names.
        frequency: the spacing of their dates.

    Args:
        base: another address to take the files from, for tests and mirrors.
        limits: what a download may take.
        now: the clock.
    """

    live = True
    publisher: str
    base: str
    files: tuple[str, ...]
    frequency: Frequency = DAILY

    def __init__(
        self, base: str | None = None, limits: DownloadLimits | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.downloads = Downloads(limits, now)
        self._remotes = [self._remote((base or self.base) + file, file) for file in self.files]
        self._reading = threading.Lock()
        self._read: tuple[tuple[Path, ...], Panel] | None = None

    @abstractmethod
    def read(self, paths: Sequence[Path]) -> TidyTable:
        """Some or all of the files as one sorted table. Raises `DataError` when one is not what it usually is."""

    def panel(self) -> Panel:
        """The figures of the local copy, downloaded when there is none or it is older than a day.

        Its first note says how old they are and what went wrong, if anything did. Raises `SourceError` when there is
        no copy and none can be had.
        """
        try:
            return self._panel(self.local_copies())
        except FileNotFoundError:  # another process has just replaced a copy
            return self._panel(self.local_copies())

    def local_copies(self) -> list[LocalCopy]:
        """The local copies of the files, downloaded as `panel` says. Raises `SourceError` when there is none of one."""
        return [self.downloads.local_copy(remote) for remote in self._remotes]

    def refreshed_copies(self, accept: bool = False) -> list[LocalCopy]:
        """The local copies after asking the publisher now, as `fetch` says. Raises `SourceError` when there is none of one."""
        return [self.downloads.refresh(remote, accept) for remote in self._remotes]

    def fetch(self, accept: bool = False) -> str:
        """Update the local copy now; one sentence saying from when the figures are, and why not newer.

        With `accept`, a file that can be read is taken though it holds less than before, or what cannot be; another
        sentence says so. Raises `SourceError` when there is no local copy and none can be had.
        """
        with refusals_explained(self.name):
            copies = self.refreshed_copies(accept)
        return " ".join([self.age_sentence(copies), *acceptance_sentences(self.name, self.publisher, copies)])

    def age(self) -> timedelta | None:
        """How long ago the publisher last sent the oldest file or said that it has not changed; None without a copy of all."""
        ages = [self.downloads.time_since_confirmed(remote) for remote in self._remotes]
        known = [age for age in ages if age is not None]
        return max(known) if len(known) == len(ages) else None

    def _remote(self, url: str, file: str) -> RemoteFile:
        return RemoteFile(url, f"{self.name}-{Path(file).stem}", self.publisher, partial(self._measure, name=file))

    def _measure(self, path: Path, name: str) -> FileContents:
        try:
            return table_contents(self.read([path]).table, self.statistics())
        except DataError as error:
            # The reader knows the publisher's name of the file, not that of the unfinished download.
            raise DataError(str(error).replace(path.name, name)) from None

    def _panel(self, copies: list[LocalCopy]) -> Panel:
        paths = tuple(copy.path for copy in copies)
        with self._reading:
            if self._read is None or self._read[0] != paths:
                self._read = (paths, self._parsed(paths))
            panel = self._read[1]
        return replace(panel, notes=(self.age_sentence(copies), *panel.notes))

    def _parsed(self, paths: tuple[Path, ...]) -> Panel:
        kept = parsed_table_path(self.name, paths)
        try:
            tidy = read_parsed_table(kept)
            if tidy is None:
                tidy = self.read(paths)
                write_parsed_table(tidy, kept, self.name)
        except DataError as error:
            raise SourceError(
                f"The local copy of '{self.label}' cannot be read ({str(error).rstrip('.')}); fetch it anew."
            ) from None
        frequencies = {statistic.column: self.frequency for statistic in self.statistics()}
        return Panel(
            self.name,
            tidy.table,
            self.statistics(),
            frequencies,
            self.attribution,
            self.licence,
            tidy.notes,
            tidy.parents,
        )

    def age_sentence(self, copies: Sequence[LocalCopy]) -> str:
        """From when the figures are: the oldest copy counts; why they are not newer, where that is known."""
        oldest = min(copies, key=lambda copy: copy.confirmed)
        age = self.downloads.age(oldest.confirmed)
        when = f"from {format_age(age)}" if format_age(age) != "now" else "from just now"
        problem = next((copy.problem for copy in copies if copy.problem), None)
        if problem:
            return f"{self.publisher} {problem}; these figures are {when}."
        publisher = publisher_in_sentence(self.publisher)
        if age > REFRESH_AFTER:
            return f"These figures of {publisher} are {when}; newer ones are being fetched."
        return f"These figures of {publisher} are {when}."
