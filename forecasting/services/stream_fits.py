"""StreamFits: forecasts of series that grow all the time, each full fit at most once at a time.

A new point gives a draft at once, extended from the last fit's parameters. The full fit follows when the one before has ended, so
points that come faster than a model can be fitted do not fill the queue.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import replace

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.jobs import Job, JobQueue
from forecasting.jobs.job import State
from forecasting.jobs.request import Request
from forecasting.jobs.warm_start import warm_start_draft
from forecasting.models import BlendedModel, model
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import ForecastingError

#: Series and models that are remembered, and drafts that are kept.
MOST_SERIES, MOST_DRAFTS = 1_000, 300
#: Seconds from the beginning of a full fit to that of the next one of the same series.
REFIT_EVERY = 10.0
#: Seconds for which earlier dates are judged by the figures of one moment.
JUDGED_FOR = 60.0
#: Views of which that moment is remembered.
MOST_VIEWS = 8


class StreamFits:
    """The fits of series that come by themselves. Safe for threads.

    Args:
        queue: fits them.
        store: where parameters to extend are found.
    """

    def __init__(self, queue: JobQueue, store: ForecastStore) -> None:
        self._queue, self._store = queue, store
        self._last: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()
        self._drafts: OrderedDict[str, Forecast | None] = OrderedDict()
        self._judged: OrderedDict[Hashable, tuple[Panel, float]] = OrderedDict()
        self._lock = threading.Lock()

    def submit(self, name: Hashable, requests: Iterable[Request], retry: bool = False) -> dict[str, Job]:
        """As `Service.submit`, of a series that grows and is called `name`.

        While the fit of an earlier state of the same is under way, or was begun less than `REFIT_EVERY` ago, the job is that one, with
        a draft for the series as it is now.
        """
        jobs = {}
        for request in requests:
            series, now = (name, request.model, request.horizon), time.monotonic()
            with self._lock:
                key, begun = self._last.get(series, ("", 0.0))
            earlier = self._queue.job(key) if key not in ("", request.key) else None
            must_wait = earlier is not None and (not earlier.finished or now - begun < REFIT_EVERY)
            if earlier and must_wait and not retry and not self._is_known(request):
                jobs[request.model] = self._waiting(request, earlier)
                continue
            jobs[request.model] = self._queue.submit(request, retry=retry)
            with self._lock:
                self._last[series] = request.key, begun if key == request.key else now
                self._last.move_to_end(series)
                while len(self._last) > MOST_SERIES:
                    self._last.popitem(last=False)
        self._queue.watch([job.key for job in jobs.values()])
        return jobs

    def _waiting(self, request: Request, earlier: Job) -> Job:
        """The job of a request whose fit begins later."""
        state = State.queued if earlier.finished else earlier.state
        return replace(earlier, state=state, draft=self.extended(request), forecast=None, error=None)

    def extended(self, request: Request) -> Forecast | None:
        """A draft for `request` in milliseconds: an earlier fit, extended; None where there is none that can be."""
        with self._lock:
            if request.key in self._drafts:
                return self._drafts[request.key]
        made = self._blended(request) if request.members else warm_start_draft(request, self._store)
        with self._lock:
            self._drafts[request.key] = made
            while len(self._drafts) > MOST_DRAFTS:
                self._drafts.popitem(last=False)
        return made

    def judged_panel(self, view: Hashable, panel: Panel, is_waiting: bool) -> Panel:
        """The panel by which earlier dates are judged in a view: for a while the same, however many points come meanwhile.

        `is_waiting`: the judging of the last one has not ended.
        """
        now = time.monotonic()
        with self._lock:
            known = self._judged.get(view)
            if known is None or (not is_waiting and now - known[1] > JUDGED_FOR):
                known = panel, now
            self._judged[view] = known
            self._judged.move_to_end(view)
            while len(self._judged) > MOST_VIEWS:
                self._judged.popitem(last=False)
            return known[0]

    def forget(self, source: str) -> None:
        """Hold no panel of this source any more."""
        with self._lock:
            for view in [view for view, (panel, _) in self._judged.items() if panel.source == source]:
                del self._judged[view]

    def _is_known(self, request: Request) -> bool:
        """Whether its forecast is there, or takes no time."""
        if model(request.model).instant:
            return True
        job = self._queue.job(request.key)
        return job is not None and job.finished

    def _blended(self, request: Request) -> Forecast | None:
        """A blend of what the members can say at once."""
        chosen = model(request.model)
        assert isinstance(chosen, BlendedModel)  # only those have members
        members = {one.model: self._at_once(one) for one in request.members}
        known = {name: forecast for name, forecast in members.items() if forecast is not None}
        try:
            return chosen.blend(request.series, request.horizon, known) if known else None
        except ForecastingError:
            return None

    def _at_once(self, request: Request) -> Forecast | None:
        if model(request.model).instant and not request.pool:
            return self._queue.submit(request).forecast
        return self.extended(request)
