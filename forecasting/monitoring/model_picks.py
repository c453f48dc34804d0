"""Which model is picked how often, and where that has changed: from the table that `History.picks` gives."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

_SERIES = ["source", "statistic", "region"]


def counts(picks: pd.DataFrame) -> pd.DataFrame:
    """Of the present picks: ``model``, ``series`` it is picked for, their ``share`` (%), and the median ``relative_wis``."""
    present = picks.drop_duplicates(_SERIES)  # the newest come first
    found = (
        present.groupby("model").agg(series=("model", "size"), relative_wis=("relative_wis", "median")).reset_index()
    )
    found["share"] = 100 * found["series"] / max(len(present), 1)
    return found.sort_values(["series", "model"], ascending=[False, True], ignore_index=True)


def changes(picks: pd.DataFrame, since: datetime) -> pd.DataFrame:
    """Rows of the series that have had another model since then, the newest change first."""
    return picks[(picks["before"] != "") & (picks["first_picked"] >= since)].reset_index(drop=True)
