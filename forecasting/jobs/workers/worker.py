"""The worker process that fits models: ``python -m forecasting.jobs.workers.worker``, started and ended by a `Supervisor`.

Orders come as lines on standard input, events go as lines to a private copy of standard output (`protocol` has both); what
a library prints goes to standard error. While there is nothing to do, the models warm up one by one, unless
`FORECAST_WARM_UP` says no. When standard input ends, the server is gone, however it ended, and this process and its children
(Prophet's Stan) exit at once.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import TextIO

from forecasting.jobs.request import BatchRequest, PoolRequest
from forecasting.jobs.workers.fit import fit_batch, fit_request, is_out_of_memory
from forecasting.jobs.workers.protocol import FitOrder, WorkerEvent
from forecasting.models import Model, models
from forecasting.storage.codec import encode_forecast
from forecasting.support import settings

log = logging.getLogger(__name__)

#: Models whose imports are too large for an idle process to hold: pmdarima brings scikit-learn, Deep brings
#: PyTorch, which may be missing.
WARMED_WHEN_NEEDED = frozenset({"auto_arima", "deep"})
#: Seconds between two progress events of a fit; pages look every half second.
PROGRESS_SECONDS = 0.2


def main() -> None:
    """Run the worker until standard input ends."""
    orders_from, events_to = _private_streams()
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(orders_from, orders), daemon=True, name="orders").start()
    if hasattr(os, "nice"):
        os.nice(10)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    serve(orders, EventWriter(events_to))


class EventWriter:
    """Writes events to the server, whole lines only, from whichever thread a model reports."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, event: WorkerEvent) -> None:
        """Send one event. If nobody listens any more, this process exits."""
        line = event.to_line()
        try:
            with self._lock:
                self._stream.write(line)
                self._stream.flush()
        except OSError:
            exit_at_once()


class ProgressThrottle:
    """Sends progress events: at once, or the newest after `PROGRESS_SECONDS`; some models report every few milliseconds."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._changed = threading.Condition()
        self._held: WorkerEvent | None = None
        self._next = 0.0  # when an event may be sent
        threading.Thread(target=self._send_held, daemon=True, name="progress").start()

    def send(self, event: WorkerEvent) -> None:
        """Send an event now or soon, unless a newer one comes or the fit ends."""
        with self._changed:
            if self._held or time.monotonic() < self._next:
                self._held = event
                self._changed.notify()
                return
            self._next = time.monotonic() + PROGRESS_SECONDS
        self._events.send(event)

    def reset(self) -> None:
        """Drop what waits, for the result is there; the next fit's first event goes out at once."""
        with self._changed:
            self._held, self._next = None, 0.0

    def _send_held(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held)
                pause = self._next - time.monotonic()
            time.sleep(max(pause, 0.0))
            with self._changed:
                event, self._held = self._held, None
                self._next = time.monotonic() + PROGRESS_SECONDS
            if event:
                self._events.send(event)


def serve(orders: queue.SimpleQueue[str], events: EventWriter) -> None:
    """Fit each order; warm up a model whenever none waits."""
    cold, progress = dict(models()), ProgressThrottle(events)
    events.send(WorkerEvent("ready"))
    while True:
        idle = next_to_warm_up(cold)
        try:
            order = FitOrder.from_line(orders.get(block=idle is None))
        except queue.Empty:
            _warm_up(cold.pop(str(idle)))
            continue
        if order.request.model in cold:  # its imports count neither as the fit's time nor against its limit
            _warm_up(cold.pop(order.request.model))
        _fit(order, events, progress)


def next_to_warm_up(cold: Iterable[str]) -> str | None:
    """Which of the models that are still cold an idle worker warms up; None if all others wait until they are needed."""
    if not settings.warm_up():
        return None
    return next((name for name in cold if name not in WARMED_WHEN_NEEDED), None)


def _fit(order: FitOrder, events: EventWriter, progress: ProgressThrottle) -> None:
    events.send(WorkerEvent("started", order.fit))
    start = time.perf_counter()
    assert not isinstance(order.request, PoolRequest)  # it was gathered on its way here
    if isinstance(order.request, BatchRequest):
        outcome = fit_batch(order.request)
    else:
        outcome = fit_request(order.request, lambda news: progress.send(WorkerEvent("progress", order.fit, news)))
    seconds = time.perf_counter() - start
    progress.reset()
    if isinstance(order.request, BatchRequest):
        payloads = {name: encode_forecast(forecast) for name, forecast in outcome.parts.items()}
        events.send(WorkerEvent("parts", order.fit, seconds=seconds, payloads=payloads))
    else:
        for region, forecast in outcome.parts.items():
            events.send(WorkerEvent("part", order.fit, None, forecast, seconds, region=region))
    name = "done" if outcome.forecast or outcome.parts else "failed"
    events.send(WorkerEvent(name, order.fit, None, outcome.forecast, seconds, outcome.error, outcome.trace))
    if outcome.out_of_memory:
        exit_at_once()


def _warm_up(model: Model) -> None:
    try:
        model.warm_up()
    except Exception as error:  # a missing library fails the fits that need it, with a sentence, not the worker
        log.exception("%s could not warm up", model.label)
        if is_out_of_memory(error):
            exit_at_once()


def _private_streams() -> tuple[TextIO, TextIO]:
    """Copies of standard input and output for the protocol alone: libraries find an empty input, and print to stderr."""
    orders = os.fdopen(os.dup(0), "r", encoding="utf-8")
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders, events


def _read(stream: TextIO, orders: queue.SimpleQueue[str]) -> None:
    """Put each order into the queue; standard input ends when the server does, and then this process exits."""
    try:
        for line in stream:
            orders.put(line)
    finally:
        exit_at_once()


def exit_at_once() -> None:
    """End this process and its children at once, without any cleaning up."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
