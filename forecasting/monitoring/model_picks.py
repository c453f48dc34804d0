"""Model picks: how often each model is picked, and where that has changed, from the table that `History.picks` returns."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

_SERIES = ["source", "statistic", "region"]


def pick_counts(picks: pd.DataFrame) -> pd.DataFrame:
    """Count the present picks by ``model``: the ``series`` that it is picked for, their ``share`` (%), and the median ``relative_wis``."""
    present = picks.drop_duplicates(_SERIES)  # the newest come first
    table = (
        present.groupby("model").agg(series=("model", "size"), relative_wis=("relative_wis", "median")).reset_index()
    )
    table["share"] = 100 * table["series"] / max(len(present), 1)
    return table.sort_values(["series", "model"], ascending=[False, True], ignore_index=True)


def pick_changes(picks: pd.DataFrame, since: datetime) -> pd.DataFrame:
    """Return the rows of series whose model has changed since then, the newest change first."""
    return picks[(picks["before"] != "") & (picks["first_picked"] >= since)].reset_index(drop=True)
