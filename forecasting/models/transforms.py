"""Transforms of figures: forward before a fit, inverse after it. Roots make the noise of counts and amounts even.

All are monotone, so quantiles carry over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.support.errors import RequestError


@dataclass(frozen=True)
class Transform:
    """A monotone change of scale.

    Attributes:
        name: what a request calls it.
        label: what a person reads, e.g. ``"on the cube root"``.
        low: no figure is below it on this scale; `inverse` takes what is below for it.
        origin: what figures are counted from.
    """

    name: str
    label: str
    forward: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    low: float = 0.0
    origin: float = 0.0


def _root(power: int) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    def inverse(roots: np.ndarray) -> np.ndarray:
        base = np.maximum(roots, 0.0)
        squared = base * base  # products take a tenth of the time of a power
        if power == 2:
            return np.asarray(squared)
        return np.asarray(squared * (base if power == 3 else squared))

    return lambda x: np.power(x, 1.0 / power), inverse


#: Every transform of figures >= 0 by its name.
TRANSFORMS: dict[str, Transform] = {
    t.name: t
    for t in (
        Transform("none", "on the counts", lambda x: np.asarray(x, dtype=float), lambda y: np.maximum(y, 0.0)),
        Transform("square_root", "on the square root", *_root(2)),
        Transform("cube_root", "on the cube root", *_root(3)),
        Transform("fourth_root", "on the fourth root", *_root(4)),
        Transform("log1p", "on the log", np.log1p, lambda y: np.maximum(np.expm1(np.minimum(y, 700.0)), 0.0)),
    )
}


#: By the name of a transform that is a root or none, what `Transform.inverse` takes figures on its scale to the power of.
POWERS = {"none": 1, "shifted": 1, "square_root": 2, "cube_root": 3, "fourth_root": 4}


def shifted(origin: float) -> Transform:
    """The figures as they are, counted from `origin`: for figures that may be negative or lie far from zero."""
    return Transform(
        "shifted",
        "on the figures",
        lambda x: np.asarray(x, dtype=float) - origin,
        lambda y: y + origin,
        -np.inf,
        origin,
    )


def together(scales: Sequence[Transform]) -> Transform:
    """One scale for arrays whose first axis is series, each of which has its own of these; all of one name."""
    first = scales[0]
    if first.name != "shifted":
        return first
    origins = np.array([scale.origin for scale in scales])

    def along(table: np.ndarray) -> np.ndarray:
        return origins.reshape(-1, *[1] * (table.ndim - 1))

    return Transform(first.name, first.label, lambda x: x - along(x), lambda y: y + along(y), first.low)


def transform(name: str) -> Transform:
    """The transform called `name`; raises `RequestError` if there is none."""
    try:
        return TRANSFORMS[name]
    except KeyError:
        raise RequestError(f"There is no transform '{name}'; there are {', '.join(TRANSFORMS)}.") from None
