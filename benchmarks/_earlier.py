"""Earlier dates to forecast from, and what came: of the hub's vintages, of European countries and of the simulator.

Nothing that was published after a date is in its series. The first two kinds of figures are real, are kept beside the
project and are not part of it: FORECAST_TEST_DATA says where, if elsewhere.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._figure import BenchmarkError
from forecasting.backtest import cut
from forecasting.columns import DATE, REGION, VALUE
from forecasting.errors import DataError, ForecastingError, RequestError
from forecasting.frequency import DAILY, Frequency, weekly
from forecasting.models import model
from forecasting.panel import Panel
from forecasting.prepare import clean, prepare
from forecasting.series import Series
from forecasting.sources import simulated as simulator
from forecasting.sources._tidy import stacked
from forecasting.sources.file import read_panel

WEEKS_AHEAD, DAYS_AHEAD = 4, 28
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


def data_folder() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("FORECAST_TEST_DATA") or beside)


def _real(name: str) -> Path:
    path = data_folder() / name
    if not path.exists():
        raise BenchmarkError(
            f"There is no '{path.name}' in '{path.parent}'; set FORECAST_TEST_DATA to the data folder."
        )
    return path


def hub() -> Iterator[Earlier]:
    """Weekly admissions of 53 regions at 31 reference dates, four weeks ahead, from the vintage of then."""
    panel = read_panel(_real("hub-dev/vintages.csv.gz"))
    truth = pd.read_csv(_real("hub-dev/truth.csv.gz"), parse_dates=[DATE]).set_index([REGION, DATE])[VALUE]
    dates = pd.read_parquet(_real("hub-dev/forecasts.parquet"), columns=["reference_date"])["reference_date"]
    statistic = panel.statistic().name
    for date in sorted(pd.to_datetime(dates.unique())):
        wanted = pd.date_range(date, periods=WEEKS_AHEAD, freq="7D")
        for region in panel.regions(statistic):
            try:
                series = cut(panel, region, statistic, date).series
            except (DataError, RequestError):
                continue
            gap = (date - series.origin).days // 7 - 1
            yield Earlier("hub weekly", region, date, series, gap, truth[region].reindex(wanted).to_numpy(float))


def europe() -> Iterator[Earlier]:
    """Cases and deaths of 32 countries: by day from nine dates eight weeks apart, by week from every fifth week."""
    for statistic in ("cases", "deaths"):
        table = pd.read_csv(_real(f"real/jhu_europe_incident_{statistic}.csv.gz"), parse_dates=[DATE])
        for country, rows in table.groupby("location_name"):
            counts = pd.Series(rows[VALUE].to_numpy(float), index=pd.DatetimeIndex(rows[DATE]))
            region = f"{country} {statistic}"
            yield from _by_day(region, counts)
            yield from _by_week("europe weekly", region, counts)


def _by_day(region: str, counts: pd.Series) -> Iterator[Earlier]:
    for date in pd.date_range("2020-07-20", periods=9, freq="56D"):
        known = _prepared(counts[:date], DAILY)
        if known is None or len(known) < DAYS_AHEAD:
            continue
        later = clean(counts[: date + pd.Timedelta(days=2 * DAYS_AHEAD)], DAILY)  # with corrections that came later
        first = int(later.dates.searchsorted(known.origin, side="right"))
        came = later.values[first : first + DAYS_AHEAD]
        silent = max((known.values[-56:] == 0).mean(), (came == 0).mean()) if len(came) else 1.0
        if len(came) == DAYS_AHEAD and silent < 0.4:  # a country that hardly reports by day is left out
            yield Earlier("europe daily", region, date, known, 0, came)


def _by_week(family: str, region: str, counts: pd.Series, every: int = 5) -> Iterator[Earlier]:
    weeks = counts.resample("W-SAT").sum(min_count=7).dropna().clip(lower=0)
    for known in range(4, len(weeks) - WEEKS_AHEAD, every):
        series = _prepared(weeks.iloc[:known], weekly())
        if series is not None and series.values.sum() >= 20:
            gap = (weeks.index[known - 1] - series.origin).days // 7
            came = weeks.iloc[known : known + WEEKS_AHEAD].to_numpy()
            yield Earlier(family, region, weeks.index[known - 1], series, gap, came)


def _prepared(counts: pd.Series, frequency: Frequency) -> Series | None:
    try:
        return clean(counts, frequency)
    except DataError:
        return None


def simulated() -> Iterator[Earlier]:
    """Invented epidemics by day from eleven dates, as published then; what came is what was counted in the end."""
    dates = pd.date_range(end=simulator.LAST_DAY, periods=simulator.DAYS, freq="D")
    for world in WORLDS:
        known = simulator.simulations(world)
        for day in range(90, simulator.DAYS - DAYS_AHEAD - 1, 35):
            published = np.vstack([one.published(day) for one in known.values()])
            panel = _panel(list(known), dates[: day + 1], published)
            for region, one in known.items():
                series = prepare(panel, region)
                came = one.cases[day + 1 : day + 1 + DAYS_AHEAD].astype(float)
                gap = (dates[day] - series.origin).days
                yield Earlier("simulated daily", f"{region} {world}", dates[day], series, gap, came)


def _panel(regions: list[str], dates: pd.DatetimeIndex, values: np.ndarray) -> Panel:
    source = simulator.Simulated()
    table = stacked(regions, dates, values, "cases")
    return Panel(source.name, table, source.statistics(), {"cases": DAILY}, source.attribution, source.licence)


def forecast_all(name: str, tasks: Sequence[Earlier]) -> list[np.ndarray]:
    """Quantiles of each task's `came`, shape (horizon, 23), fitted in as many processes as there are cores."""
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"
    work = [(name, task) for task in tasks]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_forecast, work, chunksize=8))


def _forecast(work: tuple[str, Earlier]) -> np.ndarray:
    name, task = work
    try:
        return model(name).forecast(task.series, task.steps).values[task.gap :]
    except ForecastingError as error:
        raise BenchmarkError(f"{name} failed on {task.region} at {task.date:%Y-%m-%d}: {error}") from None
