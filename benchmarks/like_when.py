"""How what followed the nearest past episodes ("Like when?") compares with no change, and how long a search takes.

From earlier dates of the hubs and of European countries, with the figures as they were known then, the mean (on the log
scale) of what followed the nearest episodes is held against what came. No change repeats the mean of the last week of days, or
the last week.

- `like_when/SET/LENGTH/K`: mean absolute error on log1p of the K nearest episodes to a course of so many weeks, over that of no
  change on the same dates. SET `all` is the mean of the sets' ratios.
- `like_when/SET/nearer/K`: of courses of the usual length, the same where the nearest are nearer than usual (the median).
- `like_when/speed/REGIONSxPERIODS`: milliseconds of a search, the first one of a panel with its figures put on a grid, and
  `…/again` of a further region, beside the limit of 100.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from benchmarks._development_sets import all_sets
from benchmarks._earlier import Earlier, panel_of_counts
from benchmarks._figure import Figure, figure
from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.evaluation.similar_episodes import COURSE_CYCLES, episodes_like
from forecasting.preparation.prepare import prepare

SETS = ("covid hub", "flu 2023-24", "flu 2024-25", "europe weekly", "europe daily")
#: Weeks of a course, and how many of the nearest episodes are averaged.
LENGTHS, NEAREST = (4, 6, 8, 12, 16), (1, 3, 10)
#: A last figure below it has no course to speak of.
LEAST = 5.0
#: Of the tasks of a set one of so many, from the first on.
EVERY = 3
#: Regions and periods of the searches that are timed, and the milliseconds that one may take.
SIZES: tuple[tuple[int, int, Frequency], ...] = ((53, 300, weekly()), (1000, 365, DAILY))
MOST_MILLISECONDS = 100.0


def run() -> Iterator[Figure]:
    ratios: dict[tuple[int, int], list[float]] = {}
    for one in all_sets(SETS):
        tasks = [task for task in one.tasks()[::EVERY] if task.series.pool and task.series.values[-1] >= LEAST]
        for length in LENGTHS:
            errors = _errors(tasks, length)
            nearer = errors[errors["difference"] <= errors["difference"].median()]
            for count in NEAREST:
                error, unchanged = float(errors[count].mean()), float(errors["unchanged"].mean())
                yield figure(f"like_when/{one.name}/{length} weeks/{count}", error, "log1p", unchanged)
                ratios.setdefault((length, count), []).append(error / unchanged)
                if length == COURSE_CYCLES:
                    of = f"like_when/{one.name}/nearer/{count}"
                    yield figure(of, float(nearer[count].mean()), "log1p", float(nearer["unchanged"].mean()))
    for (length, count), found in ratios.items():
        yield figure(f"like_when/all/{length} weeks/{count}", float(np.mean(found)), "of no change's error", 1.0)
    for regions, periods, frequency in SIZES:
        yield from _speed(regions, periods, frequency)


def _errors(tasks: Sequence[Earlier], weeks: int) -> pd.DataFrame:
    """A row a task with so many episodes: its error by the number of them, that of no change, and how near the third is."""
    rows = []
    for task in tasks:
        series, pool = task.series, task.series.pool
        assert pool is not None
        found = episodes_like(pool.panel.as_of(pool.at), series, pool.statistic, task.steps, max(NEAREST), weeks)
        came = _means(task.came, found.mean_of)
        if len(found.episodes) < max(NEAREST) or not np.isfinite(came).all():
            continue
        said = np.log1p([one.continuation[task.gap :][found.mean_of - 1 :: found.mean_of] for one in found.episodes])
        unchanged = np.log1p(series.values[-found.mean_of :].mean())
        row = {count: float(np.abs(said[:count].mean(axis=0) - came).mean()) for count in NEAREST}
        usual = {"unchanged": float(np.abs(unchanged - came).mean()), "difference": found.episodes[2].difference}
        rows.append(row | usual)
    return pd.DataFrame(rows, columns=[*NEAREST, "unchanged", "difference"])


def _means(came: np.ndarray, mean_of: int) -> np.ndarray:
    """The log of the mean of every so many figures."""
    return np.log1p(np.maximum(came.reshape(-1, mean_of).mean(axis=1), 0.0))


def _speed(regions: int, periods: int, frequency: Frequency) -> Iterator[Figure]:
    rng = np.random.default_rng(0)
    values = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.1, (periods, regions)), axis=0)))
    dates = frequency.grid(pd.Timestamp("2020-01-04"), periods)
    panel = panel_of_counts(pd.DataFrame(values, dates, [f"R{i:04}" for i in range(regions)]), "cases", frequency)
    for name, suffix in (("R0000", ""), ("R0001", "/again")):
        series = prepare(panel, name, "cases")
        begun = time.process_time()
        episodes_like(panel, series, "cases", 4 * frequency.cycle)
        taken = 1000 * (time.process_time() - begun)
        yield figure(f"like_when/speed/{regions}x{periods}{suffix}", taken, "ms", MOST_MILLISECONDS)
