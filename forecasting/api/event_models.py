"""Response models of events and alerts, for the OpenAPI description; their names are schema names that must not change."""

from __future__ import annotations

from pydantic import BaseModel, Field


class QuantileOf(BaseModel):
    """A quantile of a peak's size or of a total."""

    quantile: float
    value: float


class DateChance(BaseModel):
    """The probability of a date."""

    date: str
    probability: float


class PastPeak(BaseModel):
    """The highest of the past figures that take part in a peak."""

    date: str
    value: float


class EventItem(BaseModel):
    """The answer to one question."""

    region: str
    statistic: str
    model: str
    origin: str = Field(description="The last date of data used.")
    event: str = Field(description="above, below, rise, peak, reach or total.")
    level: float | None
    within: int | None
    first: str
    last: str
    probability: float | None = Field(description="None of a total.")
    sentence: str
    quantiles: list[QuantileOf] = Field(default=[], description="Of a peak's size, or of a total.")
    dates: list[DateChance] = Field(default=[], description="Of a peak, or of when a level is first met.")
    past_peak: PastPeak | None = None


class EventList(BaseModel):
    """The answers, and what is to be said of figures and forecast."""

    events: list[EventItem]
    notes: list[str] = []


class AlertRecord(BaseModel):
    """What such an alert would have done at earlier dates."""

    hits: int
    misses: int
    false_alarms: int
    quiet: int
    already: int = Field(description="Dates at which a level was passed already, which do not count.")
    lead: float | None = Field(description="Periods from the first telling to the event, in the middle one.")
    first: str
    last: str
    frequency: str
    sentence: str


class AlertAnswer(BaseModel):
    """What somebody asked to be told of, and what the last check found."""

    id: int
    source: str
    region: str
    statistic: str
    model: str
    event: str
    level: float | None
    within: int
    chance: float
    created: str
    checked: str | None
    probability: float | None
    sentence: str
    trouble: str = Field(description="Why it could not be checked; empty where it could.")
    record: AlertRecord | None


class AlertList(BaseModel):
    """All that is told."""

    alerts: list[AlertAnswer]
