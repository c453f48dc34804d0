"""False alarms of the drift tests a year of a series, and days until a drift is found (`--choose`: their thresholds).

Simulated epidemics, watched every night: an alarm that lasts counts once. The drifts begin at random dates. Without
options, on other epidemics than those that thresholds were chosen on; with ``--choose``, on those, for each test the
lowest threshold (in quarters) that gives no more false alarms than `SHARES`. With ``--published`` every night of a few
epidemics is looked at as it was published then, by all that the nightly run does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from benchmarks._drifting import (
    CHOSEN_ON,
    FIRST,
    LEARNED,
    REPORTED_ON,
    WARM,
    WATCHED,
    Change,
    Nights,
    Watched,
    by_day,
    by_week,
    doubled,
    drifted,
    gappy,
    halved,
    nights,
    noisier,
    without_weekends,
)
from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting.data.frequency import DAILY
from forecasting.monitoring.drift import statistics
from forecasting.monitoring.drift.detect import data_drifts, data_path, forecast_paths, is_missing, periods_in
from forecasting.monitoring.drift.statistics import StatisticPath
from forecasting.preparation.prepare import clean_counts
from forecasting.sources.simulated import EpidemicSettings, simulate_epidemic
from forecasting.support.settings import DriftThresholds

#: Epidemics, each watched for two years; of so many a model's nightly forecasts are watched, too, for one.
EPIDEMICS = 120
MODELLED = 60
#: A drift is found when its alarm begins within so many days.
WITHIN = 56
#: False alarms a year of a series: of each test at most where thresholds are chosen (by week twice that), and wanted in all.
SHARES = {"level": 0.09, "variance": 0.09, "weekday": 0.08, "missing": 0.05, "error": 0.13, "coverage": 0.16}
MOST = 1.0
#: Counts a day from which on chance alone no longer hides that reporting scatters more.
LARGE = 500
RESAMPLED = 2000
YEAR = 365.25
#: Epidemics and nights that are looked at as they were published.
FEW = 8
HALF = 182

Paths = dict[str, StatisticPath]


def run(options: list[str]) -> Iterator[Figure]:
    match options:
        case []:
            yield from _reported()
        case ["--choose"]:
            yield from _chosen()
        case ["--published"]:
            yield _published()
        case _:
            raise BenchmarkError(f"It takes --choose, --published or nothing; '{' '.join(options)}' was given.")


def _reported() -> Iterator[Figure]:
    limits = DriftThresholds()
    seeds = range(REPORTED_ON, REPORTED_ON + EPIDEMICS)
    daily = [by_day(seed) for seed in seeds]
    weekly = [by_week(one, seed) for one, seed in zip(daily, seeds, strict=True)]
    for name, several in (("daily", daily), ("weekly", weekly)):
        scored = [nights(one, 7 if name == "weekly" else 1) for one in daily[:MODELLED]]
        forecasts = [forecast_paths(one.scores(), limits)["ets"] for one in scored]
        yield from _false_alarms(name, [_input_paths(one, limits) for one in several], forecasts, limits)
        for drift, kind, change in DRIFTS:
            if name == "daily" or kind in ("level", "missing"):
                yield from _delays(f"{name}/{drift}", _found(several, kind, change, limits))
        errors = [_found_in(one, "error", limits, number, error=2.0) for number, one in enumerate(scored)]
        yield from _delays(f"{name}/error doubled", errors)
        bands = [_found_in(one, "coverage", limits, number, width=0.5) for number, one in enumerate(scored)]
        yield from _delays(f"{name}/bands halved", bands)
    large = [one for one in daily if np.median(one.series.values) > LARGE]
    if large:
        yield from _delays("daily/noise tripled in large counts", _found(large, "variance", noisier, limits))


DRIFTS: tuple[tuple[str, str, Change], ...] = (
    ("level halved", "level", halved),
    ("level doubled", "level", doubled),
    ("noise tripled", "variance", noisier),
    ("no weekend reporting", "weekday", without_weekends),
    ("30 % missing", "missing", gappy),
)


def _chosen() -> Iterator[Figure]:
    endless = DriftThresholds(
        **{one.name: 1e9 for one in fields(DriftThresholds)} | {"window": DriftThresholds().window}
    )
    seeds = range(CHOSEN_ON, CHOSEN_ON + EPIDEMICS)
    daily = [by_day(seed) for seed in seeds]
    found = [("daily", [_input_paths(one, endless) for one in daily])]
    found.append(
        ("weekly", [_input_paths(by_week(one, seed), endless) for one, seed in zip(daily, seeds, strict=True)])
    )
    for name, every in (("daily", 1), ("weekly", 7)):
        scores = [nights(one, every).scores() for one in daily[:MODELLED]]
        found.append((name, [forecast_paths(one, endless)["ets"] for one in scores]))
    for kind, share in SHARES.items():
        default = getattr(DriftThresholds(), kind)
        for threshold in np.arange(0.5, 40, 0.25):
            limits = replace(endless, **{kind: float(threshold)})
            rates = [
                np.mean([_rate(one[kind], kind, name, limits) for one in several]) / (2 if name == "weekly" else 1)
                for name, several in found
                if kind in several[0]
            ]
            if max(rates) <= share:
                break
        yield figure(f"drift/choose/{kind}", float(threshold), "threshold", default)


def _input_paths(watched: Watched, limits: DriftThresholds) -> Paths:
    """Every path of a series."""
    kinds = (
        ("level", "variance", "weekday", "missing")
        if watched.frequency.name == "daily"
        else ("level", "variance", "missing")
    )
    return {kind: _path(watched, kind, limits) for kind in kinds}


def _path(watched: Watched, kind: str, limits: DriftThresholds) -> StatisticPath:
    """One of them; that of missing figures begins earlier than the others where there are leading zeros."""
    if kind == "missing":
        return statistics.missing_path(
            is_missing(watched.raw), watched.frequency.cycle, statistics.CAP * limits.missing
        )
    return data_path(kind, watched.seen, limits)


def _rate(path: StatisticPath, kind: str, name: str, limits: DriftThresholds) -> float:
    """False alarms of a path a year."""
    period = 7 if name == "weekly" else 1
    first = (WARM if kind in ("error", "coverage") else LEARNED) // period
    lasts = round(limits.window / period)
    begun = [start for start, _ in statistics.alarms(path, getattr(limits, kind), lasts) if start >= first]
    return len(begun) / ((len(path.statistic) - first) * period / YEAR)


def _false_alarms(
    name: str, inputs: Sequence[Paths], forecasts: Sequence[Paths], limits: DriftThresholds
) -> Iterator[Figure]:
    """Of each test, and of all together with what 95 % of other sets of epidemics would have given."""
    rng, total, mean = np.random.default_rng(0), np.zeros(RESAMPLED), 0.0
    for several in (inputs, forecasts):
        rates = {kind: np.array([_rate(one[kind], kind, name, limits) for one in several]) for kind in several[0]}
        for kind, found in rates.items():
            yield figure(f"drift/{name}/false alarms/{kind}", float(found.mean()), "a year", SHARES[kind])
        of_series = sum(rates.values(), np.zeros(len(several)))
        mean += float(of_series.mean())
        total += of_series[rng.integers(0, len(several), (RESAMPLED, len(several)))].mean(axis=1)
    low, high = np.quantile(total, [0.025, 0.975])
    yield figure(f"drift/{name}/false alarms", mean, "a year", MOST)
    yield figure(f"drift/{name}/false alarms/low", float(low), "a year", MOST)
    yield figure(f"drift/{name}/false alarms/high", float(high), "a year", MOST)
    yield figure(f"drift/{name}/series-years", len(inputs) * WATCHED / YEAR, "years", 200)


def _found(several: Sequence[Watched], kind: str, change: Change, limits: DriftThresholds) -> list[float]:
    """Days until the drift was found in each; NaN where it was not within eight weeks."""
    found = []
    for number, one in enumerate(several):
        period = 7 if one.frequency.name == "weekly" else 1
        within, rng = WITHIN // period, np.random.default_rng([number, 3])
        at = int(rng.integers(LEARNED // period, len(one.raw) - within - 7))
        at -= at % 7 if period == 1 else 0
        changed = drifted(one, change, at, number)
        # Repairs look at both sides of a day; so nothing that comes after these weeks may be there.
        changed = replace(changed, raw=changed.raw[: at + within + 1])
        path = _path(changed, kind, limits)
        place = at - (0 if kind == "missing" else changed.cut)
        lasts = periods_in(limits.window, one.frequency)
        found.append(period * _delay(path, place, getattr(limits, kind), lasts, within))
    return found


def _found_in(
    scored: Nights, kind: str, limits: DriftThresholds, number: int, error: float = 1.0, width: float = 1.0
) -> float:
    """Days until a model was found to be worse."""
    every = scored.came.shape[1]
    within = WITHIN // every
    at = int(np.random.default_rng([number, 4]).integers(WARM // every, len(scored.came) - within))
    path = forecast_paths(scored.scores(error, width, at), limits)["ets"][kind]
    return every * _delay(path, at, getattr(limits, kind), round(limits.window / every), within)


def _delay(path: StatisticPath, at: int, threshold: float, lasts: int, within: int) -> float:
    """Periods from place `at` to the first alarm that begins then; NaN where none does in time."""
    begun = [start - at for start, _ in statistics.alarms(path, threshold, lasts) if at <= start <= at + within]
    return float(begun[0]) if begun else float("nan")


def _delays(name: str, days: Sequence[float]) -> Iterator[Figure]:
    """The share that was found, and the median of days of all, where half were."""
    found = np.array(days)
    yield figure(f"drift/{name}/found within 8 weeks", float(np.isfinite(found).mean()), "fraction", 1.0)
    middle = float(np.median(np.nan_to_num(found, nan=np.inf)))
    if np.isfinite(middle):
        yield figure(f"drift/{name}/days", middle, "days", WITHIN)


def _published() -> Figure:
    """False alarms a year of the figures, each night as they were published, prepared and judged anew."""
    limits, begun = DriftThresholds(), 0
    for seed in range(REPORTED_ON, REPORTED_ON + FEW):
        came = simulate_epidemic(LEARNED + HALF, seed, EpidemicSettings(population=2_000_000, initial=13.0))
        lasting: set[str] = set()
        for night in range(LEARNED, LEARNED + HALF):
            raw = pd.Series(came.published(night).astype(float), index=DAILY.grid(FIRST, night + 1))
            now = {drift.kind for drift in data_drifts(clean_counts(raw, DAILY), raw, "", limits)}
            begun += len(now - lasting) if night > LEARNED else 0
            lasting = now
    return figure("drift/as published/false alarms", begun / (FEW * HALF / YEAR), "a year", MOST)
