"""Stress test results on Methods: how many series each model passed, as tables and in sentences.

The figures are those that ``python -m benchmarks extremes > benchmarks/results/extremes.jsonl`` wrote; `forecasting.evaluation.stress_tests` says
what each shock demands.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd

from forecasting.evaluation.shocks import shocks
from forecasting.models import model, models

#: The file that the benchmark's last run was kept in: one JSON object a line.
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "extremes.jsonl"
#: The share of series in which a model must do what a shock demands; with less it is said to fail.
REQUIRED_SHARE = 0.9
#: Series that a share needs: of fewer it says nothing.
LEAST_SERIES = 10
#: Measure -> how a sentence puts its failure.
FAILURES = {
    "reacted": "did what it demands in less than nine of ten series",
    "widened": "widened the bands in less than nine of ten series",
}


def pass_shares(path: Path = RESULTS) -> pd.DataFrame:
    """Columns ``model, shock, measure, value``; `measure` is ``reacted``, ``sound`` or ``widened``, `value` a share."""
    names = [(name.split("/"), value) for name, value in _figures(path).items() if name.count("/") == 2]
    rows = [(*parts, value) for parts, value in names if parts[2] in ("reacted", "sound", "widened")]
    return pd.DataFrame(rows, columns=["model", "shock", "measure", "value"])


@cache
def pass_table(measure: str, path: Path = RESULTS) -> pd.DataFrame:
    """Percent of the series, a row a model and a column a shock, which says in how many series a model saw it.

    Shocks that `LEAST_SERIES` series only have let a model see are left out. Cached by file: change a copy.
    """
    seen = {shock: round(_figures(path)[f"{shock}/judged"]) for shock in shocks()}
    judged = {shock: count for shock, count in seen.items() if count >= LEAST_SERIES}
    rows = pass_shares(path)
    wide = rows[rows["measure"] == measure].pivot(index="model", columns="shock", values="value")
    wide = wide.loc[[name for name in models() if name in wide.index], [name for name in judged if name in wide]]
    named = wide.rename(index=lambda name: model(name).label, columns=lambda s: f"{shocks()[s].label} ({judged[s]})")
    return (100 * named).rename_axis("Model").reset_index().rename_axis(None, axis=1)


@cache
def failure_sentences(path: Path = RESULTS) -> tuple[str, ...]:
    """Sentences on which shocks never reach a model, and which models fail at which. Cached by file."""
    figures, found = _figures(path), []
    for name, shock in shocks().items():
        aside = figures[f"{name}/set_aside"]
        if aside > 0.5 and not shock.seen_or_not:
            found.append(
                f"**{shock.label}**: in {100 * aside:.0f} % of the series the preparation takes it for missing reports and "
                "sets it aside, so forecasts go on as if the last figures had not come"
                + ("; too few are left for a share." if figures[f"{name}/judged"] < LEAST_SERIES else ".")
            )
    rows = pass_shares(path)
    for name, shock in shocks().items():
        for measure, words in FAILURES.items():
            if figures[f"{name}/judged"] >= LEAST_SERIES and (failed := _failing(rows, name, measure)):
                found.append(f"**{shock.label}**: {failed} {words}.")
    unsound = _listed(rows[(rows["shock"] == "all") & (rows["measure"] == "sound") & (rows["value"] < 1)])
    return (*found, f"Not always finite, in order and above zero: {unsound}." if unsound else _ALL_SOUND)


_ALL_SOUND = "Every quantile of every forecast stayed finite, in order and not below zero."


def _failing(rows: pd.DataFrame, shock: str, measure: str) -> str:
    return _listed(rows[(rows["shock"] == shock) & (rows["measure"] == measure) & (rows["value"] < REQUIRED_SHARE)])


def _listed(rows: pd.DataFrame) -> str:
    """The models with their shares, the worst first."""
    worst = rows.sort_values("value")
    return ", ".join(f"{model(row.model).label} ({100 * row.value:.0f} %)" for row in worst.itertuples())


def _figures(path: Path) -> dict[str, float]:
    """Every figure by its name without the benchmark's."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {row["name"].removeprefix("extremes/"): row["value"] for row in rows}
