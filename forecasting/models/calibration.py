"""Band calibration: how wide a model's 50 % and 95 % bands must be to hold what they say.

A model's own variance is that of shocks that are normal, independent, and as large as those it was fitted to. None of this is true,
so the bands come from three things, and none of them knows the unit of the figures:

- The series' own errors one to many steps ahead: half of them were within the 50 % band, and their root mean square is what the 95 %
  band is a multiple of. Errors lately count for half, for epidemics are restless in waves and calm between them. Errors several
  steps ahead follow from those one step ahead and the model's response to a shock, so nothing is fitted anew.
- Where there are few of these, the model's own variance: of shocks as large as the usual change of the figures and, of counts, the
  noise of counting.
- What both leave to be desired on figures that no model had seen (`calibration.csv`, made by ``python -m benchmarks calibrate``):
  one factor for each band, and a wider 95 % band where it was learned from few errors, as Student's t has. The same for all series
  and horizons: the scale correction of Kuleshov, Fenner & Ermon (2018), Accurate uncertainties for deep learning using calibrated
  regression, ICML, on two levels instead of all.

Models that are no linear filter of shocks (Prophet) have a factor by frequency and horizon instead (`BandScale`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import StringIO

import numpy as np
import pandas as pd

from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.models.transforms import Transform

#: Errors below which they tell less than the changes of the figures do.
LEAST_ERRORS = 4
#: Equal figures from which on a series counts as constant.
LEAST_CONSTANT = 8
#: How many errors the usual shock counts as in the size of a shock.
USUAL_WEIGHT = 3.0
#: How many independent errors the model's own variance counts as beside errors so many steps ahead.
OWN_VARIANCE_WEIGHT = 2.0
#: Periods that count as recent where there is no short season; errors of two such spans ago count half.
RECENT_PERIODS = 2
#: Periods in the longest season that counts as recent as a whole.
LONGEST_SEASON = 24
#: Steps ahead at which past errors are looked at; between them their logarithm is interpolated in that of the step.
STEPS_LOOKED_AT = (1, 2, 3, 4, 6, 9, 13, 18, 24, 36, 48, 72, 96, 144, 200, 300, 400)
#: The logarithm of how much narrower, and wider, past errors make a band at most.
MOST_NARROWED, MOST_WIDENED = -2.0, 2.0
#: Of the periods of a series, the most steps ahead that it is called short by: the first figures of all tell too little even of that.
MOST_AHEAD = 0.5
#: The standard normal quantile at the edge of the 50 % band; between this and the next the scale is interpolated.
EDGE_50 = 0.6744897501960817
#: The standard normal quantile at the edge of the 95 % band.
EDGE_95 = 1.959963984540054
#: The logarithm of a 95 % band's scale is not less than that of the 50 % band by more, for quantiles would cross.
MOST_APART = 0.6
#: The model, in `calibration.csv`, whose scale those without a row of their own have.
ANY = "any"


def shock_size(errors: np.ndarray, series: Series, scale: Transform) -> float:
    """The standard deviation of the next shock on `scale`, from past one-step `errors` there, oldest first.

    Drawn towards the usual shock, which matters where there are few errors. Counts that have never changed, nor been forecast wrong,
    have one only once in so many and one more.
    """
    return float(shock_sizes(errors[None], [series], scale)[0])


def shock_sizes(errors: np.ndarray, series: Sequence[Series], scale: Transform) -> np.ndarray:
    """`shock_size` of many series of one kind, whose `recent_periods` are the same; `errors` have shape (series, n)."""
    count = errors.shape[1]
    usual = _usual_shocks(errors, series, scale) ** 2
    if series[0].kind is COUNT:
        usual += _counting_noises(series, scale) ** 2
    for place in np.flatnonzero(~errors.any(axis=1)).tolist():
        if is_constant(series[place]):
            usual[place] /= (len(series[place]) + 1) ** 2
    weights, squares = _recent_weights(count, recent_periods(series[0])), errors**2
    lately = ((squares * weights).sum(axis=1) + USUAL_WEIGHT * usual) / (weights.sum() + USUAL_WEIGHT)
    always = (squares.sum(axis=1) + USUAL_WEIGHT * usual) / (count + USUAL_WEIGHT)
    return np.asarray(np.sqrt((lately + always) / 2))


def is_constant(series: Series) -> bool:
    """Whether all figures are the same, and enough to say that what shakes others does not shake these."""
    return len(series) >= LEAST_CONSTANT and bool(np.ptp(series.values) == 0)


def recent_periods(series: Series) -> int:
    """How many periods count as recent: a season if it is short, otherwise `RECENT_PERIODS`."""
    return series.season if 1 < series.season <= LONGEST_SEASON else RECENT_PERIODS


def _counting_noises(series: Sequence[Series], scale: Transform) -> np.ndarray:
    """The standard deviations of Poisson counts of the recent levels, on `scale`; figures that never reach 1 have that of their size."""
    recent = recent_periods(series[0])
    figures = [one.values for one in series]
    one = np.minimum([values.max() for values in figures], 1.0)
    level = np.maximum([values[-recent:].mean() for values in figures], one)
    low, high = scale.forward(np.stack([level, level + np.sqrt(one * level)], axis=1)).T
    return np.asarray(high - low)


def _usual_shocks(errors: np.ndarray, series: Sequence[Series], scale: Transform) -> np.ndarray:
    """The root mean square of the errors; where there are too few, of the changes from figure to figure."""
    if errors.shape[1] >= LEAST_ERRORS:
        return np.asarray(np.sqrt(np.mean(errors**2, axis=1)))
    as_they_are = scale.name == "shifted"  # wherever they are counted from
    changes = [np.diff(one.values if as_they_are else scale.forward(one.values)) for one in series]
    return np.array([np.sqrt(np.mean(change**2)) if len(change) else 0.0 for change in changes])


@lru_cache(maxsize=1000)
def _recent_weights(count: int, recent: int) -> np.ndarray:
    """Weights of `count` errors, oldest first, of which those of two recent spans ago count half."""
    weights = 0.5 ** (np.arange(count)[::-1] / (2 * recent))
    weights.flags.writeable = False
    return np.asarray(weights)


@dataclass(frozen=True)
class BandFactors:
    """The logarithms of the factors by which bands are widened: of the 50 % and of the 95 % band.

    Of shape (horizon,), or (series, horizon).
    """

    inner: np.ndarray
    outer: np.ndarray

    def __add__(self, other: BandFactors) -> BandFactors:
        """Both factors, one after the other."""
        return BandFactors(self.inner + other.inner, self.outer + other.outer)

    def at(self, z: np.ndarray) -> np.ndarray:
        """The factors of what lies at the standard normal deviates `z` of shape (…, horizon, any), whose rows are steps ahead."""
        inner = self.inner[..., None]
        outer = np.maximum(self.outer[..., None], inner - MOST_APART)
        share = np.abs(z)
        share -= EDGE_50
        share /= EDGE_95 - EDGE_50
        np.clip(share, 0.0, 1.0, out=share)
        logs = (outer - inner) * share
        logs += inner
        return np.asarray(np.exp(logs, out=logs))

    def scale(self, z: np.ndarray) -> np.ndarray:
        """Widen standard normal deviates `z` of shape (…, horizon, any), whose rows are 1, 2 … steps ahead."""
        wider = self.at(z)
        wider *= z
        return wider


@dataclass(frozen=True)
class BandScale:
    """What was learned of one model's bands: the logarithms of their factors.

    Attributes:
        width_50, growth_50: of the 50 % band, at one step ahead, and its slope in the logarithm of the horizon.
        width_95, growth_95: of the 95 % band.
        few_95: of the 95 % band, how much more at most for short series (`few_figures`).
        horizon: the longest that the slopes were learned for; beyond it the scale stays.
    """

    width_50: float = 0.0
    growth_50: float = 0.0
    width_95: float = 0.0
    growth_95: float = 0.0
    few_95: float = 0.0
    horizon: int = 1

    def factors(self, horizon: int, figures: int) -> BandFactors:
        """The factors 1 … horizon steps ahead for a series of so many `figures`."""
        steps = np.arange(1, horizon + 1)
        ahead = np.log(np.minimum(steps, self.horizon))
        few = few_figures(steps, figures)
        return BandFactors(
            self.width_50 + self.growth_50 * ahead,
            self.width_95 + self.growth_95 * ahead + self.few_95 * few,
        )


def few_figures(steps: np.ndarray, figures: int | np.ndarray) -> np.ndarray:
    """How little so many figures tell of errors so many steps ahead: one over the root of how many times these fit into them."""
    return np.asarray(np.sqrt(np.minimum(steps / np.maximum(figures, 1), MOST_AHEAD)))


def own_factors(
    series: Series, size: float, errors: np.ndarray, psi: np.ndarray, horizon: int, doubt: np.ndarray | float = 0.0
) -> BandFactors:
    """How much wider than the model's own variance says its past errors were, at each step ahead.

    Args:
        size: the standard deviation of the next shock.
        errors: past errors one step ahead, oldest first.
        psi: the response to a unit shock 0, 1, 2 … periods later.
        doubt: shape (horizon,), the standard deviation that doubted last values add; it is left as it is.
    """
    found = own_factors_of_many(
        recent_periods(series), np.array([size]), errors[None], psi[None, :horizon], np.asarray(doubt)
    )
    return BandFactors(found.inner[0], found.outer[0])


def own_factors_of_many(
    recent: int, sizes: np.ndarray, errors: np.ndarray, psi: np.ndarray, doubt: np.ndarray
) -> BandFactors:
    """`own_factors` of many series whose `recent` periods are the same; every argument has series as its first axis.

    What is summed is summed along a series alone, and by no matrix product, so that each has its numbers to the last digit.
    """
    said = sizes[:, None] * np.sqrt(np.cumsum(psi**2, axis=1))
    horizon, count = psi.shape[1], errors.shape[1]
    if not count:
        return BandFactors(np.zeros(said.shape), np.zeros(said.shape))
    looked_at, middle, root = _errors_ahead(errors, psi, recent)
    independent = _independent(count, recent) / looked_at
    share = independent / (independent + OWN_VARIANCE_WEIGHT)
    between, has_shocks, found = _between(looked_at, horizon), (said > 0).all(axis=1, keepdims=True), []
    for width in (middle / EDGE_50, root):
        with np.errstate(divide="ignore", invalid="ignore"):
            wider = share * np.clip(np.log(width / said[:, looked_at - 1]), MOST_NARROWED, MOST_WIDENED)
            wider = (wider[..., None] * between).sum(axis=1)
            wider = np.log(np.hypot(said * np.exp(wider), doubt) / np.hypot(said, doubt))
        found.append(np.where(has_shocks, wider, 0.0))
    return BandFactors(*found)


def _between(looked_at: np.ndarray, horizon: int) -> np.ndarray:
    """What interpolates from the steps looked at to all, linearly in the logarithm of the step; shape (looked at, horizon)."""
    steps = np.log(np.arange(1, horizon + 1))
    return np.array([np.interp(steps, np.log(looked_at), row) for row in np.eye(len(looked_at))])


def _errors_ahead(errors: np.ndarray, psi: np.ndarray, recent: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps ahead, and the median and root mean square of the past errors so many steps ahead, half of them lately.

    An error h steps ahead is the sum of the h errors one step ahead on the way, each by the response to it since. `errors` have shape
    (series, n), `psi` (series, horizon), and what is found (series, steps).
    """
    count = errors.shape[1]
    farthest = min(psi.shape[1], count)
    steps = [step for step in STEPS_LOOKED_AT if step < farthest] + [farthest]
    sums, middle, root = np.zeros(errors.shape), [], []
    for step in range(1, farthest + 1):
        sums[:, step - 1 :] += psi[:, step - 1, None] * errors[:, : count - step + 1]
        if step in steps:
            off = np.abs(sums[:, step - 1 :])
            weights = _half_lately(off.shape[1], recent)
            middle.append(_weighted_medians(off, weights))
            root.append(np.sqrt((off**2 * weights).sum(axis=1)))
    return np.array(steps), np.array(middle).T, np.array(root).T


def _half_lately(count: int, recent: int) -> np.ndarray:
    """Weights of sum 1 of `count` errors, half of it even and half of it for those lately."""
    weights = _recent_weights(count, recent)
    return np.asarray((weights / weights.sum() + 1 / count) / 2)


def _independent(count: int, recent: int) -> float:
    """How many evenly weighted errors tell as much as `count` with the weights of `_half_lately`."""
    weights = _half_lately(count, recent)
    return float(1 / (weights @ weights))


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The smallest of the values that half of the weight is at or below."""
    return float(_weighted_medians(values[None], weights)[0])


def _weighted_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted median of each row of `values`, shape (series, n)."""
    order = np.argsort(values, axis=1)
    total = np.cumsum(weights[order], axis=1)
    place = np.argmax(total >= total[:, -1:] / 2, axis=1)[:, None]
    return np.asarray(np.take_along_axis(values, np.take_along_axis(order, place, 1), 1)[:, 0])


def learned_factors(model: str, series: Series, horizon: int) -> BandFactors:
    """What was learned of a model whose bands come from the series' own errors; of others like it, where nothing was."""
    return _learned(model, horizon, len(series))


@lru_cache(maxsize=1000)
def _learned(model: str, horizon: int, figures: int) -> BandFactors:
    """Kept, for series mostly have the same length; nobody writes to them."""
    scales = band_scales()
    factors = scales.get((model, ANY), scales[ANY, ANY]).factors(horizon, figures)
    factors.inner.flags.writeable = factors.outer.flags.writeable = False
    return factors


def band_scale(model: str, series: Series) -> BandScale:
    """The learned scale of a model that has one by frequency, for such counts; one that changes nothing where there is none."""
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
            row.width_50, row.growth_50, row.width_95, row.growth_95, row.few_95, int(row.horizon)
        )
        for row in table.itertuples()
    }
