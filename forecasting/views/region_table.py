"""The table on Regions: a row a region with its recent course, what is expected, and how far that can be trusted.

New counts everywhere, also where running totals are asked for: those can only rise, which tells nothing at a glance.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence

import pandas as pd

from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import format_compact, format_date
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.us_states import postal_code
from forecasting.services.region_row import DIRECTIONS, FEW, RegionRow, comparison_periods

#: How many regions are shown at once; a search finds the others.
MAX_ROWS = 200
#: The keys that rows are sorted by, each in its natural direction; a "-" before it turns it round.
SORTS = ("name", "latest", "change", "record")
#: The columns of `regions_table`.
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


def regions_to_show(panel: Panel, statistic: str, regions: Sequence[str], search: str, sort: str) -> list[str]:
    """The regions to show: all of them, or, of more than `MAX_ROWS`, the first that a search finds in their order.

    Those are the first by name where they are sorted by name, else the largest: no forecast of all is needed to say which.
    """
    if len(regions) <= MAX_ROWS:
        return list(regions)
    found = search_regions(search, regions)
    if len(found) <= MAX_ROWS:
        return found
    if sort.removeprefix("-") == "name":
        return sorted(found, key=fold_name, reverse=sort == "-name")[:MAX_ROWS]
    size = region_sizes(panel, statistic)
    return sorted(found, key=lambda region: size.get(region, 0.0), reverse=sort != "-latest")[:MAX_ROWS]


def region_sizes(panel: Panel, statistic: str) -> dict[str, float]:
    """Roughly what was counted last in each region, as published: enough to tell the large ones."""
    asked = panel.statistic(statistic)
    table = panel.as_of(None).table if panel.has_vintages() else panel.table
    table = table[(table[STATISTIC] == asked.column).to_numpy()]
    dates = table[DATE].drop_duplicates().nlargest(comparison_periods(panel.frequencies[asked.column]) + 1)
    values = table[(table[DATE] >= dates.iloc[-1]).to_numpy()].groupby(REGION, observed=True, sort=False)[VALUE]
    size = values.last() - values.first() if asked.reported_cumulative else values.sum()
    return {str(region): float(count) for region, count in size.items() if count == count}


def fold_name(name: str) -> str:
    """Fold a name to lower case without accents, as people type it."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def search_regions(search: str, regions: Sequence[str]) -> list[str]:
    """The regions whose name holds all words of `search`, or whose postal code it is."""
    words = fold_name(search).split()
    code = search.strip().upper()
    return [
        region
        for region in regions
        if all(word in fold_name(region) for word in words) or (len(code) == 2 and postal_code(region) == code)
    ]


def sort_rows(rows: Sequence[RegionRow], sort: str) -> list[RegionRow]:
    """Sort rows by name, by what was counted last, by expected change (the largest first), or the best record first.

    A "-" before the name turns it round. What is not known yet goes last either way, by name, and before it, where changes are
    sorted, regions with few counts.
    """
    name = sort.removeprefix("-")
    by_name = sorted(rows, key=lambda row: fold_name(row.region), reverse=sort == "-name")
    if name == "name":
        return by_name
    value = _VALUES[name]
    known = [row for row in by_name if not math.isnan(value(row))]
    largest_first = (name != "record") != sort.startswith("-")
    known.sort(key=value, reverse=largest_first)
    if name == "change":
        known.sort(key=lambda row: bool(row.change and row.change.few))
    return known + [row for row in by_name if math.isnan(value(row))]


def _record(row: RegionRow) -> float:
    return row.record.relative_wis if row.record else math.nan


_VALUES: dict[str, Callable[[RegionRow], float]] = {
    "latest": lambda row: math.nan if row.latest is None else row.latest,
    "change": lambda row: row.change.ratio if row.change else math.nan,
    "record": _record,
}


def filter_rows(rows: Sequence[RegionRow], search: str, only: str) -> list[RegionRow]:
    """The rows that a search finds and whose direction is `only`, if that is one."""
    found = set(search_regions(search, [row.region for row in rows]))
    return [
        row
        for row in rows
        if row.region in found and (only not in DIRECTIONS or (row.change and row.change.direction == only))
    ]


def direction_counts(rows: Sequence[RegionRow]) -> dict[str, int]:
    """How many regions go in which direction."""
    return {name: sum(bool(row.change and row.change.direction == name) for row in rows) for name in DIRECTIONS}


def summary_sentence(rows: Sequence[RegionRow], frequency: Frequency, horizon: int) -> str:
    """A sentence or two on how many regions are expected to rise and to fall."""
    changes = [row.change for row in rows if row.change]
    if not changes:
        return ""
    up, down = (sum(change.middle > change.now for change in changes), sum(c.middle < c.now for c in changes))
    sure, regions = direction_counts(rows), "1 region" if len(changes) == 1 else f"{len(changes):,} regions"
    sentence = (
        f"In {frequency.steps(horizon)}, of {regions}, **{up:,}** are expected higher than now and **{down:,}** lower."
    )
    if not sure["rising"] + sure["falling"]:
        return f"{sentence} {_all_open(len(changes))}"
    return (
        f"{sentence} The whole 80 % range is above the present in **{sure['rising']:,}** and below it in "
        f"**{sure['falling']:,}**; for the other **{sure['unsure']:,}** a rise and a fall are both possible."
    )


def few_counts_sentence(rows: Sequence[RegionRow]) -> str:
    """Why some rows are grey and the last by change; empty where none is."""
    few = sum(bool(row.change and row.change.few) for row in rows)
    if not few:
        return ""
    who = "1 region with" if few == 1 else f"{few:,} regions with"
    stand = "is grey and comes" if few == 1 else "are grey and come"
    return f"{who} fewer than {FEW} counts now and then {stand} last by expected change: one more would be a large part of them."


def _all_open(count: int) -> str:
    of = "For this one" if count == 1 else "For both" if count == 2 else f"For all {count:,}"
    return f"{of} a rise and a fall are both possible."


def row_sentence(row: RegionRow, stretch_name: str) -> str:
    """A row as a sentence, for a screen reader."""
    if row.latest is None:
        return f"{row.region}: {row.why or 'being prepared'}"
    sentence = f"{row.region}: {format_compact(row.latest, row.decimals)} in the {stretch_name}"
    if row.change is None:
        return f"{sentence}; {row.why or 'forecast not made yet'}"
    will = {
        "rising": "will probably rise",
        "falling": "will probably fall",
        "unsure": "a rise and a fall are both possible",
    }
    direction = will[row.change.direction]
    return f"{sentence}; {direction}: {row.change.expected} expected, 80 % range {row.change.expected_band}, {row.change.text}"


def lagging_note(row: RegionRow, newest: pd.Timestamp | None) -> str:
    """``"to 12 Mar 2026"`` where a region's figures end before others' do, else nothing."""
    return f"to {format_date(row.at)}" if row.at is not None and newest is not None and row.at < newest else ""


def regions_table(rows: Sequence[RegionRow]) -> pd.DataFrame:
    """The rows as numbers, one a region; what is not known is empty."""
    return pd.DataFrame([_numbers(row) for row in rows], columns=list(COLUMNS))


def _numbers(row: RegionRow) -> dict[str, object]:
    numbers: dict[str, object] = dict.fromkeys(COLUMNS)
    numbers |= {"region": row.region, "latest": row.latest, "latest_date": row.at}
    if change := row.change:
        numbers["direction"] = change.direction
        if change.relative and change.now > 0:
            ends = (change.middle, change.low, change.high)
            numbers |= zip(COLUMNS[4:7], (100 * (end / change.now - 1) for end in ends), strict=True)
    if record := row.record:
        numbers["wis_relative_to_naive"] = record.relative_wis
        numbers["held_80_percent"] = 100 * record.held_80 / record.periods
    return numbers
