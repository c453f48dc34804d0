"""Pool: the figures of every region of a panel on one grid of dates, for models that learn from all regions at once.

The app's process handles `PoolSpec`s, which are quickly made and have a key; only a supervising thread makes a
`Pool` of one, right before a worker needs it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency, frequency_of_alias
from forecasting.data.kind import COUNT, KINDS, Kind
from forecasting.data.panel import UNREPORTED_ZEROS
from forecasting.support.caching import lazy
from forecasting.support.errors import DataError

if TYPE_CHECKING:
    pass

#: Earlier vintages that come with a pool; fewer where each is large.
MOST_SNAPSHOTS = 60
#: Figures in all earlier vintages of a pool together.
MOST_FIGURES = 10_000_000


@dataclass(frozen=True)
class Snapshot:
    """A pool's figures as they had been published earlier.

    Attributes:
        date: when.
        values: shape (periods, regions), beginning with the pool's first period; NaN where nothing was published.
    """

    date: pd.Timestamp
    values: np.ndarray


@dataclass(frozen=True)
class Pool:
    """The figures of many regions as they were published, on one regular grid of dates. What a worker sees.

    Attributes:
        frequency: the spacing of the grid.
        start: its first date.
        regions: their names; those without any figure are left out, and of many (`MOST_REGIONS`) those of another size.
        values: shape (periods, regions), NaN where nothing was published; running totals if `reported_cumulative`.
        reported_cumulative: as of `Statistic`.
        provisional_from: what `prepare.incomplete_from` gives: for each last date, from when on figures are incomplete.
        spans: for each region the rows from its first published date to behind its last, figures or not.
        window: of each prepared series the last so many periods are used; all without it.
        snapshots: the last vintages before the present one, oldest first; empty without vintages.
        covariates: what else is known of the same periods and regions, by name: shape (periods, regions) each, as it
            was published, NaN where nothing was.
        holidays: the code of the country whose holidays are used, if any.
        kind: what the figures are.
        zeros_at_end: as of `Statistic`.
        others: the pools of the panel's other statistics of the same kind and frequency, which have no others themselves.
    """

    frequency: Frequency
    start: pd.Timestamp
    regions: tuple[str, ...]
    values: np.ndarray
    reported_cumulative: bool
    provisional_from: dict[pd.Timestamp, pd.Timestamp]
    spans: tuple[tuple[int, int], ...]
    window: int | None = None
    snapshots: tuple[Snapshot, ...] = ()
    covariates: dict[str, np.ndarray] = field(default_factory=dict)
    holidays: str = ""
    kind: Kind = COUNT
    zeros_at_end: str = UNREPORTED_ZEROS
    others: tuple[Pool, ...] = ()

    @lazy
    def dates(self) -> pd.DatetimeIndex:
        """The dates of the rows of `values`."""
        return self.frequency.grid(self.start, len(self.values))

    def to_json(self) -> dict[str, Any]:
        """For a worker process, exact to the last digit; the tables as bytes, which are far quicker to read than digits."""
        return {
            "frequency": self.frequency.alias,
            "start": self.start.isoformat(),
            "regions": list(self.regions),
            "values": _packed(self.values),
            "reported_cumulative": self.reported_cumulative,
            "provisional_from": [[a.isoformat(), b.isoformat()] for a, b in self.provisional_from.items()],
            "spans": [list(span) for span in self.spans],
            "window": self.window,
            "snapshots": [[one.date.isoformat(), _packed(one.values)] for one in self.snapshots],
            "covariates": {name: _packed(table) for name, table in self.covariates.items()},
            "holidays": self.holidays,
            "kind": self.kind.name,
            "zeros_at_end": self.zeros_at_end,
            "others": [one.to_json() for one in self.others],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Pool:
        """The inverse of `to_json`. Raises `DataError` for tables of the wrong size."""
        regions = tuple(data["regions"])
        spans = tuple((int(first), int(end)) for first, end in data["spans"])
        if len(spans) != len(regions):
            raise DataError(f"A pool of {len(regions)} regions has {len(spans)} spans.")
        values = _unpacked(data["values"], len(regions))
        covariates = {name: _unpacked(table, len(regions)) for name, table in data["covariates"].items()}
        for name, table in covariates.items():
            if len(table) != len(values):
                raise DataError(f"A pool of {len(values)} periods has {len(table)} of the covariate '{name}'.")
        return Pool(
            frequency_of_alias(data["frequency"]),
            pd.Timestamp(data["start"]),
            regions,
            values,
            bool(data["reported_cumulative"]),
            {pd.Timestamp(end): pd.Timestamp(start) for end, start in data["provisional_from"]},
            spans,
            data["window"],
            tuple(Snapshot(pd.Timestamp(at), _unpacked(table, len(regions))) for at, table in data["snapshots"]),
            covariates,
            data["holidays"],
            KINDS[data["kind"]],
            data["zeros_at_end"],
            tuple(Pool.from_json(one) for one in data["others"]),
        )


def _packed(table: np.ndarray) -> list[Any]:
    """The number of rows and the figures, little-endian."""
    return [len(table), base64.b64encode(np.ascontiguousarray(table, dtype="<f8").tobytes()).decode()]


def _unpacked(packed: list[Any], columns: int) -> np.ndarray:
    rows, content = int(packed[0]), base64.b64decode(packed[1])
    if rows < 0 or len(content) != 8 * rows * columns:
        raise DataError(f"A table of {rows} × {columns} figures has {len(content)} bytes.")
    return np.frombuffer(content, dtype="<f8").reshape(rows, columns).astype(float)
