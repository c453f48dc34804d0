"""Fitted parameters as plain data (JSON), stored with a forecast so that `Model.extend` can reuse the fit.

They come back from a database, so every value is checked: anything invalid raises one of `DAMAGED_DATA_ERRORS`, upon
which `Model.extend` returns None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.series import Series
from forecasting.models.base import Model

#: The exceptions that reading damaged parameters, or filtering with them, may raise; LinAlgError is a ValueError.
DAMAGED_DATA_ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def stored_parameters(model: Model, fitted_to: Series, **parameters: Any) -> dict[str, Any]:
    """JSON of `parameters`, with the model's name and version and the first and last date that they were fitted to."""
    return {
        "model": model.name,
        "version": model.version,
        "start": fitted_to.start.isoformat(),
        "origin": fitted_to.origin.isoformat(),
        **parameters,
    }


@dataclass(frozen=True)
class EarlierFit:
    """A stored fit together with the longer series that it is applied to.

    Attributes:
        series: the figures to filter: everything from the first one that it was fitted to.
        new: how many of the last figures came after its origin.
        fitted: its parameters, as `stored_parameters` returned them.
    """

    series: Series
    new: int
    fitted: dict[str, Any]

    def with_error_growth(self, errors: np.ndarray) -> dict[str, Any]:
        """`fitted` plus the number of new figures and how much larger their `errors` are (`error_growth`)."""
        return self.fitted | {"new": self.new, "growth": error_growth(errors, self.new)}


def restore_fit(model: Model, series: Series, fitted: dict[str, Any]) -> EarlierFit:
    """Restore what `model` has `fitted` to a shorter state of `series`. Raises one of `DAMAGED_DATA_ERRORS`."""
    if (fitted["model"], fitted["version"]) != (model.name, model.version):
        raise ValueError("another model, or another version of it")
    first, last = (series.dates.get_loc(pd.Timestamp(fitted[end])) for end in ("start", "origin"))
    if first > last:
        raise ValueError("it ends before it starts")
    return EarlierFit(series.tail(len(series) - first), len(series) - 1 - last, fitted)


def error_growth(errors: np.ndarray, new: int) -> float:
    """The root mean square of the last `new` errors one step ahead over that of those before; 1 where none are new."""
    if not 0 < new < len(errors):
        return 1.0
    before, now = (float(np.sqrt(np.mean(part**2))) for part in (errors[:-new], errors[-new:]))
    return now / before if before > 0 else 1.0


def checked_number(value: Any, low: float = -1e12, high: float = 1e12) -> float:
    """Return `value` if it is a finite number from `low` to `high`; raises `ValueError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{value!r} is no number from {low:g} to {high:g}")
    return float(value)


def checked_integer(value: Any, low: int, high: int) -> int:
    """Return `value` if it is a whole number from `low` to `high`; raises `ValueError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{value!r} is no whole number from {low} to {high}")
    return value


def checked_array(values: Any, count: int) -> np.ndarray:
    """Return `values` as an array if they are a list of `count` finite numbers; raises `ValueError` otherwise."""
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"not a list of {count} numbers")
    return np.array([checked_number(value) for value in values])


def check_finite(mean: np.ndarray, errors: np.ndarray) -> None:
    """Raise `ValueError` where a filter has produced infinite or undefined numbers."""
    with np.errstate(all="ignore"):
        size = float(mean @ mean + errors @ errors)
    if not math.isfinite(size):
        raise ValueError("these parameters run out of bounds here")
