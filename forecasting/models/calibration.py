"""Band calibration: the standard deviation of a forecast's next shock, and learned scales of its 50 % and 95 % bands.

Both correct what a model believes of its own errors, and were learned from forecasts of figures that it had not seen:

- The size of a shock is half what it was lately and half what it was all along, for epidemics are restless in waves and
  calm between them; and it is drawn towards that of a typical count, which matters where there are few errors to learn
  from. Of figures that are no counts nothing is typical: there it is drawn towards what it was all along.
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

from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.models.transforms import Transform

#: The standard deviation of a typical shock as a share of the level, besides the noise of counting.
TYPICAL_SHOCK = 0.25
#: Errors below which they tell less than the changes of the figures do.
LEAST_ERRORS = 4
#: Equal figures from which on a series counts as constant.
LEAST_CONSTANT = 8
#: How many errors the typical shock counts as.
TYPICAL_WEIGHT = 3.0
#: Periods that count as recent where there is no short season; errors of two such spans ago count half.
RECENT_PERIODS = 2
#: Periods in the longest season that counts as recent as a whole.
LONGEST_SEASON = 24
#: The standard normal quantile at the edge of the 50 % band; between this and the next the scale is interpolated.
EDGE_50 = 0.6744897501960817
#: The standard normal quantile at the edge of the 95 % band.
EDGE_95 = 1.959963984540054


def shock_size(errors: np.ndarray, series: Series, scale: Transform) -> float:
    """The standard deviation of the next shock on `scale`, from past one-step `errors` there, oldest first.

    Counts that have never changed, nor been forecast wrong, have a typical shock only once in so many and one more.
    """
    typical = (_typical_shock(series, scale) if series.kind is COUNT else _usual_shock(errors, series, scale)) ** 2
    if is_constant(series) and not errors.any():
        typical /= (len(series) + 1) ** 2
    weights = 0.5 ** (np.arange(len(errors))[::-1] / (2 * _recent_periods(series)))
    lately = (weights @ errors**2 + TYPICAL_WEIGHT * typical) / (weights.sum() + TYPICAL_WEIGHT)
    always = (errors @ errors + TYPICAL_WEIGHT * typical) / (len(errors) + TYPICAL_WEIGHT)
    return float(np.sqrt((lately + always) / 2))


def is_constant(series: Series) -> bool:
    """Whether all figures are the same, and enough to say that what shakes others does not shake these."""
    return len(series) >= LEAST_CONSTANT and bool(np.ptp(series.values) == 0)


def _typical_shock(series: Series, scale: Transform) -> float:
    """A share of the recent level plus the noise of counting, on `scale`; figures that never reach 1 have no such noise."""
    one = min(float(series.values.max()), 1.0)
    level = max(float(series.values[-_recent_periods(series) :].mean()), one)
    shock = np.sqrt((TYPICAL_SHOCK * level) ** 2 + one * level)
    low, high = scale.forward(np.array([level, level + shock]))
    return float(high - low)


def _usual_shock(errors: np.ndarray, series: Series, scale: Transform) -> float:
    """The root mean square of the errors; where there are too few, of the changes from figure to figure."""
    shocks = errors if len(errors) >= LEAST_ERRORS else np.diff(scale.forward(series.values))
    return float(np.sqrt(np.mean(shocks**2))) if len(shocks) else 0.0


def _recent_periods(series: Series) -> int:
    """How many periods count as recent: a season if it is short, otherwise `RECENT_PERIODS`."""
    return series.season if 1 < series.season <= LONGEST_SEASON else RECENT_PERIODS


@dataclass(frozen=True)
class BandScale:
    """The factors by which one model's bands are widened: their logarithm is linear in the logarithm of the horizon.

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
        """Widen standard normal deviates `z` of shape (horizon, any), whose rows are 1, 2 … steps ahead."""
        ahead = np.log(np.minimum(np.arange(1, len(z) + 1), self.horizon))[:, None]
        inner = self.width_50 + self.growth_50 * ahead
        outer = self.width_95 + self.growth_95 * ahead
        share = np.clip((np.abs(z) - EDGE_50) / (EDGE_95 - EDGE_50), 0.0, 1.0)
        return z * np.exp(inner + (outer - inner) * share)


def band_scale(model: str, series: Series) -> BandScale:
    """The learned band scale of `model` for such counts; one that changes nothing where none was learned."""
    if series.kind is not COUNT:
        return BandScale()
    days = "daily" if series.frequency.weekmask else series.frequency.name  # a shop's days are days
    return band_scales().get((model, days), BandScale())


@lru_cache(maxsize=1)
def band_scales() -> dict[tuple[str, str], BandScale]:
    """Every learned band scale by model and frequency, read once from `calibration.csv`."""
    text = (files("forecasting.models") / "calibration.csv").read_text(encoding="utf-8")
    table = pd.read_csv(StringIO(text))
    return {
        (row.model, row.frequency): BandScale(
            row.width_50, row.growth_50, row.width_95, row.growth_95, int(row.horizon)
        )
        for row in table.itertuples()
    }
