"""Answers to questions about the future in plain sentences, which page, command line, API and alerts share."""

from __future__ import annotations

import numpy as np

from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.formatting import (
    format_compact,
    format_date,
    format_dates,
    format_figure,
    format_interval,
)
from forecasting.data.series import Series
from forecasting.evaluation.events import EventAnswer, EventKind, smoothing

#: Chances below the first are told as less than it, above its opposite as more; forecasts have no quantile beyond.
RARE = 0.01
#: Chances below it, or above its opposite, are told in a hundred, the others in ten.
FEW = 0.075
#: The columns of the ends of the 80 % range in a table of quantiles.
LOW, HIGH = QUANTILES.index(0.1), QUANTILES.index(0.9)
#: Significant digits of sums and peaks that are expected, and decimal places of a level at most.
DIGITS, LEVEL_DECIMALS = 3, 6


def chance_words(chance: float) -> str:
    """A probability as one says it: ``0.31`` -> ``"about 3 in 10"``, ``0.04`` -> ``"about 4 in 100"``."""
    if chance < RARE:
        return "less than 1 in 100"
    if chance > 1 - RARE:
        return "more than 99 in 100"
    if FEW <= chance <= 1 - FEW:
        return f"about {int(10 * chance + 0.5)} in 10"
    return f"about {int(100 * chance + 0.5)} in 100"


def chance_with_percent(chance: float) -> str:
    """The same with percent behind it, where that says more: ``"about 3 in 10 (31 %)"``."""
    percent = f" ({int(100 * chance + 0.5)} %)" if FEW <= chance <= 1 - FEW else ""
    return f"{chance_words(chance)}{percent}"


def event_sentence(answer: EventAnswer, series: Series) -> str:
    """An answer in one plain sentence, or two."""
    return _SENTENCES[answer.question.kind](answer, series)


def event_words(answer: EventAnswer, series: Series) -> str:
    """The event itself, as the chance of it is told: ``"a week above 500 by 24 Jan 2026"``."""
    asked, last = answer.question, format_date(answer.dates[-1])
    level = asked.level or 0.0
    if asked.kind is EventKind.rise:
        if level < 0:
            return f"a fall of less than {-level:g} %, or none, by {last}"
        return f"a rise of more than {level:g} % by {last}" if level else f"a rise by {last}"
    if asked.kind is EventKind.peak:
        return f"the peak being past by {last}"
    if asked.kind is EventKind.reach:
        return f"{_reaching(answer, series)} by {last}"
    what = "a running total" if series.cumulative else f"a {series.frequency.step}"
    return f"{what} {asked.kind.value} {_level(level, series)} by {last}"


def _level_sentence(answer: EventAnswer, series: Series) -> str:
    sentence = f"The chance of {event_words(answer, series)} is {chance_with_percent(_chance(answer))}."
    asked, now = answer.question, answer.now
    there = now > (asked.level or 0.0) if asked.kind is EventKind.above else now < (asked.level or 0.0)
    if there and not series.cumulative:
        sentence += (
            f" The last {series.frequency.step}, to {format_date(series.origin)}, had {_level(now, series)} already."
        )
    return sentence


def _rise_sentence(answer: EventAnswer, series: Series) -> str:
    steps, step = smoothing(series), series.frequency.step
    last = f"in the last {step}" if steps == 1 else f"a {step} in the last {series.frequency.stretch(steps)}"
    now = format_figure(answer.now, series.decimals)
    chance = chance_with_percent(_chance(answer))
    return f"The chance of {event_words(answer, series)}, from {now} {last}, is {chance}."


def _peak_sentence(answer: EventAnswer, series: Series) -> str:
    assert answer.past_peak is not None
    (when, size), last = answer.past_peak, format_date(answer.dates[-1])
    steps, step = smoothing(series), series.frequency.step
    what = step if steps == 1 else f"mean of {series.frequency.stretch(steps)}"
    past = f"{format_figure(size, series.decimals)} {'of' if steps == 1 else f'a {step} in the {series.frequency.stretch(steps)} to'} {format_date(when)}"
    sentence = (
        f"The chance that the peak is past is {chance_with_percent(_chance(answer))}: no {what} to {last} is then above the "
        f"{past}, the highest of the last {_wave_words(series)}."
    )
    if _chance(answer) > 1 - FEW:
        return sentence
    likeliest, chance = max(answer.chances[1:], key=lambda one: one[1])
    low, middle, high = (_round(answer.quantiles[place]) for place in (LOW, MEDIAN, HIGH))
    span = format_interval(low, high, series.decimals)
    return (
        f"{sentence} If not, the highest by then is likeliest that of {format_date(likeliest)} ({chance_words(chance)}). "
        f"The peak's size: {format_compact(middle, series.decimals)} (80 % range {span})."
    )


def _reach_sentence(answer: EventAnswer, series: Series) -> str:
    last, chance = format_date(answer.dates[-1]), chance_with_percent(_chance(answer))
    level = answer.question.level or 0.0
    if series.cumulative and level <= answer.now:
        return f"The running total has reached {_level(level, series)} already."
    if level == answer.now:
        return f"{_level(level, series)} is where the figures are now."
    middle, low, high = (answer.date_quantile(level) for level in (0.5, 0.1, 0.9))
    what = _reaching(answer, series)
    if middle is None or low == high:
        early = f", and by {format_date(low)} 1 in 10" if low not in (None, high, answer.dates[-1]) else ""
        return f"The chance that {what} by {last} is {chance}{early}."
    assert low is not None
    span = format_dates(low, high) if high is not None else f"{format_date(low)} to later than {last}"
    return (
        f"{what[:1].upper()}{what[1:]} by {format_date(middle)} as likely as not (80 % range {span}); by {last} the "
        f"chance is {chance}."
    )


def _total_sentence(answer: EventAnswer, series: Series) -> str:
    low, middle, high = (_round(answer.quantiles[place]) for place in (LOW, MEDIAN, HIGH))
    what = "total" if series.kind.adds_up else "mean"
    known = int((answer.dates <= series.origin).sum())
    counted = f", of which {series.frequency.steps(known)} {'is' if known == 1 else 'are'} known," if known else ""
    expected, span = format_compact(middle, series.decimals), format_interval(low, high, series.decimals)
    return f"The {what} of {format_dates(answer.dates[0], answer.dates[-1])}{counted} is expected to be {expected} (80 % range {span})."


_SENTENCES = {
    EventKind.above: _level_sentence,
    EventKind.below: _level_sentence,
    EventKind.rise: _rise_sentence,
    EventKind.peak: _peak_sentence,
    EventKind.reach: _reach_sentence,
    EventKind.total: _total_sentence,
}


def _chance(answer: EventAnswer) -> float:
    return answer.probability or 0.0


def _reaching(answer: EventAnswer, series: Series) -> str:
    level = answer.question.level or 0.0
    if series.cumulative:
        return f"the running total reaches {_level(level, series)}"
    return f"figures {'rise' if level > answer.now else 'fall'} to {_level(level, series)}"


def _wave_words(series: Series) -> str:
    return "week" if series.frequency.minutes else "half year"


def _level(value: float, series: Series) -> str:
    """A level in full, with the decimal places that it was given with."""
    decimals = series.decimals if value == round(value, series.decimals) else max(LEVEL_DECIMALS, series.decimals)
    text = format_figure(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _round(value: float) -> float:
    """The number with `DIGITS` significant digits, so that an expectation does not look more precise than it is."""
    if value == 0 or not np.isfinite(value):
        return float(value)
    return float(round(value, DIGITS - 1 - int(np.floor(np.log10(abs(value))))))
