"""The process that fits: ``python -m forecasting.jobs.workers.worker``, started and ended by `forecasting.jobs.queue`.

Orders come as lines on standard input, events go as lines to a private copy of standard output (see `protocol`); what a
library prints goes to standard error. While there is nothing to do, the models warm up one by one. When standard input
ends, the server is gone, however it ended, and this process and its children (Prophet's Stan) end at once.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from typing import TextIO

from forecasting.jobs.request import PoolRequest
from forecasting.jobs.workers.fit import fit, lacks_memory
from forecasting.jobs.workers.protocol import Event, Order
from forecasting.models import Model, models

log = logging.getLogger(__name__)

#: Models whose imports are too large for an idle process to hold: pmdarima brings scikit-learn.
WARMED_WHEN_NEEDED = frozenset({"auto_arima"})
#: Seconds between two events of progress of a fit; pages look every half second.
PAUSE = 0.2


def main() -> None:
    """Serves until standard input ends."""
    orders_from, events_to = _private_streams()
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(orders_from, orders), daemon=True, name="orders").start()
    if hasattr(os, "nice"):
        os.nice(10)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    serve(orders, Events(events_to))


class Events:
    """Writes events, whole lines only, from whichever thread a model reports."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """One event to the server. If nobody listens any more, this process ends."""
        line = event.line()
        try:
            with self._lock:
                self._stream.write(line)
                self._stream.flush()
        except OSError:
            end()


class Reports:
    """Says what a model reports: at once, or the newest after a `PAUSE`; some have news every few milliseconds."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._changed = threading.Condition()
        self._held: Event | None = None
        self._next = 0.0  # when something may be said
        threading.Thread(target=self._say_held, daemon=True, name="reports").start()

    def say(self, event: Event) -> None:
        """Says it now or soon, unless something newer comes or the fit ends."""
        with self._changed:
            if self._held or time.monotonic() < self._next:
                self._held = event
                self._changed.notify()
                return
            self._next = time.monotonic() + PAUSE
        self._events.send(event)

    def end(self) -> None:
        """The result is there, which says more; the next fit's first report goes out at once."""
        with self._changed:
            self._held, self._next = None, 0.0

    def _say_held(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held)
                pause = self._next - time.monotonic()
            time.sleep(max(pause, 0.0))
            with self._changed:
                event, self._held = self._held, None
                self._next = time.monotonic() + PAUSE
            if event:
                self._events.send(event)


def serve(orders: queue.SimpleQueue[str], events: Events) -> None:
    """Fits each order; warms up a model whenever none waits."""
    cold, reports = dict(models()), Reports(events)
    events.send(Event("ready"))
    while True:
        idle = next((name for name in cold if name not in WARMED_WHEN_NEEDED), None)
        try:
            order = Order.of(orders.get(block=idle is None))
        except queue.Empty:
            _warm_up(cold.pop(str(idle)))
            continue
        if order.request.model in cold:  # its imports count neither as the fit's time nor against its limit
            _warm_up(cold.pop(order.request.model))
        _fit(order, events, reports)


def _fit(order: Order, events: Events, reports: Reports) -> None:
    events.send(Event("started", order.fit))
    start = time.perf_counter()
    assert not isinstance(order.request, PoolRequest)  # it was gathered on its way here
    outcome = fit(order.request, lambda progress: reports.say(Event("progress", order.fit, progress)))
    seconds = time.perf_counter() - start
    reports.end()
    for region, forecast in outcome.parts.items():
        events.send(Event("part", order.fit, None, forecast, seconds, region=region))
    name = "done" if outcome.forecast or outcome.parts else "failed"
    events.send(Event(name, order.fit, None, outcome.forecast, seconds, outcome.error, outcome.trace))
    if outcome.exhausted:
        end()


def _warm_up(model: Model) -> None:
    try:
        model.warm_up()
    except (
        Exception
    ) as error:  # a library that is not there fails the fits that need it, with a sentence, not the worker
        log.exception("%s could not warm up", model.label)
        if lacks_memory(error):
            end()


def _private_streams() -> tuple[TextIO, TextIO]:
    """Standard input and output for the protocol alone: a library finds an empty input, and its prints go to stderr."""
    orders = os.fdopen(os.dup(0), "r", encoding="utf-8")
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders, events


def _read(stream: TextIO, orders: queue.SimpleQueue[str]) -> None:
    """Hands on the orders; standard input ends when the server does."""
    try:
        for line in stream:
            orders.put(line)
    finally:
        end()


def end() -> None:
    """Ends this process and its children without any ceremony."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
