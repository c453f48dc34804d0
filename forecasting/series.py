"""Series: one region's regular counts, ready for a model. Forecast: what a model says of the dates after them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting import holidays
from forecasting.columns import FORECASTS
from forecasting.frequency import Frequency, of_alias
from forecasting.once import lazy

if TYPE_CHECKING:
    from forecasting.pool import PoolOf

#: The 23 levels of the US forecast hubs.
QUANTILES: tuple[float, ...] = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99)
MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True)
class Series:
    """Regular counts per period, prepared: no gap, no NaN, nothing negative.

    Attributes:
        start: the date of the first value.
        frequency: the spacing.
        values: float array of shape (n,), counts per period.
        before: the running total before `start` (0 where it is not known).
        cumulative: whether the person asked for running totals; models never see the difference.
        provisional: raw figures after the last value that were too doubtful to use, by date (empty if none).
        notes: what was repaired, in sentences.
        reported: the last figures as published, by date, where `values` hold what they are expected to become.
        doubt: of the last values, the newest last, those that are still uncertain: how far off they are expected to be
            on the log scale. A model sees it.
        region: whose counts they are, where they come from a panel.
        pool: all regions of that panel, as known at the same time, for models that learn from them.
        holidays: the code of the country whose holidays models may use, see `with_holidays`.
    """

    start: pd.Timestamp
    frequency: Frequency
    values: np.ndarray
    before: float = 0.0
    cumulative: bool = False
    provisional: pd.Series | None = None
    notes: tuple[str, ...] = ()
    reported: pd.Series | None = None
    doubt: tuple[float, ...] = ()
    region: str = ""
    pool: PoolOf | None = field(default=None, compare=False, repr=False)
    holidays: str = ""

    def __len__(self) -> int:
        return len(self.values)

    @lazy
    def dates(self) -> pd.DatetimeIndex:
        """The dates of the values."""
        return self.frequency.grid(self.start, len(self.values))

    @property
    def origin(self) -> pd.Timestamp:
        """The last date of data that a forecast uses."""
        return self.dates[-1]

    @property
    def season(self) -> int:
        """Periods in a season, or 1 where the series is shorter than two seasons."""
        return self.frequency.season if len(self.values) >= 2 * self.frequency.season else 1

    @property
    def total(self) -> float:
        """The running total up to and including the origin."""
        return float(self.before + self.values.sum())

    @lazy
    def published(self) -> np.ndarray:
        """Shape (n,): the values with the last ones as they were published, not as they are expected to become."""
        if self.reported is None:
            return self.values
        values = self.values.copy()
        values[self.dates.get_indexer(self.reported.index)] = self.reported.to_numpy()
        return values

    def as_published(self) -> Series:
        """The same series without corrections of its last values."""
        return replace(self, values=self.published, reported=None, doubt=())

    def until(self, date: pd.Timestamp) -> Series:
        """The part up to and including `date`."""
        kept = int(self.dates.searchsorted(date, side="right"))
        doubt = self.doubt[: max(len(self.doubt) - (len(self.values) - kept), 0)]
        reported = None if self.reported is None else _some(self.reported[self.reported.index <= date])
        return replace(self, values=self.values[:kept], provisional=None, reported=reported, doubt=doubt, pool=None)

    def tail(self, count: int) -> Series:
        """The last `count` periods, also of the pool; what came before is kept in `before`."""
        pool = self.pool and self.pool.tail(count)
        if count >= len(self.values):
            return replace(self, pool=pool) if pool else self
        cut = len(self.values) - count
        return replace(
            self,
            start=self.dates[cut],
            values=self.values[cut:],
            before=float(self.before + self.values[:cut].sum()),
            reported=None if self.reported is None else _some(self.reported[self.reported.index >= self.dates[cut]]),
            doubt=self.doubt[-count:],
            pool=pool,
        )

    @property
    def around(self) -> PoolOf | None:
        """The pool that it shares with other regions; None without any."""
        return self.pool and self.pool.around(self.region)

    def with_covariates(self, names: Sequence[str]) -> Series:
        """The same series, of whose pool these further columns of the panel are a part, too."""
        return replace(self, pool=replace(self.pool, covariates=tuple(names))) if self.pool and names else self

    def with_holidays(self, code: str) -> Series:
        """The same series, and its pool, with a country's public holidays, or with none if that is empty.

        Only counts of days have any use for them; all others stay as they are. Raises `RequestError` for an unknown code.
        """
        code = holidays.check(code) if code else ""
        if self.frequency.name != "daily" or code == self.holidays:
            return self
        return replace(self, holidays=code, pool=self.pool and replace(self.pool, holidays=code))

    def digest(self) -> str:
        """A name for what a model sees: equal for equal values, dates and frequency, wherever they came from."""
        return self._digest

    @lazy
    def _digest(self) -> str:
        what = hashlib.sha256(f"{self.start.isoformat()}|{self.frequency.alias}|".encode())
        what.update(np.ascontiguousarray(self.values, dtype="<f8").tobytes())
        if self.doubt:
            what.update(b"|doubt|" + np.asarray(self.doubt, dtype="<f8").tobytes())
        return what.hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """Only what a model sees, for another process."""
        seen = {"start": self.start.isoformat(), "frequency": self.frequency.alias, "values": self.values.tolist()}
        further = {"doubt": list(self.doubt), "holidays": self.holidays}
        return seen | {name: value for name, value in further.items() if value}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Series:
        """The inverse of `to_json`, to the last digit."""
        values, doubt = np.asarray(data["values"], dtype=float), tuple(data.get("doubt", ()))
        start, frequency = pd.Timestamp(data["start"]), of_alias(data["frequency"])
        return Series(start, frequency, values, doubt=doubt, holidays=data.get("holidays", ""))


def _some(figures: pd.Series) -> pd.Series | None:
    return None if figures.empty else figures


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
        """How many steps ahead it reaches."""
        return len(self.values)

    @lazy
    def dates(self) -> pd.DatetimeIndex:
        """The dates it speaks of."""
        return self.frequency.after(self.origin, self.horizon)

    @property
    def median(self) -> np.ndarray:
        """Shape (horizon,): the 0.5 quantile of each period."""
        return self.values[:, MEDIAN]

    def cumulative(self, before: float) -> np.ndarray:
        """Shape (horizon, 23): quantiles of the running total, `before` being the total at the origin."""
        return before + self.totals

    def table(self, region: str, cumulative_from: float | None = None) -> pd.DataFrame:
        """The forecasts table of CONTRACT: one row a horizon and quantile, `horizon` * 23 in all.

        With `cumulative_from` (the running total at the origin) the values are running totals.
        """
        return tables([(region, self, cumulative_from)])

    def to_json(self) -> dict[str, Any]:
        """Plain lists, exact to the last digit."""
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
            of_alias(data["frequency"]),
            np.asarray(data["values"], dtype=float),
            np.asarray(data["totals"], dtype=float),
            np.asarray(data["means"], dtype=float),
            tuple(data["notes"]),
            data.get("fitted", {}),
        )


def tables(forecasts: Sequence[tuple[str, Forecast, float | None]]) -> pd.DataFrame:
    """The forecasts table of CONTRACT: one row a forecast, horizon and quantile.

    Each forecast comes with its region and, where running totals are asked for, the total at its origin.
    """
    if not forecasts:
        return pd.DataFrame(columns=list(FORECASTS))
    regions, said, before = zip(*forecasts, strict=True)
    rows = [one.horizon * len(QUANTILES) for one in said]
    values = [one.values if total is None else one.cumulative(total) for one, total in zip(said, before, strict=True)]
    dates = {}
    for one in said:
        when = (one.origin, one.frequency, one.horizon)
        if when not in dates:
            dates[when] = np.repeat(one.dates.to_numpy(), len(QUANTILES))
    return pd.DataFrame(
        {
            "region": np.repeat(np.array(regions, dtype=object), rows),
            "model": np.repeat(np.array([one.model for one in said], dtype=object), rows),
            "origin": np.repeat(np.array([one.origin.to_datetime64() for one in said]), rows),
            "horizon": np.concatenate([np.repeat(np.arange(1, one.horizon + 1), len(QUANTILES)) for one in said]),
            "date": np.concatenate([dates[one.origin, one.frequency, one.horizon] for one in said]),
            "quantile": np.concatenate([np.tile(QUANTILES, one.horizon) for one in said]),
            "value": np.concatenate([one.ravel() for one in values]),
        }
    )[list(FORECASTS)]
