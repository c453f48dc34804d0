"""Training windows: the network's inputs at an origin of a series, and what came at some steps after it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from forecasting.models.pretrained_features import LOG, RAW, ROOT, Batch, context_length, make_inputs
from training.components import Random
from training.made_up_series import made_up

#: Series in a batch, which has one family and one season.
ROWS = 256
#: Steps ahead that a window asks for.
ASKED = 12
#: Shares of windows in logs and in fourth roots, of series that are never negative; and without saying that zero is their floor.
LOG_SHARE, ROOT_SHARE, UNBOUNDED_SHARE = 0.3, 0.13, 0.12
#: Shares of windows with an outlier among the last `OUTLIER_PERIODS` figures, and with a level that has shifted for good.
OUTLIER_SHARE, SHIFT_SHARE = 0.10, 0.05
OUTLIER_PERIODS, SHIFT_PERIODS = 3, 16
#: Sizes of both in usual changes, as powers of ten.
JUMP_POWERS = (0.5, 1.8)
#: Windows whose truth is further off than this on average, in units of their scale, teach nothing.
FARTHEST = 100.0


@dataclass(frozen=True)
class Calendar:
    """A season to train for.

    Attributes:
        season, second: periods in it and in a second, longer one, which `SECOND_SHARE` of the series have.
        share: of all windows.
        usual, longest: steps ahead that are usual, and that are asked for at all.
        shortest: figures of the shortest history.
    """

    season: int
    second: int
    share: float
    usual: int
    longest: int
    shortest: int


#: Every season that is trained for; those between them are near enough.
CALENDARS = (
    Calendar(1, 0, 0.16, 8, 15, 2),
    Calendar(2, 0, 0.015, 8, 16, 3),
    Calendar(3, 0, 0.015, 8, 16, 3),
    Calendar(4, 0, 0.16, 12, 16, 3),
    Calendar(4, 28, 0.01, 12, 84, 6),
    Calendar(5, 0, 0.03, 20, 85, 3),
    Calendar(6, 0, 0.02, 24, 102, 3),
    Calendar(7, 0, 0.11, 28, 120, 3),
    Calendar(8, 56, 0.01, 24, 112, 6),
    Calendar(12, 0, 0.22, 24, 36, 4),
    Calendar(12, 84, 0.01, 24, 168, 6),
    Calendar(13, 0, 0.015, 24, 36, 4),
    Calendar(24, 168, 0.11, 48, 168, 6),
    Calendar(26, 0, 0.02, 13, 26, 3),
    Calendar(48, 336, 0.01, 96, 192, 6),
    Calendar(52, 0, 0.15, 26, 52, 2),
    Calendar(73, 0, 0.01, 14, 26, 3),
    Calendar(96, 672, 0.005, 96, 192, 6),
)
#: The share of series with a second season, where a calendar has one.
SECOND_SHARE = 0.8


@dataclass(frozen=True)
class Windows:
    """Many windows: the network's inputs (as in `Inputs`) and, in the same units, what came (`truth`, NaN where unknown)."""

    series: np.ndarray
    steps: np.ndarray
    bases: np.ndarray
    unit: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.unit)


def join(parts: list[Windows], random: Random) -> Windows:
    """All windows, shuffled."""
    order = random.permutation(sum(len(part) for part in parts))
    return Windows(*(np.concatenate([getattr(part, f.name) for part in parts])[order] for f in fields(Windows)))


def made_up_windows(random: Random, number: int) -> list[Windows]:
    """At least `number` windows of made-up series."""
    parts, shares = [], np.array([one.share for one in CALENDARS])
    while sum(len(part) for part in parts) < number:
        calendar = CALENDARS[random.choice(len(CALENDARS), p=shares / shares.sum())]
        second = calendar.second if random.random() < SECOND_SHARE else 0
        length = context_length(calendar.season) + calendar.longest
        values = made_up(random, ROWS, length, calendar.season, second)
        parts.append(windows_of(random, values, calendar, second))
    return parts


def real_windows(random: Random, folder: Path, number: int) -> list[Windows]:
    """About `number` windows of the series in a folder's ``yearly``, ``quarterly``, ``monthly`` and ``hourly`` tables."""
    import pandas as pd

    parts = []
    for name, season, share in (
        ("yearly", 1, 0.2),
        ("quarterly", 4, 0.25),
        ("monthly", 12, 0.37),
        ("hourly", 24, 0.18),
    ):
        table = pd.read_csv(folder / f"{name}.csv.gz")
        series = [group["value"].to_numpy(float) for _, group in table.groupby("region", sort=False)]
        calendar = next(one for one in CALENDARS if one.season == season)
        context = context_length(season)
        for _ in range(round(number * share / ROWS)):
            values = np.full((ROWS, context + calendar.longest), np.nan)
            for row in values:
                figures = series[random.integers(len(series))]
                origin = random.integers(min(calendar.shortest, len(figures) - 2), len(figures) - 1)
                past, ahead = figures[max(origin - context, 0) : origin], figures[origin : origin + calendar.longest]
                row[context - len(past) : context] = past
                row[context : context + len(ahead)] = ahead
            second = calendar.second if random.random() < SECOND_SHARE else 0
            parts.append(windows_of(random, values, calendar, second))
    return parts


def windows_of(random: Random, values: np.ndarray, calendar: Calendar, second: int) -> Windows:
    """A window of each series: a history of random length, on its own scale, in logs or in roots."""
    context = context_length(calendar.season)
    values, floor, transform = _transformed(random, values)
    values = _disturbed(random, values, context, floor)
    past = _filled(_shortened(random, values[:, :context], calendar.shortest))
    steps = _steps(random, len(values), calendar)
    truth = np.take_along_axis(values[:, context:], steps - 1, 1)
    kept = (np.isfinite(past).sum(1) >= 2) & np.isfinite(truth).any(1)
    past, steps, truth, floor, transform = (table[kept] for table in (past, steps, truth, floor, transform))
    found = make_inputs(Batch(past, calendar.season, second, steps, floor, transform))
    truth = ((truth - found.centre[:, None]) / found.scale[:, None]).astype(np.float32)
    with np.errstate(invalid="ignore"):
        near = np.nan_to_num(np.abs(truth)).sum(1) / np.isfinite(truth).sum(1) < FARTHEST
    return Windows(*(table[near] for table in (found.series, found.steps, found.bases, found.unit, truth)))


def _transformed(random: Random, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some series in logs, some in roots; with what is below none of their figures."""
    low = np.nanmin(np.where(np.isfinite(values), values, np.inf), 1)
    draw = random.random(len(values))
    logs, roots = (low >= 0) & (draw < LOG_SHARE), (low >= 0) & (draw > 1 - ROOT_SHARE)
    positive = np.where(np.isfinite(values) & (values > 0), values, np.inf).min(1)
    added = np.where(
        low > 0, 0.0, np.where(random.random(len(values)) < 0.5, 1.0, np.where(np.isfinite(positive), positive, 1.0))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(logs[:, None], np.log(values + added[:, None]), values)
        values = np.where(roots[:, None], (values + 0.5) ** 0.25, values)
        floor = np.where(logs, np.log(added), np.where(roots, 0.5**0.25, np.where(low >= 0, 0.0, -np.inf)))
    floor = np.where(random.random(len(values)) < UNBOUNDED_SHARE, -np.inf, floor)
    return values, floor, np.where(logs, LOG, np.where(roots, ROOT, RAW))


def _disturbed(random: Random, values: np.ndarray, context: int, floor: np.ndarray) -> np.ndarray:
    """Some series with a late outlier, which says nothing of the future, or with a level that shifts late, and for good."""
    rows = len(values)
    with np.errstate(invalid="ignore"):
        changes = np.abs(np.diff(values[:, :context]))
    usual = np.nan_to_num(changes).sum(1) / np.maximum(np.isfinite(changes).sum(1), 1)
    jump = usual * 10 ** random.uniform(*JUMP_POWERS, rows) * random.choice([-1, 1, 1], rows)
    draw, values = random.random(rows), values.copy()
    for row in np.flatnonzero(draw < OUTLIER_SHARE):
        values[row, context - 1 - random.integers(OUTLIER_PERIODS)] += jump[row]
    for row in np.flatnonzero(draw > 1 - SHIFT_SHARE):
        values[row, context - 1 - random.integers(SHIFT_PERIODS) :] += jump[row]
    return np.maximum(values, floor[:, None])


def _shortened(random: Random, past: np.ndarray, shortest: int) -> np.ndarray:
    """Histories of random lengths, a quarter of them as long as can be."""
    rows, length = past.shape
    kept = np.exp(random.uniform(np.log(shortest), np.log(length), rows)).astype(int)
    kept = np.where(random.random(rows) < 0.25, length, kept)
    return np.where(np.arange(length) < (length - kept)[:, None], np.nan, past)


def _filled(past: np.ndarray) -> np.ndarray:
    """Missing figures interpolated, as a prepared series has them."""
    known = np.isfinite(past)
    first = np.where(known.any(1), known.argmax(1), past.shape[1])
    time, past = np.arange(past.shape[1]), past.copy()
    for row in np.flatnonzero((~known & (time >= first[:, None])).any(1)):
        there = np.flatnonzero(known[row])
        past[row, first[row] :] = np.interp(time[first[row] :], there, past[row, there])
    return past


def _steps(random: Random, rows: int, calendar: Calendar) -> np.ndarray:
    """Steps ahead to ask for, in order: most of them usual ones."""
    steps = random.integers(1, calendar.usual + 1, (rows, ASKED))
    near = np.exp(random.uniform(0, np.log(calendar.usual + 1), (rows, ASKED))).astype(int)
    far = np.exp(random.uniform(np.log(calendar.usual), np.log(calendar.longest + 1), (rows, ASKED))).astype(int)
    draw = random.random((rows, 1))
    steps = np.where(draw < 0.35, near, np.where(draw > 0.9, far, steps))
    return np.sort(np.clip(steps, 1, calendar.longest), 1)
