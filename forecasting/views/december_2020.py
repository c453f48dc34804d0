"""The December 2020 tables on Methods: cumulative totals flatter any model, growth does not.

Trained to 2020-11-30 and forecast to 2021-01-01, the six bundled countries. The figures that pages and the README show are
those that ``python -m benchmarks us_december_2020 > benchmarks/results/us_december_2020.jsonl`` wrote; a test compares them
with fresh ones.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd

from forecasting.models import model, models

#: The file that the benchmark's last run was kept in: one JSON object a line.
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "us_december_2020.jsonl"


def recorded_accuracies(path: Path = RESULTS) -> pd.DataFrame:
    """The benchmark's figures: ``region, model, measure, value``; `measure` is ``cumulative`` or ``growth``."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    names = pd.DataFrame([row["name"].split("/")[1:] for row in rows], columns=["region", "model", "measure"])
    return names.assign(value=[row["value"] for row in rows])


@cache
def accuracy_table(measure: str) -> pd.DataFrame:
    """One measure of the recorded accuracies in percent, a row a country and a column a model that was recorded.

    Cached: change a copy.
    """
    rows = recorded_accuracies()
    wide = rows[rows["measure"] == measure].pivot(index="region", columns="model", values="value")
    wide = wide[[name for name in models() if name in wide]].rename(columns=lambda name: model(name).label)
    return (100 * wide).rename_axis("Country").reset_index().rename_axis(None, axis=1)
