"""Sentences for a person on what was repaired, left out or corrected in a series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.formatting import format_date, format_figure, format_signed_percent
from forecasting.data.frequency import Frequency
from forecasting.data.panel import ASSUMED_UNREPORTED, UNREPORTED_ZEROS
from forecasting.data.revisions import Revision
from forecasting.preparation.repairs import Repaired

#: So many periods (or a cycle) a region may be behind the others without a word.
LATE_PERIODS = 2
#: How a note on zeros at the end that nobody has spoken of ends.
ZEROS_QUESTION = "If these zeros are true, set zeros-at-end to true."
#: A silence at the end of more than six weeks is the end of reporting, not a delay.
STOPPED_DAYS = 42
#: Silent periods at the end, where one alone takes as long.
STOPPED_PERIODS = 3
#: Weeks at the end that tell which weekdays report nothing.
PATTERN_WEEKS = 8
#: A weekday reports nothing when it was zero in this share of them; it reports when it was not in as many.
PATTERN_SHARE = 0.75
#: Counts on a reporting day, on average, below which a zero is no pattern.
PATTERN_LEAST = 5
#: A day carries the silent days' counts when it holds this many times what the other days do.
CARRIES = 1.5
#: More dates than this are not listed.
LISTED = 3

#: Weekdays in the plural, Monday first.
DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def repair_sentences(fault: str, repaired: Repaired, dates: pd.DatetimeIndex, frequency: Frequency) -> list[str]:
    """One sentence on all repairs of one kind (``correction``, ``pile``, ``dump``, ``gap``), or none."""
    count = len(repaired.repaired)
    if not count:
        return []
    last, steps, one = format_date(dates[repaired.repaired[-1]]), f"{frequency.step}s", count == 1
    on = f"on {last}" if one else f"the last on {last}"
    if fault == "correction":
        return [f"{count} negative correction{'' if one else 's'} spread over the {steps} before ({on})."]
    if fault == "pile":
        silent = frequency.steps(repaired.took)
        return [f"{count} pile{'' if one else 's'} after a silence spread over {silent} without counts ({on})."]
    if fault == "dump":
        return [f"{count} late dump{'' if one else 's'} of old counts spread over the {steps} before ({on})."]
    return [f"{frequency.steps(count)} without a figure filled in from those around ({on})."]


def moved_sentences(
    counts: np.ndarray, given: pd.DatetimeIndex, dates: pd.DatetimeIndex, frequency: Frequency
) -> list[str]:
    """Sentence on `given` dates that are not those of a period: how many are counted for the period they belong to, or none."""
    if given.unit == dates.unit and np.array_equal(given.asi8, dates.asi8):
        return []
    if len(given) == len(dates) and (given == dates).all():
        return []
    off = given[~given.isin(dates) & ~np.isnan(counts)]
    if not len(off):
        return []
    last, step = format_date(off.max()), frequency.step
    if len(off) == 1:
        return [f"A date beside those of the {step}s is counted for the {step} that it belongs to ({last})."]
    return [
        f"{len(off)} dates beside those of the {step}s are counted for the {step} that each belongs to (the last is {last})."
    ]


def early_end_sentences(end: pd.Timestamp, usual: pd.Timestamp | None, frequency: Frequency) -> list[str]:
    """Sentence: figures end long before the `usual` end of the regions beside them, or none."""
    if usual is None or usual <= end:
        return []
    behind = round((usual - end) / pd.Timedelta(days=frequency.days))
    if behind <= max(frequency.cycle, LATE_PERIODS):
        return []
    return [
        f"The figures end on {format_date(end)}, {frequency.steps(behind)} before those of most regions; the forecast "
        "begins there."
    ]


def true_zeros_sentences(dates: pd.DatetimeIndex, frequency: Frequency) -> list[str]:
    """Sentence: the zeros on these dates are used because somebody has said that they are true, or none."""
    if not len(dates):
        return []
    first, count = format_date(dates[0]), len(dates)
    if count == 1:
        return [f"The zero at the end ({first}) is taken as true."]
    return [f"The zeros at the end, {frequency.steps(count)} from {first}, are taken as true."]


def tail_sentences(
    values: np.ndarray,
    dates: pd.DatetimeIndex,
    end: int,
    frequency: Frequency,
    zeros_at_end: str = UNREPORTED_ZEROS,
) -> list[str]:
    """Sentence on why the `values` from position `end` on are not used: one sentence, or none.

    Of zeros that nobody has spoken of it names the other reading, too.
    """
    count = len(values) - end
    if not count:
        return []
    first, last, step = format_date(dates[end]), format_date(dates[-1]), frequency.step
    span = f"the last {step} ({last})" if count == 1 else f"the last {frequency.steps(count)} (from {first})"
    if not np.nan_to_num(values[end:]).any():
        asked = f" {ZEROS_QUESTION}" if zeros_at_end == ASSUMED_UNREPORTED and (values[end:] == 0).any() else ""
        long = count >= STOPPED_PERIODS or frequency.days < STOPPED_DAYS
        if long and dates[-1] - dates[end - 1] > pd.Timedelta(days=STOPPED_DAYS):
            stopped = f"Reporting stopped on {format_date(dates[end - 1])}; the series is used until then."
            return [stopped + asked]
        return [f"Nothing was reported for {span}; the series is used until then.{asked}"]
    if count > 1:
        return [f"{span[:1].upper()}{span[1:]} look incomplete; they are shown but not used."]
    lag = frequency.cycle
    since = "" if lag == 1 else " a day before" if frequency.minutes else " a week before"
    figures = (
        f"{format_figure(values[-1])} after {format_figure(values[-1 - lag])}{since}"
        if end >= lag
        else format_figure(values[-1])
    )
    return [f"{span[:1].upper()}{span[1:]} looks incomplete: {figures}; it is shown but not used."]


def correction_sentence(
    dates: pd.DatetimeIndex, factors: np.ndarray, count: int, others: int, frequency: Frequency
) -> str:
    """Sentence: the last figures, on `dates`, are multiplied by `factors`, as `count` earlier ones and `others` regions say."""
    shares = 100 * (factors - 1)
    verb = "raised" if (shares > 0).all() else "lowered" if (shares < 0).all() else "changed"
    sizes = [format_signed_percent(share) if verb == "changed" else f"{abs(share):.0f} %" for share in shares]
    days = [format_date(date) for date in dates]
    span = f"{frequency.step} to {days[0]} is" if len(days) == 1 else f"{frequency.step}s to {_joined(days)} are"
    much = _joined(sizes)
    if len(days) > LISTED:
        span = f"{frequency.steps(len(days))} from {days[0]} to {days[-1]} are"
        much = f"{sizes[int(np.argmin(np.abs(shares)))]} to {sizes[int(np.argmax(np.abs(shares)))]}"
    from_others = "those of other regions" if others else ""
    learned = _joined([known for known in (f"{count} earlier ones" if count else "", from_others) if known])
    return f"The {span} {verb} by {much}: by so much such figures are usually revised, as {learned} show."


def raised_sentence(reported: float, become: float, date: pd.Timestamp, frequency: Frequency) -> str:
    """Sentence: a last figure is raised, beyond what is usual, to what its past makes possible."""
    return (
        f"The {frequency.step} to {format_date(date)} was published as {format_figure(reported)} and is taken as {format_figure(become)}: "
        "such figures are revised upwards later, and even then it would be an unusually deep fall."
    )


def doubt_sentence(reported: float, date: pd.Timestamp, frequency: Frequency) -> str:
    """Sentence: a last figure is used but in doubt, and why."""
    return (
        f"The {frequency.step} to {format_date(date)}, {format_figure(reported)}, is an unusually deep fall and may be incomplete; "
        "the bands are wider for it."
    )


def pattern_sentences(values: np.ndarray, dates: pd.DatetimeIndex, frequency: Frequency) -> list[str]:
    """Sentences on which weekdays of a daily series report nothing of late, and which carry their counts."""
    if frequency.name != "daily" or len(values) < PATTERN_WEEKS * 7:
        return []
    weeks = values[-PATTERN_WEEKS * 7 :].reshape(PATTERN_WEEKS, 7)
    if weeks.all():
        return []
    first = dates[len(values) - PATTERN_WEEKS * 7].day_of_week
    weeks = weeks[:, (np.arange(7) - first) % 7]  # Monday first
    silent = (weeks == 0).mean(axis=0) >= PATTERN_SHARE
    heard = (weeks > 0).mean(axis=0) >= PATTERN_SHARE
    if not silent.any() or not heard.any() or (silent | heard).sum() < 7 or weeks[:, heard].mean() < PATTERN_LEAST:
        return []
    if heard.sum() == 1:
        return [f"A week's counts are reported on {_listed(heard)}; nothing on other days."]
    means = weeks.mean(axis=0)
    after = heard & np.roll(silent, 1)
    usual = np.median(means[heard & ~after]) if (heard & ~after).any() else np.inf
    carrying = after & (means >= CARRIES * usual)
    if not carrying.any():
        return [f"Nothing is reported on {_listed(silent)}."]
    return [f"Nothing is reported on {_listed(silent)}; {_listed(carrying)} carry their counts."]


def _listed(days: np.ndarray) -> str:
    return _joined([DAYS[i] for i in np.flatnonzero(days)])


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def revision_sentences(revisions: Sequence[Revision], frequency: Frequency) -> list[str]:
    """Sentences on what the last figures usually become, where the source keeps its versions."""
    return [
        f"The {frequency.step} to {format_date(one.date)} was published as {format_figure(one.value)}; such figures usually become "
        f"{one.median:.2f} times that (80 %: {one.low:.2f} to {one.high:.2f}, from {frequency.steps(one.count)} before)."
        for one in revisions
    ]
