"""Earlier dates to forecast from, and what came: of the hub's vintages, of European countries and of the simulator.

Nothing that was published after a date is in its series, nor in the pool of regions that comes with it. The first two
kinds of figures are real, are kept beside the project and are not part of it (`_data`).
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmarks._data import real
from benchmarks._figure import BenchmarkError
from forecasting.data.columns import DATE, REGION, VALUE
from forecasting.data.forecast import Forecast
from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.pool import Pool
from forecasting.data.pool_spec import PoolSpec
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cutoff, series_at_cutoff
from forecasting.jobs.request import Request
from forecasting.models import BlendedModel, PooledModel, model
from forecasting.preparation.gather_pool import gather_pool
from forecasting.preparation.prepare import clean_counts, prepare
from forecasting.sources import simulated as simulator
from forecasting.support.errors import DataError, ForecastingError, RequestError
from forecasting.tables.cells.tidy_table import stack_wide_table
from forecasting.tables.panel_file import read_panel

WEEKS_AHEAD = 4
DAYS_AHEAD = 28
#: People that a rate is per.
RATE_PER = 100_000
#: Worlds of twelve simulated epidemics each, none of them the one that the source shows.
WORLDS = (1000, 2000)


@dataclass(frozen=True, eq=False)
class Earlier:
    """One region at an earlier date.

    Attributes:
        family: which figures these are, e.g. ``"hub weekly"``.
        series: what was known then, prepared.
        gap: periods between the last one in `series` and the last one published: provisional ones.
        came: shape (horizon,), the counts in the periods after the last one published; NaN where none is known.
    """

    family: str
    region: str
    date: pd.Timestamp
    series: Series
    gap: int
    came: np.ndarray

    @property
    def steps(self) -> int:
        """What a model must be asked for."""
        return self.gap + len(self.came)


def hub(
    folder: str = "hub-dev",
    family: str = "hub weekly",
    dates: Iterable[pd.Timestamp] = (),
    beside: str = "",
    rates: bool = False,
) -> Iterator[Earlier]:
    """Weekly admissions of 53 regions at a hub's reference dates, or some `dates`, four weeks ahead, from the vintage of then.

    With the folder of another hub, its admissions are another statistic `beside` them; as `rates` they are per 100,000
    people.
    """
    panel = _with_vintages_of_both(folder, beside) if beside else _vintages(folder, rates)
    truth = pd.read_csv(real(f"{folder}/truth.csv.gz"), parse_dates=[DATE]).set_index([REGION, DATE])[VALUE]
    if rates:
        truth /= hundred_thousands().reindex(truth.index.get_level_values(REGION)).to_numpy()
    statistic = next((one.name for one in panel.statistics if one.column == folder), panel.statistic().name)
    for date in list(dates) or reference_dates(folder):
        wanted = pd.date_range(date, periods=WEEKS_AHEAD, freq="7D")
        for region in panel.regions(statistic):
            try:
                series = series_at_cutoff(panel, region, statistic, date).series
            except (DataError, RequestError):
                continue
            gap = (date - series.origin).days // 7 - 1
            yield Earlier(family, region, date, series, gap, truth[region].reindex(wanted).to_numpy(float))


def hundred_thousands() -> pd.Series:
    """People by the abbreviation of a US state or the country, in hundreds of thousands."""
    return pd.read_csv(real("us_places.csv")).set_index("region")["population"] / RATE_PER


def _vintages(folder: str, rates: bool) -> Panel:
    """A hub's admissions with their vintages, as counted or per 100,000 people to three decimals."""
    if not rates:
        return read_panel(real(f"{folder}/vintages.csv.gz"))
    table = pd.read_csv(real(f"{folder}/vintages.csv.gz"))
    table[VALUE] = (table[VALUE] / table[REGION].map(hundred_thousands())).round(3)
    return read_panel(table.to_csv(index=False).encode(), "rates.csv")


def _with_vintages_of_both(folder: str, beside: str) -> Panel:
    """A panel of two hubs' admissions, that of `folder` first, each with its own vintages."""
    tables = [pd.read_csv(real(f"{one}/vintages.csv.gz")).assign(statistic=one) for one in (folder, beside)]
    return read_panel(pd.concat(tables).to_csv(index=False).encode(), "vintages.csv")


def reference_dates(folder: str) -> list[pd.Timestamp]:
    """The Saturdays that a hub's forecasters worked for."""
    dates = pd.read_parquet(real(f"{folder}/forecasts.parquet"), columns=["reference_date"])["reference_date"]
    return sorted(pd.to_datetime(dates.unique()))


def europe() -> Iterator[Earlier]:
    """Cases and deaths of 32 countries: by day from nine dates eight weeks apart, by week from every fifth week."""
    for statistic in ("cases", "deaths"):
        counts = _counts(statistic)
        yield from _by_day(statistic, counts, pd.date_range("2020-07-20", periods=9, freq="56D"))
        weeks = counts.resample("W-SAT").sum(min_count=7).dropna(how="all").clip(lower=0)
        yield from _by_week(statistic, weeks)


def europe_by_day(statistic: str, dates: Iterable[pd.Timestamp]) -> Iterator[Earlier]:
    """``cases`` or ``deaths`` of 32 countries from these dates."""
    return _by_day(statistic, _counts(statistic), dates)


def _counts(statistic: str) -> pd.DataFrame:
    """By date and country."""
    table = pd.read_csv(real(f"real/jhu_europe_incident_{statistic}.csv.gz"), parse_dates=[DATE])
    return table.pivot_table(index=DATE, columns="location_name", values=VALUE, aggfunc="first")


def _by_day(statistic: str, counts: pd.DataFrame, dates: Iterable[pd.Timestamp]) -> Iterator[Earlier]:
    panel = panel_of_counts(counts, statistic, DAILY)
    for date in dates:
        for country, known in _at(panel, date):
            if len(known.series) < DAYS_AHEAD:
                continue
            # with corrections that came later
            later = clean_counts(counts[country][: date + pd.Timedelta(days=2 * DAYS_AHEAD)], DAILY)
            first = int(later.dates.searchsorted(known.origin, side="right"))
            came = later.published[first : first + DAYS_AHEAD]
            silent = max((known.series.values[-56:] == 0).mean(), (came == 0).mean()) if len(came) else 1.0
            if len(came) == DAYS_AHEAD and silent < 0.4:  # a country that hardly reports by day is left out
                yield Earlier("europe daily", f"{country} {statistic}", date, known.series, known.gap, came)


def _by_week(statistic: str, counts: pd.DataFrame, every: int = 5) -> Iterator[Earlier]:
    panel = panel_of_counts(counts, statistic, weekly())
    for row in range(3, len(counts) - WEEKS_AHEAD, every):
        date = counts.index[row]
        for country, known in _at(panel, date):
            if known.origin == date and known.series.values.sum() >= 20:
                came = counts[country].iloc[row + 1 : row + 1 + WEEKS_AHEAD].to_numpy(float)
                yield Earlier("europe weekly", f"{country} {statistic}", date, known.series, known.gap, came)


def _at(panel: Panel, date: pd.Timestamp) -> Iterator[tuple[str, Cutoff]]:
    """Every country as it stood at `date`, where there was anything."""
    for country in panel.regions():
        with suppress(DataError, RequestError):
            yield country, series_at_cutoff(panel, country, panel.statistics[0].name, date)


def panel_of_counts(counts: pd.DataFrame, statistic: str, frequency: Frequency) -> Panel:
    """Counts by date and country as a panel."""
    table = stack_wide_table(list(counts.columns), counts.index, counts.to_numpy(float).T, statistic)
    known = Statistic(statistic, statistic, statistic, statistic)
    return Panel("europe", table, (known,), {statistic: frequency}, "", "")


def simulated() -> Iterator[Earlier]:
    """Invented epidemics by day from eleven dates, as published then; what came is what was counted in the end."""
    dates = pd.date_range(end=simulator.LAST_DAY, periods=simulator.DAYS, freq="D")
    for world in WORLDS:
        known = simulator.simulations(world)
        for day in range(90, simulator.DAYS - DAYS_AHEAD - 1, 35):
            published = np.vstack([one.published(day) for one in known.values()])
            panel = panel_of_counts(pd.DataFrame(published.T, dates[: day + 1], list(known)), "cases", DAILY)
            for region, one in known.items():
                series = prepare(panel, region)
                came = one.cases[day + 1 : day + 1 + DAYS_AHEAD].astype(float)
                gap = (dates[day] - series.origin).days
                yield Earlier("simulated daily", f"{region} {world}", dates[day], series, gap, came)


def forecast_all(name: str, tasks: Sequence[Earlier]) -> list[np.ndarray]:
    """Quantiles of each task's `came`, shape (horizon, 23), fitted in as many processes as there are cores."""
    found = forecasts(name, tasks)
    return [forecast.values[task.gap :] for task, forecast in zip(tasks, found, strict=True)]


def forecasts(name: str, tasks: Sequence[Earlier]) -> list[Forecast]:
    """Each task's forecast; of a model that learns from all regions by one fit a date."""
    chosen = model(name)
    if isinstance(chosen, BlendedModel):
        parts = [dict[str, Forecast]() for _ in tasks]
        for member in chosen.members:
            places = [place for place, task in enumerate(tasks) if member in _taking_part(name, task)]
            for place, one in zip(places, forecasts(member, [tasks[place] for place in places]), strict=True):
                parts[place][member] = one
        return [chosen.blend(task.series, task.steps, part) for task, part in zip(tasks, parts, strict=True)]
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        if isinstance(chosen, PooledModel):
            return _together(chosen, tasks, pool)
        work = [(name, replace(task, series=replace(task.series, pool=None))) for task in tasks]
        return list(pool.map(_forecast, work, chunksize=8))


def _taking_part(name: str, task: Earlier) -> list[str]:
    """The members that a blend asks for this task."""
    return [member.model for member in Request(task.series, name, task.steps).members]


def _together(chosen: PooledModel, tasks: Sequence[Earlier], pool: ProcessPoolExecutor) -> list[Forecast]:
    wanted: dict[tuple[PoolSpec, int], list[int]] = {}
    alone = list[int]()
    for place, task in enumerate(tasks):
        around = task.series.around
        if around is None:
            alone.append(place)
        else:
            wanted.setdefault((around, task.steps), []).append(place)
    found: dict[int, Forecast] = {}
    work = ((chosen.name, gather_pool(around), steps) for around, steps in wanted)
    for places, forecast in zip(wanted.values(), pool.map(_forecast_pool, work), strict=True):
        found |= {place: forecast[tasks[place].series.region] for place in places}
    found |= dict(zip(alone, pool.map(_forecast, ((chosen.name, tasks[place]) for place in alone)), strict=True))
    return [found[place] for place in range(len(tasks))]


def _forecast_pool(work: tuple[str, Pool, int]) -> dict[str, Forecast]:
    name, pool, steps = work
    chosen = model(name)
    assert isinstance(chosen, PooledModel)
    return chosen.forecast_pool(pool, steps)


def _forecast(work: tuple[str, Earlier]) -> Forecast:
    name, task = work
    try:
        return model(name).forecast(task.series, task.steps)
    except ForecastingError as error:
        raise BenchmarkError(f"{name} failed on {task.region} at {task.date:%Y-%m-%d}: {error}") from None
