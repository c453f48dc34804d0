"""Every region at a glance: a row each with its recent course, what is expected, and how far that can be trusted.

New counts everywhere, also where running totals are asked for: those can only rise, which tells nothing at a glance.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence

import pandas as pd

from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import compact, day
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.us_states import postal
from forecasting.services.region_row import DIRECTIONS, Row, stretch

#: Regions that are shown at once; a search finds the others.
MOST = 200
#: What a click sorts by, each in its natural direction; a "-" before it turns it round.
SORTS = ("name", "latest", "change", "record")
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
