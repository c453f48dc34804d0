"""The answer that a page, a report and the API give first: what is expected next, how sure that is, and how good such forecasts were.

Sentences are plain text; who shows them as Markdown escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, QUANTILES, Forecast
from forecasting.data.formatting import format_compact, format_date, format_figure, format_interval, within_sentence
from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.evaluation.track_record import TrackRecord, stretch_errors
from forecasting.models import model
from forecasting.views.per_population import UNIT, PerPopulation

#: The columns of the ends of the 80 % band in a table of quantiles.
LOW, HIGH = QUANTILES.index(0.1), QUANTILES.index(0.9)
#: Significant digits of what is expected.
DIGITS = 3
#: How many times the present, or its inverse, is about the same, a slight change, and no large one.
SAME, SLIGHT, LARGE = 1.02, 1.10, 1.5
#: Chances between these leave it open whether figures rise or fall.
OPEN = (0.4, 0.6)
#: Days in a period from which on a date is told with its year.
LONG_PERIOD = 80


@dataclass(frozen=True)
class Answer:
    """What a forecast says first, in sentences.

    Attributes:
        subject: whose figures these are, and of what: ``"United States · new cases"``.
        dated: how often and to which date there are figures: ``"daily figures to 16 May 2021"``.
        sentence: what is expected next: ``"About 3,790 next week, slightly fewer than last week's 3,899."``
        figure: what is expected, as it stands in `sentence`.
        band: ``"80 % range 3,140–4,550"``.
        total: the sum, or the mean, to the end of the horizon with its 80 % range; empty where that is the same.
        trend: ``"falling by 18 Apr with a chance of 58 %"``.
        past: how far off such forecasts were; empty while that is not known.
        by: which model says it.
    """

    subject: str
    dated: str
    sentence: str
    figure: str
    band: str
    total: str
    trend: str
    past: str
    by: str

    @property
    def details(self) -> list[str]:
        """What stands below the sentence, in this order."""
        return [part for part in (self.band, self.trend, self.total, self.past, f"by {self.by}") if part]

    @property
    def text(self) -> str:
        """All of it in one line, for a report, an alt text or the API."""
        return f"{self.subject}, {self.dated}: {self.sentence} {' · '.join(self.details)}."


def answer(
    region: str,
    label: str,
    series: Series,
    forecast: Forecast,
    past: TrackRecord | None = None,
    per: PerPopulation | None = None,
    today: pd.Timestamp | None = None,
) -> Answer:
    """What `forecast` says of `series` first.

    Args:
        region, label: whose figures these are, and what they count: ``"New cases"``.
        past: the track record of the region, with or without the model.
        per: what figures are to be divided by; None where they are told as counted.
        today: when this is read, so that nobody takes a week that is over for the next one; the series' last date unless given.
    """
    before = past_words(series, past, forecast.model, per) if past else ""
    if per:
        series, forecast, label = per.series(series), per.forecast(forecast), f"{label} {UNIT}"
    steps = stretch_steps(series)
    low, middle, high = next_stretch(series, forecast)
    figure = format_compact(_rounded(middle), series.decimals)
    return Answer(
        f"{region} · {within_sentence(label)}",
        f"{series.frequency.name} figures to {format_date(series.origin)}",
        _sentence(series, forecast, steps, middle, f"{figure} {UNIT}" if per else figure, today),
        figure,
        f"80 % range {format_interval(_rounded(low), _rounded(high), series.decimals)}",
        _total(series, forecast, steps),
        trend_words(chance_of_rise(series, forecast), last_day(series, forecast)),
        before,
        model(forecast.model).label,
    )


def stretch_steps(series: Series) -> int:
    """How many periods "last" and "next" speak of: a week of days, a day of hours, else one period."""
    return min(series.season if series.frequency.cycle > 1 else 1, len(series))


def next_stretch(series: Series, forecast: Forecast) -> tuple[float, float, float]:
    """The 80 % range's ends and the median between them, of the next stretch: a sum, or of what does not add up a mean."""
    steps = min(stretch_steps(series), forecast.horizon)
    total = forecast.totals[steps - 1] / (1 if series.kind.adds_up else steps)
    return float(total[LOW]), float(total[MEDIAN]), float(total[HIGH])


def _sentence(
    series: Series, forecast: Forecast, steps: int, middle: float, figure: str, today: pd.Timestamp | None
) -> str:
    now = float(series.values[-steps:].sum()) / (1 if series.kind.adds_up else steps)
    ahead, stretch = min(steps, forecast.horizon), series.frequency.stretch(steps)
    over = today is not None and has_passed(series, forecast.dates[ahead - 1], today)
    when = f"next {series.frequency.stretch(ahead)}" if ahead == 1 else f"in the next {series.frequency.stretch(ahead)}"
    if over:
        when = dated_stretch(series, ahead, forecast.dates[ahead - 1])
    if series.cumulative:
        when = f"more {when}"
    if not series.kind.adds_up and ahead > 1:
        when = f"on average {when}"
    if ahead < steps:  # fewer periods than the last stretch has are not to be compared with it
        return f"About {figure} {when}."
    before = format_compact(now, series.decimals)
    told = f"last {stretch}'s {before}" if steps == 1 else f"the {before} of the last {stretch}"
    if over:
        told = f"{before} the {stretch} before" if steps == 1 else f"the {before} of the {stretch} before"
    return f"About {figure} {when}, {comparison_words(middle, now, series)} {told}."


def has_passed(series: Series, last: pd.Timestamp, today: pd.Timestamp) -> bool:
    """Whether a stretch that ends on `last` is over, and so long ago that figures of it could have been published."""
    return bool(today > series.frequency.after(last, 1)[0])


def dated_stretch(series: Series, steps: int, last: pd.Timestamp) -> str:
    """A stretch by its date: ``"in the week to 28 Mar 2026"``, ``"in the month of 1 Mar 2026"``, ``"on 28 Mar 2026"``."""
    if steps == 1 and series.frequency.step.endswith("day"):
        return f"on {format_date(last)}"
    return f"in the {series.frequency.stretch(steps)} {_joint(series, steps)} {format_date(last)}"


def _joint(series: Series, steps: int) -> str:
    """What stands between a stretch and its last date: weeks are called by their last day, months and the like by their own date."""
    return "to" if steps > 1 or series.frequency.alias.startswith("W-") else "of"


def expected_figure(series: Series, forecast: Forecast) -> str:
    """What a forecast expects of the next stretch, as `answer` gives it."""
    return format_compact(_rounded(next_stretch(series, forecast)[1]), series.decimals)


def next_stretch_name(series: Series, forecast: Forecast, today: pd.Timestamp | None = None) -> str:
    """The next stretch as a column is called: ``"Next week"``, ``"Next 7 days"``; by its last date where it is over ``"To 28 Mar"``."""
    steps = min(stretch_steps(series), forecast.horizon)
    last = forecast.dates[steps - 1]
    if today is not None and has_passed(series, last, today):
        return f"{series.frequency.stretch(steps).capitalize()} {_joint(series, steps)} {_short_date(series, last)}"
    return f"Next {series.frequency.stretch(steps)}"


def against_no_change(ratio: float) -> str:
    """An error over that of no change in words: ``0.81`` -> ``"19 % below"``, ``1.0`` -> ``"the same"``."""
    percent = round(100 * (ratio - 1))
    if percent == 0:
        return "the same"
    if percent >= 1000:
        return f"{ratio:,.0f} times"
    return f"{abs(percent)} % {'above' if percent > 0 else 'below'}"


def comparison_words(expected: float, now: float, series: Series) -> str:
    """How `expected` compares with `now`, up to the figure itself: ``"slightly fewer than"``."""
    more, less = ("more", "fewer") if series.kind is COUNT else ("higher", "lower")
    if series.kind.low < 0 or now <= 0 or expected <= 0:
        spread = float(np.std(series.values)) or 1.0
        if abs(expected - now) < 0.1 * spread:
            return "much like"
        return f"{more if expected > now else less} than"
    ratio = max(expected / now, now / expected)
    if ratio < SAME:
        return "much like"
    size = "slightly " if ratio < SLIGHT else "far " if ratio >= LARGE else ""
    return f"{size}{more if expected > now else less} than"


def _total(series: Series, forecast: Forecast, steps: int) -> str:
    if forecast.horizon <= steps or forecast.horizon == 1:
        return ""
    dates = horizon_dates(series, forecast)
    if series.cumulative:
        table, what = forecast.cumulative(series.total)[-1], f"running total on {last_day(series, forecast)}"
    elif series.kind.adds_up:
        table, what = forecast.totals[-1], f"total, {dates}"
    else:
        table, what = forecast.totals[-1] / forecast.horizon, f"mean, {dates}"
    decimals = series.decimals
    return f"{what}: {format_compact(table[MEDIAN], decimals)} ({format_interval(table[LOW], table[HIGH], decimals)})"


def chance_of_rise(series: Series, forecast: Forecast) -> float:
    """The chance, 0 to 1, that the end of the horizon is above the present: of days, both as means over a week.

    Read off the quantiles, linearly between them; never below 0.01 or above 0.99, the outermost of them.
    """
    steps = stretch_steps(series)
    values = (forecast.means if steps > 1 else forecast.values)[-1]
    now = float(series.values[-steps:].mean())
    if values[0] == values[-1]:
        return 0.5 if values[0] == now else float(values[0] > now) * 0.98 + 0.01
    below = np.interp(now, values, QUANTILES, left=QUANTILES[0], right=QUANTILES[-1])
    return float(1 - below)


def trend_words(rise: float, by: str) -> str:
    """Which way figures go by a date, with the chance of it; `rise` is that of a rise."""
    likelier, chance = ("rising", rise) if rise >= 0.5 else ("falling", 1 - rise)
    told = f"{100 * chance:.0f} %" if chance < 0.99 else "99 % or more"
    if OPEN[0] < rise < OPEN[1]:
        return f"rising or falling by {by} is about as likely ({told} for {likelier})"
    return f"{likelier} by {by} with a chance of {told}"


def past_words(series: Series, past: TrackRecord, name: str, per: PerPopulation | None = None) -> str:
    """How far off the same model's forecasts of the next stretch were from earlier dates, beside those of no change."""
    steps = stretch_steps(series)
    found = None if past.is_partial(name) else stretch_errors(past, series, name, steps)
    if found is None:
        return ""
    dates, error, naive = found
    what = f"the last {dates} such forecasts were" if dates > 1 else "the last such forecast was"
    if series.kind.low < 0 or not error.came > 0:
        factor, decimals = (per.factor, per.series(series).decimals) if per else (1.0, series.decimals)
        off, beside = (format_figure(factor * one.size, decimals + 1) for one in (error, naive))
        return f"{what} {off} off (no change: {beside})"
    return f"{what} {100 * error.size / error.came:.0f} % off (no change: {100 * naive.size / naive.came:.0f} %)"


def last_day(series: Series, forecast: Forecast) -> str:
    """The last date of a forecast, with as much of it as tells it from the others."""
    return _short_date(series, forecast.dates[-1])


def horizon_dates(series: Series, forecast: Forecast) -> str:
    """The dates that a forecast is for: ``"22 Mar to 18 Apr"``."""
    return f"{_short_date(series, forecast.dates[0])} to {last_day(series, forecast)}"


def _short_date(series: Series, date: pd.Timestamp) -> str:
    if series.frequency.minutes:
        return f"{date.day} {date:%b %H:%M}"
    return f"{date.day} {date:%b}" if series.frequency.days < LONG_PERIOD else f"{date.day} {date:%b %Y}"


def _rounded(value: float) -> float:
    """The number with `DIGITS` significant digits, so that an expectation does not look more precise than it is."""
    if value == 0 or not np.isfinite(value):
        return value
    return float(round(value, DIGITS - 1 - int(np.floor(np.log10(abs(value))))))
