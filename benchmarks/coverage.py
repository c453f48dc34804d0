"""What each model's 50, 80 and 95 % bands hold of what came: the hub's vintages and the simulator (or `--models a,b`).

The hub's regions four weeks ahead at 31 reference dates, with the data of then; simulated epidemics 28 days ahead. Wanted:
45 to 55 % in the 50 % band, 92 to 97 % in the 95 % band. The bands' scale was learned on figures that these are among;
`python -m benchmarks calibrate` prints what they hold where they were learned elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from benchmarks._data import asked_models
from benchmarks._earlier import Earlier, forecast_all, hub, simulated
from benchmarks._figure import Figure, figure
from forecasting.evaluation.scores import is_covered
from forecasting.models import models

#: Needs packages that are not installed with the app: only when asked for by name.
OPTIONAL = ("deep",)
#: Minutes of fits: every sixth date of a region is enough to count by.
SAMPLED = {"auto_arima": 6}


def run(options: list[str]) -> Iterator[Figure]:
    names = asked_models(options, [name for name in models() if name not in OPTIONAL])
    tasks = [*hub(), *simulated()]
    for name in names:
        asked = tasks[:: SAMPLED.get(name, 1)]
        yield from _held(name, asked, forecast_all(name, asked))


def _held(name: str, tasks: Sequence[Earlier], forecasts: Sequence[np.ndarray]) -> Iterator[Figure]:
    for family, pairs in groupby(zip(tasks, forecasts, strict=True), key=lambda pair: pair[0].family):
        cases = list(pairs)
        for percent in (50, 80, 95):
            yield figure(f"coverage/{family}/{name}/{percent}", held(cases, percent), "fraction", percent / 100)


def held(cases: Sequence[tuple[Earlier, np.ndarray]], percent: int) -> float:
    """The share of what came that the band held, over all periods."""
    came = np.concatenate([task.came for task, _ in cases])
    inside = is_covered(np.concatenate([table for _, table in cases]), came, percent)
    return float(inside[np.isfinite(came)].mean())
