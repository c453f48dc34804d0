"""Nightly update of a source: download its figures, make all forecasts, pick the best models, detect drift, check event alerts.

`serve` runs it by a schedule (`scheduler`), the command `upkeep` once. It uses the same queue and store as visitors, whose
requests go first: forecasts that are stored are not made again, an interrupted run goes on where it was, and servers that
share a database share the work.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from forecasting import sources
from forecasting.data.panel import Panel, Statistic
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord, track_record_scores
from forecasting.jobs.request import Request
from forecasting.models import model, models
from forecasting.monitoring.alerts import Alerts, AlertSubject
from forecasting.monitoring.drift.detect import Drift, data_drifts, forecast_drifts, published_values
from forecasting.monitoring.event_alerts import EventAlert, EventAlerts
from forecasting.monitoring.history import History, ModelPick
from forecasting.monitoring.update_runs import UpdateRun, UpdateRuns
from forecasting.operations.check_event_alerts import check_event_alerts
from forecasting.services.run import IN_FLIGHT
from forecasting.services.service import Service
from forecasting.services.track_records import STOPS
from forecasting.support.errors import DataError, ForecastingError, JobError, RequestError

log = logging.getLogger(__name__)

#: Seconds of pause between two series, in which pages have the interpreter to themselves.
PAUSE = 0.02
#: Time without an answer of the publisher after which an alert is opened.
MAX_SILENCE = timedelta(days=1)
#: Share of failed forecasts above which an alert is opened.
MANY_FAILED = 0.05
#: Model whose forecasts are tested for drift: the one that pages show first.
DRIFT_MODEL = "ensemble"
#: Seconds to wait for the fits of a track record before it is checked again.
FIT_TIMEOUT = 60.0


class UpdateStopped(Exception):  # noqa: N818 - not an error
    """The update was stopped, because the server is closing."""


@dataclass(frozen=True)
class SourceSeries:
    """One series of a source."""

    panel: Panel
    region: str
    statistic: Statistic

    @property
    def name(self) -> str:
        """Name of the series in sentences."""
        return f"{self.region}, {self.statistic.label[0].lower()}{self.statistic.label[1:]}"


class NightlyUpdate:
    """The nightly update, of one source at a time. `stop` may be called from any thread.

    Args:
        names: the models to fit and to pick from; all by default.
        event_alerts: what people asked to be told of; nothing by default.
    """

    def __init__(
        self,
        service: Service,
        runs: UpdateRuns,
        history: History,
        alerts: Alerts,
        names: Sequence[str] | None = None,
        event_alerts: EventAlerts | None = None,
    ) -> None:
        self._service, self._runs, self._history, self._alerts = service, runs, history, alerts
        self._names = tuple(names or models())
        self._event_alerts = event_alerts
        self._stopped = threading.Event()
        self._running = threading.Lock()

    def run(self, source: str, again: bool = False) -> UpdateRun:
        """Update a source; returns the last run if there are no newer figures since, unless `again`.

        Trouble with the source or its figures is in the run and never raised. Raises `UpdateStopped` after `stop`.
        """
        with self._running:
            began, trouble = datetime.now(UTC), _fetch(source)
            try:
                panel = self._service.panel(source)
                assert panel is not None  # without patience it waits
            except ForecastingError as error:
                return self._record(UpdateRun(source, began, began, "", failed=1, said=str(error)), {}, str(error))
            digest = self._digest(panel)
            last = self._runs.last(source)
            if last is not None and last.digest == digest and not again:
                self._alerts.update({}, {f"source {source}": trouble})
                self._check_events(lambda one: one.rule.source == source and one.checked is None)
                return last
            run = self._update(panel, began, digest, trouble)
            self._check_events(lambda one: one.rule.source == source)
            return run

    def check_event_alerts(self, but: Collection[str]) -> None:
        """Check the event alerts of all sources `but` those that are updated. Raises `UpdateStopped` after `stop`."""
        with self._running:
            self._check_events(lambda one: one.rule.source not in but)

    def stop(self) -> None:
        """Stop a run at its next step."""
        self._stopped.set()

    def close(self) -> None:
        """Wait until alerts have been posted."""
        self._alerts.close()
        if self._event_alerts is not None:
            self._event_alerts.close()

    def _check_events(self, chosen: Callable[[EventAlert], bool]) -> None:
        if self._event_alerts is None:
            return
        try:
            check_event_alerts(self._service, self._event_alerts, self._alerts, chosen, self._pause)
        except JobError as error:
            log.warning("%s", error)

    def _update(self, panel: Panel, began: datetime, digest: str, trouble: str) -> UpdateRun:
        all_series = list(_series(panel))
        stored, reasons = self._forecast_all(all_series)
        picks, drifting = list[ModelPick](), dict[tuple[str, str, str], list[Drift]]()
        for one in all_series:
            self._pause()
            try:
                if best := self._best_model(one):
                    picks.append(best)
                drifting[AlertSubject(panel.source, one.region, one.statistic.name)] = self._drifts(one)
            except (DataError, RequestError):  # the series is too short, which `_forecast_all` has met
                continue
            except JobError as error:
                reasons.append(str(error))
        self._history.record_picks(*picks)
        many = len(reasons) > MANY_FAILED * (stored + len(reasons))
        failed = f"{len(reasons)} of {stored + len(reasons)} forecasts failed; the first: {reasons[0]}" if many else ""
        run = UpdateRun(
            panel.source,
            began,
            datetime.now(UTC),
            digest,
            len(all_series),
            stored,
            len(reasons),
            len(picks),
            sum(map(bool, drifting.values())),
            trouble or failed or (reasons[0] if reasons else ""),
        )
        return self._record(run, drifting, trouble, failed)

    def _record(
        self,
        run: UpdateRun,
        drifting: Mapping[tuple[str, str, str], Sequence[Drift]],
        trouble: str,
        failed: str | None = None,
    ) -> UpdateRun:
        troubles = {f"source {run.source}": trouble}
        if failed is not None:
            troubles[f"fits of {run.source}"] = failed
        self._runs.add(run)
        self._alerts.update(drifting, troubles)
        return run

    def _forecast_all(self, all_series: Sequence[SourceSeries]) -> tuple[int, list[str]]:
        """Make every forecast that pages show first; returns how many are stored now, and why others failed."""
        stored, reasons = 0, list[str]()
        for request, job in self._service.run(self._requests(all_series)):
            if job.forecast is not None:
                stored += 1
            else:
                reasons.append(f"{request.series.region}, {model(request.model).label}: {job.error or job.state}")
        return stored, reasons

    def _requests(self, all_series: Sequence[SourceSeries]) -> Iterator[Request]:
        stored = [name for name in self._names if not model(name).instant]
        for one in all_series:
            self._pause()
            try:
                series = self._service.series(one.panel, one.region, one.statistic.name)
            except (DataError, RequestError):  # nothing to forecast is no failure: pages say why
                continue
            for name in stored:
                yield Request(series, name, series.frequency.default_horizon)

    def _best_model(self, one: SourceSeries) -> ModelPick | None:
        """Return the best model of a series at its last origins, if there are scores."""
        past = self._looked_back(one, self._names)
        ranked = sorted((one for one in past.scores if one.relative_wis == one.relative_wis), key=_by_wis)
        if not ranked:
            return None
        best, second = ranked[0], ranked[1].model if len(ranked) > 1 else ""
        source, statistic = one.panel.source, one.statistic.name
        return ModelPick(source, statistic, one.region, best.model, best.relative_wis, second, len(past.cutoffs))

    def _drifts(self, one: SourceSeries) -> list[Drift]:
        series = self._service.series(one.panel, one.region, one.statistic.name)
        found = data_drifts(series, published_values(one.panel, one.region, one.statistic.name), one.name)
        drift_model = DRIFT_MODEL if DRIFT_MODEL in self._names else self._names[0]
        past = self._looked_back(one, [drift_model], STOPS)
        scores = track_record_scores(past, series)
        return found if scores.empty else [*found, *forecast_drifts(scores, one.name)]

    def _looked_back(self, one: SourceSeries, names: Sequence[str], origins: int | None = None) -> TrackRecord:
        """Wait for the track record of a series; empty if there is none."""
        where = (one.panel, one.region, one.statistic.name, names)
        while True:
            past = self._service.track_records.track_record(*where, origins=origins, at_once=IN_FLIGHT, watched=False)
            if past.why_not or not past.waiting:
                return past
            self._pause()
            self._service.queue.wait([job.key for job in past.jobs], timeout=FIT_TIMEOUT)

    def _digest(self, panel: Panel) -> str:
        """Digest of everything that a run depends on."""
        rows = pd.util.hash_pandas_object(panel.table, index=False).to_numpy()
        fits = [f"{name} {model(name).version}" for name in self._names]
        return hashlib.sha256(rows.tobytes() + "|".join(fits).encode()).hexdigest()

    def _pause(self) -> None:
        if self._stopped.wait(PAUSE):
            raise UpdateStopped


def _series(panel: Panel) -> Iterator[SourceSeries]:
    """Iterate over all series of a panel; a running total and its counts are one series."""
    counted = {statistic.column: statistic for statistic in reversed(panel.statistics)}
    for statistic in reversed(counted.values()):
        for region in panel.regions(statistic.name):
            yield SourceSeries(panel, region, statistic)


def _fetch(source: str) -> str:
    """Fetch a source; returns what it says of its publisher if that has sent nothing that is believed for `MAX_SILENCE`."""
    one = sources.source(source)
    if not one.live:
        return ""
    try:
        said = one.fetch()
    except ForecastingError as error:
        return str(error)
    age = one.age()
    if age is None or age < MAX_SILENCE:
        return ""
    return f"'{one.label}' has had nothing new for {age.total_seconds() / 3600:.0f} hours. {said}"


def _by_wis(score: ModelScore) -> float:
    return score.relative_wis
