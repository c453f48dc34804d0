"""Ask for the forecasts of a stress test: of the real series and of the one after the shock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from forecasting.evaluation.stress_tests import ShockedSeries
from forecasting.jobs import Job, QueueFull
from forecasting.jobs.request import Request
from forecasting.services.service import Service


@dataclass(frozen=True)
class StressTestJobs:
    """The jobs of a stress test, by model: of the real figures and of those after the shock.

    Attributes:
        full: the queue's sentence, when it would not take all of them yet.
    """

    jobs: dict[str, tuple[Job, Job]] = field(default_factory=dict)
    full: str = ""

    @property
    def waiting(self) -> bool:
        """Whether there will be something new without anybody's doing."""
        return bool(self.full) or any(not job.finished for both in self.jobs.values() for job in both)


def request_stress_test(service: Service, struck: ShockedSeries, models: Sequence[str], horizon: int) -> StressTestJobs:
    """Request both forecasts of every model without waiting; the same request again gives the same jobs."""
    jobs: dict[str, tuple[Job, Job]] = {}
    try:
        for name in models:
            requests = Request(struck.real, name, horizon), struck.request(name, horizon)
            jobs[name] = service.submit(requests[:1])[name], service.submit(requests[1:])[name]
    except QueueFull as error:
        return StressTestJobs(jobs, str(error))
    return StressTestJobs(jobs)
