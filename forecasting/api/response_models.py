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


class Forecasts(BaseModel):
    """The forecasts table, and what is to be said of it."""

    forecasts: list[Row]
    notes: list[str] = []
    errors: list[Failure] = []


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
