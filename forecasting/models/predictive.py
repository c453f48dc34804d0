"""Predictive distributions: make a `Forecast`, 23 quantiles of each period, of sums and of means, from a model's output.

Four constructors: `from_normal` for models whose errors are a linear filter of normal shocks on some scale (ARIMA, ETS, theta,
naive), `from_spread` for models that know how far off they were each number of steps ahead (pooled), `from_paths` for
models that can only be sampled (Prophet), `from_quantiles` for models that give quantiles and no more (pretrained). All but the
third are exact for single periods; sums and means over several periods
have no closed form on a transformed scale and are sampled, always with the same seed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.series import Series
from forecasting.models.base import Model
from forecasting.models.calibration import (
    BandFactors,
    band_scale,
    learned_factors,
    own_factors_of_many,
    recent_periods,
    shock_sizes,
)
from forecasting.models.transforms import Transform, together

#: Futures sampled for sums and means: enough for the 0.01 and 0.99 quantiles to be steady.
SAMPLES = 1000
#: Figures of sampled futures that are worked on at once: as many as a processor's cache has room for.
SAMPLED_AT_ONCE = 100_000
#: Figures of what bands are worked out from, past errors or responses, at once.
BANDED_AT_ONCE = 200_000
#: No quantile of an intermittent series is more than so many times the largest figure so far.
MOST_OF_INTERMITTENT = 2.0
#: Degrees of freedom of Student's t for errors learned over many regions, which have longer tails than normal ones.
DEGREES_OF_FREEDOM = 7
#: The share of an error's variance, where a model tells only quantiles, that stays in the periods after it.
PERSISTENCE = 0.7
#: Standard normal quantiles at the levels of `QUANTILES`; shape (23,).
NORMAL_QUANTILES = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])


def from_normal(
    model: Model,
    series: Series,
    scale: Transform,
    mean: np.ndarray,
    errors: np.ndarray,
    psi: np.ndarray,
    method: str = "",
    notes: tuple[str, ...] = (),
) -> Forecast:
    """The forecast of a linear model with normal shocks on `scale`, its bands scaled as learned.

    Args:
        mean: shape (horizon,), point forecasts on `scale`.
        errors: past errors one step ahead on `scale`, oldest first; may be empty.
        psi: shape (horizon,), the response of the series to a unit shock 0, 1, 2 … periods later (psi[0] == 1), as in
            Box & Jenkins; the variance h steps ahead is that of a shock times ``sum(psi[:h]**2)``. May be longer: where
            the last values are in doubt themselves, their share of the variance takes the responses after that.
        method: what was fitted, for a person; the model's label if empty.
    """
    return from_normal_many([NormalOutput(model, series, scale, mean, errors, psi, method, notes)])[0]


@dataclass(frozen=True)
class NormalOutput:
    """The arguments of `from_normal`."""

    model: Model
    series: Series
    scale: Transform
    mean: np.ndarray
    errors: np.ndarray
    psi: np.ndarray
    method: str = ""
    notes: tuple[str, ...] = ()

    @property
    def likeness(self) -> tuple[Hashable, ...]:
        """What is the same of outputs that can be made forecasts of together."""
        series = self.series
        sizes = len(self.mean), len(self.psi), len(self.errors), len(series.doubt)
        return *sizes, self.model.name, self.scale.name, series.kind.name, recent_periods(series), _window(series)


def from_normal_many(outputs: Sequence[NormalOutput]) -> list[Forecast]:
    """`from_normal` of many outputs at once: those that are alike, as many as a processor's cache has room for."""
    groups: dict[tuple[Hashable, ...], list[int]] = {}
    for place, output in enumerate(outputs):
        groups.setdefault(output.likeness, []).append(place)
    found: dict[int, Forecast] = {}
    for places in groups.values():
        first = outputs[places[0]]
        at_once = max(BANDED_AT_ONCE // max(len(first.errors), len(first.mean) * len(first.psi)), 1)
        for part in (places[begin : begin + at_once] for begin in range(0, len(places), at_once)):
            found |= zip(part, _from_alike([outputs[place] for place in part]), strict=True)
    return [found[place] for place in range(len(outputs))]


@dataclass(frozen=True)
class NormalBands:
    """How wide the bands of outputs of one `likeness` are.

    Attributes:
        sizes: shape (series,), the standard deviation of the next shock on the outputs' scale.
        response: shape (series, horizon, shocks), the response to each shock, and to each doubted value, in shocks.
        length: shape (series, horizon, 1), the length of that response: the standard deviation ahead, in shocks.
        doubt: shape (series, horizon), the standard deviation that doubted last values add.
        factors: of shape (series, horizon), by which all of this is widened.
    """

    sizes: np.ndarray
    response: np.ndarray
    length: np.ndarray
    doubt: np.ndarray
    factors: BandFactors

    def of(self, places: slice) -> NormalBands:
        """Those of some of the outputs."""
        factors = BandFactors(self.factors.inner[places], self.factors.outer[places])
        own = self.sizes[places], self.response[places], self.length[places], self.doubt[places]
        return NormalBands(*own, factors)


def normal_bands(outputs: Sequence[NormalOutput]) -> NormalBands:
    """The bands of outputs of one `likeness`."""
    scale, series = together([output.scale for output in outputs]), [output.series for output in outputs]
    mean, errors, psi = (np.array([getattr(one, what) for one in outputs]) for what in ("mean", "errors", "psi"))
    horizon, sizes = mean.shape[1], shock_sizes(errors, series, scale)
    own = psi[:, :horizon]
    length = np.sqrt(np.cumsum(own**2, axis=1))[..., None]  # of the response to the shocks to come, in shocks
    lags = np.subtract.outer(np.arange(horizon), np.arange(horizon))
    response = np.where(lags >= 0, own[:, np.abs(lags)], 0.0)
    doubt = np.zeros(mean.shape)
    if series[0].doubt:
        passed = np.array([_doubt_responses(one.series, one.scale, one.psi, horizon) for one in outputs])
        passed = np.divide(passed, sizes[:, None, None], out=np.zeros_like(passed), where=sizes[:, None, None] > 0)
        along = np.linalg.norm(passed, axis=2)
        doubt = sizes[:, None] * along
        length = np.hypot(length, along[..., None])
        response = np.concatenate([response, passed], axis=2)
    learned = [learned_factors(outputs[0].model.name, one, horizon) for one in series]
    own_width = own_factors_of_many(recent_periods(series[0]), sizes, errors, own, doubt)
    factors = own_width + BandFactors(
        np.array([one.inner for one in learned]), np.array([one.outer for one in learned])
    )
    return NormalBands(sizes, response, length, doubt, factors)


def _from_alike(outputs: Sequence[NormalOutput]) -> list[Forecast]:
    """The forecasts of outputs of one `likeness`; futures are sampled for as many at a time as a processor's cache has room for."""
    bands = normal_bands(outputs)
    at_once = max(SAMPLED_AT_ONCE // (SAMPLES * len(outputs[0].mean)), 1)
    parts = [slice(first, first + at_once) for first in range(0, len(outputs), at_once)]
    return [forecast for part in parts for forecast in _sampled(outputs[part], bands.of(part))]


def _sampled(outputs: Sequence[NormalOutput], bands: NormalBands) -> list[Forecast]:
    """The forecasts of outputs whose `bands` are known."""
    scale, series = together([output.scale for output in outputs]), [output.series for output in outputs]
    mean = np.array([one.mean for one in outputs])
    factors, response, length = bands.factors, bands.response, bands.length
    spread = bands.sizes[:, None, None] * length
    tails = np.broadcast_to(NORMAL_QUANTILES, (*mean.shape, len(NORMAL_QUANTILES)))
    values = scale.inverse(mean[..., None] + spread * factors.scale(tails))
    # The second half of the shocks is the first with another sign, and so is what comes of it.
    off = factors.scale((response / length) @ _normal_shocks(response.shape[2])[: SAMPLES // 2].T)
    off *= spread
    futures = np.empty((*mean.shape, SAMPLES))
    np.add(mean[..., None], off, out=futures[..., : SAMPLES // 2])
    np.subtract(mean[..., None], off, out=futures[..., SAMPLES // 2 :])
    methods = [output.method or f"{output.model.label} {output.scale.label}" for output in outputs]
    made = _Made(outputs[0].model, series, values, scale.inverse(futures))
    return made.forecasts(methods, [output.notes for output in outputs])


@lru_cache(maxsize=8)
def _normal_shocks(count: int) -> np.ndarray:
    """Standard normal shocks, shape (SAMPLES, count): always the same, and antithetic, so that their median is 0."""
    shocks = np.random.default_rng(0).standard_normal((SAMPLES // 2, count))
    shocks = np.concatenate([shocks, -shocks])
    shocks.flags.writeable = False
    return shocks


@lru_cache(maxsize=4)
def _random_walks(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random walks of unit variance each period, with the tails of Student's t, and noise; shape (SAMPLES, count) each."""
    shocks = _normal_shocks(2 * count)
    tail = np.sqrt((DEGREES_OF_FREEDOM - 2) / np.random.default_rng(1).chisquare(DEGREES_OF_FREEDOM, SAMPLES // 2))
    walk = np.cumsum(shocks[:, :count], axis=1) / np.sqrt(np.arange(1, count + 1))
    walk *= np.concatenate([tail, tail])[:, None]
    walk.flags.writeable = False
    return walk, shocks[:, count:]


def _doubt_responses(series: Series, scale: Transform, psi: np.ndarray, horizon: int) -> np.ndarray:
    """How a standard deviation of each doubted last value, newest first, moves a forecast; shape (horizon, doubted).

    A value that will be revised is a shock that came already: h steps on, the response to the one k periods before the
    last is ``psi[h + k]``. Beyond what the model tells, the response a season before, or the last one.
    """
    count = len(series.doubt)
    last = series.values[-count:][::-1]
    moved = scale.forward(last * np.exp(series.doubt[::-1])) - scale.forward(last)
    known, back = list(psi), series.season if 1 < series.season < len(psi) else 1
    while len(known) < horizon + count:
        known.append(known[-back])
    lags = np.add.outer(np.arange(1, horizon + 1), np.arange(count))
    return np.asarray(known)[lags] * moved


def from_paths(
    model: Model,
    series: Series,
    scale: Transform,
    paths: np.ndarray,
    method: str = "",
    notes: tuple[str, ...] = (),
    calibrated: bool = True,
) -> Forecast:
    """The forecast of a model that gives sampled futures: `paths` has shape (samples, horizon), on `scale`.

    Where they are to be `calibrated` they are stretched away from their median, or towards it, by the model's learned band
    scale.
    """
    middle = np.median(paths, axis=0)
    low, high = np.quantile(paths, [0.16, 0.84], axis=0)
    spread = (high - low) / 2
    deviates = np.divide(paths - middle, spread, out=np.zeros_like(paths), where=spread > 0)
    factors = band_scale(model.name, series).factors(paths.shape[1], len(series))
    widened = factors.scale(deviates.T).T if calibrated else deviates
    paths = scale.inverse(np.where(spread > 0, middle + spread * widened, paths))
    values = np.quantile(paths, QUANTILES, axis=0).T
    return _forecast(model, series, values, paths, method or model.label, notes)


def from_spread(
    model: Model,
    series: Series,
    scale: Transform,
    mean: np.ndarray,
    spread: np.ndarray,
    noise: np.ndarray | None = None,
    method: str = "",
    notes: tuple[str, ...] = (),
    fitted: dict[str, Any] | None = None,
) -> Forecast:
    """The forecast of a model that knows how far it was off so many periods ahead: errors of Student's t.

    Args:
        mean, spread: shape (horizon,), mean and standard deviation on `scale`; errors ahead hang together as those of a
            random walk do, and a future that is far off stays so.
        noise: the standard deviation of what each period has to itself, besides.
    """
    count = len(mean)
    widened = band_scale(model.name, series).factors(count, len(series)).scale
    noise = np.zeros(count) if noise is None else noise
    tails = np.tile(error_quantiles(), (count, 1))
    values = scale.inverse(mean[:, None] + np.hypot(spread, noise)[:, None] * widened(tails))
    walk, own = _random_walks(count)
    length = np.maximum(np.hypot(spread, noise), np.finfo(float).tiny)
    deviates = (spread * walk + noise * own) / length
    paths = scale.inverse(mean + length * widened(deviates.T).T)
    return replace(_forecast(model, series, values, paths, method or model.label, notes), fitted=fitted or {})


@lru_cache(maxsize=1)
def error_quantiles() -> np.ndarray:
    """Shape (23,): the quantiles of an error of Student's t with a standard deviation of 1, as `from_spread` uses them."""
    from scipy.special import stdtrit

    tails = stdtrit(DEGREES_OF_FREEDOM, np.array(QUANTILES))
    return np.asarray(tails * np.sqrt((DEGREES_OF_FREEDOM - 2) / DEGREES_OF_FREEDOM))


def from_quantiles(
    model: Model, series: Series, values: np.ndarray, method: str = "", notes: tuple[str, ...] = ()
) -> Forecast:
    """The forecast of a model that gives the quantiles of each period, shape (horizon, 23), and nothing of how they hang together.

    They stay as they are. For sums and means, `PERSISTENCE` of an error's variance is that of a random walk, and the rest each
    period's own (a Gaussian copula); beyond the outermost quantiles futures go on as steeply as between the last two.
    """
    place, beyond = _copula_places(len(values))
    slope = np.diff(values) / np.diff(NORMAL_QUANTILES)
    paths = np.take_along_axis(values, place, 1) + np.take_along_axis(slope, place, 1) * beyond
    return _forecast(model, series, values, paths.T, method or model.label, notes)


@lru_cache(maxsize=4)
def _copula_places(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Between which two quantiles each period of the sampled futures lies, and how far above the lower one in normal deviates.

    The same for every series; shape (count, SAMPLES) each.
    """
    shocks = _normal_shocks(2 * count)
    walk = np.cumsum(shocks[:, :count], axis=1) / np.sqrt(np.arange(1, count + 1))
    deviates = (np.sqrt(PERSISTENCE) * walk + np.sqrt(1 - PERSISTENCE) * shocks[:, count:]).T
    place = np.clip(np.searchsorted(NORMAL_QUANTILES, deviates) - 1, 0, len(NORMAL_QUANTILES) - 2)
    beyond = deviates - NORMAL_QUANTILES[place]
    place.flags.writeable = beyond.flags.writeable = False
    return place, beyond


def _forecast(
    model: Model, series: Series, values: np.ndarray, paths: np.ndarray, method: str, notes: tuple[str, ...]
) -> Forecast:
    """The forecast from quantiles of shape (horizon, 23) and futures of shape (samples, horizon)."""
    return _Made(model, [series], values[None], paths.T[None]).forecasts([method], [notes])[0]


@dataclass(frozen=True)
class _Made:
    """What a model says of series of one kind and `_window`, on the scale of the figures.

    Attributes:
        values: shape (series, horizon, 23), quantiles.
        futures: shape (series, horizon, samples).
    """

    model: Model
    series: Sequence[Series]
    values: np.ndarray
    futures: np.ndarray

    def forecasts(self, methods: Sequence[str], notes: Sequence[tuple[str, ...]]) -> list[Forecast]:
        """A forecast a series: quantiles within the bounds of their kind, of sums and means too."""
        kind, window = self.series[0].kind, _window(self.series[0])
        means = self.values if window == 1 else _row_quantiles(_trailing_means(self.series, self.futures, window))
        totals = _row_quantiles(_sums_along(self.futures.copy()))
        # Sorting undoes rounding: quantiles that are equal on paper may cross in the last digit.
        values, means = (np.sort(kind.clip(table), axis=-1) for table in (self.values, means))
        steps = np.arange(1, totals.shape[1] + 1)[:, None]
        totals = np.sort(np.clip(totals, steps * kind.low, steps * kind.high), axis=-1)
        name, found = self.model.name, []
        for place, one in enumerate(self.series):
            # Between zeros the errors of a root grow to what has never been.
            most = most_of(one)
            said, mean = np.minimum(values[place], most), np.minimum(means[place], most)
            found.append(
                Forecast(name, methods[place], one.origin, one.frequency, said, totals[place], mean, notes[place])
            )
        return found


def most_of(series: Series) -> float:
    """What no quantile of a single period exceeds; infinite for a series that is not intermittent."""
    return float(MOST_OF_INTERMITTENT * series.values.max()) if series.is_intermittent else np.inf


def _window(series: Series) -> int:
    """Periods that a forecast's means are taken over: a season of days or shorter steps, else 1."""
    return series.season if series.frequency.cycle > 1 else 1


def path_quantiles(paths: np.ndarray) -> np.ndarray:
    """``np.quantile(paths, QUANTILES, axis=0).T`` to the last digit, but faster: it sorts each period's at once."""
    return _row_quantiles(paths.T)


def _row_quantiles(futures: np.ndarray) -> np.ndarray:
    """The quantiles along the last axis."""
    ordered = np.sort(futures, axis=-1)
    place = np.array(QUANTILES) * (ordered.shape[-1] - 1)
    below = place.astype(int)
    share, low, high = place - below, ordered[..., below], ordered[..., np.minimum(below + 1, ordered.shape[-1] - 1)]
    return np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1 - share))


def _trailing_means(series: Sequence[Series], futures: np.ndarray, window: int) -> np.ndarray:
    """The mean of the last `window` periods along each future, reaching back into the figures; shape of `futures`."""
    past = np.array([one.values[-(window - 1) :] for one in series])
    count, horizon, samples = futures.shape
    sums = np.empty((count, window + horizon, samples))
    sums[:, 0] = 0.0
    sums[:, 1:window] = past[..., None]
    sums[:, window:] = futures
    _sums_along(sums)
    return np.asarray((sums[:, window:] - sums[:, :-window]) / window)


def _sums_along(futures: np.ndarray) -> np.ndarray:
    """`np.cumsum` along the second axis in place, but period by period, as they lie in memory, which takes a third of the time."""
    for period in range(1, futures.shape[1]):
        futures[:, period] += futures[:, period - 1]
    return futures
