"""Past episodes that are like the last weeks, over HTTP: no fit, so the answer is there at once."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from forecasting.api.build_requests import RequestBuilder
from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_models import parse_request
from forecasting.api.series_query import SeriesQuery
from forecasting.evaluation.similar_episodes import COUNT_OF_EPISODES, MOST_EPISODES, episodes_like
from forecasting.jobs.request import MAX_HORIZON
from forecasting.services.data_notes import series_notes
from forecasting.views.episode_lines import episode_answer


class LikeQuery(SeriesQuery):
    """What the query of a request asks for: one series, and how much of what followed."""

    horizon: int | None = Field(
        default=None, ge=1, le=MAX_HORIZON, description="Periods of what followed; as many as pages show."
    )
    count: int = Field(default=COUNT_OF_EPISODES, ge=1, le=MOST_EPISODES, description="Episodes, the nearest ones.")
    as_of: date | None = Field(default=None, description="Only what was known then is looked at.")


class EpisodeAnswer(BaseModel):
    """A past episode: its course on the level of the present one, and what followed, scaled to go on from the last figure."""

    region: str
    start: str
    end: str
    last: str = Field(description="The last date of what followed.")
    difference: float = Field(description="How far its course is from the present one in a usual period: 0.08 is 8 %.")
    course: list[float]
    continuation: list[float]


class LikeAnswer(BaseModel):
    """The nearest past episodes to a region's last course, the nearest first."""

    region: str
    statistic: str
    origin: str = Field(description="The last date that is compared; nothing later is looked at.")
    periods: int = Field(description="Periods of the course.")
    mean_of: int = Field(description="Figures that each compared one is a mean of: a week of days.")
    dates: list[str]
    last: float = Field(description="The last figure, or mean of figures, that continuations go on from.")
    ahead: list[str]
    episodes: list[EpisodeAnswer]
    sentences: list[str]
    notes: list[str] = []


def like_answer(builder: RequestBuilder, query: LikeQuery) -> dict[str, Any]:
    """The answer as JSON values. Raises `Problem` 422 for what does not exist or has nothing like it, 503 as `RequestBuilder`."""
    fields = {name: getattr(query, name) for name in ("source", "region", "statistic", "as_of")}
    given = {name: str(value) for name, value in fields.items() if value is not None}
    request = given | {"model": "naive", "horizon": query.horizon or 1}
    panel, found = builder.one_series(parse_request(json.dumps(request).encode()))
    if found.series is None:
        raise Problem(422, found.why_not, [InvalidField("region", found.why_not)])
    ahead = query.horizon or found.series.frequency.default_horizon
    episodes = episodes_like(panel, found.series, found.statistic.name, ahead, query.count)
    if not episodes.episodes:
        raise Problem(422, episodes.why_not, [InvalidField("region", episodes.why_not)])
    notes = list(series_notes({found.series.region: found.series}))
    return episode_answer(episodes, found.series, found.statistic.name) | {"notes": notes}
