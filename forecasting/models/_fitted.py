"""What was fitted, as plain data (JSON): what a model goes on from when its series has gained a few points.

It comes back from a database, so nothing of it is believed before it was looked at: whatever is amiss is an error of
`DAMAGED`, upon which `Model.extend` gives None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.series import Series
from forecasting.models.base import Model

#: What reading damaged data, or filtering with it, may raise; LinAlgError is a ValueError.
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def remember(model: Model, fitted_to: Series, **parameters: Any) -> dict[str, Any]:
    """`parameters` of `model`, with whose they are and to which dates they were fitted."""
    return {
        "model": model.name,
        "version": model.version,
        "start": fitted_to.start.isoformat(),
        "origin": fitted_to.origin.isoformat(),
        **parameters,
    }


@dataclass(frozen=True)
class Earlier:
    """An earlier fit seen from a later day.

    Attributes:
        series: what it is to be carried on over: everything from the first figure that it was fitted to.
        new: how many of the last figures came after its origin.
        fitted: its parameters, as `remember` gave them.
    """

    series: Series
    new: int
    fitted: dict[str, Any]

    def after(self, errors: np.ndarray) -> dict[str, Any]:
        """`fitted`, with how large the new ones of `errors` are beside the others (see `growth`)."""
        return self.fitted | {"new": self.new, "growth": growth(errors, self.new)}


def recall(model: Model, series: Series, fitted: dict[str, Any]) -> Earlier:
    """What `model` has `fitted` to a shorter state of `series`. Raises `DAMAGED` errors."""
    if (fitted["model"], fitted["version"]) != (model.name, model.version):
        raise ValueError("another model, or another version of it")
    first, last = (series.dates.get_loc(pd.Timestamp(fitted[end])) for end in ("start", "origin"))
    if first > last:
        raise ValueError("it ends before it starts")
    return Earlier(series.tail(len(series) - first), len(series) - 1 - last, fitted)


def growth(errors: np.ndarray, new: int) -> float:
    """The root mean square of the last `new` errors one step ahead over that of those before; 1 where none are new."""
    if not 0 < new < len(errors):
        return 1.0
    before, now = (float(np.sqrt(np.mean(part**2))) for part in (errors[:-new], errors[-new:]))
    return now / before if before > 0 else 1.0


def number(value: Any, low: float = -1e12, high: float = 1e12) -> float:
    """`value`, if it is a finite number from `low` to `high`. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{value!r} is no number from {low:g} to {high:g}")
    return float(value)


def whole(value: Any, low: int, high: int) -> int:
    """`value`, if it is a whole number from `low` to `high`. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{value!r} is no whole number from {low} to {high}")
    return value


def numbers(values: Any, count: int) -> np.ndarray:
    """`values`, if they are a list of `count` finite numbers. Raises `ValueError`."""
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"not a list of {count} numbers")
    return np.array([number(value) for value in values])


def sound(mean: np.ndarray, errors: np.ndarray) -> None:
    """Raises `ValueError` where a filter has run out of bounds."""
    with np.errstate(all="ignore"):
        size = float(mean @ mean + errors @ errors)
    if not math.isfinite(size):
        raise ValueError("these parameters run out of bounds here")
