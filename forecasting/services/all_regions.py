"""All regions of a view: prepared, looked up in the store, forecast in the background, and backtested where that is wanted.

One object serves everybody who looks at the same view. Nothing here waits for a fit: a page looks again and again, and
each look goes on with what is still to do, for as long as its patience.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.evaluation.backtest import rolling_origins, series_at_cutoff
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, QueueFull, State
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.services.region_row import RegionRow, expected_change, latest_row, sparkline
from forecasting.services.run import IN_FLIGHT
from forecasting.services.service import Service
from forecasting.services.track_records import lookback
from forecasting.support.errors import DataError, ForecastingError, RequestError

#: Regions that are remembered; those asked for least lately are forgotten first.
REMEMBERED = 1_000
#: Regions whose instant forecasts are made at once, between two looks at the clock.
INSTANT_AT_ONCE = 32
#: Panels as they stood at the last origins that were looked for.
STOOD = 2


@dataclass(frozen=True)
class RegionsView:
    """Statistic, model, horizon and training options that are asked of every region."""

    statistic: str
    model: str
    horizon: int
    training: TrainingOptions = ALL_HISTORY


@dataclass
class _Entry:
    """The state of one region in the list.

    Attributes:
        request: what to ask for, until its forecast is there.
        sought: whether the store was asked for it.
        asked: whether the queue has taken it.
        retry: begin again what failed or was cancelled.
        hint: the key of the last forecast of its look back, empty where there is no looking back.
        recalled: whether its look back was looked for.
        past: its look back while some of it is under way; with all its forecasts it is too large to be kept for good.
        final: whether all of the look back is in the row's record.
    """

    row: RegionRow
    request: Request | None = None
    sought: bool = False
    asked: bool = False
    retry: bool = False
    hint: str | None = None
    recalled: bool = False
    past: TrackRecord | None = None
    final: bool = False

    @property
    def judged(self) -> bool:
        """Whether its record will not change any more."""
        return self.final or self.row.state == "failed" or self.hint == ""


class AllRegions:
    """The regions of one view of a panel. Every method may be called from any thread."""

    def __init__(self, service: Service, panel: Panel, view: RegionsView) -> None:
        self._service, self._panel, self._view = service, panel, view
        self._entries: dict[str, _Entry] = {}
        self._stood: dict[pd.Timestamp, Panel] = {}
        self._stood_lock = threading.Lock()
        self._lock = threading.Lock()
        self.full = ""

    def look(self, regions: Sequence[str], patience: float, ask: bool = True, records: bool = True) -> list[RegionRow]:
        """The rows of `regions` as they are now, in this order, after so many seconds of going on with the work.

        Args:
            ask: for forecasts that nobody has made yet, too.
            records: look for look backs that were made, too.
        """
        until = time.monotonic() + patience
        with self._lock:
            self._prepare(regions, until)
            self._seek(regions)
            if ask:
                self._ask(regions, until)
            if records:
                self._recall(regions, until)
            self._forget(regions)
            return self._rows(regions)

    def judge(self, regions: Sequence[str], patience: float, ask: bool = True) -> list[RegionRow]:
        """`look`, and look back on region after region, never more than `IN_FLIGHT` forecasts at once."""
        self.look(regions, patience / 2, ask)
        until = time.monotonic() + patience / 2
        with self._lock:
            self._judge(regions, until)
            return self._rows(regions)

    def looking(self, regions: Sequence[str], ask: bool = True) -> bool:
        """Whether forecasts or records of some region are still to be looked for, or being made."""
        with self._lock:
            known = self._at(regions)
            coming = any(one.row.state == "coming" and (ask or one.asked) for one in known)
            return coming or len(known) < len(regions) or not all(one.recalled for one in known)

    def judged(self, regions: Sequence[str]) -> int:
        """How many regions' records will not change any more."""
        with self._lock:
            return sum(one.judged for region in regions if (one := self._entries.get(region)))

    def stop(self, regions: Sequence[str]) -> None:
        """End the forecasts of `regions` that wait or run. What waits goes first, or a worker would take it up."""
        with self._lock:
            keys = [one.request.key for one in self._at(regions) if one.asked and one.request]
            self._cancel(keys)

    def stop_judging(self, regions: Sequence[str]) -> None:
        """End the look backs that wait or run, and forget them: what is done of them is in the store."""
        with self._lock:
            unfinished = [one for one in self._at(regions) if one.past]
            self._cancel([job.key for one in unfinished if one.past for job in one.past.jobs])
            for one in unfinished:
                one.past = None

    def again(self, regions: Sequence[str]) -> None:
        """Begin what failed or was cancelled once more at the next look."""
        with self._lock:
            for one in self._at(regions):
                if one.row.state in ("failed", "cancelled") and one.request:
                    one.row = replace(one.row, state="coming", why="")
                    one.asked, one.retry = False, True

    def refresh(self, regions: Sequence[str]) -> None:
        """Look once more for what was not there: somebody may have asked for it elsewhere meanwhile."""
        with self._lock:
            for one in self._at(regions):
                if one.row.state == "cancelled":
                    one.row = replace(one.row, state="coming", why="")
                if not one.judged and not _open(one):
                    one.recalled = False

    def _at(self, regions: Sequence[str]) -> list[_Entry]:
        return [self._entries[region] for region in regions if region in self._entries]

    def _rows(self, regions: Sequence[str]) -> list[RegionRow]:
        return [self._entries[region].row if region in self._entries else RegionRow(region) for region in regions]

    def _prepare(self, regions: Sequence[str], until: float) -> None:
        for region in regions:
            if region in self._entries:
                self._entries[region] = self._entries.pop(region)  # the last that may be forgotten
            elif time.monotonic() < until or not self._entries:
                self._entries[region] = self._prepared(region)

    def _prepared(self, region: str) -> _Entry:
        view = self._view
        try:
            series = self._series(region)
        except ForecastingError as error:
            return _Entry(RegionRow(region, state="failed", why=str(error)), hint="")
        seen = view.training.of(series)
        return _Entry(latest_row(region, series), Request(seen, view.model, view.horizon))

    def _series(self, region: str) -> Series:
        return self._service.series(self._panel, region, self._view.statistic)

    def _seek(self, regions: Sequence[str]) -> None:
        """One question to queue and store for all that may be there by now."""
        open_ones = {
            one.request.key: one
            for one in self._at(regions)
            if one.request and one.row.state == "coming" and (one.asked or not one.sought)
        }
        jobs = {job.key: job for job in self._service.queue.jobs(open_ones)}
        for key, one in open_ones.items():
            one.sought, one.asked = True, key in jobs
            if one.asked:
                self._settle(one, jobs[key])

    def _settle(self, one: _Entry, job: Job) -> None:
        """Put what a job has come to in its region's row."""
        one.asked = True
        if job.forecast is not None:
            series = self._series(one.row.region)
            change = expected_change(series, job.forecast)
            one.row = replace(one.row, spark=sparkline(series, job.forecast), change=change, state="ready")
            one.request = None
        elif job.state is State.cancelled:
            one.row = replace(one.row, state="cancelled", why="cancelled")
        elif job.finished:
            one.row = replace(one.row, state="failed", why=job.error or "did not finish")

    def _ask(self, regions: Sequence[str], until: float) -> None:
        """Ask for as many as may be under way at once, in the order in which they are looked at."""
        coming = [one for one in self._entries.values() if one.request and one.row.state == "coming"]
        under_way = [one.request.key for one in coming if one.asked and one.request]
        self._service.queue.watch(under_way)
        self.full = ""
        free = IN_FLIGHT - len(under_way)
        wanted = [one for one in self._at(regions) if one.request and not one.asked and one.row.state == "coming"]
        while wanted and free > 0 and not (model(self._view.model).instant and time.monotonic() > until):
            part = wanted[: min(free, INSTANT_AT_ONCE)]
            wanted = wanted[len(part) :]
            self._service.queue.fit_instant(one.request for one in part if one.request)
            for one in part:
                if one.request is None:
                    continue
                try:
                    (job,) = self._service.submit([one.request], background=True, retry=one.retry).values()
                except QueueFull as error:
                    self.full = str(error)
                    return
                one.retry = False
                self._settle(one, job)
                free -= not job.finished

    def _recall(self, regions: Sequence[str], until: float) -> None:
        """Look for look backs that were made: where the last origin's forecast is there, the others are likely to be."""
        new = [one for one in self._at(regions) if not one.recalled]
        for one in new:
            if time.monotonic() > until:
                return
            if one.hint is None:
                one.hint = self._hint(one.row.region)
        with self._stood_lock:
            self._stood.clear()  # the panels take more memory than all that is known here
        there = {job.key for job in self._service.queue.jobs(one.hint for one in new if one.hint)}
        for one in new:
            if one.hint in there:
                if time.monotonic() > until:
                    return
                self._look_back(one)
            one.recalled = True

    def _hint(self, region: str) -> str:
        """The key of the forecast from the last origin of a region's look back; empty where there is none."""
        view = self._view
        usual = lookback(self._series(region), view.horizon)
        try:
            (date,) = rolling_origins(self._panel, region, view.statistic, usual.ahead, 1, usual.step)
            known = self._stood_at(date)
            stood = series_at_cutoff(known, region, view.statistic, date)
        except (DataError, RequestError):
            return ""
        return stood.with_training(view.training).request(view.model, usual.ahead).key

    def _stood_at(self, date: pd.Timestamp) -> Panel:
        """The panel as it stood then; the last `STOOD` are kept."""
        with self._stood_lock:
            if date not in self._stood:
                while len(self._stood) >= STOOD:
                    del self._stood[next(iter(self._stood))]
                self._stood[date] = self._panel.as_of(date)
            return self._stood[date]

    def _look_back(self, one: _Entry, at_once: int = 0, retry: bool = False) -> None:
        """A region's record, from what is made of its look back; no more than so many of its forecasts under way."""
        view = self._view
        past = self._service.track_records.track_record(
            self._panel,
            one.row.region,
            view.statistic,
            [view.model],
            view.training,
            horizon=view.horizon,
            at_once=at_once,
            retry=retry,
        )
        one.row = replace(one.row, record=past.of(view.model))
        one.final = not past.waiting and not any(job.state is State.cancelled for job in past.jobs)
        one.past = None if all(job.finished for job in past.jobs) else past

    def _judge(self, regions: Sequence[str], until: float) -> None:
        self._follow(regions)
        free = IN_FLIGHT - sum(_open(one) for one in self._entries.values())
        for one in self._at(regions):
            if free <= 0 or time.monotonic() > until:
                return
            if one.hint is None or one.judged or _open(one):
                continue
            self._look_back(one, free, retry=True)
            free -= _open(one)

    def _follow(self, regions: Sequence[str]) -> None:
        """Look again at the look backs of which something has come since."""
        open_ones = [one for one in self._at(regions) if _open(one)]
        keys = {job.key for one in open_ones if one.past for job in one.past.jobs if not job.finished}
        self._service.queue.watch(keys)
        finished = {job.key for job in self._service.queue.jobs(keys) if job.finished}
        for one in open_ones:
            if one.past and any(job.key in finished for job in one.past.jobs):
                self._look_back(one, max(_open(one), 1))

    def _cancel(self, keys: Sequence[str]) -> None:
        jobs = [job for job in self._service.queue.jobs(keys) if not job.finished]
        for job in sorted(jobs, key=lambda job: job.state is State.running):
            self._service.cancel(job.key)

    def _forget(self, regions: Sequence[str]) -> None:
        now = set(regions)
        for region in list(self._entries)[: max(len(self._entries) - REMEMBERED, 0)]:
            if region not in now:
                del self._entries[region]


def _open(one: _Entry) -> int:
    """How many forecasts of a region's look back are under way."""
    return sum(not job.finished for job in one.past.jobs) if one.past else 0


def newest_date(rows: Sequence[RegionRow]) -> pd.Timestamp | None:
    """The last date that any of the regions has figures for."""
    return max((row.at for row in rows if row.at is not None), default=None)
