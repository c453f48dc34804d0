"""The sets of real and made-up figures that models are chosen by: earlier dates to forecast from, and what they are scored against.

A set is a list of `Earlier` tasks and a reference, whose scores on the same cells are what a model's are divided by: a hub's
own baseline, or the model `naive`. Large sets are thinned by taking every so many dates or series, always the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from benchmarks._data import real
from benchmarks._earlier import Earlier, europe, hub, hundred_thousands, reference_dates, simulated
from forecasting.data.columns import DATE, REGION, VALUE
from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.panel import Panel
from forecasting.evaluation.scores import is_covered, weighted_interval_score
from forecasting.preparation.prepare import prepare
from forecasting.tables.panel_file import read_panel

#: Reference dates of a hub from one that is taken to the next.
HUB_EVERY = 3
#: The flu hub's seasons, by the year in which they begin.
FLU_SEASONS = (2023, 2024)
#: Half a year, by which a season's dates fall into the year in which it begins.
HALF_A_YEAR = pd.Timedelta(days=182)
#: The tables of series that have nothing in common: the season that their MASE is scaled by, and of how many series one is taken.
COMPETITION = {"yearly": (1, 2), "quarterly": (4, 2), "monthly": (12, 4), "weekly": (52, 3), "hourly": (24, 3)}
#: European weeks and days: of how many dates one is taken.
EUROPE_EVERY = {"weekly": 5, "daily": 2}
#: Simulated days: of how many dates one is taken.
SIMULATED_EVERY = 2
#: Percent of the bands whose coverage is reported.
BANDS = (50, 80, 95)

#: A task's region and date.
Cell = tuple[str, pd.Timestamp]


@dataclass(frozen=True)
class DevelopmentSet:
    """Tasks that belong together.

    Attributes:
        name: e.g. ``"flu 2023-24"``.
        tasks: makes them; the same ones each time.
        published: of a hub: makes the forecasts that others published for the same tasks, by their name.
        scales: of series that MASE is known for: makes its denominator by region.
        alone: it is part of the mean of all sets; not so where the same cells are in another one.
    """

    name: str
    tasks: Callable[[], Sequence[Earlier]]
    published: Callable[[Sequence[Earlier]], dict[str, list[np.ndarray | None]]] | None = None
    scales: Callable[[], dict[str, float]] | None = None
    alone: bool = True


def hub_sets(every: int) -> list[DevelopmentSet]:
    """The hubs' tasks of one of `every` so many reference dates."""
    covid = partial(_published, "hub-dev")
    flu = [
        DevelopmentSet(f"flu {year}-{year % 100 + 1}", partial(_flu, year, every), partial(_published, "flu-dev"))
        for year in FLU_SEASONS
    ]
    flu_rates = [
        DevelopmentSet(
            f"{one.name} rates", partial(_flu, year, every, True), partial(_published_rates, "flu-dev"), alone=False
        )
        for one, year in zip(flu, FLU_SEASONS, strict=True)
    ]
    return [
        DevelopmentSet("covid hub", partial(_covid, every), covid),
        DevelopmentSet("covid and flu", partial(_covid, every, "flu-dev"), covid, alone=False),
        *flu,
        *flu_rates,
    ]


def development_sets() -> dict[str, DevelopmentSet]:
    """Every set by its name."""
    series = [DevelopmentSet(name, partial(_competition, name), scales=partial(_scales, name)) for name in COMPETITION]
    found = [
        *hub_sets(HUB_EVERY),
        *series,
        DevelopmentSet("europe weekly", partial(_europe, "weekly")),
        DevelopmentSet("europe daily", partial(_europe, "daily")),
        DevelopmentSet("simulated daily", _simulated),
    ]
    return {one.name: one for one in found}


def cell_scores(tasks: Sequence[Earlier], forecasts: Sequence[np.ndarray | None]) -> pd.DataFrame:
    """A row a task that was forecast and step that is known: scores on both scales, absolute error, and which bands held.

    `forecasts` are the quantiles of each task's `came`, shape (steps, 23); None where there is no forecast.
    """
    parts = []
    for task, values in zip(tasks, forecasts, strict=True):
        known = np.flatnonzero(np.isfinite(task.came))
        if values is None or not len(known):
            continue
        came, said = task.came[known], values[known]
        log = np.log1p(np.maximum(said, 0.0)), np.log1p(np.maximum(came, 0.0))
        part = {
            REGION: task.region,
            DATE: task.date,
            "ahead": known + 1,
            "wis": weighted_interval_score(said, came),
            "wis_log": weighted_interval_score(*log),
            "error": np.abs(said[:, MEDIAN] - came),
        }
        parts.append(pd.DataFrame(part | {f"held_{band}": is_covered(said, came, band) for band in BANDS}))
    return pd.concat(parts, ignore_index=True)


def _covid(every: int, beside: str = "") -> list[Earlier]:
    """With the folder of another hub, the panel holds its admissions of the same regions, too."""
    return list(hub("hub-dev", "covid hub", reference_dates("hub-dev")[::every], beside))


def _flu(year: int, every: int, rates: bool = False) -> list[Earlier]:
    """As counted, or as rates."""
    dates = [date for date in reference_dates("flu-dev") if (date - HALF_A_YEAR).year == year]
    return list(hub("flu-dev", f"flu {year}", dates[::every], rates=rates))


def _published_rates(folder: str, tasks: Sequence[Earlier]) -> dict[str, list[np.ndarray | None]]:
    """What others published, as rates."""
    people = hundred_thousands()
    return {
        name: [None if said is None else said / people[task.region] for task, said in zip(tasks, found, strict=True)]
        for name, found in _published(folder, tasks).items()
    }


def _published(folder: str, tasks: Sequence[Earlier]) -> dict[str, list[np.ndarray | None]]:
    table = pd.read_parquet(real(f"{folder}/forecasts.parquet"))
    table = table[table["reference_date"].isin({task.date for task in tasks})]
    table = table.astype({"quantile": float, VALUE: float}).round({"quantile": 3})
    found: dict[str, list[np.ndarray | None]] = {}
    for name, rows in table.groupby("model", observed=True):
        cells = rows.groupby([REGION, "reference_date"], observed=True)
        by_cell = {cell: _quantiles(part, len(tasks[0].came)) for cell, part in cells}
        found[str(name)] = [by_cell.get((task.region, task.date)) for task in tasks]
    return found


def _quantiles(rows: pd.DataFrame, steps: int) -> np.ndarray | None:
    """Shape (steps, 23); None unless all of it was published."""
    wide = rows.pivot_table(index="horizon", columns="quantile", values=VALUE)
    wide = wide.reindex(index=range(steps), columns=list(QUANTILES))
    return None if wide.isna().any(axis=None) else wide.to_numpy(float)


def _competition(name: str) -> list[Earlier]:
    panel = read_panel(real(f"m-dev/{name}.csv.gz"))
    truth = dict(list(_table(f"m-dev/{name}.truth.csv.gz").groupby(REGION)))
    return [_competition_task(name, panel, region, truth[region]) for region in _taken(name, panel.regions())]


def _competition_task(name: str, panel: Panel, region: str, truth: pd.DataFrame) -> Earlier:
    series, came = prepare(panel, region), truth[VALUE].to_numpy(float)
    last = panel.counts(region).index[-1]
    gap = len(series.frequency.between(series.origin, last)) - 1
    return Earlier(name, region, pd.Timestamp(last), series, gap, came)


def _taken(name: str, regions: Sequence[str]) -> list[str]:
    return sorted(regions)[:: COMPETITION[name][1]]


def _scales(name: str) -> dict[str, float]:
    """The mean absolute difference from a season before, of each series to learn from."""
    season = COMPETITION[name][0]
    groups = _table(f"m-dev/{name}.csv.gz").groupby(REGION)[VALUE]
    return {
        str(region): float(np.abs(values.to_numpy()[season:] - values.to_numpy()[:-season]).mean())
        for region, values in groups
    }


def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(real(name), parse_dates=[DATE], dtype={REGION: str}).sort_values([REGION, DATE])


def _europe(frequency: str) -> list[Earlier]:
    tasks = [task for task in europe() if task.family == f"europe {frequency}"]
    return _of_every_date(tasks, EUROPE_EVERY[frequency])


def _simulated() -> list[Earlier]:
    return _of_every_date(list(simulated()), SIMULATED_EVERY)


def _of_every_date(tasks: Sequence[Earlier], every: int) -> list[Earlier]:
    kept = set(sorted({task.date for task in tasks})[::every])
    return [task for task in tasks if task.date in kept]


def all_sets(names: Sequence[str] = ()) -> Iterator[DevelopmentSet]:
    """The sets of these names, or all."""
    for name, one in development_sets().items():
        if not names or name in names:
            yield one
