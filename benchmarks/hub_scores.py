"""Five published models' WIS over CovidHub-baseline's, as `score` reckons it, against the figures of hub-dev's README.

For each model the number of cells (reference date, region, horizon) that it and the baseline forecast, and the ratio of
mean scores on them, for log1p of the counts and for the counts; `reference` is what the README says. Anything but a
`ratio` of 1 is an error of the scorer. The figures are beside the project; FORECAST_TEST_DATA says where, if elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks._data import real
from benchmarks._figure import Figure
from forecasting.data.columns import MODEL, REGION, STATISTIC
from forecasting.evaluation.forecast_tables import score_forecasts, summarise_scores
from forecasting.tables.forecast_file import read_forecasts, read_truth

BASELINE = "CovidHub-baseline"
#: Model -> cells, ratio on the log1p scale, ratio on the natural scale.
PUBLISHED = {
    "UGA_flucast-INFLAenza": (3180, 0.578, 0.755),
    "CovidHub-ensemble": (6572, 0.665, 0.712),
    "CMU-TimeSeries": (6360, 0.763, 1.038),
    "UMass-ar6_pooled": (6320, 0.774, 0.844),
    BASELINE: (6572, 1.0, 1.0),
}


def run() -> Iterator[Figure]:
    found = scored(real("hub-dev"))
    for name, (cells, log1p, natural) in PUBLISHED.items():
        yield figure(f"{name}/cells", found[name][0], "cells", cells)
        yield figure(f"{name}/log1p", found[name][1], "ratio of mean WIS", log1p)
        yield figure(f"{name}/natural", found[name][2], "ratio of mean WIS", natural)


def scored(folder: Path) -> dict[str, tuple[int, float, float]]:
    """As `PUBLISHED`, from the files in `folder`."""
    truth = read_truth(folder / "truth.csv.gz").drop(columns=STATISTIC)
    forecasts = read_forecasts(folder / "forecasts.parquet", regions=truth[REGION].unique())
    summary = summarise_scores(score_forecasts(forecasts, truth), BASELINE).set_index(MODEL)
    columns = ["common_cells", "relative_wis_log", "relative_wis"]
    return {str(name): tuple(row) for name, row in zip(summary.index, summary[columns].to_numpy(), strict=True)}


def figure(name: str, value: float, unit: str, reference: float) -> Figure:
    value = round(float(value), 3)
    return {
        "name": f"hub_scores/{name}",
        "value": value,
        "unit": unit,
        "reference": reference,
        "ratio": round(value / reference, 4),
    }
