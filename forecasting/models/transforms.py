"""Variance-stabilising transforms of counts: forward before a fit, inverse after it.

All are monotone, so quantiles carry over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecasting.support.errors import RequestError


@dataclass(frozen=True)
class Transform:
    """A monotone change of scale for counts >= 0; `inverse` never returns less than 0.

    Attributes:
        name: what a request calls it.
        label: what a person reads, e.g. ``"on the cube root"``.
    """

    name: str
    label: str
    forward: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]


def _root(power: float) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    return lambda x: np.power(x, 1 / power), lambda y: np.power(np.maximum(y, 0.0), power)


#: Every transform by its name.
TRANSFORMS: dict[str, Transform] = {
    t.name: t
    for t in (
        Transform("none", "on the counts", lambda x: np.asarray(x, dtype=float), lambda y: np.maximum(y, 0.0)),
        Transform("square_root", "on the square root", *_root(2.0)),
        Transform("cube_root", "on the cube root", *_root(3.0)),
        Transform("fourth_root", "on the fourth root", *_root(4.0)),
        Transform("log1p", "on the log", np.log1p, lambda y: np.maximum(np.expm1(np.minimum(y, 700.0)), 0.0)),
    )
}


def transform(name: str) -> Transform:
    """The transform called `name`; raises `RequestError` if there is none."""
    try:
        return TRANSFORMS[name]
    except KeyError:
        raise RequestError(f"There is no transform '{name}'; there are {', '.join(TRANSFORMS)}.") from None
