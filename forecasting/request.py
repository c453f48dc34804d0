"""Request: one series, one model, one horizon. Its key is the same for everybody who asks the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from forecasting.errors import RequestError
from forecasting.models import model
from forecasting.series import Series

#: No model is asked for more steps than this.
MAX_HORIZON = 400


@dataclass(frozen=True)
class Request:
    """What is to be forecast. Raises `RequestError` for an unknown model or a horizon outside 1..400."""

    series: Series
    model: str
    horizon: int

    def __post_init__(self) -> None:
        model(self.model)
        if not 1 <= self.horizon <= MAX_HORIZON:
            raise RequestError(f"The horizon is {self.horizon}; give a whole number from 1 to {MAX_HORIZON}.")

    @cached_property
    def key(self) -> str:
        """A digest of the prepared values, the model with its version, and the horizon."""
        what = f"{self.series.digest()}|{self.model}|{model(self.model).version}|{self.horizon}"
        return hashlib.sha256(what.encode()).hexdigest()[:40]

    def to_json(self) -> dict[str, Any]:
        """For a worker process."""
        return {"series": self.series.to_json(), "model": self.model, "horizon": self.horizon}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Request:
        """The inverse of `to_json`."""
        return Request(Series.from_json(data["series"]), data["model"], int(data["horizon"]))
