"""Series: one region's figures on a regular grid of dates, repaired and ready for a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.data import holidays
from forecasting.data.frequency import Frequency, frequency_of_alias
from forecasting.data.kind import COUNT, KINDS, Kind
from forecasting.support.caching import lazy

if TYPE_CHECKING:
    from forecasting.data.pool_spec import PoolSpec

#: Changes from figure to figure, the last ones, that tell how many decimal places figures are written with.
RECENT_CHANGES = 100
#: Periods, the last ones, most of which are zero in an intermittent series: of days and shorter steps, and of longer ones.
INTERMITTENT_PERIODS = (56, 26)
#: Decimal places at most.
MAX_DECIMALS = 12


@dataclass(frozen=True)
class Series:
    """Regular figures per period, prepared: no gap, no NaN, none outside the bounds of their kind.

    Attributes:
        start: the date of the first value.
        frequency: the spacing.
        values: float array of shape (n,), figures per period.
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
        kind: what the figures are.
        true_zeros: single zeros between much larger counts are figures: no pile follows them. A model sees it.
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
    pool: PoolSpec | None = field(default=None, compare=False, repr=False)
    holidays: str = ""
    kind: Kind = COUNT
    true_zeros: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @lazy
    def dates(self) -> pd.DatetimeIndex:
        """The dates of the values."""
        return self.frequency.grid(self.start, len(self.values))

    @lazy
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
    def is_intermittent(self) -> bool:
        """Whether at least half of the last figures are zeros and others come between them, as with spare parts."""
        recent = self.values[-INTERMITTENT_PERIODS[self.frequency.cycle == 1] :]
        return self.kind.low == 0 and len(recent) > 0 and bool(recent.any()) and float((recent == 0).mean()) >= 0.5

    @lazy
    def decimals(self) -> int:
        """Decimal places that such figures are written with: none of counts, as many of others as tell their changes apart."""
        if self.kind is COUNT:
            return 0
        changes = np.abs(np.diff(self.values[-RECENT_CHANGES:]))
        usual = (
            float(changes[changes > 0].mean()) if changes.any() else float(np.abs(self.values[-1:]).max(initial=1.0))
        )
        return int(np.clip(1 - np.floor(np.log10(usual or 1.0)), 0, MAX_DECIMALS))

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

    def alone(self) -> Series:
        """The same figures without the pool, whose panel is then free to go."""
        return replace(self, pool=None)

    @property
    def around(self) -> PoolSpec | None:
        """The pool that it shares with other regions; None without any."""
        return self.pool and self.pool.around(self.region)

    def with_covariates(self, names: Sequence[str]) -> Series:
        """The same series, of whose pool these further columns of the panel are a part, too."""
        return replace(self, pool=replace(self.pool, covariates=tuple(names))) if self.pool and names else self

    def with_holidays(self, code: str) -> Series:
        """The same series, and its pool, with a country's public holidays, or with none if that is empty.

        Only counts of days have any use for them; all others stay as they are. Raises `RequestError` for an unknown code.
        """
        code = holidays.check_country(code) if code else ""
        if not self.frequency.uses_holidays or code == self.holidays:
            return self
        return replace(self, holidays=code, pool=self.pool and replace(self.pool, holidays=code))

    def digest(self) -> str:
        """A digest of what a model sees: equal for equal values, dates and frequency, wherever they came from."""
        return self._digest

    @lazy
    def _digest(self) -> str:
        what = hashlib.sha256(f"{self.start.isoformat()}|{self.frequency.alias}|".encode())
        what.update(np.ascontiguousarray(self.values, dtype="<f8").tobytes())
        if self.doubt:
            what.update(b"|doubt|" + np.asarray(self.doubt, dtype="<f8").tobytes())
        if self.kind is not COUNT:
            what.update(f"|kind|{self.kind.name}".encode())
        if self.true_zeros:
            what.update(b"|true zeros|")
        return what.hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """The series as JSON for a worker process: only what a model sees."""
        seen = {"start": self.start.isoformat(), "frequency": self.frequency.alias, "values": self.values.tolist()}
        kind = "" if self.kind is COUNT else self.kind.name
        further = {"doubt": list(self.doubt), "holidays": self.holidays, "kind": kind, "true_zeros": self.true_zeros}
        return seen | {name: value for name, value in further.items() if value}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Series:
        """The inverse of `to_json`, to the last digit."""
        values, doubt = np.asarray(data["values"], dtype=float), tuple(data.get("doubt", ()))
        start, frequency = pd.Timestamp(data["start"]), frequency_of_alias(data["frequency"])
        kind = KINDS[data.get("kind") or COUNT.name]
        holidays_of, true_zeros = data.get("holidays", ""), bool(data.get("true_zeros", False))
        return Series(start, frequency, values, doubt=doubt, holidays=holidays_of, kind=kind, true_zeros=true_zeros)


def _some(figures: pd.Series) -> pd.Series | None:
    return None if figures.empty else figures
