"""Workers without a process, which begin an order at once and answer it when a test says so."""

import queue

from forecasting.jobs.request import BatchRequest
from forecasting.jobs.workers.fit import fit_batch, fit_request
from forecasting.jobs.workers.protocol import FitOrder, WorkerEvent
from forecasting.storage.codec import encode_forecast


class WorkerByHand:
    """A `Worker`; its `orders` are those it was sent."""

    name, last_output, start_timeout = "worker by hand", "", 60.0

    def __init__(self, on_exit):
        self._on_exit, self._inbox = on_exit, queue.SimpleQueue()
        self.events = iter(self._inbox.get, None)
        self.alive, self.orders = True, []
        self._inbox.put(WorkerEvent("ready"))

    def send(self, line):
        self.orders.append(FitOrder.from_line(line))
        self._inbox.put(WorkerEvent("started", self.orders[-1].fit))

    def answer(self):
        """Fit its last order, and say so as a worker process does."""
        fit, asked = self.orders[-1].fit, self.orders[-1].request
        if isinstance(asked, BatchRequest):
            outcome = fit_batch(asked)
            payloads = {name: encode_forecast(forecast) for name, forecast in outcome.parts.items()}
            self._inbox.put(WorkerEvent("parts", fit, seconds=1.0, payloads=payloads))
        else:
            outcome = fit_request(asked)
        name = "done" if outcome.forecast or outcome.parts else "failed"
        self._inbox.put(WorkerEvent(name, fit, forecast=outcome.forecast, seconds=1.0, error=outcome.error))

    def kill(self):
        if self.alive:
            self.alive = False
            self._inbox.put(None)
            self._on_exit()

    def reap(self):
        self.kill()
        return -9


class WorkersByHand:
    """A `WorkerBackend`; its `started` are the workers so far."""

    trouble, recovered = "", True

    def __init__(self, count=1):
        self._count, self.started = count, []

    def check(self):
        """They can start."""

    def open(self, on_capacity):
        on_capacity(self._count)

    def start_worker(self, on_exit):
        self.started.append(WorkerByHand(on_exit))
        return self.started[-1]

    def close(self):
        """Nothing is open."""

    @property
    def orders(self):
        """What all workers were sent, as the first figures of the series of each order."""
        return [figures(order) for worker in self.started for order in worker.orders]


def figures(order):
    """Which series an order is of: `scripted.request` begins each with its number."""
    asked = order.request
    requests = asked.requests if isinstance(asked, BatchRequest) else [asked]
    return [int(request.series.values[0]) for request in requests]
