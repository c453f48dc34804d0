"""Every model on every development set: the table that models are chosen by (`--models a,b`, `--sets "flu 2023-24,weekly"`).

The sets (`benchmarks/_development_sets.py`) are two hubs' tasks with the vintages of then, series of five frequencies that have
nothing in common, European countries by week and day, and simulated epidemics. For each model and set:

- `SET/MODEL/wis_log` and `/wis`: mean WIS on log1p of the figures and on the figures, over the reference's on the same cells: the
  hub's own baseline, elsewhere the model `naive`;
- `SET/MODEL/mase`: of series that have nothing in common, the mean MASE; the reference is that of the best of statsforecast's
  automatic models on the same series (`accuracy_peers`);
- `SET/MODEL/held_50`, `_80` and `_95`: the share of what came that a band held;
- `mean of N sets/MODEL/error`: the geometric mean over the sets (but for those whose cells are in another one, too: the hub's with another statistic beside it, and rates) of `mase` over its reference where there is one, else of `wis_log`.

With `--every-date` the hubs' tasks only, of all reference dates instead of one of three, under `accuracy_every_date`.

Forecasts are kept by model version in `benchmarks/results/cache`, which is no part of the project, so a run goes on where it
stopped. Prophet, AutoARIMA and Deep take part only when asked for by name.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._development_sets import BANDS, DevelopmentSet, all_sets, cell_scores, development_sets, hub_sets
from benchmarks._earlier import Earlier, forecasts
from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting.data.columns import DATE, REGION
from forecasting.data.forecast import Forecast
from forecasting.jobs.request import Request
from forecasting.models import BlendedModel, model, models

#: Seconds or more a forecast: only when asked for by name.
SLOW = ("auto_arima", "deep", "prophet")
NAIVE = "naive"
#: What figures are called where all reference dates of the hubs are taken (`--every-date`).
EVERY_DATE = "accuracy_every_date"
CACHE = Path(__file__).parent / "results" / "cache"
PEERS = Path(__file__).parent / "results" / "accuracy_peers.csv"
CELL = [REGION, DATE, "ahead"]


def run(options: list[str]) -> Iterator[Figure]:
    asked = _arguments(options)
    errors: dict[str, list[float]] = {}
    family = EVERY_DATE if asked.every_date else "accuracy"
    for one in _sets(asked):
        for name, scores in _scored(one, asked.models):
            if (error := scores.pop("error")) and one.alone:
                errors.setdefault(name, []).append(error)
            for what, (value, reference) in scores.pop("figures").items():
                yield figure(f"{family}/{one.name}/{name}/{what}", value, _UNITS[what], reference)
    for name, found in errors.items():
        mean = float(np.exp(np.mean(np.log(found))))
        yield figure(f"{family}/mean of {len(found)} sets/{name}/error", mean, "ratio", 1.0)


_UNITS = {"wis_log": "ratio of mean WIS", "wis": "ratio of mean WIS", "mase": "MASE"} | {
    f"held_{band}": "share" for band in BANDS
}


def _arguments(options: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy")
    fast = [name for name in models() if name not in SLOW]
    parser.add_argument("--models", type=lambda text: [model(name).name for name in text.split(",")], default=fast)
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(development_sets()))
    parser.add_argument("--every-date", action="store_true")
    asked = parser.parse_args(options)
    if unknown := set(asked.sets) - set(development_sets()):
        raise BenchmarkError(f"There is no set '{unknown.pop()}'; there are {', '.join(development_sets())}.")
    return asked


def _sets(asked: argparse.Namespace) -> Iterator[DevelopmentSet]:
    """The sets that are asked for; with every date those of the hubs, under names of their own."""
    if not asked.every_date:
        yield from all_sets(asked.sets)
        return
    for one in hub_sets(1):
        if one.name in asked.sets:
            yield replace(one, name=f"{one.name} every date")


def _scored(one: DevelopmentSet, names: Sequence[str]) -> Iterator[tuple[str, dict]]:
    tasks = one.tasks()
    published = {name: cell_scores(tasks, said) for name, said in (one.published or (lambda _: {}))(tasks).items()}
    baseline = next((cells for name, cells in published.items() if name.endswith("-baseline")), None)
    if baseline is None:
        baseline = cell_scores(tasks, said_by(NAIVE, one, tasks))
    scales, peer = (one.scales() if one.scales else {}), _best_peer(one, tasks)
    for name in names:
        yield name, _scores(cell_scores(tasks, said_by(name, one, tasks)), baseline, scales, peer)
    for name, cells in published.items():
        if not name.endswith("-baseline"):
            yield name, _scores(cells, baseline, scales, peer)


def _scores(cells: pd.DataFrame, baseline: pd.DataFrame, scales: dict[str, float], peer: float) -> dict:
    both = cells.merge(baseline, on=CELL, suffixes=("", "_baseline"))
    found = {what: (float(both[what].mean() / both[f"{what}_baseline"].mean()), 1.0) for what in ("wis_log", "wis")}
    error = found["wis_log"][0]
    if scales:
        by_region = cells.groupby(REGION)["error"].mean()
        found["mase"] = (float((by_region / by_region.index.map(scales)).mean()), peer)
        error = found["mase"][0] / peer
    held = {f"held_{band}": (float(cells[f"held_{band}"].mean()), band / 100) for band in BANDS}
    return {"figures": found | held, "error": error}


def _best_peer(one: DevelopmentSet, tasks: Sequence[Earlier]) -> float:
    """The lowest mean MASE of a peer on these series; 1 where there are no peers."""
    if one.scales is None:
        return 1.0
    peers = pd.read_csv(PEERS, dtype={REGION: str})
    peers = peers[(peers["set"] == one.name) & peers[REGION].isin({task.region for task in tasks})]
    return float(peers.groupby("model")["mase"].mean().min())


def said_by(name: str, one: DevelopmentSet, tasks: Sequence[Earlier]) -> list[np.ndarray | None]:
    """The quantiles that a model gives for each task's `came`, shape (steps, 23)."""
    return [forecast.values[task.gap :] for task, forecast in zip(tasks, kept_forecasts(name, one, tasks), strict=True)]


def kept_forecasts(name: str, one: DevelopmentSet, tasks: Sequence[Earlier]) -> list[Forecast]:
    """The forecasts, made now unless they were made before by the same version."""
    chosen = model(name)
    if isinstance(chosen, BlendedModel):
        taking_part = [[part.model for part in Request(task.series, name, task.steps).members] for task in tasks]
        parts = {
            member: kept_forecasts(member, one, tasks) for member in {m for members in taking_part for m in members}
        }
        return [
            chosen.blend(task.series, task.steps, {member: parts[member][place] for member in members})
            for place, (task, members) in enumerate(zip(tasks, taking_part, strict=True))
        ]
    file = CACHE / f"{one.name.replace(' ', '_')}-{name}-{chosen.version}.jsonl.gz"
    if file.exists():
        with gzip.open(file, "rt") as lines:
            return [Forecast.from_json(json.loads(line)) for line in lines]
    print(f"{one.name}: {chosen.label} forecasts {len(tasks)} times", file=sys.stderr, flush=True)
    made = forecasts(name, tasks)
    CACHE.mkdir(exist_ok=True)
    unfinished = file.with_suffix(".part")
    with gzip.open(unfinished, "wt", compresslevel=1) as lines:
        lines.writelines(json.dumps(forecast.to_json()) + "\n" for forecast in made)
    unfinished.rename(file)
    return made
