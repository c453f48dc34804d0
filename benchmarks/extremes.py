"""What models do when the world does something mad: shocks at the end of real series (all but auto_arima, or `--models a,b`).

The bundled daily countries and twelve of the weekly places, and 32 European countries by the day at two dates where that
file is beside the project (`FORECAST_TEST_DATA` names its folder). Every shock of `forecasting.evaluation.shocks`, which says what
each demands; 28 days or 4 weeks ahead, through the service and its two workers. A readable table goes to stderr, so that

    python -m benchmarks extremes > benchmarks/results/extremes.jsonl

keeps the figures that the Methods page shows. For each model and shock (``all``: every shock), the shares of answers that
reacted, were sound and widened, of those of which it is demanded, and the median total and band width after the shock as a
multiple of those without. `reference` is seasonal naive's figure, `ratio` the model's over it. For each shock, how often it
was set aside before any model saw it, and on how many series models are judged.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks._countries import ORIGINS, countries
from benchmarks._data import asked_models
from benchmarks._figure import BenchmarkError
from forecasting import Panel, Statistic, sources
from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.forecast import Forecast
from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.evaluation.shocks import shocks
from forecasting.evaluation.stress_tests import ShockedSeries, ShockResponse, apply_shock, judge_response
from forecasting.jobs import JobQueue
from forecasting.jobs.request import Request
from forecasting.models import models
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore

#: Of every size: the smallest know zeros by nature.
PLACES = (
    "United States",
    "California",
    "Texas",
    "Florida",
    "New York",
    "Ohio",
    "Colorado",
    "Delaware",
    "Puerto Rico",
    "Vermont",
    "Wyoming",
    "Alaska",
)
#: Of the origins in `_countries`: before the winter wave of 2020 ended, and in the late summer of 2021.
EUROPE = ORIGINS[[1, 4]]
#: Days at the end that tell whether a country reports by day, and the share of zeros from which it does not.
RECENT = 56
SILENT = 0.4
SLOW = ("auto_arima", "deep")
WORKERS = 2
#: What is asked of an answer.
DEMANDS = ("reacted", "sound", "widened")
ALL = "all"


@dataclass(frozen=True)
class Result:
    """What one model made of one shock; no answer where it gave no forecast."""

    model: str
    shock: str
    answer: ShockResponse | None

    def met(self, demand: str) -> bool | None:
        """Whether a demand was met; None where it is not made."""
        if self.answer is None:
            return False
        found: bool | None = getattr(self.answer, demand)
        return found


def run(options: list[str]) -> Iterator[dict[str, object]]:
    asked = list(dict.fromkeys(["naive", *asked_models(options, usual())]))
    cases = [case for panel, statistic, region in places() for case in struck(panel, statistic, region)]
    found = list(results(cases, asked))
    print(table(found, asked), file=sys.stderr)
    yield figure("series", len({id(case.real) for case in cases}), "series", None)
    for shock in shocks():
        aside = [case.set_aside for case in cases if case.shock.name == shock]
        judged = sum(result.met("reacted") is not None for result in of(found, "naive", shock))
        yield figure(f"{shock}/set_aside", float(np.mean(aside)), "fraction", None)
        yield figure(f"{shock}/judged", judged, "series", None)
    for name in asked:
        for shock in (*shocks(), ALL):
            yield from figures(name, shock, found)


def usual() -> list[str]:
    """All but the slow ones."""
    return [name for name in models() if name not in SLOW]


def places() -> Iterator[tuple[Panel, str, str]]:
    """Panel, statistic and region of every series that is struck."""
    bundled = sources.source("bundled").panel()
    yield from ((bundled, "new_cases", region) for region in bundled.regions("new_cases"))
    yield from ((bundled, "new_admissions", region) for region in PLACES)
    try:
        europe = panel_of(countries())
    except BenchmarkError as error:
        print(f"Without the European countries: {error}", file=sys.stderr)
        return
    for date in EUROPE:
        known = europe.as_of(date)
        yield from ((known, "new_cases", name) for name in known.regions() if by_day(known.counts(name)))


def panel_of(counts: Iterable[pd.Series]) -> Panel:
    rows = [pd.DataFrame({REGION: s.name, STATISTIC: "cases", DATE: s.index, VALUE: s.to_numpy()}) for s in counts]
    statistic = Statistic("new_cases", "New cases", "cases", "cases")
    return Panel("europe", pd.concat(rows, ignore_index=True), (statistic,), {"cases": DAILY}, "JHU CSSE", "CC BY 4.0")


def by_day(counts: pd.Series) -> bool:
    return bool((counts[-RECENT:] == 0).mean() < SILENT)


def struck(panel: Panel, statistic: str, region: str) -> Iterator[ShockedSeries]:
    """The region after every shock that it can suffer; the real series is the same object in all of them."""
    frequency = panel.frequencies[panel.statistic(statistic).column]
    real: Series | None = None
    for shock in shocks(frequency).values():
        case = apply_shock(panel, region, statistic, shock)
        real = real or case.real
        yield ShockedSeries(case.shock, real, case.series, case.changed)


def results(cases: list[ShockedSeries], asked: list[str]) -> Iterator[Result]:
    """Every model's answers, fitted by two workers; nothing is kept."""
    store = ForecastStore("sqlite://")
    service = Service(store, JobQueue(store, workers=WORKERS))
    try:
        pairs = [(case, name) for case in cases for name in asked]
        wanted = {request.key: request for case, name in pairs for request in requests(case, name)}
        made = {request.key: job.forecast for request, job in service.run(wanted.values())}
    finally:
        service.close()
    for case, name in pairs:
        before, after = (made[request.key] for request in requests(case, name))
        yield Result(name, case.shock.name, answer(case, before, after))


def requests(case: ShockedSeries, name: str) -> tuple[Request, Request]:
    horizon = case.real.frequency.default_horizon
    return Request(case.real, name, horizon), case.request(name, horizon)


def answer(case: ShockedSeries, before: Forecast | None, after: Forecast | None) -> ShockResponse | None:
    return None if before is None or after is None else judge_response(case, before, after)


def figures(name: str, shock: str, found: list[Result]) -> Iterator[dict[str, object]]:
    """Of one model and shock; a demand that is made of nobody has no figure."""
    own, naive = (of(found, one, shock) for one in (name, "naive"))
    for demand in DEMANDS:
        if (value := share(own, demand)) is not None:
            yield figure(f"{name}/{shock}/{demand}", value, "fraction", share(naive, demand))
    if shock != ALL:
        for measure in ("total", "width"):
            yield figure(f"{name}/{shock}/{measure}", median(own, measure), "times", median(naive, measure))


def of(found: list[Result], name: str, shock: str) -> list[Result]:
    return [result for result in found if result.model == name and shock in (result.shock, ALL)]


def share(found: list[Result], demand: str) -> float | None:
    """How often a demand was met, of the times it was made."""
    met = [met for result in found if (met := result.met(demand)) is not None]
    return float(np.mean(met)) if met else None


def median(found: list[Result], measure: str) -> float:
    return float(np.median([getattr(result.answer, measure) for result in found if result.answer]))


def figure(name: str, value: float, unit: str, reference: float | None) -> dict[str, object]:
    return {
        "name": f"extremes/{name}",
        "value": round(value, 4),
        "unit": unit,
        "reference": None if reference is None else round(reference, 4),
        "ratio": round(value / reference, 3) if reference else None,
    }


def table(found: list[Result], asked: list[str]) -> str:
    """Percent that reacted / were sound / widened, a row a model and a column a shock."""
    columns = (*shocks(), ALL)
    lines = ["reacted / sound / widened, % (–: not demanded)", "".join(f"{name:>16}" for name in ("", *columns))]
    for name in asked:
        cells = ["/".join(percent(share(of(found, name, shock), demand)) for demand in DEMANDS) for shock in columns]
        lines.append("".join(f"{cell:>16}" for cell in (name, *cells)))
    return "\n".join(lines)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"
