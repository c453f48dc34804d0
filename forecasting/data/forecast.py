"""Forecast: the quantiles that a model gives for the dates after a series' origin, and their tidy table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.data.columns import FORECASTS
from forecasting.data.frequency import Frequency, frequency_of_alias
from forecasting.support.caching import lazy

if TYPE_CHECKING:
    pass

#: The 23 levels of the US forecast hubs.
QUANTILES: tuple[float, ...] = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99)
MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True)
class Forecast:
    """Quantiles of the counts after a series' origin.

    Attributes:
        model: the registry name, e.g. ``"sarima"``.
        method: what exactly was fitted, for a person, e.g. ``"SARIMA (0,1,1)(0,1,1)[7] on the cube root"``.
        origin: the last date of data used.
        frequency: the spacing of the horizons.
        values: shape (horizon, 23), counts per period; never negative, non-decreasing along the quantiles.
        totals: shape (horizon, 23), counts since the origin, summed along each possible future.
        means: shape (horizon, 23), the mean over the last season (7 days for daily counts) up to that date, past
            values included; equals `values` where there is no season.
        notes: sentences for the person (a simpler model stood in, a doubtful fit).
        fitted: what `Model.extend` goes on from, as plain JSON: parameters, scale, and up to which date they were
            fitted; empty where there is nothing to go on from.
    """

    model: str
    method: str
    origin: pd.Timestamp
    frequency: Frequency
    values: np.ndarray
    totals: np.ndarray
    means: np.ndarray
    notes: tuple[str, ...] = ()
    fitted: dict[str, Any] = field(default_factory=dict)

    @property
    def horizon(self) -> int:
        """Number of steps ahead."""
        return len(self.values)

    @lazy
    def dates(self) -> pd.DatetimeIndex:
        """Dates of the forecast periods."""
        return self.frequency.after(self.origin, self.horizon)

    @property
    def is_finite(self) -> bool:
        """Whether every quantile is a number, neither NaN nor infinite; otherwise it is no forecast."""
        return all(bool(np.isfinite(table).all()) for table in (self.values, self.totals, self.means))

    @property
    def median(self) -> np.ndarray:
        """Shape (horizon,): the 0.5 quantile of each period."""
        return self.values[:, MEDIAN]

    def cumulative(self, before: float) -> np.ndarray:
        """Shape (horizon, 23): quantiles of the running total, `before` being the total at the origin."""
        return before + self.totals

    def first(self, steps: int) -> Forecast:
        """The forecast of its first `steps` periods; itself where it has no more."""
        if steps >= self.horizon:
            return self
        return replace(self, values=self.values[:steps], totals=self.totals[:steps], means=self.means[:steps])

    def table(self, region: str, cumulative_from: float | None = None) -> pd.DataFrame:
        """The forecast as a tidy table: one row a horizon and quantile, `horizon` * 23 in all.

        With `cumulative_from` (the running total at the origin) the values are running totals.
        """
        return stack_forecasts([(region, self, cumulative_from)])

    def to_json(self) -> dict[str, Any]:
        """The forecast as plain lists for JSON, exact to the last digit."""
        return {
            "model": self.model,
            "method": self.method,
            "origin": self.origin.isoformat(),
            "frequency": self.frequency.alias,
            "values": self.values.tolist(),
            "totals": self.totals.tolist(),
            "means": self.means.tolist(),
            "notes": list(self.notes),
            "fitted": self.fitted,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Forecast:
        """The inverse of `to_json`."""
        return Forecast(
            data["model"],
            data["method"],
            pd.Timestamp(data["origin"]),
            frequency_of_alias(data["frequency"]),
            np.asarray(data["values"], dtype=float),
            np.asarray(data["totals"], dtype=float),
            np.asarray(data["means"], dtype=float),
            tuple(data["notes"]),
            data.get("fitted", {}),
        )


def stack_forecasts(forecasts: Sequence[tuple[str, Forecast, float | None]]) -> pd.DataFrame:
    """Stack forecasts of several regions into one tidy table: one row a forecast, horizon and quantile.

    Each forecast comes with its region and, where running totals are asked for, the total at its origin.
    """
    if not forecasts:
        return pd.DataFrame(columns=list(FORECASTS))
    regions, said, before = zip(*forecasts, strict=True)
    rows = [one.horizon * len(QUANTILES) for one in said]
    values = [one.values if total is None else one.cumulative(total) for one, total in zip(said, before, strict=True)]
    dates, steps = dict[Hashable, np.ndarray](), dict[int, np.ndarray]()
    for one in said:
        when = (one.origin, one.frequency, one.horizon)
        if when not in dates:
            dates[when] = np.repeat(one.dates.to_numpy(), len(QUANTILES))
        if one.horizon not in steps:
            steps[one.horizon] = np.repeat(np.arange(1, one.horizon + 1), len(QUANTILES))
    return pd.DataFrame(
        {
            "region": _repeated(regions, rows),
            "model": _repeated([one.model for one in said], rows),
            "origin": np.repeat(np.array([one.origin.to_datetime64() for one in said]), rows),
            "horizon": np.concatenate([steps[one.horizon] for one in said]),
            "date": np.concatenate([dates[one.origin, one.frequency, one.horizon] for one in said]),
            "quantile": np.tile(QUANTILES, sum(rows) // len(QUANTILES)),
            "value": np.concatenate([one.ravel() for one in values]),
        }
    )[list(FORECASTS)]


def _repeated(texts: Sequence[str], times: Sequence[int]) -> Any:
    """A column of texts, each so many times: to find out that a column holds texts takes long, so it is done before they are repeated."""
    return pd.Series(np.array(texts, dtype=object)).array.take(np.repeat(np.arange(len(texts)), times))
