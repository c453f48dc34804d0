"""How often what a forecast says about the future comes: a level passed within weeks, a rise, a peak that is past, a large total (`--models a,b`).

The hubs' tasks of COVID-19 and influenza (`accuracy`, of every third reference date, with the vintages of then), whose forecasts
are kept as those of `accuracy` are. From each, events of six kinds are asked for at levels that are multiples of the last
figure, within one, two and four weeks. For each model:

- `MODEL/KIND/LOW-HIGH`: the share of events said to have a probability between these that came, beside the mean of what was said;
  `…/events` is how many they are. KIND is `all`, or `above`, `below`, `rise`, `peak`, `total`.
- `MODEL/KIND/said 30 %`: the share that came of those said to have 25 to 35 %; wanted: 25 to 35 %;
- `MODEL/KIND/apart`: how far the two are apart on average over the bins, by how many events they hold;
- `MODEL/KIND/brier`: the mean squared error of the probabilities, over that of saying always how often such events come.

`futures/4 weeks` is the processor time in milliseconds of sampling the futures of one forecast, beside the limit of two.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from benchmarks._development_sets import DevelopmentSet, all_sets
from benchmarks._earlier import Earlier
from benchmarks._figure import Figure, figure
from benchmarks.accuracy import kept_forecasts
from forecasting.data.forecast import Forecast
from forecasting.data.joint_futures import joint_futures
from forecasting.evaluation.events import EventKind, EventQuestion, event_chance
from forecasting.models import model

MODELS = ("ensemble", "pretrained", "ets")
SETS = ("covid hub", "flu 2023-24", "flu 2024-25")
#: Levels over the last figure, and weeks ahead.
ABOVE, BELOW, TOTAL = (1.1, 1.5, 2.0), (0.9, 0.7, 0.5), (0.8, 1.2, 1.6)
WITHIN = (1, 2, 4)
#: Percent of a rise.
RISES = (10.0, 25.0)
#: A last figure below it has no multiples that mean anything.
LEAST = 5.0
#: Edges of the bins of probabilities, and the ends of the one around 30 %.
EDGES = np.linspace(0.0, 1.0, 11)
AROUND_30 = (0.25, 0.35)
#: Milliseconds that the futures of a forecast may take, and times that it is measured.
MOST_MILLISECONDS, TURNS = 2.0, 200


def run(options: list[str]) -> Iterator[Figure]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks events")
    parser.add_argument("--models", type=lambda text: [model(name).name for name in text.split(",")], default=MODELS)
    asked = parser.parse_args(options)
    sets = [(one, one.tasks()) for one in all_sets(SETS)]
    for name in asked.models:
        said = pd.concat([_said(name, one, tasks) for one, tasks in sets], ignore_index=True)
        yield from figures(name, said)
    yield from _speed(sets[0][1])


def figures(name: str, said: pd.DataFrame) -> Iterator[Figure]:
    """The figures of a model from columns ``kind, said, came``."""
    for kind in ("all", *dict.fromkeys(said["kind"])):
        part = said if kind == "all" else said[said["kind"] == kind]
        apart = 0.0
        for low, high in pairwise(EDGES):
            inside = (part["said"] >= low) & ((part["said"] < high) | (high == EDGES[-1]))
            if not inside.any():
                continue
            came, meant = float(part["came"][inside].mean()), float(part["said"][inside].mean())
            apart += abs(came - meant) * float(inside.mean())
            of = f"events/{name}/{kind}/{100 * low:.0f}-{100 * high:.0f}"
            yield figure(of, came, "share", max(meant, 1e-4))
            yield figure(f"{of}/events", int(inside.sum()), "events", len(part))
        around = part["said"].between(*AROUND_30)
        if around.any():
            meant = float(part["said"][around].mean())
            yield figure(f"events/{name}/{kind}/said 30 %", float(part["came"][around].mean()), "share", meant)
        yield figure(f"events/{name}/{kind}/apart", apart, "share", 1.0)
        error = float(((part["said"] - part["came"]) ** 2).mean())
        rate = float(part["came"].mean())
        yield figure(f"events/{name}/{kind}/brier", error, "mean squared error", max(rate * (1 - rate), 1e-4))


def questions(now: float) -> list[EventQuestion]:
    """What is asked of a series whose last figure is `now`."""
    levels = {EventKind.above: ABOVE, EventKind.below: BELOW}
    asked = [
        EventQuestion(kind, times * now, weeks)
        for kind, several in levels.items()
        for times in several
        for weeks in WITHIN
    ]
    asked += [EventQuestion(EventKind.rise, percent, weeks) for percent in RISES for weeks in WITHIN]
    return asked + [EventQuestion(EventKind.peak, None, weeks) for weeks in WITHIN]


def task_events(task: Earlier, forecast: Forecast) -> Iterator[tuple[str, float, float]]:
    """The kind of each event, the probability that was said, and 1 if it came."""
    now = float(task.series.values[-1])
    if now < LEAST or task.gap:
        return
    paths, came = joint_futures(forecast, task.series.kind), task.came[None]
    for question in questions(now):
        happened = event_chance(question, task.series, came)
        if np.isfinite(happened):
            yield question.kind.value, event_chance(question, task.series, paths), happened
    if np.isfinite(came).all():
        for times in TOTAL:
            level = times * now * came.shape[1]
            yield EventKind.total.value, float((paths.sum(axis=1) > level).mean()), float(came.sum() > level)


def _said(name: str, one: DevelopmentSet, tasks: Sequence[Earlier]) -> pd.DataFrame:
    forecasts = kept_forecasts(name, one, tasks)
    rows = [row for task, forecast in zip(tasks, forecasts, strict=True) for row in task_events(task, forecast)]
    return pd.DataFrame(rows, columns=["kind", "said", "came"])


def _speed(tasks: Sequence[Earlier]) -> Iterator[Figure]:
    task = tasks[0]
    forecast = model("naive").forecast(task.series, task.steps)
    joint_futures(forecast)
    taken = []
    for _ in range(TURNS):
        begun = time.process_time()
        joint_futures(forecast)
        taken.append(time.process_time() - begun)
    yield figure("events/futures/4 weeks", 1000 * float(np.median(taken)), "ms", MOST_MILLISECONDS)
