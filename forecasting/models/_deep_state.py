"""What `deep` has learned from a panel, as plain JSON that is stored with a forecast: weights, scaler, and what it saw.

The weights are raw bytes of little-endian float16 with their names and shapes, never a pickle. What comes back from a
database is checked: anything damaged, of another version or learned from other figures raises `ValueError`, upon which the
training begins anew.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.models._deep_windows import PanelTable
from forecasting.models._stored_parameters import DAMAGED_DATA_ERRORS, checked_integer, checked_number

#: Raised when the stored form, the network's inputs or the training changes.
FORMAT = 1
#: Bytes of weights at most: 400 regions, and covariates besides, need a third of it.
MOST_BYTES = 400_000
#: The largest size of a weight: float16 has no number beyond it.
LARGEST_WEIGHT = 65_504.0


@dataclass(frozen=True)
class Learned:
    """What was learned from the first `periods` of a panel.

    Attributes:
        digest: of the figures that it saw, with their regions and dates (`digest_of`).
        periods: how many rows of the table they are.
        gain: the loss on the windows that were left out, over that of the pretrained network; 1 or more where learning did not pay.
        steps: steps of the training up to the weights that were kept.
        weights: by name, as `AdaptedNetwork.learned` gives them; empty where learning did not pay.
    """

    digest: str
    periods: int
    gain: float
    steps: int
    weights: Mapping[str, np.ndarray]

    @property
    def pays(self) -> bool:
        """Whether the weights forecast better than those of the pretrained network."""
        return bool(self.weights)

    def to_json(self) -> dict[str, Any]:
        """As JSON values, the weights rounded to float16."""
        packed = b"".join(np.ascontiguousarray(one, dtype="<f2").tobytes() for one in self.weights.values())
        return {
            "format": FORMAT,
            "digest": self.digest,
            "periods": self.periods,
            "gain": self.gain,
            "steps": self.steps,
            "shapes": [[name, list(one.shape)] for name, one in self.weights.items()],
            "weights": base64.b64encode(packed).decode(),
            "checksum": hashlib.sha256(packed).hexdigest(),
        }

    @staticmethod
    def from_json(data: Any) -> Learned:
        """The inverse of `to_json`, but for the rounding. Raises `ValueError` for anything else."""
        try:
            if data["format"] != FORMAT:
                raise ValueError("another version")
            packed = base64.b64decode(data["weights"], validate=True)
            if len(packed) > MOST_BYTES or hashlib.sha256(packed).hexdigest() != data["checksum"]:
                raise ValueError("the weights are damaged")
            values = np.frombuffer(packed, dtype="<f2").astype(np.float32)
            if not np.isfinite(values).all():
                raise ValueError("not all weights are numbers")
            weights, first = {}, 0
            for name, shape in data["shapes"]:
                sizes = [checked_integer(size, 1, MOST_BYTES) for size in shape]
                count = math.prod(sizes)
                weights[str(name)] = values[first : first + count].reshape(sizes)
                first += count
            if first != len(values):
                raise ValueError(f"{len(values)} weights where {first} are expected")
            return Learned(
                str(data["digest"]),
                checked_integer(data["periods"], 1, 10**9),
                checked_number(data["gain"]),
                checked_integer(data["steps"], 0, 10**6),
                weights,
            )
        except DAMAGED_DATA_ERRORS as error:
            raise ValueError(f"these are no learned weights: {error!r}") from error


def storable(weights: Mapping[str, np.ndarray]) -> bool:
    """Whether weights can be stored: finite as float16, and not too many."""
    return sum(2 * one.size for one in weights.values()) <= MOST_BYTES and all(
        bool((np.abs(one) < LARGEST_WEIGHT).all()) for one in weights.values()
    )


def digest_of(table: PanelTable) -> str:
    """A digest of all that is learned from a table: regions, dates, figures and covariates."""
    what = hashlib.sha256(repr((FORMAT, table.regions, table.frequency.alias, table.kind.name)).encode())
    what.update(table.dates[0].isoformat().encode())
    for figures in (table.values, table.covariates):
        what.update(repr(figures.shape).encode() + np.ascontiguousarray(figures, dtype="<f8").tobytes())
    return what.hexdigest()


def milestone(periods: int) -> int:
    """How many of so many periods the training proper learns from: a power of the eighth root of two, a twentieth less at least.

    It stays the same while the panel grows by a twelfth, and so does what is learned up to there, whoever learns it and when.
    """
    most = 0.95 * periods
    return math.floor(2 ** (math.floor(8 * math.log2(most)) / 8)) if most >= 1 else 0
