"""Upkeep of a source: its newest figures, every forecast made before anybody asks, the best models picked, drift told.

What `serve` does by night (see `schedule`) and `upkeep` from the command line. Everything goes through the same queue and
store as what visitors ask for, which goes first; so what is there is not made again, a run that was interrupted goes on where
it was, and servers that share a database share the work.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from forecasting import sources
from forecasting.data.panel import Panel, Statistic
from forecasting.evaluation.look_back import LookBack, look_back_scores
from forecasting.evaluation.scores import Score
from forecasting.jobs.request import Request
from forecasting.models import model, models
from forecasting.monitoring.alerts import Alerts, Topic
from forecasting.monitoring.drift.detect import Drift, inputs, outcomes, published
from forecasting.monitoring.history import History, Pick
from forecasting.monitoring.runs import Run, Runs
from forecasting.services.service import IN_FLIGHT, Service
from forecasting.services.track_record import STOPS
from forecasting.support.errors import DataError, ForecastingError, JobError

log = logging.getLogger(__name__)

#: Seconds between two regions, in which pages have the interpreter to themselves.
BREATH = 0.02
#: After how long without an answer of its publisher a source is in trouble.
SILENCE = timedelta(days=1)
#: The share of failed forecasts from which somebody is told.
MANY_FAILED = 0.05
#: Whose errors are watched for drift: what a page shows first.
WATCHED = "ensemble"
#: Seconds between two looks at a look back under way.
PATIENCE = 60.0


class Stopped(Exception):  # noqa: N818 - no error: the server is closing
    """The run was told to end."""


@dataclass(frozen=True)
class Here:
    """One series of a source."""

    panel: Panel
    region: str
    statistic: Statistic

    @property
    def name(self) -> str:
        """How sentences call it."""
        return f"{self.region}, {self.statistic.label[0].lower()}{self.statistic.label[1:]}"


class Upkeep:
    """Runs the upkeep of one source at a time. `stop` may be called from any thread.

    Args:
        names: the models to fit and to pick from; all by default.
    """

    def __init__(
        self, service: Service, runs: Runs, history: History, alerts: Alerts, names: Sequence[str] | None = None
    ) -> None:
        self._service, self._runs, self._history, self._alerts = service, runs, history, alerts
        self._names = tuple(names or models())
        self._stopped = threading.Event()
        self._alone = threading.Lock()

    def run(self, source: str, again: bool = False) -> Run:
        """Looks after a source; gives the last run where there are no newer figures since, unless `again`.

        Never raises for what is wrong with a source or its figures: the run says it. Raises `Stopped` after `stop`.
        """
        with self._alone:
            began, trouble = datetime.now(UTC), _fetched(source)
            try:
                panel = self._service.panel(source)
                assert panel is not None  # without patience it waits
            except ForecastingError as error:
                return self._ended(Run(source, began, began, "", failed=1, said=str(error)), {}, str(error))
            digest = self._digest(panel)
            last = self._runs.last(source)
            if last is not None and last.digest == digest and not again:
                self._alerts.look({}, {f"source {source}": trouble})
                return last
            return self._look_after(panel, began, digest, trouble)

    def stop(self) -> None:
        """Ends a run at its next step."""
        self._stopped.set()

    def close(self) -> None:
        """Waits until what was told is on its way."""
        self._alerts.close()

    def _look_after(self, panel: Panel, began: datetime, digest: str, trouble: str) -> Run:
        every = list(_series(panel))
        there, reasons = self._train(every)
        picks, drifting = list[Pick](), dict[tuple[str, str, str], list[Drift]]()
        for here in every:
            self._breathe()
            try:
                if best := self._best(here):
                    picks.append(best)
                drifting[Topic(panel.source, here.region, here.statistic.name)] = self._drifts(here)
            except DataError:  # too short a series has been said by then
                continue
            except JobError as error:
                reasons.append(str(error))
        self._history.pick(*picks)
        many = len(reasons) > MANY_FAILED * (there + len(reasons))
        failed = f"{len(reasons)} of {there + len(reasons)} forecasts failed; the first: {reasons[0]}" if many else ""
        run = Run(
            panel.source,
            began,
            datetime.now(UTC),
            digest,
            len(every),
            there,
            len(reasons),
            len(picks),
            sum(map(bool, drifting.values())),
            trouble or failed or (reasons[0] if reasons else ""),
        )
        return self._ended(run, drifting, trouble, failed)

    def _ended(
        self,
        run: Run,
        drifting: Mapping[tuple[str, str, str], Sequence[Drift]],
        trouble: str,
        failed: str | None = None,
    ) -> Run:
        troubles = {f"source {run.source}": trouble}
        if failed is not None:
            troubles[f"fits of {run.source}"] = failed
        self._runs.put(run)
        self._alerts.look(drifting, troubles)
        return run

    def _train(self, every: Sequence[Here]) -> tuple[int, list[str]]:
        """Every forecast that pages show first: how many there are now, and why others are not."""
        there, reasons = 0, list[str]()
        for request, job in self._service.run(self._requests(every)):
            if job.forecast is not None:
                there += 1
            else:
                reasons.append(f"{request.series.region}, {model(request.model).label}: {job.error or job.state}")
        return there, reasons

    def _requests(self, every: Sequence[Here]) -> Iterator[Request]:
        stored = [name for name in self._names if not model(name).instant]
        for here in every:
            self._breathe()
            try:
                series = self._service.series(here.panel, here.region, here.statistic.name)
            except DataError:  # nothing to forecast is no failure: pages say why
                continue
            for name in stored:
                yield Request(series, name, series.frequency.default_horizon)

    def _best(self, here: Here) -> Pick | None:
        """The best model of a series at its last origins, if that can be said."""
        past = self._looked_back(here, self._names)
        ranked = sorted((one for one in past.scores if one.relative_wis == one.relative_wis), key=_by_wis)
        if not ranked:
            return None
        best, second = ranked[0], ranked[1].model if len(ranked) > 1 else ""
        source, statistic = here.panel.source, here.statistic.name
        return Pick(source, statistic, here.region, best.model, best.relative_wis, second, len(past.cuts))

    def _drifts(self, here: Here) -> list[Drift]:
        series = self._service.series(here.panel, here.region, here.statistic.name)
        found = inputs(series, published(here.panel, here.region, here.statistic.name), here.name)
        watched = WATCHED if WATCHED in self._names else self._names[0]
        past = self._looked_back(here, [watched], STOPS)
        scores = look_back_scores(past, series)
        return found if scores.empty else [*found, *outcomes(scores, here.name)]

    def _looked_back(self, here: Here, names: Sequence[str], origins: int | None = None) -> LookBack:
        """A look back, waited for. One that cannot be had is empty."""
        where = (here.panel, here.region, here.statistic.name, names)
        while True:
            past = self._service.past.look_back(*where, origins=origins, at_once=IN_FLIGHT, watched=False)
            if past.why_not or not past.waiting:
                return past
            self._breathe()
            self._service.queue.wait([job.key for job in past.jobs], timeout=PATIENCE)

    def _digest(self, panel: Panel) -> str:
        """Of all that a run depends on."""
        rows = pd.util.hash_pandas_object(panel.table, index=False).to_numpy()
        fits = [f"{name} {model(name).version}" for name in self._names]
        return hashlib.sha256(rows.tobytes() + "|".join(fits).encode()).hexdigest()

    def _breathe(self) -> None:
        if self._stopped.wait(BREATH):
            raise Stopped


def _series(panel: Panel) -> Iterator[Here]:
    """Every series once: running totals are the same figures."""
    counted = {statistic.column: statistic for statistic in reversed(panel.statistics)}
    for statistic in reversed(counted.values()):
        for region in panel.regions(statistic.name):
            yield Here(panel, region, statistic)


def _fetched(source: str) -> str:
    """Asks the publisher; a sentence where it has not answered for `SILENCE`."""
    one = sources.source(source)
    if not one.live:
        return ""
    try:
        one.fetch()
    except ForecastingError as error:
        return str(error)
    age = one.age()
    if age is None or age < SILENCE:
        return ""
    return f"The publisher of '{one.label}' has not answered for {age.total_seconds() / 3600:.0f} hours."


def _by_wis(score: Score) -> float:
    return score.relative_wis
