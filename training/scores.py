"""Scores of the shipped weights on public figures that it has not learned from: competitions' series and two epidemics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.kind import AMOUNT, COUNT
from forecasting.data.series import Series
from forecasting.models.predictive import from_quantiles
from forecasting.models.pretrained import Pretrained, quantiles_of_many

LEVELS = np.array(QUANTILES)
#: The tables of competitions: name, frequency, second season.
COMPETITIONS = (
    ("yearly", "12M1", 0),
    ("quarterly", "QS-JAN", 0),
    ("monthly", "MS", 0),
    ("weekly", "W-SAT", 0),
    ("hourly", "h", 168),
)
#: Folders of epidemics, each as a hub saw it, and steps that the hub asks for.
HUBS, HUB_STEPS = ("flu-dev", "hub-dev"), 4
#: Days that a season of influenza is after the year that it is called by.
SEASON_START = pd.Timedelta(days=182)


def pinball(quantiles: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The weighted interval score as the mean pinball loss; the last axis of `quantiles` goes."""
    error = truth[..., None] - quantiles
    return 2 * np.maximum(LEVELS * error, (LEVELS - 1) * error).mean(-1)


def held(quantiles: np.ndarray, truth: np.ndarray, share: float) -> float:
    """How many outcomes lie within the central band of such a share."""
    low, high = (int(np.argmin(np.abs(LEVELS - level))) for level in ((1 - share) / 2, (1 + share) / 2))
    return float(((truth >= quantiles[..., low]) & (truth <= quantiles[..., high])).mean())


def competition_scores(folder: Path) -> pd.DataFrame:
    """MASE, sMAPE, the scaled WIS, and what the bands of single periods and of totals hold; a row a table."""
    rows = []
    for name, alias, second in COMPETITIONS:
        season = frequency_of_alias(alias).season
        known, truth = (
            [
                group["value"].to_numpy(float)
                for _, group in pd.read_csv(folder / f"{name}{part}.csv.gz").groupby("region")
            ]
            for part in ("", ".truth")
        )
        came = np.stack(truth)
        quantiles = quantiles_of_many(known, season, came.shape[1], AMOUNT, second)
        totals = np.stack([_total(*pair, alias) for pair in zip(known, quantiles, strict=True)])
        naive = [np.abs(v[season:] - v[:-season] if len(v) > season else np.diff(v)).mean() for v in known]
        scale = np.where(np.array(naive) > 0, naive, np.nan)
        error = np.abs(came - quantiles[..., MEDIAN])
        rows.append(
            {
                "table": name,
                "mase": np.nanmean(error.mean(1) / scale),
                "smape": np.nanmean(200 * error / (np.abs(came) + np.abs(quantiles[..., MEDIAN]))),
                "wis": np.nanmean(pinball(quantiles, came).mean(1) / scale),
                "coverage_50": held(quantiles, came, 0.5),
                "coverage_95": held(quantiles, came, 0.95),
                "total_50": held(totals, came.sum(1), 0.5),
                "total_95": held(totals, came.sum(1), 0.95),
            }
        )
    return pd.DataFrame(rows).set_index("table")


def _total(figures: np.ndarray, quantiles: np.ndarray, alias: str) -> np.ndarray:
    """The quantiles of the sum of all steps."""
    series = Series(pd.Timestamp("2000-01-01"), frequency_of_alias(alias), figures, kind=AMOUNT)
    return from_quantiles(Pretrained(), series, quantiles).totals[-1]


def hub_scores(folder: Path) -> pd.DataFrame:
    """The mean WIS over that of the hub's baseline, on logs and as it is, and coverage; a row a season of the disease."""
    vintages = pd.read_csv(folder / "vintages.csv.gz", parse_dates=["as_of", "date"], dtype={"region": str})
    truth = pd.read_csv(folder / "truth.csv.gz", parse_dates=["date"], dtype={"region": str})
    came = truth.set_index(["region", "date"])["value"]
    published = pd.read_parquet(folder / "forecasts.parquet").astype({"model": str, "region": str})
    baseline = published[published["model"].str.endswith("-baseline")]
    key = ["reference_date", "region", "horizon"]
    theirs = baseline.sort_values([*key, "quantile"]).groupby(key)["value"].apply(np.array)
    ours = pd.concat([_hub_forecasts(vintages, date) for date in sorted(baseline["reference_date"].unique())])
    cells = ours.join(theirs.rename("theirs"), how="inner").reset_index()
    dates = cells["reference_date"] + pd.to_timedelta(7 * cells["horizon"].astype(int), unit="D")
    cells["truth"] = came.reindex(pd.MultiIndex.from_arrays([cells["region"], dates])).to_numpy()
    cells = cells.dropna(subset="truth")
    rows = {}
    for season, group in cells.groupby((cells["reference_date"] - SEASON_START).dt.year):
        mine, base = (np.stack(group[name].to_list()).clip(0) for name in ("ours", "theirs"))
        outcome = group["truth"].to_numpy()
        rows[f"{folder.name} {season}"] = {
            "wis_log": pinball(np.log1p(mine), np.log1p(outcome)).mean()
            / pinball(np.log1p(base), np.log1p(outcome)).mean(),
            "wis": pinball(mine, outcome).mean() / pinball(base, outcome).mean(),
            "coverage_50": held(mine, outcome, 0.5),
            "coverage_95": held(mine, outcome, 0.95),
            "cells": len(group),
        }
    return pd.DataFrame(rows).T


def _hub_forecasts(vintages: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """Forecasts from the newest table before a reference date: a row a region and horizon with its quantiles."""
    known = vintages[vintages["as_of"] == vintages.loc[vintages["as_of"] < date, "as_of"].max()]
    table = known[known["date"] < date].pivot_table(index="date", columns="region", values="value").asfreq("7D").ffill()
    regions = [region for region in table if table[region].notna().sum() >= 2]
    if not regions:
        return pd.DataFrame()
    gap = max((date - table.index[-1]).days // 7, 1)
    histories = [table[region].dropna().to_numpy(float) for region in regions]
    quantiles = quantiles_of_many(histories, 52, gap + HUB_STEPS - 1, COUNT)[:, gap - 1 :]
    index = pd.MultiIndex.from_product(
        [[date], regions, range(HUB_STEPS)], names=["reference_date", "region", "horizon"]
    )
    return pd.DataFrame({"ours": [*quantiles.reshape(-1, len(QUANTILES))]}, index=index)


def print_scores(data: Path) -> None:
    """Print all scores of the weights in the folder of models."""
    with pd.option_context("display.width", 200, "display.float_format", "{:.3f}".format):
        print(competition_scores(data / "m-dev"))
        print(pd.concat([hub_scores(data / name) for name in HUBS]))
