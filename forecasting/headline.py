"""The four figures above the chart: now, soon, by then, can I trust it."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.models import model
from forecasting.scoring import Score
from forecasting.series import MEDIAN, QUANTILES, Forecast, Series
from forecasting.wording import change, compact, day, span

LOW, HIGH = QUANTILES.index(0.1), QUANTILES.index(0.9)


@dataclass(frozen=True)
class Figure:
    """One headline figure: `label` above, `value` large, `detail` below, `help` on hover."""

    label: str
    value: str
    detail: str
    help: str


def _season_steps(series: Series) -> int:
    """The stretch that "recently" and "soon" speak of: a week of days, a day of hours, else one period."""
    return series.season if series.frequency.name in ("daily", "hourly") else 1


def latest(series: Series) -> Figure:
    """What was counted last, and the change on the stretch before."""
    steps = min(_season_steps(series), len(series))
    now, before = series.values[-steps:].sum(), series.values[-2 * steps : -steps].sum()
    stretch = series.frequency.steps(steps) if steps > 1 else series.frequency.step
    ending = f"to {day(series.origin)}"
    comparison = f"{change(now, before)} on the {'week' if steps == 7 else stretch}"
    detail = comparison if len(series) >= 2 * steps else ending
    return Figure(
        f"Last {stretch}",
        compact(now),
        detail,
        f"The sum of the last {stretch}, {ending}, and how it differs from the {stretch} before.",
    )


def soon(series: Series, forecast: Forecast) -> Figure:
    """The sum over the next stretch with its 80 % band."""
    steps = min(_season_steps(series), forecast.horizon)
    total = forecast.totals[steps - 1]
    stretch = series.frequency.steps(steps) if steps > 1 else series.frequency.step
    return Figure(
        f"Next {stretch}",
        compact(total[MEDIAN]),
        f"80 %: {span(total[LOW], total[HIGH])}",
        f"{model(forecast.model).label}: the median of the sum over the next {stretch} after {day(series.origin)}; "
        "with a chance of 80 % it lies in the range below, if the model is right about its own errors.",
    )


def by_then(series: Series, forecast: Forecast) -> Figure:
    """Everything until the end of the horizon, or the running total then, with its 80 % band."""
    total = forecast.cumulative(series.total)[-1] if series.cumulative else forecast.totals[-1]
    sign = "" if series.cumulative else "+"
    what = "The running total" if series.cumulative else "All that is expected"
    return Figure(
        f"{'Total' if series.cumulative else 'All'} by {forecast.dates[-1].day} {forecast.dates[-1]:%b}",
        sign + compact(total[MEDIAN]),
        f"80 %: {span(total[LOW], total[HIGH])}",
        f"{what} from {day(forecast.dates[0])} to {day(forecast.dates[-1])}: the median of the sum over possible "
        "futures, and the range that holds 80 % of them."
        if not series.cumulative
        else f"{what} on {day(forecast.dates[-1])}: its median and the range that holds 80 % of possible futures.",
    )


def track_record(score: Score | None, waiting: bool) -> Figure:
    """The error of the last forecasts against seasonal naive's, and how often the 80 % band held."""
    if score is None:
        return Figure(
            "Track record",
            "…" if waiting else "–",
            "looking back" if waiting else "not enough history",
            "Earlier dates are forecast again from what was known then, and compared with what came.",
        )
    return Figure(
        "Track record",
        _times(score.relative_error),
        f"80 % band held {percent(score.held_80, score.periods)}",
        f"{model(score.model).label}: mean absolute error of its forecasts from earlier dates, each made from what was "
        "known then, as a multiple of seasonal naive's (repeating the last season). Below 1 is better than repeating.",
    )


def percent(part: int, whole: int) -> str:
    """``(27, 28)`` -> ``"96 %"``."""
    return f"{100 * part / whole:.0f} %"


def verdict(scores: tuple[Score, ...], step: str) -> str:
    """The look back in a sentence: who was best, by how much, and whether its band can be believed."""
    best = scores[0]
    name = model(best.model).label
    held = f"its 80 % band held {best.held_80} of {best.periods} {step}s"
    if best.model == "naive":
        return f"Nothing beat repeating the last season here: **{name}** was closest, and {held}."
    return f"**{name}** was closest: {_times(best.relative_error)} the error of repeating the last season, and {held}."


def difference(best: Score, second: Score, closer: int, origins: int) -> str:
    """What the distance between the first two means: ``closer`` says from how many of the `origins` the best was closer."""
    first, other = model(best.model).label, model(second.model).label
    smaller = f"{100 * (1 - best.error / second.error):.0f} %" if second.error > 0 else "0 %"
    sentence = f"Its errors were {smaller} smaller than {other}'s, and it was closer from {closer} of {origins} dates"
    if closer > 0.75 * origins and origins >= 8:
        return f"{sentence}: {first} was better here throughout."
    if closer > 0.5 * origins:
        return f"{sentence}: more often than not, but so few dates cannot tell skill from luck."
    return f"{sentence}: a few dates decided it, so do not rely on the order."


def _times(ratio: float) -> str:
    return f"{ratio:.2f}×" if ratio == ratio else "–"
