"""Schedule: when `serve` looks after which sources. APScheduler runs it, in one thread, whichever job is due."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from forecasting.models import model
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.history import History
from forecasting.monitoring.runs import Runs
from forecasting.operations.nightly_update import Stopped, Upkeep
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.support import settings
from forecasting.support.errors import RequestError

log = logging.getLogger(__name__)

#: Hours between two looks for newer figures, beside what the schedule says.
LOOK = 1


class Schedule:
    """The upkeep of some sources: by the clock whatever there is, and every hour what has newer figures.

    Args:
        upkeep: what to run, and what to close after it.
        names: of the sources; without any nothing is ever done.
        at: when, as cron writes it (five fields), in UTC. Raises `RequestError` for anything else.
    """

    def __init__(self, upkeep: Upkeep, names: Sequence[str], at: str) -> None:
        self._upkeep, self._names = upkeep, tuple(names)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_job(self._all, trigger(at), kwargs={"again": True}, id="schedule")
        look = IntervalTrigger(hours=LOOK, timezone=UTC)
        self._scheduler.add_job(self._all, look, kwargs={"again": False}, id="look", next_run_time=datetime.now(UTC))

    @staticmethod
    def of_settings(service: Service, runs: Runs, history: History) -> Schedule:
        """As `FORECAST_PRETRAIN`, `…_AT` and `…_MODELS` say. Raises `RequestError` for what cannot be."""
        names, chosen = check()
        return Schedule(Upkeep(service, runs, history, Alerts(), chosen), names, settings.pretrain_at())

    def start(self) -> None:
        """The first look is at once."""
        if self._names:
            self._scheduler.start()

    def close(self) -> None:
        """Ends what runs at its next step, and waits for that."""
        self._upkeep.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        self._upkeep.close()

    def _all(self, again: bool) -> None:
        for name in self._names:
            try:
                run = self._upkeep.run(name, again)
            except Stopped:
                return
            except Exception:  # a fault in one source's run must not cost the others theirs
                log.exception("Looking after %s went wrong", name)
            else:
                log.info("%s: %d series, %d forecasts there, %d failed", name, run.regions, run.there, run.failed)


def check() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sources and models of the settings. Raises `RequestError` where there is no such, or the time is none."""
    names, chosen = settings.pretrain(), settings.pretrain_models()
    for name in names:
        source(name)
    for name in chosen:
        model(name)
    trigger(settings.pretrain_at())
    return names, chosen


def trigger(at: str) -> CronTrigger:
    """`at` as the scheduler has it. Raises `RequestError`."""
    try:
        return CronTrigger.from_crontab(at, timezone=UTC)
    except ValueError:
        raise RequestError(
            f"FORECAST_PRETRAIN_AT is '{at}'; give five fields as cron has them, such as '0 3 * * *' for every night at three."
        ) from None
