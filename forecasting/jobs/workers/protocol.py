"""What a supervising thread and its worker process say to each other: one JSON object a line.

To the worker: an `Order`. From the worker: `Event`s, of which ``ready`` comes once and the others name their fit::

    ready                        the registry is loaded, orders are welcome
    started                      the clock of this fit runs
    progress  (any number)       what the model tries, perhaps with a draft
    part      (any number)       of a fit of many regions: one region's forecast
    done | failed                the forecast, or a sentence for a person (and a traceback for the log)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import orjson

from forecasting.data.forecast import Forecast
from forecasting.jobs.request import GatheredRequest, PoolRequest, Request
from forecasting.models import Progress


@dataclass(frozen=True)
class Order:
    """Fit this. `fit` is a number used once, so that late events of an earlier fit are known as such."""

    fit: int
    request: Request | PoolRequest | GatheredRequest

    def line(self) -> str:
        """As JSON, with its line feed. A pool is gathered here, which takes a while and may fail."""
        assert not isinstance(self.request, GatheredRequest)  # that is what a worker makes of the line
        kind = "pool" if isinstance(self.request, PoolRequest) else "request"
        return _line({"fit": self.fit, kind: self.request.to_json()})

    @staticmethod
    def of(line: str) -> Order:
        """The inverse of `line`."""
        data = orjson.loads(line)
        if "pool" in data:
            return Order(int(data["fit"]), PoolRequest.from_json(data["pool"]))
        return Order(int(data["fit"]), Request.from_json(data["request"]))


@dataclass(frozen=True)
class Event:
    """Something happened in a worker; which fields are there depends on `name` (see the module)."""

    name: str
    fit: int = 0
    progress: Progress | None = None
    forecast: Forecast | None = None
    seconds: float = 0.0
    error: str = ""
    trace: str = ""
    region: str = ""

    @property
    def last(self) -> bool:
        """Whether its fit says nothing after this."""
        return self.name in ("done", "failed")

    def line(self) -> str:
        """As JSON, with its line feed; floats are exact to the last digit."""
        data: dict[str, Any] = {"name": self.name, "fit": self.fit, "seconds": self.seconds}
        if self.error:
            data |= {"error": self.error, "trace": self.trace}
        if self.forecast:
            data["forecast"] = self.forecast.to_json()
        if self.name == "part":
            data["region"] = self.region
        if self.progress:
            draft = self.progress.draft
            data["progress"] = vars(self.progress) | {"draft": draft and draft.to_json()}
        return _line(data)

    @staticmethod
    def of(line: str) -> Event:
        """The inverse of `line`. Raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for anything else."""
        data = orjson.loads(line)
        if progress := data.get("progress"):
            draft = progress.pop("draft")
            progress = replace(Progress(**progress), draft=Forecast.from_json(draft) if draft else None)
        forecast = data.get("forecast")
        return Event(
            data["name"],
            int(data["fit"]),
            progress,
            Forecast.from_json(forecast) if forecast else None,
            float(data["seconds"]),
            data.get("error", ""),
            data.get("trace", ""),
            data.get("region", ""),
        )


#: How an `Event`'s line begins.
_HEAD = re.compile(r'\{"name":"(\w+)","fit":(\d+),')


def head(line: str) -> tuple[str, int]:
    """The name and the fit of an `Event`'s line, without reading all of it; empty and 0 for anything else."""
    found = _HEAD.match(line)
    return (found[1], int(found[2])) if found else ("", 0)


def _line(data: dict[str, Any]) -> str:
    return orjson.dumps(data, default=_plain).decode() + "\n"


def _plain(number: Any) -> Any:
    """A numpy scalar, such as a model may give as its score, as a Python number."""
    return number.item()
