"""Scheduler of the nightly update: APScheduler runs it for each source, and checks event alerts, in one thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from forecasting.models import model
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.event_alerts import EventAlerts
from forecasting.monitoring.history import History
from forecasting.monitoring.update_runs import UpdateRuns
from forecasting.operations.nightly_update import NightlyUpdate, UpdateStopped
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.support import settings
from forecasting.support.errors import RequestError

log = logging.getLogger(__name__)

#: Hours between two checks for newer figures, besides the schedule, and of event alerts on sources that are not updated.
CHECK = 1
#: Minutes after the start before event alerts are checked for the first time.
FIRST_CHECK = 5


class UpdateSchedule:
    """Runs the nightly update of sources: all by the clock, and every hour those with newer figures.

    Event alerts are checked with their source, and every hour where that is none of these.

    Args:
        update: the update to run; it is closed with the schedule.
        names: of the sources.
        at: when to run, as cron writes it (five fields), in UTC. Raises `RequestError` for anything else.
    """

    def __init__(self, update: NightlyUpdate, names: Sequence[str], at: str) -> None:
        self._update, self._names = update, tuple(names)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        trigger, hourly = cron_trigger(at), IntervalTrigger(hours=CHECK, timezone=UTC)
        now = datetime.now(UTC)
        if names:
            self._scheduler.add_job(self._run_all, trigger, kwargs={"again": True}, id="schedule")
            self._scheduler.add_job(self._run_all, hourly, kwargs={"again": False}, id="look", next_run_time=now)
        first = now + timedelta(minutes=FIRST_CHECK)
        self._scheduler.add_job(self._check_event_alerts, hourly, id="event alerts", next_run_time=first)

    @staticmethod
    def of_settings(service: Service, runs: UpdateRuns, history: History) -> UpdateSchedule:
        """Create the schedule of `FORECAST_PRETRAIN`, `…_AT` and `…_MODELS`. Raises `RequestError` for invalid settings."""
        names, chosen = check_settings()
        update = NightlyUpdate(service, runs, history, Alerts(), chosen, EventAlerts())
        return UpdateSchedule(update, names, settings.pretrain_at())

    def start(self) -> None:
        """Start; the first check of sources is at once."""
        self._scheduler.start()

    def close(self) -> None:
        """Stop the run at its next step, and wait for that."""
        self._update.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        self._update.close()

    def _run_all(self, again: bool) -> None:
        for name in self._names:
            try:
                run = self._update.run(name, again)
            except UpdateStopped:
                return
            except Exception:  # a fault in one source's run must not cost the others theirs
                log.exception("The update of %s failed", name)
            else:
                log.info("%s: %d series, %d forecasts there, %d failed", name, run.regions, run.there, run.failed)

    def _check_event_alerts(self) -> None:
        try:
            self._update.check_event_alerts(self._names)
        except UpdateStopped:
            return
        except Exception:  # the next hour tries again
            log.exception("Event alerts could not be checked")


def check_settings() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sources and models of the settings. Raises `RequestError` for an unknown name or an invalid time."""
    names, chosen = settings.pretrain(), settings.pretrain_models()
    for name in names:
        source(name)
    for name in chosen:
        model(name)
    cron_trigger(settings.pretrain_at())
    return names, chosen


def cron_trigger(at: str) -> CronTrigger:
    """Parse a cron expression. Raises `RequestError`."""
    try:
        return CronTrigger.from_crontab(at, timezone=UTC)
    except ValueError:
        raise RequestError(
            f"FORECAST_PRETRAIN_AT is '{at}'; give five fields as cron has them, such as '0 3 * * *' for every night at three."
        ) from None
