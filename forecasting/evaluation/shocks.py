"""Shocks: changes of a series' last counts that no score ever shows, and what each demands of a forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecasting.data.frequency import Frequency

#: Multiple of the last count in a spike.
SPIKE = 10.0
#: Multiple of the last counts at a new level.
LEVEL = 3.0
#: A total that follows has moved by a tenth at least: less is what any new figure does to a fit. For the same reason one
#: that is within a tenth of taking a spike for the new level has taken it for that.
MOVED = 0.1
#: Counts double or halve in a week when an epidemic is fast; a forecast without its last week can be that far off.
WITHOUT_A_WEEK = 2.0
#: The same counts a weekday later: a total may move by what the edge of the shifted weeks and a new fit make of it.
SAME_COUNTS = 1.25


def shock_periods(frequency: Frequency) -> int:
    """What shocks are measured in: a week of days, a day of hours, else two periods."""
    cycle = frequency.cycle
    return cycle if cycle > 1 else 2


def _spike(counts: np.ndarray, steps: int) -> np.ndarray:
    """The last count that is more than zero, ten times as high."""
    changed = counts.copy()
    found = np.flatnonzero(np.nan_to_num(counts[-steps:]) > 0)
    if len(found):
        changed[len(counts) - steps + found[-1] :][:1] *= SPIKE
    return changed


def _drop(counts: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([counts[:-steps], np.zeros(steps)])


def _silence(counts: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([counts[:-steps], np.full(steps, np.nan)])


def _level(counts: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([counts[: -2 * steps], LEVEL * counts[-2 * steps :]])


def _weekday(counts: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([counts[: -4 * steps], counts[-4 * steps - 1 : -1]])


@dataclass(frozen=True)
class Shock:
    """Something that happens to the last counts, and what it demands of a forecast.

    Attributes:
        name, label: what links and pages call it.
        explanation: what happens and what it demands, with ``{stretch}`` and ``{twice}`` for periods.
        change: new counts per period on a regular grid (NaN: not published) and the length of a stretch -> changed ones.
        least, most: between which multiples of the answer to the real figures the median total has to be.
        done, below, above: what an answer did that lies between, below and above them.
        widens: whether more doubt is demanded.
        seen_or_not: judged also where the shock was set aside before the model.
        daily: only for counts by the day.
    """

    name: str
    label: str
    explanation: str
    change: Callable[[np.ndarray, int], np.ndarray]
    least: float
    most: float
    done: str
    below: str
    above: str
    widens: bool = True
    seen_or_not: bool = False
    daily: bool = False

    def did(self, total: float) -> str:
        """What an answer did whose median total is that multiple."""
        return self.below if total < self.least else self.above if total > self.most else self.done

    def explain(self, frequency: Frequency) -> str:
        """What happens and what it demands, in the periods of `frequency`."""
        steps = shock_periods(frequency)
        return self.explanation.format(stretch=frequency.steps(steps), twice=frequency.steps(2 * steps))


_SHOCKS = (
    Shock(
        "spike",
        "A spike",
        "The last count is ten times as high. A forecast may doubt it, but must neither fall nor go on as if everything "
        "were ten times as high.",
        _spike,
        1 - MOVED,
        SPIKE * (1 - MOVED),
        "did not take it for the new level",
        "went down",
        "took it for the new level",
    ),
    Shock(
        "drop",
        "A drop to zero",
        "Nothing is counted in the last {stretch}. A forecast that sees the zeros has to go down.",
        _drop,
        0.0,
        1 - MOVED,
        "followed",
        "did not follow",
        "did not follow",
    ),
    Shock(
        "silence",
        "A silence",
        "The last {stretch} are not published. A forecast has to do without them, and with wider bands.",
        _silence,
        1 / WITHOUT_A_WEEK,
        WITHOUT_A_WEEK,
        "held on",
        "was thrown off",
        "was thrown off",
        seen_or_not=True,
    ),
    Shock(
        "level",
        "Three times the level",
        "The last {twice} are three times as high. A forecast has to go up, by no more than another tripling would make "
        "of it.",
        _level,
        1 + MOVED,
        LEVEL**2,
        "followed",
        "did not follow",
        "overshot",
    ),
    Shock(
        "weekday",
        "A weekday later",
        "The counts of the last four weeks are reported a day later. The weekly pattern moves and the total does not.",
        _weekday,
        1 / SAME_COUNTS,
        SAME_COUNTS,
        "held on",
        "was thrown off",
        "was thrown off",
        widens=False,
        daily=True,
    ),
)


def shocks(frequency: Frequency | None = None) -> dict[str, Shock]:
    """Every shock by name, or those that counts of this `frequency` can suffer."""
    return {s.name: s for s in _SHOCKS if frequency is None or not s.daily or frequency.name == "daily"}
