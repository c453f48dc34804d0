"""Check of event alerts: forecast each rule's series, tell the probability of its event, and open or close its alert.

The nightly update does it for its source, the schedule every hour for the others, the command `alert check` at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.evaluation.event_record import EventRecord, event_record
from forecasting.evaluation.event_words import chance_with_percent, event_words
from forecasting.evaluation.events import answer_question
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.monitoring.alerts import Alerts, AlertSubject, EventNews
from forecasting.monitoring.event_alerts import EventAlert, EventAlerts, EventCheck, EventRule
from forecasting.services.run import IN_FLIGHT
from forecasting.services.service import Service
from forecasting.services.track_records import STOPS
from forecasting.support.errors import ForecastingError, RequestError

log = logging.getLogger(__name__)

#: By how much the chance of an event must fall below the asked one before its alert is over, so that it is not told again and again.
SLACK = 0.05
#: Seconds to wait for the fits of a track record before it is looked at again.
FIT_TIMEOUT = 60.0


@dataclass(frozen=True)
class RuleSeries:
    """The series of a rule, as it is now."""

    panel: Panel
    series: Series
    label: str


def check_event_alerts(
    service: Service,
    kept: EventAlerts,
    alerts: Alerts,
    chosen: Callable[[EventAlert], bool] = lambda _: True,
    pause: Callable[[], None] = lambda: None,
) -> list[EventAlert]:
    """Check the `chosen` rules, and open or close their alerts; returns them with what was found. Waits for fits.

    A rule that cannot be checked says why, and its alert stays as it is. Raises `JobError` without a database.
    """
    checked, news = list[EventAlert](), dict[str, EventNews]()
    told = set(alerts.open()["kind"])
    for one in filter(chosen, kept.all()):
        pause()
        check, found = check_rule(service, one.rule, one.name in told)
        kept.note(one.id, check)
        if found is not None:
            news[one.name] = found
        checked.append(EventAlert(one.id, one.rule, one.created, None, **vars(check)))
    if news:
        alerts.update({}, {}, news)
    return checked


def check_rule(service: Service, rule: EventRule, told: bool = False) -> tuple[EventCheck, EventNews | None]:
    """What a rule comes to now, and what is to be told of it; None where that cannot be known.

    Args:
        told: its alert is open, so that it stays so until the chance is `SLACK` lower.
    """
    try:
        found = rule_series(service, rule)
        horizon = max(rule.question.within or 1, found.series.frequency.default_horizon)
        forecast = service.forecast(found.series, rule.model, horizon)
        answer = answer_question(found.series, forecast, rule.question)
        record = rule_record(service, rule, found)
    except ForecastingError as error:
        return EventCheck(trouble=str(error)), None
    except Exception:  # a fault in one rule must not cost the others theirs
        log.exception("The alert on %s could not be checked", rule.region)
        return EventCheck(trouble="It could not be checked, which is a fault of the program; the log says more."), None
    chance = answer.probability or 0.0
    where = f"{rule.region}, {found.label}"
    sentence = f"{where}: the chance of {event_words(answer, found.series)} is {chance_with_percent(chance)}."
    likely = chance > rule.chance - (SLACK if told else 0.0)
    subject = AlertSubject(rule.source, rule.region, rule.statistic)
    since = pd.Timestamp(found.series.origin)
    asked = f" You asked to be told above {100 * rule.chance:g} %. By {model(rule.model).label}."
    return (
        EventCheck(chance, sentence, record=record),
        EventNews(subject, rule.model, since, f"{sentence}{asked}" if likely else ""),
    )


def rule_series(service: Service, rule: EventRule) -> RuleSeries:
    """The series of a rule as it is now. Raises `RequestError` where its source, statistic, region or model is gone."""
    model(rule.model)
    panel = service.panel(rule.source)
    assert panel is not None  # without patience it waits
    statistic = panel.statistic(rule.statistic)
    if rule.region not in panel.regions(statistic.name):
        raise RequestError(f"'{rule.source}' has no region '{rule.region}' for {rule.statistic} any more.")
    label = f"{statistic.label[:1].lower()}{statistic.label[1:]}"
    return RuleSeries(panel, service.series(panel, rule.region, statistic.name), label)


def rule_record(service: Service, rule: EventRule, found: RuleSeries) -> EventRecord:
    """What the rule would have done at earlier dates; waits for the forecasts of then."""
    past = _looked_back(service, rule, found.panel)
    return event_record(rule.question, rule.chance, past, found.series, rule.model)


def _looked_back(service: Service, rule: EventRule, panel: Panel) -> TrackRecord:
    where = (panel, rule.region, rule.statistic, [rule.model])
    while True:
        past = service.track_records.track_record(
            *where, origins=STOPS, horizon=rule.question.within, at_once=IN_FLIGHT, watched=False
        )
        if past.why_not or not past.waiting:
            return past
        service.queue.wait([job.key for job in past.jobs], timeout=FIT_TIMEOUT)
