"""Protocol between a supervising thread and its worker process: one JSON object a line.

To the worker: a `FitOrder`. From the worker: `WorkerEvent`s, of which ``ready`` comes once and the others name their fit::

    ready                        the registry is loaded, orders are welcome
    started                      the clock of this fit runs
    progress  (any number)       what the model tries, perhaps with a draft
    part      (any number)       of a fit of many regions: one region's forecast
    parts                        of a fit of many requests: their forecasts, encoded as the store keeps them
    done | failed                the forecast, or a sentence for a person (and a traceback for the log)
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from forecasting.data.forecast import Forecast
from forecasting.jobs.request import AnyRequest, BatchRequest, GatheredRequest, PoolRequest, Request
from forecasting.models import Progress


@dataclass(frozen=True)
class FitOrder:
    """An order to a worker to fit a request.

    Attributes:
        fit: a number used once, by which late events of an earlier fit are told.
        request: what to fit.
        learned: of a pool, the `Forecast.fitted` of an earlier fit to go on from; empty without one.
    """

    fit: int
    request: AnyRequest | GatheredRequest
    learned: dict[str, Any] = field(default_factory=dict)

    def to_line(self) -> str:
        """As JSON, with its line feed. A pool is gathered here, which takes a while and may fail."""
        assert not isinstance(self.request, GatheredRequest)  # a worker makes those from the line
        kinds = {PoolRequest: "pool", BatchRequest: "batch", Request: "request"}
        kind = kinds[type(self.request)]
        what = self.request.to_json()
        return _to_line({"fit": self.fit, kind: what | {"learned": self.learned} if self.learned else what})

    @staticmethod
    def from_line(line: str) -> FitOrder:
        """The inverse of `to_line`."""
        data = orjson.loads(line)
        if "pool" in data:
            return FitOrder(int(data["fit"]), PoolRequest.from_json(data["pool"]))
        if "batch" in data:
            return FitOrder(int(data["fit"]), BatchRequest.from_json(data["batch"]))
        return FitOrder(int(data["fit"]), Request.from_json(data["request"]))


@dataclass(frozen=True)
class WorkerEvent:
    """An event in a worker; which fields it has depends on `name`, one of those that the module lists."""

    name: str
    fit: int = 0
    progress: Progress | None = None
    forecast: Forecast | None = None
    seconds: float = 0.0
    error: str = ""
    trace: str = ""
    region: str = ""
    payloads: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether no event of its fit follows this one."""
        return self.name in ("done", "failed")

    def to_line(self) -> str:
        """As JSON, with its line feed; floats are exact to the last digit."""
        data: dict[str, Any] = {"name": self.name, "fit": self.fit, "seconds": self.seconds}
        if self.error:
            data |= {"error": self.error, "trace": self.trace}
        if self.forecast:
            data["forecast"] = self.forecast.to_json()
        if self.name == "part":
            data["region"] = self.region
        if self.payloads:
            data["payloads"] = {name: b64encode(payload).decode() for name, payload in self.payloads.items()}
        if self.progress:
            draft = self.progress.draft
            data["progress"] = vars(self.progress) | {"draft": draft and draft.to_json()}
        return _to_line(data)

    @staticmethod
    def from_line(line: str) -> WorkerEvent:
        """The inverse of `to_line`. Raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for anything else."""
        data = orjson.loads(line)
        if progress := data.get("progress"):
            draft = progress.pop("draft")
            progress = replace(Progress(**progress), draft=Forecast.from_json(draft) if draft else None)
        forecast = data.get("forecast")
        return WorkerEvent(
            data["name"],
            int(data["fit"]),
            progress,
            Forecast.from_json(forecast) if forecast else None,
            float(data["seconds"]),
            data.get("error", ""),
            data.get("trace", ""),
            data.get("region", ""),
            {name: b64decode(payload) for name, payload in data.get("payloads", {}).items()},
        )


#: The beginning of a `WorkerEvent`'s line.
_EVENT_HEAD = re.compile(r'\{"name":"(\w+)","fit":(\d+),')


def read_event_head(line: str) -> tuple[str, int]:
    """The name and fit of a `WorkerEvent`'s line, without parsing all of it; empty and 0 for anything else."""
    match = _EVENT_HEAD.match(line)
    return (match[1], int(match[2])) if match else ("", 0)


def _to_line(data: dict[str, Any]) -> str:
    return orjson.dumps(data, default=_to_python_number).decode() + "\n"


def _to_python_number(number: Any) -> Any:
    """A numpy scalar, such as a model may give as its score, as a Python number."""
    return number.item()
