"""Inputs of the pretrained network: what it sees of a batch of series, in plain numpy.

The same code makes them for its training and for its forecasts, and, run on stand-ins for arrays, the graph of the exported model
(`forecasting/export/model_files/traced_array.py`); so nothing here writes into an array, or does one thing or another by what is in
it. Everything is relative to the last value and to the usual
change of each series, so a series in other units, or moved, gives the same inputs to the last bits.

A batch is an array of shape (series, periods), the newest period last, with NaN before the first figure of a series. A weighted
sum over the past of every series is one call of numpy, and nothing here runs series by series; yet what a series gives does not
depend on the others in its batch, to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models._pretrained_base_forecasts import base_forecasts
from forecasting.models._pretrained_seasons import PROFILE_SEASONS, cumulative_weights, discounted_means, known_mask

#: Past periods that are looked at, at most, by the longest season that it is for: (season, seasons of it, at least).
CONTEXTS = ((1, 0, 96), (4, 32, 128), (7, 52, 0), (13, 20, 0), (24, 30, 0), (73, 8, 0), (300, 30, 0))
#: Seasons that are looked at where the season is longer than any of `CONTEXTS`.
LONG_CONTEXT = 6
#: Base forecasts for each step.
BASES = 23
#: Those of them whose bias at earlier dates is an input: the smoothed level, a damped trend, the last season.
BIASED_BASES = (1, 6, 14)
#: Recent points that are inputs themselves: without their season, and with it.
RECENT_POINTS, RECENT_RAW_POINTS = 64, 32
#: Steps of an earlier date at which the base forecasts are compared with what came, at most.
CHECKED_STEPS = 6
#: The largest deviation from the centre, in units of the scale.
LARGEST = 300.0
#: A series is on its own scale, in logs, or in roots: what `Batch.transform` says.
RAW, LOG, ROOT = 0, 1, 2


@dataclass(frozen=True)
class Batch:
    """Series with the same season, and the steps ahead that are asked for.

    Attributes:
        values: shape (series, periods), NaN before the first figure of each.
        season: periods in a season; 1 for none.
        second: periods in a second, longer season, a multiple of the first; 0 for none.
        steps: shape (series, asked), whole numbers from 1 on.
        floor: shape (series,), what no figure is below; minus infinity where there is no such bound.
        transform: shape (series,), `RAW`, `LOG` or `ROOT`.
    """

    values: np.ndarray
    season: int
    second: int
    steps: np.ndarray
    floor: np.ndarray
    transform: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """What the network takes, in units of `scale` from `centre`.

    Attributes:
        series: shape (series, facts).
        steps: shape (series, asked, facts of a step); the last one is `ROOT_STEP` times the root of the step.
        bases: shape (series, asked, `BASES`), the base forecasts.
        unit: shape (series,), the size of the series' own noise.
        centre, scale: shape (series,), float64, of the figures.
    """

    series: np.ndarray
    steps: np.ndarray
    bases: np.ndarray
    unit: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    def feed(self) -> dict[str, np.ndarray]:
        """The network's inputs by name."""
        return {"series": self.series, "steps": self.steps, "bases": self.bases, "unit": self.unit}


#: The factor of the root of the step among the inputs.
ROOT_STEP = 0.3


def context_length(season: int) -> int:
    """How many past periods the network looks at."""
    for longest, seasons, least in CONTEXTS:
        if season <= longest:
            return max(seasons * season, least)
    return LONG_CONTEXT * season


def checked_spans(season: int, second: int) -> tuple[int, int]:
    """How many periods ago the two earlier dates are at which the base forecasts are compared with what came."""
    if season == 1:
        return 2, 5
    if season < 8:
        return min(max(season - 1, 3), 4), 2 * season
    return (6 if season == 24 else 4), min(season, 96) if season <= 24 or second else 13


def right_aligned(series: list[np.ndarray], length: int) -> np.ndarray:
    """The last `length` figures of each series as one array, NaN before the first of a shorter one."""
    values = np.full((len(series), length), np.nan)
    for row, figures in zip(values, series, strict=True):
        kept = figures[-length:]
        row[length - len(kept) :] = kept
    return values


def make_inputs(batch: Batch) -> Inputs:
    """The network's inputs for a batch; every series needs two figures."""
    known = np.isfinite(batch.values)
    counts = known.sum(1)
    anchor = batch.values[:, -1]
    values = np.where(known, batch.values - anchor[:, None], 0.0)
    floor = batch.floor - anchor
    spread = np.abs(values).max(1)
    spread = np.where(spread > 0, spread, np.where(np.isfinite(floor) & (floor < 0), -floor, 1.0))
    values, floor = values / spread[:, None], floor / spread
    now = base_forecasts(values, counts, floor, batch.season, batch.second, batch.steps)
    centre = now.levels[:, 1]
    scale, facts, unit = _facts(values, counts, floor, centre, now.seasonal.rest, batch.season)

    def relative(table: np.ndarray) -> np.ndarray:
        away = (-1,) + (1,) * (table.ndim - 1)
        return np.clip((table - centre.reshape(away)) / scale.reshape(away), -LARGEST, LARGEST)

    bases = relative(now.bases)
    facts += [
        now.seasonal.trust,
        now.seasonal.second_trust,
        np.minimum(now.seasonal.seasons, PROFILE_SEASONS) / 3,
        now.positive,
        np.full(len(counts), float(batch.second > 0)),
        batch.transform == LOG,
        batch.transform == ROOT,
    ]
    series = [
        _recent(relative(now.seasonal.rest), counts, RECENT_POINTS),
        _recent(relative(values), counts, RECENT_RAW_POINTS),
        _recent(np.ones_like(values), counts, RECENT_POINTS)[:, ::8],
        np.stack(facts, 1),
        np.arcsinh(relative(now.levels)),
        np.arcsinh(3 * np.clip(now.slopes / scale[:, None], -LARGEST, LARGEST)),
        *_earlier_errors(values, counts, floor, batch, scale),
    ]
    ahead = batch.steps.astype(float)
    steps = [
        np.arcsinh(bases),
        np.arcsinh(relative(now.lags)),
        now.known,
        np.stack([np.log(ahead), ahead / 16, np.minimum(ahead / batch.season, 4), ROOT_STEP * np.sqrt(ahead)], -1),
    ]
    return Inputs(
        np.concatenate(series, 1).astype(np.float32),
        np.concatenate(steps, -1).astype(np.float32),
        bases.astype(np.float32),
        unit.astype(np.float32),
        anchor + centre * spread,
        scale * spread,
    )


def _facts(
    values: np.ndarray, counts: np.ndarray, floor: np.ndarray, centre: np.ndarray, rest: np.ndarray, season: int
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """The scale of each series, facts about it, and the size of its noise in units of the scale."""
    length = values.shape[1]
    mask = known_mask(counts, length)
    changes = np.abs(np.diff(values)) * mask[:, :-1]
    usual = discounted_means(changes, counts - 1, (0.99,))[:, 0]
    seasonal = usual
    if 1 < season < length:
        moved = np.abs(values[:, season:] - values[:, :-season]) * mask[:, :-season]
        sums, pairs = cumulative_weights(moved.shape[1], (0.995,))[1], np.clip(counts - season, 0, moved.shape[1])
        number = np.take_along_axis(sums[:, 0], pairs, 0)
        share = np.minimum(number / 3, 1)
        seasonal = share * discounted_means(moved, counts - season, (0.995,))[:, 0] + (1 - share) * usual
    bounded = np.isfinite(floor)
    ground = np.where(bounded, floor, 0.0)
    size = np.where(bounded, ((values - ground[:, None]) * mask).sum(1) / np.maximum(counts, 1), 0.0)
    scale = seasonal + 0.1 * usual + 1e-3 * np.abs(size)
    scale = np.where(scale > 0, scale, 1e-3)
    steps = np.diff(rest) * mask[:, :-1]
    noise = discounted_means(np.abs(steps), counts - 1, (0.97, 0.6)) / scale[:, None] + 0.03
    pairs = discounted_means(steps[:, 1:] * steps[:, :-1], counts - 2, (0.97,))[:, 0]
    squares = discounted_means(steps[:, 1:] ** 2, counts - 2, (0.97,))[:, 0]
    zeros = (mask * (values <= ground[:, None])).sum(1) / np.maximum(counts, 1) * bounded
    mean = (mask * rest).sum(1) / np.maximum(counts, 1)
    facts = [
        np.full(len(counts), np.log(season)),
        np.log1p(counts) / 3,
        np.log1p(counts / season),
        zeros,
        np.clip(pairs / (squares + 1e-6 * scale**2), -2, 2),
        np.log(noise[:, 0]),
        np.log(noise[:, 1]),
        np.log(usual / scale + 1e-3),
        np.where(bounded, np.log(scale / np.maximum(np.abs(size), 1e-9) + 1e-4) / 3, 0.0),
        np.where(bounded, np.clip((centre - ground) / scale, -50, 50) / 20, 0.0),
        bounded.astype(float),
        np.arcsinh((mean - centre) / scale),
    ]
    return scale, facts, noise.mean(1)


def _recent(table: np.ndarray, counts: np.ndarray, number: int) -> np.ndarray:
    """The last `number` columns on the scale of the inverse hyperbolic sine, zero before the first figure."""
    kept = min(number, table.shape[1])
    last = np.arcsinh(table[:, -kept:]) * known_mask(counts, kept)
    return np.concatenate([np.zeros((len(table), number - kept)), last], 1)


def _earlier_errors(
    values: np.ndarray, counts: np.ndarray, floor: np.ndarray, batch: Batch, scale: np.ndarray
) -> list[np.ndarray]:
    """How far the base forecasts of two earlier dates were off, relative to each other, and the bias of some."""
    found, length = [], values.shape[1]
    for span in checked_spans(batch.season, batch.second):
        ahead = np.unique(np.round(np.linspace(1, span, min(span, CHECKED_STEPS))).astype(int))
        enough = counts - span >= 2
        before = np.where(enough, counts - span, 1)
        steps = np.tile(ahead, (len(values), 1))
        bases = base_forecasts(values[:, :-span], before, floor, batch.season, batch.second, steps).bases
        away = (values[:, length - span - 1 + ahead][..., None] - bases) / scale[:, None, None]
        errors = np.log(np.minimum(np.abs(away).mean(1), LARGEST) + 0.05)
        usual = errors.mean(1, keepdims=True)
        bias = np.arcsinh(np.clip(away[..., BIASED_BASES].mean(1), -LARGEST, LARGEST))
        found += [table * enough[:, None] for table in (errors - usual, usual, np.ones_like(usual), bias)]
    return found
