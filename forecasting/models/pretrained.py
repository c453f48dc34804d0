"""Pretrained: a small network, trained once on made-up series, that forecasts any series without a fit.

`docs/pretrained.md` is its model card; `training` makes the file of its weights. A series is forecast on several scales (as it is,
in logs, in roots), as suits its kind, and the mean of their quantiles is the forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from forecasting.data.forecast import MEDIAN, QUANTILES, Forecast
from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT, Kind
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models.base import Model, ProgressCallback, ignore_progress
from forecasting.models.predictive import NORMAL_QUANTILES, from_quantiles
from forecasting.models.pretrained_features import (
    LOG,
    RAW,
    ROOT,
    Batch,
    Inputs,
    context_length,
    make_inputs,
    right_aligned,
)
from forecasting.support.errors import ForecastingError, ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: Figures that a forecast needs: one change at least.
SHORTEST = 2
#: Days of a week, the second season of figures of hours and minutes.
WEEK = 7
#: Seasons of days: sets of five to seven weekdays.
DAYS_OF_A_WEEK = (5, 6, 7)
#: Steps that the network forecasts at a time, over all series.
STEPS_AT_ONCE = 20_000
#: Past figures that it looks at at a time, over all series: few enough for a processor's cache.
FIGURES_AT_ONCE = 200_000
#: No quantile in logs or roots is further above zero than so many times the largest figure in sight, plus `CAP_COUNT` of counts.
CAP_MULTIPLE, CAP_COUNT = 6.0, 20.0
#: Onnxruntime rounds the last of numbers that are no multiple of so many otherwise than those before: a series with such a number
#: of steps would have another seventh digit among others.
STEPS_ALIKE = 4
#: What is added to a count before its fourth root.
ROOT_OFFSET = 0.5
#: The season of weeks: counts of weeks are forecast with it and without it.
YEAR_OF_WEEKS = 52
#: What is said of weights that do not load, or do not take what this version gives them.
UNUSABLE = "The pretrained network's file is damaged or of another version; install the program again, or choose another model."


@dataclass(frozen=True)
class Pass:
    """A forecast on one scale (`RAW`, `LOG` or `ROOT`), with the season of the figures or without it."""

    transform: int
    seasonal: bool = True


#: What is forecast, by what the figures are; the mean of the quantiles is the answer.
AS_THEY_ARE = (Pass(RAW),)
BOTH_SCALES = (Pass(RAW), Pass(LOG))
DAYS_OF_COUNTS = (Pass(ROOT),)
WEEKS_OF_COUNTS = (Pass(LOG), Pass(ROOT), Pass(LOG, seasonal=False), Pass(ROOT, seasonal=False))
FEW_WEEKS = (Pass(RAW), Pass(LOG), Pass(RAW, seasonal=False), Pass(LOG, seasonal=False))
#: Weeks, four years, from which on they tell a season of a year from a wave that came twice.
ENOUGH_WEEKS = 208


def passes(kind: Kind, season: int, length: int) -> tuple[Pass, ...]:
    """The passes for so many figures of a kind with a season of so many periods."""
    if kind.low < 0:
        return AS_THEY_ARE
    if kind is COUNT and season == YEAR_OF_WEEKS:
        return WEEKS_OF_COUNTS
    if kind is COUNT and season in DAYS_OF_A_WEEK:
        return DAYS_OF_COUNTS
    if season == YEAR_OF_WEEKS and length < ENOUGH_WEEKS:
        return FEW_WEEKS
    return BOTH_SCALES if season > 1 else AS_THEY_ARE


class Pretrained(Model):
    """A network that has learned from made-up series what comes next, and is not trained here."""

    name = "pretrained"
    label = "Pretrained network"
    summary = (
        "A small neural network that was trained once, on hundreds of thousands of made-up series: with trends, seasons, jumps, "
        "waves, counts and gaps. It weighs 23 simple forecasts of the series by what it sees of it, corrects them, and gives all "
        "quantiles at once, in milliseconds and without a fit. It is good with short histories and where there are many series; "
        "it knows nothing of epidemics but what their curves look like, and nothing of other regions or of holidays."
    )
    reference = "docs/pretrained.md; trained by `python -m training`, after Dooley et al., ForecastPFN, NeurIPS 2023"
    version = 3
    order = 40
    instant = True

    def warm_up(self) -> None:
        """Load the network."""
        _network()

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Run the network over the series; figures that are still in doubt widen its bands."""
        (found,) = self.forecast_many([series], horizon)
        if isinstance(found, ForecastingError):
            raise found
        return found

    def forecast_many(self, series: Sequence[Series], horizon: int) -> list[Forecast | ForecastingError]:
        """Run the network over all series of one season and kind at once."""
        found: dict[int, Forecast | ForecastingError] = {}
        groups: dict[tuple[int, int, Kind, int], list[int]] = {}
        for place, one in enumerate(series):
            if len(one) < SHORTEST:
                found[place] = self._too_short(one, horizon)
            else:
                look = one.frequency.season, second_season(one.frequency), one.kind, len(histories_of(one))
                groups.setdefault(look, []).append(place)
        for (season, second, kind, together), places in groups.items():
            histories = list(chain.from_iterable(histories_of(series[place]) for place in places))
            try:
                quantiles = quantiles_of_many(histories, season, horizon, kind, second, together)
            except ModelError as error:  # there is no network
                found |= dict.fromkeys(places, error)
                continue
            for place, own in zip(places, np.split(quantiles, len(places)), strict=True):
                found[place] = self._from_quantiles(series[place], own)
        return [found[place] for place in range(len(series))]

    def _too_short(self, series: Series, horizon: int) -> Forecast | ForecastingError:
        try:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        except ForecastingError as error:
            return error

    def _from_quantiles(self, series: Series, quantiles: np.ndarray) -> Forecast:
        """The forecast of a series from the quantiles of its `histories_of`."""
        values = widened_by_doubt(*quantiles) if series.doubt else quantiles[0]
        season = series.frequency.season
        method = f"{self.label}{'' if season == 1 else f', season of {series.frequency.steps(season)}'}"
        return from_quantiles(self, series, values, method)


def histories_of(series: Series) -> list[np.ndarray]:
    """What the network is shown of a series: its figures and, where the last are in doubt, also those moved up and down by it."""
    if not series.doubt:
        return [series.values]
    certain, last = series.values[: -len(series.doubt)], series.values[-len(series.doubt) :]
    return [series.values, *(np.r_[certain, last * np.exp(sign * np.array(series.doubt))] for sign in (1, -1))]


def second_season(frequency: Frequency) -> int:
    """Periods in a week of hours or minutes, where the network looks back far enough to see two; 0 otherwise."""
    week = WEEK * frequency.season
    return week if frequency.minutes and frequency.season > 1 and 2 * week <= context_length(frequency.season) else 0


def quantiles_of_many(
    histories: Sequence[np.ndarray],
    season: int,
    horizon: int,
    kind: Kind = COUNT,
    second: int = 0,
    together: int = 0,
) -> np.ndarray:
    """Quantiles of many series at once: shape (series, horizon, quantiles), within the bounds of their kind.

    Args:
        histories: the figures of each, oldest first, without gaps, two at least.
        season: periods in a season; 1 for none. Shorter series than that are welcome.
        second: periods in a second, longer season; 0 for none.
        together: how many of the histories, one after the other, are those of one forecast, which shall have the same quantiles
            to the last digit as alone; 0 where the seventh digit does not matter.

    Figures that have no unit, see `has_unit`, are repeated.

    Raises `ModelError` where onnxruntime is not installed.
    """
    at_once = max(min(STEPS_AT_ONCE // horizon, FIGURES_AT_ONCE // context_length(season)), 1)
    at_once += -at_once % max(together, 1)
    known = [np.asarray(history, dtype=float)[-context_length(season) :] for history in histories]
    chosen = [passes_of(figures, kind, season) for figures in known]
    last = np.array([figures[-1] for figures in known], dtype=float)
    found = np.tile(last[:, None, None], (1, horizon, len(QUANTILES)))
    for group in sorted(set(chosen) - {()}, key=len):
        rows = [row for row, one in enumerate(chosen) if one == group]
        for part in (rows[start : start + at_once] for start in range(0, len(rows), at_once)):
            found[part] = _mean_of_passes([known[row] for row in part], group, season, horizon, kind, second, together)
    return found


def passes_of(figures: np.ndarray, kind: Kind, season: int) -> tuple[Pass, ...]:
    """The passes for these figures; none where they have no unit."""
    if not has_unit(figures, kind):
        return ()
    return AS_THEY_ARE if kind.low == 0 and is_mostly_zero(figures) else passes(kind, season, len(figures))


def has_unit(figures: np.ndarray, kind: Kind) -> bool:
    """Whether there is anything to tell a large change from a small one by: a change, a distance from a bound, or one case."""
    return kind is COUNT or bool(np.ptp(figures)) or (kind.low == 0 and bool(figures[-1]))


def is_mostly_zero(figures: np.ndarray) -> bool:
    """Whether half of the figures are zeros, or more: logs and roots know too little of such."""
    return bool(2 * np.count_nonzero(figures) <= len(figures))


def _mean_of_passes(
    histories: list[np.ndarray],
    chosen: tuple[Pass, ...],
    season: int,
    horizon: int,
    kind: Kind,
    second: int,
    together: int,
) -> np.ndarray:
    """The mean of the passes' quantiles, within the bounds of the kind."""
    found = []
    for one in chosen:
        seasons = (season, second) if one.seasonal else (1, 0)
        found.append(_one_pass(histories, *seasons, horizon, kind, one.transform, together))
    return mean_within_bounds(found, kind)


def mean_within_bounds(found: list[np.ndarray], kind: Kind) -> np.ndarray:
    """The mean of quantiles of shape (series, horizon, quantiles), within the bounds of the kind and in order."""
    return np.sort(kind.clip(sum(found[1:], found[0]) / len(found)), axis=-1)


def _one_pass(
    histories: list[np.ndarray], season: int, second: int, horizon: int, kind: Kind, transform: int, together: int
) -> np.ndarray:
    """Quantiles from a forecast on one scale, on the scale of the figures."""

    def run(inputs: Inputs) -> np.ndarray:
        return _run_network(inputs, together if horizon % STEPS_ALIKE else 0)

    values = right_aligned(histories, context_length(season))
    return quantiles_on_scale(values, season, second, horizon, kind, transform, run)


def quantiles_on_scale(
    values: np.ndarray,
    season: int,
    second: int,
    horizon: int,
    kind: Kind,
    transform: int,
    run: Callable[[Inputs], np.ndarray],
) -> np.ndarray:
    """Quantiles from a forecast on one scale, on the scale of the figures; shape (series, horizon, quantiles).

    Args:
        values: shape (series, `context_length` of the season), NaN before the first figure of each.
        run: what the network says of its inputs.
    """
    forward, inverse, floor = scale_of(values, kind, transform)
    steps = np.tile(np.arange(1, horizon + 1), (len(values), 1))
    inputs = make_inputs(Batch(forward(values), season, second, steps, floor, np.full(len(values), transform)))
    found = run(inputs).astype(float)
    found = inverse(found * inputs.scale[:, None, None] + inputs.centre[:, None, None])
    return found if transform == RAW else np.minimum(found, caps(values, kind)[:, None, None])


def caps(values: np.ndarray, kind: Kind) -> np.ndarray:
    """What no quantile of a forecast in logs or roots exceeds, shape (series,)."""
    highest: np.ndarray = CAP_MULTIPLE * np.nanmax(values, axis=1) + (CAP_COUNT if kind is COUNT else 0.0)
    return highest


def _run_network(inputs: Inputs, at_once: int) -> np.ndarray:
    """The network's quantiles, of `at_once` series at a time; of all at a time where that is 0."""
    feed, count = inputs.feed(), len(inputs.unit)
    if not at_once or at_once >= count:
        return np.asarray(_network().run(None, feed)[0])
    parts = (
        {name: table[first : first + at_once] for name, table in feed.items()} for first in range(0, count, at_once)
    )
    return np.concatenate([_network().run(None, part)[0] for part in parts])


def scale_of(
    values: np.ndarray, kind: Kind, transform: int
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """The change of scale, its inverse (of an array with two more axes), and what no figure is below on it."""
    rows = len(values)
    if transform == RAW:
        return _as_it_is, _as_it_is, np.full(rows, kind.low)
    if transform == ROOT:
        lowest = ROOT_OFFSET**0.25
        return (
            # Zeros are at the floor to the last digit, whoever calculates the others' roots.
            lambda figures: np.where(figures == 0, lowest, (figures + ROOT_OFFSET) ** 0.25),
            lambda roots: np.maximum(roots, lowest) ** 4 - ROOT_OFFSET,
            np.full(rows, lowest),
        )
    added = _added_before_logs(values, kind)
    with np.errstate(divide="ignore"):
        floor = np.log(added)
    return (
        lambda figures: np.where(figures == 0, floor[:, None], np.log(figures + added[:, None])),
        lambda logs: np.exp(np.minimum(logs, 700.0)) - added[:, None, None],
        floor,
    )


def _as_it_is(figures: np.ndarray) -> np.ndarray:
    return figures


def _added_before_logs(values: np.ndarray, kind: Kind) -> np.ndarray:
    """What makes figures positive: nothing where they are, otherwise 1 of counts, the smallest positive figure of others."""
    positive = np.where(values > 0, values, np.inf).min(axis=1)
    smallest = np.where(np.isfinite(positive), positive, 1.0)
    return np.where(np.nanmin(values, axis=1) > 0, 0.0, 1.0 if kind is COUNT else smallest)


def widened_by_doubt(middle: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Quantiles whose distance from the median takes in what a standard deviation of doubt does to the median."""
    median = middle[..., MEDIAN, None]
    moved = np.abs(upper[..., MEDIAN, None] - lower[..., MEDIAN, None]) / 2 * NORMAL_QUANTILES
    return median + np.sign(NORMAL_QUANTILES) * np.hypot(middle - median, moved)


@lru_cache(maxsize=1)
def _network() -> InferenceSession:
    """The network, loaded once; it runs in the thread that calls it."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "The pretrained network needs the package onnxruntime, which is not installed here: pip install onnxruntime, or choose another model."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: warnings go to stderr
    weights = (files("forecasting.models") / "pretrained.onnx").read_bytes()
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        said = session.run(None, _two_figures().feed())[0].shape
    except Exception as error:  # onnxruntime's own errors, which have nothing in common
        raise ModelError(UNUSABLE) from error
    if said != (1, 1, len(QUANTILES)):
        raise ModelError(UNUSABLE)
    return session


def _two_figures() -> Inputs:
    """The inputs of the shortest series and horizon, which weights of another version do not take."""
    values = right_aligned([np.array([1.0, 2.0])], context_length(1))
    return make_inputs(Batch(values, 1, 0, np.ones((1, 1), dtype=int), np.array([-np.inf]), np.array([RAW])))
