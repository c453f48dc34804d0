"""COVID-19, influenza and RSV in the United States: the target data of the US CDC's three hubs as one source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from forecasting.data.columns import STATISTIC
from forecasting.data.panel import Panel, Statistic
from forecasting.sources.forecast_hubs import HubSource
from forecasting.sources.shared.acceptance import (
    acceptance_sentences,
    how_to_accept,
    publisher_in_sentence,
    refusals_explained,
)
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.download import LocalCopy, RefusedFileError, utc_now
from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.hub_statistics import disease_admissions, disease_share, read_hub_statistics
from forecasting.sources.shared.hubs import HUBS, ForecastHub
from forecasting.sources.shared.parquet_cache import parsed_table_path, read_parsed_table, write_parsed_table
from forecasting.support.errors import DataError, SourceError
from forecasting.tables.cells.tidy_table import TidyTable

#: A hub and the local copy of its file.
Copies = list[tuple[HubSource, LocalCopy]]
#: Why a statistic is absent, by its name, in a sentence.
Reasons = dict[str, str]


class UsRespiratory(Source):
    """Weekly hospital admissions of three respiratory diseases, and the shares of emergency visits for them.

    Local copies of files are those of the hubs' own sources, so nothing is downloaded twice. Where a hub cannot be had,
    the statistics of the others are there.

    Args:
        base: another address to take the files from, for tests and mirrors; each is in a folder called after its hub.
        limits: what a download may take.
        now: the clock.
    """

    name = "us_respiratory"
    label = "US respiratory hubs (COVID-19, influenza, RSV; live)"
    summary = (
        "New hospital admissions of patients with confirmed COVID-19, influenza and RSV in the United States, its states, the "
        "District of Columbia and Puerto Rico, by the week to Saturday, and the share of visits to emergency departments that "
        "were for each disease. Hospitals report to the National Healthcare Safety Network, emergency departments to the "
        "National Syndromic Surveillance Program; the CDC's three forecast hubs keep the figures as they stood week by week, "
        "so a look back uses what was known then of each."
    )
    home = "https://github.com/CDCgov/covid19-forecast-hub"
    attribution = (
        "US CDC COVID-19 Forecast Hub, FluSight and RSV Forecast Hub; National Healthcare Safety Network; "
        "National Syndromic Surveillance Program"
    )
    licence = "Apache 2.0 (COVID-19); MIT (influenza); CC0 1.0, Apache 2.0 (RSV)"
    live = True
    order = 31

    def __init__(
        self, base: str | None = None, limits: DownloadLimits | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.hubs = [HubSource(hub, base and f"{base}{hub.name}/", limits, now) for hub in HUBS.values()]
        self._reading = threading.Lock()
        self._read: tuple[tuple[Path, ...], Panel] | None = None

    def statistics(self) -> tuple[Statistic, ...]:
        """New admissions of each disease, then the shares of emergency visits."""
        hubs = HUBS.values()
        return (*(disease_admissions(hub) for hub in hubs), *(disease_share(hub) for hub in hubs))

    def panel(self) -> Panel:
        """The figures of the local copies, downloaded as those of any source.

        Its first notes say how old they are, and which hub could not be had. Raises `SourceError` when none can be.
        """
        try:
            return self._panel(*self._copies(HubSource.local_copies))
        except FileNotFoundError:  # another process, or the source of one hub, has just replaced a copy
            return self._panel(*self._copies(HubSource.local_copies))

    def age(self) -> timedelta | None:
        """How long ago a publisher last confirmed the oldest copy; None where there is none of any."""
        return max((age for hub in self.hubs if (age := hub.age()) is not None), default=None)

    def fetch(self, accept: bool = False) -> str:
        """Update the local copies now; says from when they are, and which could not be had. Raises `SourceError` without any.

        `accept` as in `LiveSource.fetch`.
        """
        refused: list[str] = []

        def refreshed(hub: HubSource) -> Sequence[LocalCopy]:
            try:
                return hub.refreshed_copies(accept)
            except RefusedFileError:
                refused.append(hub.name)
                raise

        with refusals_explained(self.name):
            copies, problems = self._copies(refreshed)
        taken = [one for hub, copy in copies for one in acceptance_sentences(self.name, hub.publisher, [copy])]
        hints = [how_to_accept(self.name)] if refused else []
        return " ".join([*_ages(copies), *problems.values(), *dict.fromkeys([*taken, *hints])])

    def _copies(self, of: Callable[[HubSource], Sequence[LocalCopy]]) -> tuple[Copies, Reasons]:
        """The copies of those hubs that have one, and by the names of the others why not. Raises `SourceError` without any."""
        copies, problems, errors = Copies(), Reasons(), list[SourceError]()
        for hub in self.hubs:
            try:
                copies += [(hub, copy) for copy in of(hub)]
            except SourceError as error:
                errors.append(error)
                problems[hub.name] = _missing(error, HUBS[hub.name])
        if not copies:
            raise errors[0]
        return copies, problems

    def _panel(self, copies: Copies, problems: Reasons) -> Panel:
        paths = tuple(copy.path for _, copy in copies)
        with self._reading:
            if self._read is None or self._read[0] != paths:
                self._read = (paths, self._parsed({hub.name: copy.path for hub, copy in copies}))
            panel = self._read[1]
        absent = {**panel.absent, **self._absent(problems)}
        return replace(panel, notes=(*_ages(copies), *problems.values(), *panel.notes), absent=absent)

    def _parsed(self, files: dict[str, Path]) -> Panel:
        tidy = self._tidy(files)
        held = set(tidy.table[STATISTIC].unique())
        present = tuple(one for one in self.statistics() if one.column in held)
        without = {
            disease_share(hub).name: f"{hub.publisher} gives no share of emergency visits that can be read; choose "
            f"{disease_admissions(hub).name}."
            for hub in HUBS.values()
            if disease_share(hub).column not in held
        }
        frequencies = {one.column: HubSource.frequency for one in present}
        return Panel(
            self.name,
            tidy.table,
            present,
            frequencies,
            self.attribution,
            self.licence,
            tidy.notes,
            tidy.parents,
            absent=without,
        )

    def _tidy(self, files: dict[str, Path]) -> TidyTable:
        kept = parsed_table_path(self.name, tuple(files.values()))
        if tidy := read_parsed_table(kept):
            return tidy
        try:
            tidy = read_hub_statistics(files, list(HUBS.values()))
        except DataError as error:
            why = str(error).rstrip(".")
            raise SourceError(f"A local copy of '{self.label}' cannot be read ({why}); fetch it anew.") from None
        write_parsed_table(tidy, kept, self.name)
        return tidy

    @staticmethod
    def _absent(problems: Reasons) -> Reasons:
        """The statistics of the hubs that could not be had, with the reason."""
        return {
            statistic.name: why
            for hub, why in problems.items()
            for statistic in (disease_admissions(HUBS[hub]), disease_share(HUBS[hub]))
        }


def _missing(error: SourceError, hub: ForecastHub) -> str:
    """The sentence for a reader: which hub, why, and what is not there."""
    reason = str(error).partition(", and there is no earlier copy")[0].rstrip(".")
    return f"{reason}, so there are no figures of {hub.disease} here; ask again later."


def _ages(copies: Copies) -> list[str]:
    """From when the figures are: a sentence for each hub that has a problem, and one for the others."""
    fine = [(hub, copy) for hub, copy in copies if not copy.problem]
    said = [hub.age_sentence([copy]) for hub, copy in copies if copy.problem]
    if fine:
        oldest, copy = min(fine, key=lambda one: one[1].confirmed)
        names = ", ".join(publisher_in_sentence(hub.publisher) for hub, _ in fine)
        said.insert(0, oldest.age_sentence([copy]).replace(publisher_in_sentence(oldest.publisher), names, 1))
    return said
