"""Submissions: what a team sends a forecast hub of the US CDC in one week, and what it says of its model once.

Rules are those of each hub's `hub-config/tasks.json` and of FluSight's `model-output/README.md`; `SubmissionRules.version` says of
which season. A hub's own checks (hubValidations) have the last word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.joint_futures import joint_futures
from forecasting.data.kind import COUNT
from forecasting.data.us_states import NATION, STATES, hub_locations
from forecasting.export.hub_rules import COLUMNS, HORIZONS, WEEK
from forecasting.support.errors import RequestError

#: Territories of which no hub takes forecasts; Puerto Rico's are taken.
_NOT_TAKEN = {"AS", "GU", "MP", "UM", "VI"}
#: The hubs' locations with their names: the nation, 50 states, the District of Columbia and Puerto Rico.
PLACES = {
    code: name
    for name, code in hub_locations(
        [NATION, *(name for code, name in STATES.items() if code not in _NOT_TAKEN)]
    ).items()
}
#: What a team's or a model's abbreviation may consist of.
_ABBREVIATION = re.compile(r"[A-Za-z0-9_]+")
#: Categories of a change, as FluSight writes them, from the largest fall to the largest rise.
CATEGORIES = ("large_decrease", "decrease", "stable", "increase", "large_increase")
#: Admissions by which two weeks must differ, or else the change is stable whatever the rate is.
LEAST_CHANGE = 10
#: People that a rate is of.
RATE_OF = 100_000


@dataclass(frozen=True)
class RateChange:
    """FluSight's categories of the change from the week before the reference date, at horizons 0 to 3.

    Attributes:
        target: what the hub calls them.
        stable: admissions per 100,000 people below which a change is stable, by horizon.
        large: those from which it is large, by horizon.
    """

    target: str
    stable: tuple[float, ...]
    large: tuple[float, ...]


@dataclass(frozen=True)
class SubmissionRules:
    """What one hub takes.

    Attributes:
        version: which rules these are, for people.
        most_letters: of the abbreviation of a team, and of a model.
        whole_numbers: whether counts should be whole.
        rate_change: categories of change that it takes, too; None for none.
    """

    version: str
    most_letters: int
    whole_numbers: bool = False
    rate_change: RateChange | None = None


#: The hubs by their short names.
RULES = {
    "covid": SubmissionRules("COVID-19 Forecast Hub, tasks.json of June 2025 (hubverse schema 5.0.0)", 21),
    "flu": SubmissionRules(
        "FluSight, README and model-output/README.md of the season 2024-25",
        15,
        whole_numbers=True,
        rate_change=RateChange("wk flu hosp rate change", stable=(1.0, 1.0, 2.0, 2.5), large=(2.0, 3.0, 4.0, 5.0)),
    ),
    "rsv": SubmissionRules("RSV Forecast Hub, tasks.json of the season 2025-26 (hubverse schema 5.0.0)", 21),
}


def check_abbreviation(what: str, given: str, rules: SubmissionRules) -> None:
    """Raises `RequestError` for a team's or model's name that the hub's file names cannot have."""
    if not _ABBREVIATION.fullmatch(given) or len(given) > rules.most_letters:
        raise RequestError(
            f"{what} is '{given}'; a hub takes letters, digits and _, {rules.most_letters} of them at most."
        )


def file_name(reference: pd.Timestamp, team: str, model: str) -> str:
    """The name of a week's file, ``"2026-01-17-Team-model.csv"``."""
    return f"{reference:%Y-%m-%d}-{team}-{model}.csv"


def rate_change_probabilities(
    forecast: Forecast, last: float, skipped: int, people: int, change: RateChange
) -> np.ndarray:
    """The chance of each of `CATEGORIES` at each of the hub's horizons, shape (horizons, categories); rows sum to 1.

    Args:
        forecast: of weekly counts, whose step `skipped` + 1 is the reference date's week, with all of the hub's horizons.
        last: the count of the week before the forecast.
        skipped: steps before the reference date's week; the last of them is then the week that changes count from.
        people: who live there.
        change: the categories' thresholds.
    """
    futures = joint_futures(forecast, COUNT)
    before = futures[:, skipped - 1] if skipped else np.full(len(futures), last)
    rows = []
    for step in HORIZONS:
        counts = futures[:, skipped + step] - before
        rates = np.abs(counts) * RATE_OF / people
        stable = (rates < change.stable[step]) | (np.abs(counts) < LEAST_CHANGE)
        size = np.where(stable, 0, np.where(rates >= change.large[step], 2, 1)) * np.sign(counts).astype(int)
        rows.append(np.bincount(size + 2, minlength=len(CATEGORIES)) / len(futures))
    return np.array(rows)


def rate_change_rows(
    probabilities: Mapping[str, np.ndarray], reference: pd.Timestamp, change: RateChange
) -> pd.DataFrame:
    """The rows of categories in the hub's format, from `rate_change_probabilities` by location."""
    rows = [
        (reference, change.target, step, reference + step * WEEK, location, "pmf", category, float(chance))
        for location, table in probabilities.items()
        for step, chances in zip(HORIZONS, table, strict=True)
        for category, chance in zip(CATEGORIES, chances, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def with_whole_counts(table: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    """The table in the hub's format with quantiles of `targets` rounded to whole numbers."""
    counts = table["target"].isin(list(targets)) & (table["output_type"] == "quantile")
    return table.assign(value=table["value"].where(~counts, table["value"].round()))


def metadata_text(team: str, model: str, label: str, method: str, data: str, is_ensemble: bool) -> str:
    """The model's metadata file (YAML) with what the program knows; what only the team knows is empty, each with a comment."""
    known: dict[str, object] = {
        "team_name": team,
        "team_abbr": team,
        "model_name": label,
        "model_abbr": model,
        "license": "CC-BY-4.0",
        "designated_model": True,
        "data_inputs": data,
        "methods": method if len(method) <= 200 else f"{method[:199]}…",
        "methods_long": method,
        "ensemble_of_models": is_ensemble,
        "ensemble_of_hub_models": False,
    }
    lines = [
        "# Fill in who you are before the first submission; the hub's checks refuse an empty name or address.",
        "model_contributors:",
        '  - name: ""',
        '    affiliation: ""',
        '    email: ""',
        *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in known.items()),
    ]
    return "\n".join(lines) + "\n"
