"""EventRecord: what an alert on an event's probability would have done at earlier dates: hits, misses, false alarms, lead time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.formatting import format_date, format_dates
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.joint_futures import joint_futures
from forecasting.data.series import Series
from forecasting.evaluation.events import EventKind, EventQuestion, event_chance, first_met
from forecasting.evaluation.track_record import TrackRecord
from forecasting.support.errors import RequestError


@dataclass(frozen=True)
class EventRecord:
    """What an alert would have done at earlier dates.

    Attributes:
        hits: dates at which it would have told, and the event came.
        misses: dates at which it would not have told, and the event came.
        false_alarms: dates at which it would have told, and the event did not come.
        quiet: dates at which it would not have told, and the event did not come.
        already: dates at which the level was passed already; they are none of those above.
        lead: periods from the first telling of an event to the event, in the middle one of the events; None without any.
        first, last: the dates that were judged, as ISO dates; empty without any.
        frequency: the alias of the spacing of dates.
    """

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    quiet: int = 0
    already: int = 0
    lead: float | None = None
    first: str = ""
    last: str = ""
    frequency: str = ""

    @property
    def dates(self) -> int:
        """From how many dates it was judged."""
        return self.hits + self.misses + self.false_alarms + self.quiet

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> EventRecord:
        """The inverse of `to_json`."""
        return EventRecord(**data)


def event_record(question: EventQuestion, chance: float, past: TrackRecord, now: Series, model: str) -> EventRecord:
    """What an alert on `question` above a `chance` would have done at the dates of a track record, by its stored forecasts.

    Dates after which not all periods have come yet are left out.

    Args:
        now: the series as it is known now, which holds what came.
    """
    counts = dict.fromkeys(("hits", "misses", "false_alarms", "quiet", "already"), 0)
    told: dict[pd.Timestamp, int] = {}
    judged: list[pd.Timestamp] = []
    for place, cut in enumerate(past.cutoffs):
        forecast, series = past.forecasts.get((model, place)), cut.series
        if forecast is None or question.within is None or forecast.horizon < question.within:
            continue
        first = int(now.dates.searchsorted(series.origin, side="right"))
        came = now.published[None, first : first + question.within]
        try:
            happened = event_chance(question, series, came)
            said = event_chance(question, series, joint_futures(forecast, series.kind))
        except RequestError:  # figures at zero have no percentage
            continue
        if np.isnan(happened):
            continue
        if _already(question, series):
            counts["already"] += 1
            continue
        judged.append(series.origin)
        tells = said > chance
        counts[_OUTCOMES[tells, bool(happened)]] += 1
        if tells and happened:
            ahead = _periods_ahead(question, series, came)
            if ahead:
                event = forecast.dates[ahead - 1]
                told[event] = max(told.get(event, 0), ahead)
    lead = float(np.median(list(told.values()))) if told else None
    ends = (judged[0].isoformat(), judged[-1].isoformat()) if judged else ("", "")
    return EventRecord(**counts, lead=lead, first=ends[0], last=ends[1], frequency=now.frequency.alias)


_OUTCOMES = {(True, True): "hits", (False, True): "misses", (True, False): "false_alarms", (False, False): "quiet"}


def record_sentence(record: EventRecord) -> str:
    """A record in words: ``"On 26 earlier dates (…) it came 5 times: the alert would have told before 4 of them, …"``."""
    already = (
        f" At {record.already} {'dates' if record.already > 1 else 'date'} it had come already."
        if record.already
        else ""
    )
    if not record.dates:
        return f"How such an alert would have done is not known: no earlier date tells.{already}"
    came = record.hits + record.misses
    first, last = pd.Timestamp(record.first), pd.Timestamp(record.last)
    span = format_date(first) if first == last else format_dates(first, last)
    dates = f"On {record.dates} earlier date{'' if record.dates == 1 else 's'} ({span})"
    false = f"{record.false_alarms or 'no'} false alarm{'' if record.false_alarms == 1 else 's'}"
    if not came:
        return f"{dates} it never came; {false}.{already}"
    lead = ""
    if record.lead is not None:
        lead = f"{frequency_of_alias(record.frequency).steps(round(record.lead))} before"
    if came == 1:
        told = f"told of it{f' {lead}' if lead else ''}" if record.hits else "missed it"
        return f"{dates} it was to come once, and the alert would have {told}; {false}.{already}"
    told = f"told of {record.hits}{f' (typically {lead})' if lead else ''} and missed {record.misses or 'none'}"
    return f"{dates} it was to come {came} times: the alert would have {told}; {false}.{already}"


def _already(question: EventQuestion, series: Series) -> bool:
    """Whether a level was passed already, so that there is nothing to tell of."""
    last = series.total if series.cumulative else float(series.values[-1])
    if question.level is None:
        return False
    return (question.kind is EventKind.above and last > question.level) or (
        question.kind is EventKind.below and last < question.level
    )


def _periods_ahead(question: EventQuestion, series: Series, came: np.ndarray) -> int:
    """After how many periods an event came; 0 for one that has no date."""
    if question.kind in (EventKind.above, EventKind.below):
        return int(first_met(question, series, came)[0])
    return question.within or 0 if question.kind is EventKind.rise else 0
