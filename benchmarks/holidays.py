"""What the holidays of each country do to forecasts of its daily cases and deaths: WIS with them over WIS without.

32 European countries, 28 days ahead from 24 dates four weeks apart, so that every day of nearly two years counts once, each
from what was known then. For Pooled, a country's figures come from a fit of all of them with its holidays, as on the page;
Prophet, which is slow, forecasts cases only. Each figure is the geometric mean over countries of the ratio (natural), or
the ratio of sums (log1p): on holidays and the two days after them, on all other days, and on all. Below 1 they help.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks._earlier import DAYS_AHEAD, Earlier, europe_by_day, forecast_all
from benchmarks._figure import Figure, figure
from forecasting.data.holidays import ORDINARY, days_since_holiday, holiday_countries
from forecasting.evaluation.scores import weighted_interval_score

ORIGINS = pd.date_range("2020-07-06", periods=24, freq="28D")
WHAT = (("pooled", "cases"), ("pooled", "deaths"), ("prophet", "cases"))


def run() -> Iterator[Figure]:
    for name, statistic in WHAT:
        scores = pd.concat([table for date in ORIGINS for table in compared(name, statistic, date)])
        around = scores["ago"] != ORDINARY
        for days, rows in (("around holidays", scores[around]), ("other days", scores[~around]), ("all days", scores)):
            sums = rows.groupby("country")[["wis", "wis_without"]].sum()
            ratio = float(np.exp(np.log(sums["wis"] / sums["wis_without"]).mean()))
            of = f"holidays/{name}/{statistic}/{days}"
            yield figure(f"{of}/wis", ratio, "ratio to without holidays", 1.0)
            log = float(rows["wis_log"].sum() / rows["wis_log_without"].sum())
            yield figure(f"{of}/wis_log", log, "ratio to without holidays", 1.0)


def compared(name: str, statistic: str, date: pd.Timestamp) -> Iterator[pd.DataFrame]:
    """Each country's scores with and without holidays, a row a day after `date`."""
    codes = {country: code for code, country in holiday_countries().items()}
    tasks = list(europe_by_day(statistic, [date]))
    known = [replace(task, series=task.series.with_holidays(codes[task.series.region])) for task in tasks]
    both = zip(known, forecast_all(name, known), forecast_all(name, tasks), strict=True)
    for task, table, without in both:
        yield pd.DataFrame(
            {
                "country": task.series.region,
                "ago": days_since_holiday(task.series.holidays, task.series.frequency.after(_last(task), DAYS_AHEAD)),
                **_scores(task.came, table),
                **{f"{kind}_without": score for kind, score in _scores(task.came, without).items()},
            }
        )


def _last(task: Earlier) -> pd.Timestamp:
    """The last date that was published."""
    return task.series.origin + pd.Timedelta(days=task.gap)


def _scores(came: np.ndarray, table: np.ndarray) -> dict[str, np.ndarray]:
    came = np.maximum(came, 0.0)
    return {
        "wis": weighted_interval_score(table, came),
        "wis_log": weighted_interval_score(np.log1p(table), np.log1p(came)),
    }
