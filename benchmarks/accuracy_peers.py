"""statsforecast's automatic models on the series that have nothing in common; writes `results/accuracy_peers.csv`.

Needs `benchmarks/requirements.txt`. AutoETS, AutoTheta and the seasonal naive of every series that `accuracy` takes, AutoARIMA of
the yearly and quarterly ones (others take it hours); of weekly series without a season, which none of them can take.
The file has a row a set, series and model with its MASE. Printed is each model's mean; the reference is the best one's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks._development_sets import COMPETITION, development_sets
from benchmarks._figure import Figure, figure
from benchmarks.accuracy import PEERS
from forecasting.data.columns import REGION

#: The longest season that the automatic models are given.
LONGEST_SEASON = 24
WITH_ARIMA = ("yearly", "quarterly")


def run() -> Iterator[Figure]:
    found = pd.concat([_scored(name) for name in COMPETITION])
    found.round({"mase": 6}).to_csv(PEERS, index=False)
    means = found.groupby(["set", "model"])["mase"].mean()
    for (name, peer), value in means.items():
        yield figure(f"accuracy_peers/{name}/{peer}", value, "MASE", means[name].min())


def _scored(name: str) -> pd.DataFrame:
    one = development_sets()[name]
    assert one.scales is not None
    tasks, scales = one.tasks(), one.scales()
    rows = []
    for task in tasks:
        for peer, said in _peers(name, task.series.values.astype(float), len(task.came)).items():
            rows.append((name, task.region, peer, np.abs(said - task.came).mean() / scales[task.region]))
    return pd.DataFrame(rows, columns=["set", REGION, "model", "mase"])


def _peers(name: str, values: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    from statsforecast.models import AutoARIMA, AutoETS, AutoTheta, SeasonalNaive

    season = COMPETITION[name][0]
    short = season if season <= LONGEST_SEASON else 1
    peers = {
        "AutoETS": AutoETS(season_length=short),
        "AutoTheta": AutoTheta(season_length=short),
        "SeasonalNaive": SeasonalNaive(season_length=season),
    }
    if name in WITH_ARIMA:
        peers["AutoARIMA"] = AutoARIMA(season_length=short)
    return {peer: np.asarray(chosen.forecast(y=values, h=steps)["mean"]) for peer, chosen in peers.items()}
