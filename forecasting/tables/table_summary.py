"""What will be forecast of a table, in one sentence: ``"Two shops, monthly sales in dollars, 36 months, to March 2026."``"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import format_figure
from forecasting.data.frequency import WEEKDAYS, Frequency, months_in_period
from forecasting.data.kind import PERCENT, SHARE
from forecasting.data.panel import Panel, Statistic
from forecasting.data.regular_grid import period_numbers
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_nouns import noun_and_unit, plural_noun, unit_of_cells

#: Regions, and statistics, that are named; of more it is said how many there are.
NAMED = 3
#: Letters of a name that stands in the sentence.
NAME_LETTERS = 40
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
#: Spacings whose name is an adjective that everybody uses.
_ADJECTIVES = ("hourly", "daily", "weekly", "monthly", "quarterly", "half-yearly", "yearly")
_HALVES, _QUARTERS = ("first", "second"), ("first", "second", "third", "fourth")


def summary_sentence(panel: Panel, mapping: ColumnMapping | None, cells: Sequence[str] = (), total: str = "") -> str:
    """The regions, spacing, statistic with its unit or kind, number of periods and last date of a table, in one sentence.

    Args:
        mapping: with which the table was read.
        cells: some of its figures as they were written, which may show a unit.
        total: the region that is the sum of all others, where one was added.
    """
    first = panel.statistics[0]
    rows = panel.table[(panel.table[STATISTIC] == first.column) & panel.table[VALUE].notna()]
    rows = rows if not total else rows[rows[REGION] != total]
    others = {region: own.frequency for region, own in panel.own_calendars(first.column).items()}
    frequency = panel.frequencies[first.column]
    parts = [
        _regions(panel, mapping, total),
        _statistics(panel, mapping, cells) + _other_spacings(frequency, others),
        _periods(rows[~rows[REGION].isin(others)] if others else rows, frequency),
        f"to {period_in_words(rows[DATE].max(), frequency)}",
    ]
    sentence = ", ".join(part for part in parts if part)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def reading_sentence(mapping: ColumnMapping, examples: Sequence[tuple[str, float]] = ()) -> str:
    """From which columns the dates, figures and regions were taken, and how a figure was read, in one sentence.

    Args:
        examples: figures as they are written, and as they were read.
    """
    written = next(((text, value) for text, value in examples if not _is_plain(text, value)), None)
    shown = f" (“{_short(written[0])}” is {_plain(written[1])})" if written else ""
    parts = [f"dates from “{_short(mapping.date or '')}”"]
    if mapping.value is None:
        parts.append(f"figures from {_quoted(mapping.wide)}{shown}")
    else:
        parts.append(f"figures from “{_short(mapping.value)}”{shown}")
    if mapping.region:
        noun = plural_noun(mapping.region) or "regions"
        parts.append(f"{'regions' if noun == 'series' else noun} from “{_short(mapping.region)}”")
    if mapping.statistic:
        parts.append(f"what is counted or measured from “{_short(mapping.statistic)}”")
    if mapping.as_of:
        parts.append(f"days of publication from “{_short(mapping.as_of)}”")
    if mapping.covariates:
        parts.append(f"further figures from {_quoted(mapping.covariates)}")
    if mapping.cumulative:
        parts.append("figures are running totals")
    if mapping.combine:
        parts.append(f"rows of one period are {'added up' if mapping.combine == 'sum' else 'averaged'}")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def number_word(count: int) -> str:
    """A number as a sentence says it: ``2`` -> ``"two"``, ``54`` -> ``"54"``."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def regions_noun(mapping: ColumnMapping | None) -> str:
    """What the regions of a table are called, in the plural, after the column that names them."""
    column = mapping.region if mapping else None
    return (plural_noun(column) or f"series (by {_short(column)})") if column else "regions"


def with_spacing(noun: str, frequency: Frequency) -> str:
    """A noun with how often it is counted, in plain words: ``"monthly sales"``, ``"sales every four weeks"``."""
    if frequency.name in _ADJECTIVES:
        return f"{frequency.name} {noun}"
    if frequency.weekmask:
        return f"daily {noun} on {_weekdays(frequency.weekmask)}"
    return f"{noun} every {_every(frequency)}"


def period_in_words(date: pd.Timestamp, frequency: Frequency) -> str:
    """A period's date as one says it: ``"March 2026"`` of months, ``"2025"`` of years, ``"7 March 2026"`` of days."""
    day = f"{date.day} {date:%B %Y}"
    if frequency.minutes:
        return f"{day}, {date:%H:%M}"
    months = months_in_period(frequency.alias)
    begins = "S" in frequency.alias.split("-")[0] or date.day == 1
    ends = "E" in frequency.alias.split("-")[0] or date.is_month_end
    if not months or not (begins or ends):
        return day
    past = (
        date.month % 12 if ends and not begins else date.month - 1
    )  # months of the year before the period, or after it
    if months == 12 and past == 0:
        return f"{date:%Y}"
    if months in (3, 6) and past % months == 0:
        place = (date.month - 1) // months
        name = f"{_QUARTERS[place]} quarter" if months == 3 else f"{_HALVES[place]} half"
        return f"the {name} of {date:%Y}"
    return f"{date:%B %Y}"


def _regions(panel: Panel, mapping: ColumnMapping | None, total: str) -> str:
    names = [str(name) for name in panel.table[REGION].unique() if name != total]
    column = mapping.region if mapping else None
    if len(names) == 1:
        return _short(names[0]) if column else ""
    if column is None and len(names) <= NAMED and sum(map(len, names)) <= 2 * NAME_LETTERS:
        text = _listed(names)
    else:
        text = f"{number_word(len(names))} {regions_noun(mapping)}"
    return f"{text} and their total" if total else text


def _statistics(panel: Panel, mapping: ColumnMapping | None, cells: Sequence[str]) -> str:
    """What is counted or measured and how often, with its unit or else its kind."""
    different = list({one.column: one for one in panel.statistics}.values())
    if len(different) == 1:
        noun, unit = _noun(different[0], mapping)
        unit = unit or unit_of_cells(cells)
        return with_spacing(_with_unit(noun, unit, different[0]), panel.frequencies[different[0].column])
    nouns = [_noun(one, mapping)[0] or one.kind.plural.lower() for one in different]
    spacings = [panel.frequencies[one.column] for one in different]
    if len({spacing.alias for spacing in spacings}) == 1:
        return with_spacing(_listed(nouns), spacings[0])
    return _listed([with_spacing(noun, spacing) for noun, spacing in zip(nouns, spacings, strict=True)])


def _noun(statistic: Statistic, mapping: ColumnMapping | None) -> tuple[str, str]:
    """What a statistic is called, and its unit; of a table with one column of figures that column's name tells."""
    column = statistic.column
    if column == VALUE and mapping and len(mapping.wide) == 1:
        column = mapping.wide[0]
    noun, unit = noun_and_unit(column)
    if statistic.reported_cumulative and noun:
        noun = f"new {noun.removeprefix('cumulative ').removeprefix('new ')}"
    return _short(noun), unit


def _with_unit(noun: str, unit: str, statistic: Statistic) -> str:
    kind = statistic.kind
    plural = "shares" if kind in (SHARE, PERCENT) else kind.plural.lower()
    if kind is PERCENT:
        unit = unit or "percent"
    told = f" in {unit}" if unit else f" ({plural})" if noun else ""
    totals = " from running totals" if statistic.reported_cumulative else ""
    return f"{noun or plural}{told}{totals}"


def _other_spacings(usual: Frequency, others: dict[str, Frequency]) -> str:
    """A remark on regions whose dates are spaced otherwise."""
    names = [other.name for other in others.values() if other.name != usual.name]
    if not names:
        return ""
    if len(set(names)) == 1:
        return f" ({names[0]} in {number_word(len(names))} of them)"
    return f" (spaced otherwise in {number_word(len(names))} of them)"


def _periods(rows: pd.DataFrame, frequency: Frequency) -> str:
    """How many periods there are from a region's first figure to its last."""
    if rows.empty:
        return ""
    codes, dates = pd.factorize(rows[REGION])[0], pd.DatetimeIndex(rows[DATE])
    places, days = pd.factorize(dates, sort=True)
    numbers = np.asarray(period_numbers(pd.DatetimeIndex(days), frequency))[places]
    first = np.full(codes.max() + 1, np.iinfo(np.int64).max)
    last = np.full(codes.max() + 1, np.iinfo(np.int64).min)
    np.minimum.at(first, codes, numbers)
    np.maximum.at(last, codes, numbers)
    spans = last - first + 1
    words = frequency.steps(int(spans.max())).replace(str(int(spans.max())), f"{int(spans.max()):,}", 1)
    return words if spans.min() == spans.max() else f"up to {words}"


def _weekdays(mask: str) -> str:
    days = [name for name, bit in zip(WEEKDAYS, mask, strict=True) if bit == "1"]
    if len(days) > 2 and "0" not in mask.strip("0"):
        return f"{days[0]}s to {days[-1]}s"
    *most, last = (f"{day}s" for day in days)
    return f"{', '.join(most)} and {last}" if most else last


def _every(frequency: Frequency) -> str:
    """The step of an unusual spacing: ``"15 minutes"``, ``"four weeks"``, ``"two months"``."""
    if minutes := frequency.minutes:
        return f"{number_word(minutes // 60)} hours" if minutes % 60 == 0 else f"{minutes} minutes"
    if months := months_in_period(frequency.alias):
        return f"{number_word(months // 12)} years" if months % 12 == 0 else f"{number_word(months)} months"
    days = round(frequency.days)
    return f"{number_word(days // 7)} weeks" if days % 7 == 0 else f"{number_word(days)} days"


def _listed(names: Sequence[str]) -> str:
    """Names in a row; of many the first ones, and how many more there are."""
    shown = [_short(name) for name in names]
    if len(shown) > NAMED:
        return f"{', '.join(shown[:NAMED])} and {number_word(len(shown) - NAMED)} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def _quoted(columns: Sequence[str]) -> str:
    return _listed([f"“{_short(column)}”" for column in columns])


def _is_plain(text: str, value: float) -> bool:
    """Whether a figure is written as a program writes it, so that nothing had to be understood."""
    try:
        return float(text) == value
    except ValueError:
        return False


def _plain(value: float) -> str:
    """A number in full: ``1234.5`` -> ``"1,234.5"``."""
    return format_figure(value, 6).rstrip("0").rstrip(".")


def _short(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= NAME_LETTERS else f"{text[: NAME_LETTERS - 1]}…"
