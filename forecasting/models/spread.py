"""How wide a forecast's bands are: the size of a shock, and how far bands of that size have missed before.

Two corrections of what a model believes of its own errors, both learned from forecasts of figures that the model had
not seen:

- The size of a shock is half what it was lately and half what it was all along, for epidemics are restless in waves and
  calm between them; and it is drawn towards that of a typical count, which matters where there are few errors to learn
  from.
- Each model's 50 % and 95 % bands are scaled so that they hold what they say out of sample, by how far ahead they look
  (`calibration.csv`, made by ``python -m benchmarks calibrate``): the scale correction of Kuleshov, Fenner & Ermon
  (2018), Accurate uncertainties for deep learning using calibrated regression, ICML, on two levels instead of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import StringIO

import numpy as np
import pandas as pd

from forecasting.data.series import Series
from forecasting.models.transforms import Transform

#: A typical shock: so much of the level, besides the noise of counting.
TYPICAL = 0.25
#: It counts as much as so many errors.
TYPICAL_WEIGHT = 3.0
#: What "lately" is without a short season: so many periods. Errors of two such spans ago count half.
LATELY = 2
LONGEST_SEASON = 24
#: Standard normal quantiles at the edge of the two bands that are scaled; between them the scale is interpolated.
EDGE_50 = 0.6744897501960817
EDGE_95 = 1.959963984540054


def shock_size(errors: np.ndarray, series: Series, scale: Transform) -> float:
    """The standard deviation of the next shock on `scale`, from past one-step `errors` there, oldest first."""
    typical = _typical_shock(series, scale) ** 2
    weights = 0.5 ** (np.arange(len(errors))[::-1] / (2 * _lately(series)))
    lately = (weights @ errors**2 + TYPICAL_WEIGHT * typical) / (weights.sum() + TYPICAL_WEIGHT)
    always = (errors @ errors + TYPICAL_WEIGHT * typical) / (len(errors) + TYPICAL_WEIGHT)
    return float(np.sqrt((lately + always) / 2))


def _typical_shock(series: Series, scale: Transform) -> float:
    """Of a share of the recent level and the noise of counting, which figures that never reach 1 do not have."""
    one = min(float(series.values.max()), 1.0)
    level = max(float(series.values[-_lately(series) :].mean()), one)
    shock = np.sqrt((TYPICAL * level) ** 2 + one * level)
    low, high = scale.forward(np.array([level, level + shock]))
    return float(high - low)


def _lately(series: Series) -> int:
    """A season that is short, or `LATELY` periods."""
    return series.season if 1 < series.season <= LONGEST_SEASON else LATELY


@dataclass(frozen=True)
class Correction:
    """What the bands of one model are scaled by: the logarithm is a straight line in that of the horizon.

    Attributes:
        width_50, growth_50: of the 50 % band, at one step ahead and its power of the horizon.
        width_95, growth_95: of the 95 % band.
        horizon: the longest that it was learned for; beyond it the scale stays.
    """

    width_50: float = 0.0
    growth_50: float = 0.0
    width_95: float = 0.0
    growth_95: float = 0.0
    horizon: int = 1

    def scale(self, z: np.ndarray) -> np.ndarray:
        """`z` widened; shape (horizon, any), standard normal deviates in rows of 1, 2 … steps ahead."""
        ahead = np.log(np.minimum(np.arange(1, len(z) + 1), self.horizon))[:, None]
        inner = self.width_50 + self.growth_50 * ahead
        outer = self.width_95 + self.growth_95 * ahead
        share = np.clip((np.abs(z) - EDGE_50) / (EDGE_95 - EDGE_50), 0.0, 1.0)
        return z * np.exp(inner + (outer - inner) * share)


def correction(model: str, frequency: str) -> Correction:
    """What is known of `model` at that `frequency`; none where nothing was learned."""
    return _learned().get((model, frequency), Correction())


@lru_cache(maxsize=1)
def _learned() -> dict[tuple[str, str], Correction]:
    text = (files("forecasting.models") / "calibration.csv").read_text(encoding="utf-8")
    table = pd.read_csv(StringIO(text))
    return {
        (row.model, row.frequency): Correction(
            row.width_50, row.growth_50, row.width_95, row.growth_95, int(row.horizon)
        )
        for row in table.itertuples()
    }
