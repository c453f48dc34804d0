"""What learning here gains: Deep beside the pretrained network and Pooled, on series of hours, days and weeks, and on two hubs.

Options: `--sets hourly,weekly,daily,covid,flu` (all of them), `--dates 3` (so many reference dates of each hub, evenly spread).
For each set:

- `deep/SET/MODEL/wis_log`: mean WIS on log1p of the figures; the reference is that of the pretrained network on the same cells;
- `deep/SET/MODEL/mase`: of hours and weeks the mean MASE; the reference is that of the pretrained network;
- `deep/SET/MODEL/held_50` and `_95`: the share of what came that a band held;
- `deep/SET/MODEL/seconds`: of all forecasts of the set in one process and one thread; the reference are those of Pooled;
- `deep/SET/pays`: the share of fits in which what was learned did better on the past that was left out.

Hours and weeks are those of the accuracy benchmark. The daily series are 1,008 simulated epidemics with weekdays and late reports,
none of those that the source shows, 28 days ahead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, which pmdarima needs

from benchmarks._development_sets import cell_scores, development_sets
from benchmarks._earlier import DAYS_AHEAD, Earlier, hub, panel_of_counts, reference_dates
from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks.horizon import timed
from forecasting.data.columns import REGION
from forecasting.data.forecast import Forecast
from forecasting.data.frequency import DAILY
from forecasting.data.pool_spec import PoolSpec
from forecasting.models import PooledModel, model
from forecasting.preparation.gather_pool import gather_pool
from forecasting.preparation.prepare import prepare
from forecasting.sources import simulated as simulator

SETS = ("hourly", "weekly", "daily", "covid", "flu")
HUBS = {"covid": "hub-dev", "flu": "flu-dev"}
#: Worlds of twelve simulated epidemics each, and the day that they are forecast from.
WORLDS, DAY = range(3000, 3084), 330
NETWORK, POOLED, DEEP = "pretrained", "pooled", "deep"
DATES = 3


def run(options: list[str]) -> Iterator[Figure]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks deep")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(SETS))
    parser.add_argument("--dates", type=int, default=DATES)
    asked = parser.parse_args(options)
    if unknown := set(asked.sets) - set(SETS):
        raise BenchmarkError(f"There is no set '{unknown.pop()}'; there are {', '.join(SETS)}.")
    for name in (NETWORK, POOLED, DEEP):
        model(name).warm_up()
    with threadpool_limits(1):  # as in a worker
        for name in asked.sets:
            if name in HUBS:
                yield from _beside(name, some_dates(HUBS[name], asked.dates), {})
            elif name == "daily":
                yield from _beside(name, daily(), {})
            else:
                known = development_sets()[name]
                yield from _beside(name, known.tasks(), known.scales() if known.scales else {})


def daily() -> list[Earlier]:
    """1,008 simulated series of days as published on one of them, and what was counted in the end."""
    known = {f"{region} {world}": one for world in WORLDS for region, one in simulator.simulations(world).items()}
    dates = pd.date_range(end=simulator.LAST_DAY, periods=simulator.DAYS, freq="D")
    published = np.column_stack([one.published(DAY) for one in known.values()])
    panel = panel_of_counts(pd.DataFrame(published, dates[: DAY + 1], list(known)), "cases", DAILY)
    tasks = []
    for region, one in known.items():
        series = prepare(panel, region)
        came = one.cases[DAY + 1 : DAY + 1 + DAYS_AHEAD].astype(float)
        tasks.append(Earlier("daily", region, dates[DAY], series, (dates[DAY] - series.origin).days, came))
    return tasks


def some_dates(folder: str, number: int) -> list[Earlier]:
    """A hub's tasks of some of its reference dates."""
    dates = reference_dates(folder)
    chosen = np.linspace(0, len(dates) - 1, number + 2).round().astype(int)[1:-1]
    return list(hub(folder, folder, [dates[place] for place in chosen]))


def _beside(name: str, tasks: Sequence[Earlier], scales: dict[str, float]) -> Iterator[Figure]:
    made, seconds = {}, {}
    for one in (NETWORK, POOLED, DEEP):
        made[one], seconds[one] = timed(lambda one=one: _forecasts(one, tasks))  # type: ignore[misc]
    scores = {one: cell_scores(tasks, _ahead(tasks, found)) for one, found in made.items()}
    for one, cells in scores.items():
        prefix = f"deep/{name}/{one}"
        yield figure(f"{prefix}/wis_log", cells["wis_log"].mean(), "WIS", scores[NETWORK]["wis_log"].mean())
        if scales:
            yield figure(f"{prefix}/mase", _mase(cells, scales), "MASE", _mase(scores[NETWORK], scales))
        for band in (50, 95):
            yield figure(f"{prefix}/held_{band}", cells[f"held_{band}"].mean(), "share", band / 100)
        yield figure(f"{prefix}/seconds", seconds[one], "s", seconds[POOLED])
    fits = [one.fitted["learned"] for one in made[DEEP] if one.fitted]
    yield figure(
        f"deep/{name}/pays", float(np.mean([len(fit["weights"]) > 0 for fit in fits]) if fits else 0.0), "share", 1.0
    )


def _mase(cells: pd.DataFrame, scales: dict[str, float]) -> float:
    by_region = cells.groupby(REGION)["error"].mean()
    return float((by_region / by_region.index.map(scales)).mean())


def _ahead(tasks: Sequence[Earlier], made: Sequence[Forecast]) -> list[np.ndarray | None]:
    return [one.values[task.gap :] for task, one in zip(tasks, made, strict=True)]


def _forecasts(name: str, tasks: Sequence[Earlier]) -> list[Forecast]:
    """Each task's forecast; of a pooled model by one fit a pool."""
    chosen = model(name)
    if not isinstance(chosen, PooledModel):
        return [chosen.forecast(task.series, task.steps) for task in tasks]
    wanted: dict[tuple[PoolSpec, int], list[int]] = {}
    alone = list[int]()
    for place, task in enumerate(tasks):
        if task.series.around is None:
            alone.append(place)
        else:
            wanted.setdefault((task.series.around, task.steps), []).append(place)
    found = {place: chosen.forecast(tasks[place].series, tasks[place].steps) for place in alone}
    for (around, steps), places in wanted.items():
        forecasts = chosen.forecast_pool(gather_pool(around), steps)
        found |= {place: forecasts[tasks[place].series.region] for place in places}
    return [found[place] for place in range(len(tasks))]
