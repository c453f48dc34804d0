"""Every region at a glance: a row each with its recent course, what is expected, and how far that can be trusted.

New counts everywhere, also where running totals are asked for: those can only rise, which tells nothing at a glance.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.frequency import Frequency
from forecasting.panel import Panel
from forecasting.scoring import Score
from forecasting.series import MEDIAN, QUANTILES, Forecast, Series
from forecasting.us import postal
from forecasting.wording import change, compact, day

#: Regions that are shown at once; a search finds the others.
MOST = 200
#: Periods of the past that a sparkline shows.
PAST = {"hourly": 168, "daily": 120, "weekly": 52, "monthly": 36, "quarterly": 24}
#: The height of a sparkline, and the most points of its past and of its forecast.
HEIGHT, POINTS, AHEAD = 100, 60, 16
#: A band reaches no higher than so many times the lines, or it would flatten them.
BAND_TOP = 2.0
#: The least of the width that the forecast gets: four weeks after a year would be a few pixels.
LEAST_AHEAD = 0.16
#: From how many times the present on a change is in the next class, upwards; downwards the same shares.
CLASSES = (1.05, 1.25, 1.67)
#: What a click sorts by, each in its natural direction; a "-" before it turns it round.
SORTS = ("name", "latest", "change", "record")
#: What may be shown alone.
DIRECTIONS = {"rising": "↑", "falling": "↓", "unsure": "↕"}
#: The columns of `table`.
COLUMNS = (
    "region",
    "latest",
    "latest_date",
    "direction",
    "change_percent",
    "change_percent_low_80",
    "change_percent_high_80",
    "wis_relative_to_naive",
    "held_80_percent",
)
_LOW, _HIGH = QUANTILES.index(0.1), QUANTILES.index(0.9)


@dataclass(frozen=True)
class Spark:
    """A small chart: heights from 0 to `HEIGHT` at even distances, first of the past, then of the forecast's 80 % band.

    Attributes:
        share: how much of the width the past takes.
    """

    past: tuple[int, ...]
    low: tuple[int, ...] = ()
    middle: tuple[int, ...] = ()
    high: tuple[int, ...] = ()
    share: float = 1.0


@dataclass(frozen=True)
class Change:
    """What is expected at the end of the horizon, beside what is now: counts a period, or their mean over a season."""

    now: float
    low: float
    middle: float
    high: float

    @property
    def direction(self) -> str:
        """``"rising"`` or ``"falling"`` where the whole 80 % band says so, else ``"unsure"``."""
        if self.low > self.now:
            return "rising"
        return "falling" if self.high < self.now else "unsure"

    @property
    def ratio(self) -> float:
        """How many times the present is expected; infinite for a rise from nothing."""
        if self.now > 0:
            return self.middle / self.now
        return math.inf if self.middle > 0 else 1.0

    @property
    def level(self) -> int:
        """-3 (falls by 40 % or more) to 3 (rises by 67 % or more), 0 being about the same."""
        up = sum(self.ratio >= times for times in CLASSES)
        return up - sum(self.ratio * times <= 1 for times in CLASSES)

    @property
    def text(self) -> str:
        """``"+12 %"``."""
        return change(self.middle, self.now)

    @property
    def band(self) -> str:
        """``"−20 to +55 %"``; counts where there is nothing now that a percentage could be of."""
        if self.now <= 0:
            return f"{compact(self.low)} to {compact(self.high)}"
        low, high = change(self.low, self.now), change(self.high, self.now)
        return f"{low.removesuffix(' %') if high.endswith(' %') else low} to {high}"


@dataclass(frozen=True)
class Row:
    """One region.

    Attributes:
        latest: what was counted in the last stretch (a week of days, else a period), None while it is not prepared.
        at: the last date of it.
        moved: how it differs from the stretch before, in words.
        record: how good the model was from earlier dates; None while that is not known.
        state: ``"coming"``, ``"ready"``, ``"failed"`` or ``"cancelled"``.
        why: a sentence, when it failed.
    """

    region: str
    latest: float | None = None
    at: pd.Timestamp | None = None
    moved: str = ""
    spark: Spark | None = None
    change: Change | None = None
    record: Score | None = None
    state: str = "coming"
    why: str = ""


def stretch(frequency: Frequency) -> int:
    """The periods that "latest" speaks of: a week of days, a day of hours, else one."""
    return frequency.season if frequency.name in ("daily", "hourly") else 1


def latest(region: str, series: Series) -> Row:
    """A region's row before there is a forecast."""
    steps = min(stretch(series.frequency), len(series))
    now, before = series.values[-steps:].sum(), series.values[-2 * steps : -steps].sum()
    moved = change(now, before) if len(series) >= 2 * steps else ""
    return Row(region, float(now), series.origin, moved, spark(series))


def expected(series: Series, forecast: Forecast) -> Change:
    """What a forecast says of its last period against the series' last; means over a season where there is one."""
    steps = min(stretch(series.frequency), len(series))
    table = forecast.means if steps > 1 else forecast.values
    low, middle, high = (float(table[-1, place]) for place in (_LOW, MEDIAN, _HIGH))
    return Change(float(series.values[-steps:].mean()), low, middle, high)


def spark(series: Series, forecast: Forecast | None = None) -> Spark:
    """The recent past as a small chart, with a forecast's median and 80 % band."""
    steps = stretch(series.frequency)
    past = series.tail(PAST[series.frequency.name] + steps - 1).values
    if len(past) > steps > 1:
        past = np.convolve(past, np.full(steps, 1 / steps), "valid")
    if forecast is None:
        return Spark(_heights(_thin(past, POINTS), past.max(initial=0.0)))
    table = (forecast.means if steps > 1 else forecast.values)[:, [_LOW, MEDIAN, _HIGH]]
    lines = max(past.max(initial=0.0), table[:, 1].max())
    top = max(lines, min(table[:, 2].max(), BAND_TOP * lines))
    fan = _thin(np.vstack([np.repeat(past[-1], 3), table]), AHEAD)
    low, middle, high = (_heights(fan[:, place], top) for place in range(3))
    share = min(len(past) / (len(past) + forecast.horizon), 1 - LEAST_AHEAD)
    return Spark(_heights(_thin(past, POINTS), top), low, middle, high, round(share, 3))


def _thin(values: np.ndarray, most: int) -> np.ndarray:
    """About every n-th of `values`, at most so many; the first and the last always."""
    places = np.linspace(0, len(values) - 1, min(len(values), most)).round().astype(int)
    return values[places]


def _heights(values: np.ndarray, top: float) -> tuple[int, ...]:
    scaled = np.clip(HEIGHT * values / top, 0, HEIGHT) if top > 0 else np.zeros(len(values))
    return tuple(int(height) for height in scaled.round())


def candidates(panel: Panel, statistic: str, regions: Sequence[str], search: str, sort: str) -> list[str]:
    """The regions to look at: all of them, or, of more than `MOST`, the first that a search finds in their order.

    Those are the first by name where they are sorted by name, else the largest: no forecast of all is needed to say which.
    """
    if len(regions) <= MOST:
        return list(regions)
    found = found_by(search, regions)
    if len(found) <= MOST:
        return found
    if sort.removeprefix("-") == "name":
        return sorted(found, key=folded, reverse=sort == "-name")[:MOST]
    size = sizes(panel, statistic)
    return sorted(found, key=lambda region: size.get(region, 0.0), reverse=sort != "-latest")[:MOST]


def sizes(panel: Panel, statistic: str) -> dict[str, float]:
    """Roughly what was counted last in each region, as published: enough to tell the large ones."""
    asked = panel.statistic(statistic)
    table = panel.as_of(None).table if panel.has_vintages() else panel.table
    table = table[(table[STATISTIC] == asked.column).to_numpy()]
    dates = table[DATE].drop_duplicates().nlargest(stretch(panel.frequencies[asked.column]) + 1)
    values = table[(table[DATE] >= dates.iloc[-1]).to_numpy()].groupby(REGION, observed=True, sort=False)[VALUE]
    size = values.last() - values.first() if asked.reported_cumulative else values.sum()
    return {str(region): float(count) for region, count in size.items() if count == count}


def folded(name: str) -> str:
    """A name without case and accents, as people type it."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def found_by(search: str, regions: Sequence[str]) -> list[str]:
    """The regions whose name holds all words of `search`, or whose postal code it is."""
    words = folded(search).split()
    code = search.strip().upper()
    return [
        region
        for region in regions
        if all(word in folded(region) for word in words) or (len(code) == 2 and postal(region) == code)
    ]


def ordered(rows: Sequence[Row], sort: str) -> list[Row]:
    """Rows by name, by what was counted last, by expected change (the largest first), or the best record first.

    A "-" before the name turns it round. What is not known yet goes last either way, by name.
    """
    name = sort.removeprefix("-")
    by_name = sorted(rows, key=lambda row: folded(row.region), reverse=sort == "-name")
    if name == "name":
        return by_name
    value = _VALUES[name]
    known = [row for row in by_name if not math.isnan(value(row))]
    largest_first = (name != "record") != sort.startswith("-")
    known.sort(key=value, reverse=largest_first)
    return known + [row for row in by_name if math.isnan(value(row))]


def _record(row: Row) -> float:
    return row.record.relative_wis if row.record else math.nan


_VALUES: dict[str, Callable[[Row], float]] = {
    "latest": lambda row: math.nan if row.latest is None else row.latest,
    "change": lambda row: row.change.ratio if row.change else math.nan,
    "record": _record,
}


def shown(rows: Sequence[Row], search: str, only: str) -> list[Row]:
    """The rows that a search finds and whose direction is `only`, if that is one."""
    found = set(found_by(search, [row.region for row in rows]))
    return [
        row
        for row in rows
        if row.region in found and (only not in DIRECTIONS or (row.change and row.change.direction == only))
    ]


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many regions go in which direction."""
    return {name: sum(bool(row.change and row.change.direction == name) for row in rows) for name in DIRECTIONS}


def summary(rows: Sequence[Row], frequency: Frequency, horizon: int) -> str:
    """Where the regions are going, in a sentence or two."""
    changes = [row.change for row in rows if row.change]
    if not changes:
        return ""
    up, down = (sum(change.middle > change.now for change in changes), sum(c.middle < c.now for c in changes))
    sure, regions = counts(rows), "1 region" if len(changes) == 1 else f"{len(changes):,} regions"
    said = (
        f"In {frequency.steps(horizon)}, of {regions}, **{up:,}** are expected higher than now and **{down:,}** lower."
    )
    if not sure["rising"] + sure["falling"]:
        return f"{said} None is sure: every 80 % band holds both a rise and a fall."
    return (
        f"{said} The whole 80 % band is above the present in **{sure['rising']:,}** and below it in "
        f"**{sure['falling']:,}**; the other **{sure['unsure']:,}** could go either way."
    )


def spoken(row: Row, stretch_name: str) -> str:
    """A row as a sentence, for a screen reader."""
    if row.latest is None:
        return f"{row.region}: {row.why or 'being prepared'}"
    said = f"{row.region}: {compact(row.latest)} in the {stretch_name}"
    if row.change is None:
        return f"{said}; {row.why or 'forecast not made yet'}"
    will = {"rising": "will probably rise", "falling": "will probably fall", "unsure": "could go either way"}
    direction = will[row.change.direction]
    return f"{said}; {direction}: {row.change.text} expected, 80 % band {row.change.band}"


def lagging(row: Row, newest: pd.Timestamp | None) -> str:
    """``"to 12 Mar 2026"`` where a region's figures end before others' do, else nothing."""
    return f"to {day(row.at)}" if row.at is not None and newest is not None and row.at < newest else ""


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as numbers, one a region; what is not known is empty."""
    return pd.DataFrame([_numbers(row) for row in rows], columns=list(COLUMNS))


def _numbers(row: Row) -> dict[str, object]:
    numbers: dict[str, object] = dict.fromkeys(COLUMNS)
    numbers |= {"region": row.region, "latest": row.latest, "latest_date": row.at}
    if said := row.change:
        numbers["direction"] = said.direction
        if said.now > 0:
            ends = (said.middle, said.low, said.high)
            numbers |= zip(COLUMNS[4:7], (100 * (end / said.now - 1) for end in ends), strict=True)
    if record := row.record:
        numbers["wis_relative_to_naive"] = record.relative_wis
        numbers["held_80_percent"] = 100 * record.held_80 / record.periods
    return numbers
