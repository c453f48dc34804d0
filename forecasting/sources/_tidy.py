"""What reading a publisher's file yields: rows in the shape of `Panel.table`, and what was noticed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecasting.columns import DATE, PANEL, REGION, STATISTIC, VALUE


@dataclass(frozen=True)
class Tidy:
    """Rows ``region, statistic, date, value`` (see `Panel.table`), with `parents` and `notes` as in `Panel`."""

    table: pd.DataFrame
    parents: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def stacked(regions: Sequence[str], dates: pd.DatetimeIndex, values: np.ndarray, statistic: str) -> pd.DataFrame:
    """A wide table as tidy rows: `values` has a row a region and a column a date."""
    return pd.DataFrame(
        {
            REGION: np.repeat(np.asarray(regions, dtype=object), len(dates)),
            STATISTIC: statistic,
            DATE: np.tile(dates.to_numpy("datetime64[us]"), len(regions)),
            VALUE: values.astype(float).ravel(),
        }
    ).astype({REGION: "str", STATISTIC: "str"})[list(PANEL)]


def joined(parts: Sequence[Tidy]) -> Tidy:
    """Several tables of one publisher as one, sorted by region, statistic and date."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return Tidy(
        table.sort_values([REGION, STATISTIC, DATE], kind="stable", ignore_index=True),
        {child: parent for part in parts for child, parent in part.parents.items()},
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
