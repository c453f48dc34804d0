"""Choosing a SARIMA: seconds and errors beside pmdarima's auto_arima and statsforecast's AutoARIMA.

Daily cases of 32 European countries, 28 days ahead from evenly spaced origins (`--countries N --origins N` for fewer).
Everyone is given the same last 365 prepared figures and a season of 7, with every other setting at its default, and is
judged by the median forecast's MASE on the counts. The peers run on the cube root, which is what SARIMA here sees, for
that leaves the search as the only difference; with `--counts yes` on the counts too, as their users would call them
(`pmdarima_counts`, `statsforecast_counts`), so that nobody has been handed a scale that suits him badly. One process,
one thread, one forecast after the other; everything is imported, and compiled where need be, before the first.

A run writes `results/sarima_search.csv` as it goes: what it has of the peers is not fitted again, for they are slow;
ours always is. How many times faster it is comes from `TIMED` of the tasks alone, on which everybody runs again now.
The figures are real and kept beside the project; statsforecast is in benchmarks/requirements.txt.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from benchmarks._countries import HINDSIGHT, HORIZON, ORIGINS, Task, countries
from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting import DataError, RequestError
from forecasting.data.frequency import DAILY
from forecasting.models import model
from forecasting.models.sarima import WINDOW
from forecasting.preparation.prepare import clean_counts

TABLE = Path(__file__).parent / "results" / "sarima_search.csv"
MISSING = (
    "pmdarima or statsforecast is not installed, so there is nothing to compare with: "
    "pip install -r benchmarks/requirements.txt."
)
#: Wanted: so many times faster than pmdarima in the median, and no forecast slower than so many seconds.
TIMES_FASTER = 20.0
SLOWEST = 2.0
OURS = "ours"
KEY = ["country", "origin"]
#: Tasks on which everybody is timed in one run.
TIMED = 8
T = TypeVar("T")

#: A median on the counts of what comes after `Task.known`.
Contestant = Callable[[Task], np.ndarray]


def run(options: list[str]) -> Iterator[Figure]:
    counts = options[-2:] == ["--counts", "yes"]
    asked = numbers(options[:-2] if counts else options)
    found = {name: peer for name, peer in peers().items() if counts or not name.endswith("_counts")}
    rows = []
    before = earlier()
    asked_tasks = list(tasks(asked["countries"], asked["origins"]))
    for task, row in asked_tasks:
        row |= before.get((row["country"], row["origin"]), {})
        for name, peer in found.items():
            if f"mase_{name}" not in row:
                row |= measured(name, task, peer)
        row |= measured(OURS, task, ours)
        before[row["country"], row["origin"]] = row
        rows.append(row)
        save(before)
    if not rows:
        raise BenchmarkError("None of these countries reported by day around these origins.")
    timed = [
        {
            who: value
            for name, peer in {OURS: ours, **found}.items()
            for who, value in measured(name, task, peer).items()
        }
        for task, _ in spaced(asked_tasks, TIMED)
    ]
    yield from figures(pd.DataFrame(rows), pd.DataFrame(timed), list(found))


def numbers(options: list[str]) -> dict[str, int]:
    """How many countries and origins. Raises `RequestError`."""
    asked = {"countries": 32, "origins": len(ORIGINS)}
    for name, value in zip(options[::2], [*options[1::2], ""], strict=False):
        if name.removeprefix("--") not in asked or not value.isdigit() or int(value) < 1:
            raise RequestError(
                f"sarima_search takes --countries N --origins N --counts yes, in this order, not '{' '.join(options)}'."
            )
        asked[name.removeprefix("--")] = int(value)
    return asked


def peers() -> dict[str, Contestant]:
    """Both on both scales, having forecast something once. Raises `BenchmarkError` when one is not installed."""
    try:
        from pmdarima.arima import auto_arima
        from statsforecast.models import AutoARIMA
    except ImportError:
        raise BenchmarkError(MISSING) from None

    def pmdarima(values: np.ndarray) -> np.ndarray:
        return np.asarray(auto_arima(values, m=7).predict(HORIZON))

    def statsforecast(values: np.ndarray) -> np.ndarray:
        return np.asarray(AutoARIMA(season_length=7).forecast(values, HORIZON)["mean"])

    practice = np.random.default_rng(0).standard_normal(70)
    with quiet():
        pmdarima(practice)
        statsforecast(practice)
    model("sarima").warm_up()
    return {
        "pmdarima": on_cube_root(pmdarima),
        "statsforecast": on_cube_root(statsforecast),
        "pmdarima_counts": on_counts(pmdarima),
        "statsforecast_counts": on_counts(statsforecast),
    }


def on_cube_root(peer: Callable[[np.ndarray], np.ndarray]) -> Contestant:
    """Its mean there is its median on the counts."""

    def forecast(task: Task) -> np.ndarray:
        with quiet():
            return np.maximum(peer(np.cbrt(task.known.values)), 0.0) ** 3

    return forecast


def on_counts(peer: Callable[[np.ndarray], np.ndarray]) -> Contestant:
    def forecast(task: Task) -> np.ndarray:
        with quiet():
            return np.maximum(peer(task.known.values), 0.0)

    return forecast


def ours(task: Task) -> np.ndarray:
    return model("sarima").forecast(task.known, HORIZON).median


def tasks(how_many: int, origins: int) -> Iterator[tuple[Task, dict[str, object]]]:
    """So many countries and origins evenly among all, without those around which a country hardly reported by day."""
    everyone = list(countries())
    for origin in spaced(list(ORIGINS), origins):
        for counts in spaced(everyone, how_many):
            task = task_of(counts, origin)
            if task is not None:
                yield task, {"country": counts.name, "origin": f"{origin:%Y-%m-%d}"}


def spaced(things: list[T], how_many: int) -> list[T]:
    places = np.linspace(0, len(things) - 1, min(how_many, len(things))).round().astype(int)
    return [things[place] for place in places]


def task_of(counts: pd.Series, origin: pd.Timestamp) -> Task | None:
    try:
        known = clean_counts(counts[:origin], DAILY)
    except DataError:
        return None
    until = known.origin + pd.Timedelta(days=HORIZON)
    later = clean_counts(counts[: until + pd.Timedelta(days=HINDSIGHT)], DAILY)
    came = later.values[(later.dates > known.origin) & (later.dates <= until)]
    silent = max((known.values[-56:] == 0).mean(), (came == 0).mean()) if len(came) else 1.0
    return Task(known.tail(WINDOW), came) if len(came) == HORIZON and silent < 0.4 else None


@contextmanager
def quiet() -> Iterator[None]:
    """Without what the peers remark on their candidates, and what printing that would take."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def measured(name: str, task: Task, forecast: Contestant) -> dict[str, object]:
    start = time.perf_counter()
    median = forecast(task)
    seconds = time.perf_counter() - start
    error = np.abs(median - task.came).mean() / task.scale
    return {f"mase_{name}": round(float(error), 4), f"seconds_{name}": round(seconds, 4)}


def earlier() -> dict[tuple[object, object], dict[str, object]]:
    """What a run before this one wrote, by country and origin."""
    if not TABLE.exists():
        return {}
    rows = pd.read_csv(TABLE).to_dict("records")
    return {(row["country"], row["origin"]): {k: v for k, v in row.items() if v == v} for row in rows}


def save(rows: dict[tuple[object, object], dict[str, object]]) -> None:
    table = pd.DataFrame(list(rows.values())).sort_values(KEY)
    half = TABLE.with_suffix(".part")
    table.to_csv(half, index=False)
    half.replace(TABLE)


def figures(table: pd.DataFrame, timed: pd.DataFrame, found: list[str]) -> Iterator[Figure]:
    """Times faster and the slowest of ours, then our mean and median MASE beside each peer's."""
    for name in found:
        faster = float((timed[f"seconds_{name}"] / timed[f"seconds_{OURS}"]).median())
        yield figure(f"sarima_search/times_faster_than_{name}", faster, "times", TIMES_FASTER)
    yield figure("sarima_search/slowest", float(table[f"seconds_{OURS}"].max()), "s", SLOWEST)
    for kind in ("mean", "median"):
        for name in found:
            ours, other = (float(getattr(table[f"mase_{who}"], kind)()) for who in (OURS, name))
            yield figure(f"sarima_search/mase_{kind}_beside_{name}", ours, "MASE", other)
