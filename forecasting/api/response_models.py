"""Response models, for the OpenAPI description; `forecast_json` writes the responses.

The names of these classes are schema names that generated clients use, so they must not change.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from forecasting.jobs import State


class Row(BaseModel):
    """One row of the forecasts table."""

    region: str
    statistic: str | None = Field(default=None, description="Only where there are several.")
    model: str
    origin: str = Field(description="The last date of data used.")
    horizon: int
    date: str
    quantile: float
    value: float


class Failure(BaseModel):
    """A forecast that there is not, and why."""

    region: str
    statistic: str
    model: str | None = None
    error: str


class TrackRecordAnswer(BaseModel):
    """How good forecasts from earlier dates were, as pages show it for the same horizon."""

    sentence: str = Field(
        description='As "Error 19 % below no change (4 weeks ahead); 98 of 100 outcomes fell in the 80 % range."'
    )
    next: str = Field(description="How far off those of the next stretch were; empty where no date has one.")
    origins: list[str] = Field(description="The last dates of data that they used.")
    horizon: int = Field(description="The periods ahead that were judged.")
    error_against_no_change: float | None = Field(description="Weighted interval score over that of no change.")
    outcomes: int = Field(description="Figures that were compared; how many fell in the ranges:")
    held_50: int
    held_80: int
    held_95: int


class ForecastAnswer(BaseModel):
    """What a forecast says first, in words and numbers, as Explore does."""

    region: str
    statistic: str
    model: str
    sentence: str
    periods: int = Field(
        description="That `expected` and `range_80` are for: their sum, or the mean of what does not add up."
    )
    expected: float
    range_80: list[float] = Field(min_length=2, max_length=2)
    trend: str
    chance_of_rise: float = Field(description="That the end of the horizon is above the present, 0 to 1.")
    total: str = Field(description="What all of the horizon comes to; empty where that is the same.")
    track_record: TrackRecordAnswer | None = Field(description="With `track_record` in the request.")
    text: str = Field(description="All of it in one line.")


class Forecasts(BaseModel):
    """The forecasts table, and what is to be said of it."""

    forecasts: list[Row]
    notes: list[str] = []
    errors: list[Failure] = []
    answers: list[ForecastAnswer] = Field(
        default=[], description="In the order of the forecasts; none of very large requests."
    )


class JobLink(BaseModel):
    """A job to follow."""

    id: str
    state: State
    location: str


class ExportLink(BaseModel):
    """An export whose model is still fitted."""

    state: State
    location: str = Field(description="Where to ask again.")


class JobProgress(BaseModel):
    """How far a job is: `done` of `of` forecasts."""

    done: int
    of: int
    seconds: float = Field(description="That were spent on fitting so far.")
    ahead: int | None = Field(default=None, description="While it waits: how many fits go before it.")
    trying: str | None = Field(default=None, description="What its model tries now.")


class JobAnswer(JobLink):
    """A job as it is now."""

    progress: JobProgress
    forecasts: list[Row] | None = Field(default=None, description="When it is done.")
    error: str | None = Field(default=None, description="When it failed.")
    answers: list[ForecastAnswer] | None = Field(default=None, description="When it is done.")
    notes: list[str] = []
    errors: list[Failure] = []


class FieldError(BaseModel):
    """What is wrong with a field."""

    field: str
    error: str


class ProblemAnswer(BaseModel):
    """Why there is no answer (RFC 9457)."""

    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class SourceAnswer(BaseModel):
    """Where figures can come from."""

    name: str
    label: str
    live: bool
    licence: str
    statistics: list[str]


class ModelAnswer(BaseModel):
    """A model."""

    name: str
    label: str
    reference: str
    instant: bool
    uses_covariates: bool
    uses_holidays: bool


class RegionAnswer(BaseModel):
    """A region, and what is counted there."""

    name: str
    statistics: list[str]


class SourceList(BaseModel):
    """All sources."""

    sources: list[SourceAnswer]


class ModelList(BaseModel):
    """All models."""

    models: list[ModelAnswer]


class RegionList(BaseModel):
    """The regions of a source."""

    regions: list[RegionAnswer]
