"""Request: one series, one model and one horizon to forecast, with a key that is the same for everybody who asks the same.

PoolRequest: all regions of a pool at once, the fit from which a request for a pooled model gets its forecast.
BatchRequest: many requests that a model fits at once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecasting.data.pool import Pool
from forecasting.data.pool_spec import PoolSpec
from forecasting.data.series import Series
from forecasting.models import BlendedModel, PooledModel, model
from forecasting.preparation.gather_pool import gather_pool
from forecasting.support.caching import lazy
from forecasting.support.errors import RequestError

#: Steps ahead that a model can be asked for, at most.
MAX_HORIZON = 400


def check_horizon(horizon: int) -> None:
    """Raises `RequestError` for a number of steps that no model can be asked for."""
    if not 1 <= horizon <= MAX_HORIZON:
        raise RequestError(f"The horizon is {horizon}; give a whole number from 1 to {MAX_HORIZON}.")


@dataclass(frozen=True)
class Request:
    """A series to forecast by a model, `horizon` steps ahead. Raises `RequestError` for an unknown model or a horizon outside 1..400."""

    series: Series
    model: str
    horizon: int

    def __post_init__(self) -> None:
        model(self.model)
        check_horizon(self.horizon)

    @lazy
    def key(self) -> str:
        """A digest of the prepared values, the model with its version, and the horizon.

        Of a forecast that comes from a pool, a digest of what the pool holds instead of the values; of one that is
        blended, of its members' keys. Also of the country whose holidays the model uses.
        """
        if pool := self.pool:
            return pool.part(self.series.region)
        seen = "|".join(member.key for member in self.members) or self.series.digest()
        if self.holidays and not self.members:
            seen += f"|holidays {self.holidays}"
        what = f"{seen}|{self.model}|{model(self.model).version}|{self.horizon}"
        return hashlib.sha256(what.encode()).hexdigest()[:40]

    @property
    def holidays(self) -> str:
        """The code of the country whose holidays its forecast takes into account; empty for none."""
        used = model(self.model).uses_holidays and self.series.frequency.uses_holidays
        return self.series.holidays if used else ""

    @lazy
    def pool(self) -> PoolRequest | None:
        """The pooled fit that gives its forecast, if its model is a pooled one and the series is one of several regions."""
        pool = self.series.around if _is_pooled(self.model) else None
        return PoolRequest(pool, self.model, self.horizon) if pool else None

    @lazy
    def members(self) -> tuple[Request, ...]:
        """The requests that its forecast is blended from; empty for other models.

        Pooled models are left out without a pool and of figures that may be below zero, unless there are no others.
        """
        chosen = model(self.model)
        names = chosen.taking_part(self.series) if isinstance(chosen, BlendedModel) else ()
        requests = [Request(self.series, name, self.horizon) for name in names]
        pooled = self.series.kind.low >= 0
        usable = [one for one in requests if not _is_pooled(one.model) or (one.pool and pooled)]
        return tuple(usable or requests)

    @lazy
    def lineage(self) -> str:
        """A digest of the beginning of the series and of the model, by which an earlier fit is found for a warm start.

        It usually stays the same, for any horizon, when a few figures are added or the last ones revised: it is of the first
        2, 4, 8 … figures, as many as leave out the last tenth. It changes when that number grows, as from 71 figures to 72.
        """
        series = self.series
        first = series.values[: _beginning_length(len(series))]
        begins = Series(series.start, series.frequency, first, kind=series.kind, true_zeros=series.true_zeros)
        what = f"{begins.digest()}|{self.model}|{model(self.model).version}"
        return hashlib.sha256(what.encode()).hexdigest()[:40]

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values, as a worker process is sent it."""
        return {"series": self.series.to_json(), "model": self.model, "horizon": self.horizon}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Request:
        """The inverse of `to_json`."""
        return Request(Series.from_json(data["series"]), data["model"], int(data["horizon"]))


def _is_pooled(name: str) -> bool:
    return isinstance(model(name), PooledModel)


def _beginning_length(count: int) -> int:
    """The largest power of two that leaves a tenth of `count` figures out, or 1."""
    return 1 << max((9 * count // 10).bit_length() - 1, 0)


@dataclass(frozen=True)
class PoolRequest:
    """All regions of a pool, a pooled model and a horizon: one fit, which gives every region's forecast."""

    pool: PoolSpec
    model: str
    horizon: int

    @lazy
    def key(self) -> str:
        """A digest of all that the pool holds, the model with its version, and the horizon."""
        return self.part(None)

    @lazy
    def lineage(self) -> str:
        """A digest by which what an earlier fit has learned is found, whatever its horizon and newest figures.

        Of the regions and the first date, not of the figures: what was learned says itself what it was learned from. Empty for models
        that do not go on from earlier fits (`Model.continues`).
        """
        if not model(self.model).continues:
            return ""
        pool = self.pool
        first = pool.known.dates[0]
        which = [sorted(pool.regions), str(first), pool.statistic, pool.frequency.alias, sorted(set(pool.covariates))]
        what = json.dumps(["pool", *which, self.model, model(self.model).version])
        return hashlib.sha256(what.encode()).hexdigest()[:40]

    @property
    def newest(self) -> pd.Timestamp | None:
        """The last date of any region; None without figures."""
        return self.pool.known.dates[1]

    def part(self, region: str | None) -> str:
        """The key of one region's forecast."""
        what = json.dumps([self.pool.key, region, self.model, model(self.model).version, self.horizon])
        return hashlib.sha256(what.encode()).hexdigest()[:40]

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values with its gathered pool, as a worker process is sent it; gathering takes a while."""
        return {"pool": gather_pool(self.pool).to_json(), "model": self.model, "horizon": self.horizon}

    @staticmethod
    def from_json(data: dict[str, Any]) -> GatheredRequest:
        """The inverse of `to_json`, with the gathered pool, as a worker needs it."""
        pool = Pool.from_json(data["pool"])
        return GatheredRequest(pool, data["model"], int(data["horizon"]), data.get("learned") or {})


@dataclass(frozen=True)
class BatchRequest:
    """Requests of one model, which gains from many series at once, and one horizon: one fit, whose parts are their forecasts."""

    requests: tuple[Request, ...]

    @property
    def model(self) -> str:
        """The model of all of them."""
        return self.requests[0].model

    @property
    def horizon(self) -> int:
        """The horizon of all of them."""
        return self.requests[0].horizon

    @lazy
    def key(self) -> str:
        """A digest of their keys."""
        return hashlib.sha256("|".join(request.key for request in self.requests).encode()).hexdigest()[:40]

    @property
    def parts(self) -> dict[str, Request]:
        """The requests by the names of their parts."""
        return {str(place): request for place, request in enumerate(self.requests)}

    def to_json(self) -> dict[str, Any]:
        """The requests as JSON values, as a worker process is sent them."""
        series = [request.series.to_json() for request in self.requests]
        return {"series": series, "model": self.model, "horizon": self.horizon}

    @staticmethod
    def from_json(data: dict[str, Any]) -> BatchRequest:
        """The inverse of `to_json`."""
        model, horizon = data["model"], int(data["horizon"])
        return BatchRequest(tuple(Request(Series.from_json(one), model, horizon) for one in data["series"]))


#: What one fit is asked for.
AnyRequest = Request | PoolRequest | BatchRequest


@dataclass(frozen=True)
class GatheredRequest:
    """A `PoolRequest` as a worker has it, with the gathered figures of its pool, and what an earlier fit has `learned`, if any."""

    pool: Pool
    model: str
    horizon: int
    learned: dict[str, Any] = field(default_factory=dict, compare=False)
