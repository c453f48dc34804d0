"""What the queries of several requests have in common: a series of a source, and a forecast of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from forecasting.api.request_models import MAX_WAIT
from forecasting.jobs.request import MAX_HORIZON


class SeriesQuery(BaseModel):
    """One series of a source."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=200, examples=["bundled"], description="A name that /api/v1/sources lists.")
    region: str = Field(max_length=200, examples=["Italy"], description="A region that /api/v1/regions lists.")
    statistic: str | None = Field(default=None, max_length=200, description="What is counted; a source's first one.")


class ForecastQuery(SeriesQuery):
    """A forecast of one series, and how long its answer may take."""

    model: str = Field(max_length=200, examples=["naive"], description="A name that /api/v1/models lists.")
    horizon: int | None = Field(
        default=None, ge=1, le=MAX_HORIZON, description="Steps that are forecast; as many as pages show."
    )
    wait: float = Field(default=MAX_WAIT, ge=0, le=MAX_WAIT, description="Seconds that the answer may take.")
