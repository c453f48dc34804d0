"""Development scores on Methods: every model's error on the sets that models are chosen by, as a table and in sentences.

The figures are those that ``python -m benchmarks accuracy > benchmarks/results/accuracy.jsonl`` wrote.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd

from forecasting.models import model, models

#: The file that the benchmark's last run was kept in: one JSON object a line.
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "accuracy.jsonl"
#: The measure that a set is judged by: MASE over the best of statsforecast's models where that is known, else WIS on log1p.
MEASURES = ("mase", "wis_log")
#: The model that repeats, which the others are to beat.
BASELINE = "naive"


def development_errors(path: Path = RESULTS) -> pd.DataFrame:
    """Columns ``set, model, error, held_50, held_95``: the error over the set's reference, and shares; our models only."""
    figures = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    cells = dict[tuple[str, str], dict[str, dict[str, float]]]()
    for one in figures:
        parts = one["name"].split("/")[1:]
        if len(parts) == 3 and parts[1] in models():
            cells.setdefault((parts[0], parts[1]), {})[parts[2]] = one
    rows = []
    for (name, by), cell in cells.items():
        measure = next((one for one in MEASURES if one in cell), None)
        if measure:
            held = [cell[f"held_{percent}"]["value"] for percent in (50, 95)]
            rows.append((name, by, cell[measure]["ratio"], *held))
    return pd.DataFrame(rows, columns=["set", "model", "error", "held_50", "held_95"])


@cache
def error_table(path: Path = RESULTS) -> pd.DataFrame:
    """A row a set and a column a model, best on most sets first; NaN where a model was not run. Cached by file: change a copy."""
    rows = development_errors(path)
    wide = rows.pivot(index="set", columns="model", values="error").reindex(rows["set"].unique())
    order = wide.rank(axis=1).mean().sort_values().index
    return (
        wide[order]
        .rename(columns=lambda name: model(name).label)
        .rename_axis("Set")
        .reset_index()
        .rename_axis(None, axis=1)
    )


@cache
def strength_sentences(path: Path = RESULTS) -> tuple[str, ...]:
    """A sentence a model: the sets that it did best and worst on beside the other models, and whether it ever beat no change.

    Cached by file.
    """
    rows = development_errors(path)
    rows["beside"] = rows["error"] / rows.groupby("set")["error"].transform("min")
    repeating = rows[rows["model"] == BASELINE].set_index("set")["error"]
    found = []
    for name in (one for one in models() if one in set(rows["model"]) - {BASELINE}):
        own = rows[rows["model"] == name].sort_values("beside")
        best, worst = own.iloc[0], own.iloc[-1]
        sentence = (
            f"**{model(name).label}**: best beside the others on {best['set']} ({_beside(best['beside'])}), "
            f"worst on {worst['set']} ({_beside(worst['beside'])})"
        )
        beaten = int((own["error"].to_numpy() < own["set"].map(repeating).to_numpy()).sum())
        lost = "it never beat no change" if not beaten else f"it beat no change on {beaten} of {len(own)} sets"
        found.append(f"{sentence}; {lost}.")
    return tuple(found)


def _beside(ratio: float) -> str:
    return "the lowest error of all" if ratio <= 1 else f"{100 * (ratio - 1):.0f} % above the lowest error"
