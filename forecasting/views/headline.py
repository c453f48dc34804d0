"""Headline figures of a report, and sentences of pages and reports on track records and on whose bands are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import (
    format_change,
    format_compact,
    format_date,
    format_dates,
    format_difference,
    format_interval,
    format_versus,
)
from forecasting.data.frequency import Frequency
from forecasting.data.series import Series
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.views.answer import (
    HIGH,
    LOW,
    against_no_change,
    horizon_dates,
    last_day,
    next_stretch_name,
    stretch_steps,
)

#: What the error of a model is called where it is given as more or less than no change's.
ERROR = "Error vs no change"
#: What the same of the medians alone is called.
MEDIAN_ERROR = "Median vs no change"
#: What the column of biases is, for who asks.
BIAS_HELP = "How much too high (+) or too low (−) on average, as a share of the actual figures."


@dataclass(frozen=True)
class HeadlineFigure:
    """One headline figure: `label` above, `value` large, `detail` below, `help` on hover."""

    label: str
    value: str
    detail: str
    help: str


def _over(series: Series, steps: int) -> int:
    """What sums over so many periods are divided by: 1 where figures add up, else the periods, which makes means."""
    return 1 if series.kind.adds_up else steps


def _measure(series: Series, steps: int) -> str:
    """What a card shows of so many periods: ``"sum"``, ``"mean"``, or of a single period its ``"figure"``."""
    if steps == 1:
        return "figure"
    return "sum" if series.kind.adds_up else "mean"


def _change(series: Series, now: float, before: float) -> str:
    """A change in percent; of figures that may be negative their difference."""
    if series.kind.low < 0:
        return format_difference(now, before, series.decimals)
    return format_change(now, before)


def latest_count(series: Series) -> HeadlineFigure:
    """The figure of what was counted or measured last, and the change on the stretch before."""
    steps = stretch_steps(series)
    over = _over(series, steps)
    now, before = series.values[-steps:].sum() / over, series.values[-2 * steps : -steps].sum() / over
    stretch = series.frequency.stretch(steps)
    ending = f"to {format_date(series.origin)}"
    comparison = format_versus(_change(series, now, before), f"the {'week' if steps == 7 else stretch} before")
    detail = comparison if len(series) >= 2 * steps else ending
    return HeadlineFigure(
        f"Last {stretch}",
        format_compact(now, series.decimals),
        detail,
        f"The {_measure(series, steps)} of the last {stretch}, {ending}, and how it differs from the {stretch} before.{_published(series, steps)}",
    )


def _published(series: Series, steps: int) -> str:
    """A sentence on what the latest figure was corrected from; empty where it is not corrected."""
    so_far = format_compact(series.published[-steps:].sum())
    if so_far == format_compact(series.values[-steps:].sum()):
        return ""
    return f" So far {so_far} are published; this is what such figures usually become."


def next_stretch(series: Series, forecast: Forecast, today: pd.Timestamp | None = None) -> HeadlineFigure:
    """The figure of the sum over the next stretch, with its 80 % band."""
    steps = min(stretch_steps(series), forecast.horizon)
    total = forecast.totals[steps - 1] / _over(series, steps)
    stretch = series.frequency.stretch(steps)
    return HeadlineFigure(
        next_stretch_name(series, forecast, today),
        format_compact(total[MEDIAN], series.decimals),
        f"80 %: {format_interval(total[LOW], total[HIGH], series.decimals)}",
        f"{model(forecast.model).label}: the median of the {_measure(series, steps)} over the next {stretch} after {format_date(series.origin)}; "
        "with a chance of 80 % it lies in the range below, if the model is right about its own errors.",
    )


def total_by_horizon(series: Series, forecast: Forecast) -> HeadlineFigure:
    """The figure of the sum until the end of the horizon, or of the running total then, with its 80 % band.

    Of figures that do not add up it is their mean until then.
    """
    if not series.kind.adds_up:
        return _mean_by_horizon(series, forecast)
    total = forecast.cumulative(series.total)[-1] if series.cumulative else forecast.totals[-1]
    what = "The running total" if series.cumulative else "All that is expected"
    return HeadlineFigure(
        f"Running total on {last_day(series, forecast)}"
        if series.cumulative
        else f"Total, {horizon_dates(series, forecast)}",
        format_compact(total[MEDIAN], series.decimals),
        f"80 %: {format_interval(total[LOW], total[HIGH], series.decimals)}",
        f"{what} from {format_date(forecast.dates[0])} to {format_date(forecast.dates[-1])}: the median of the sum over possible "
        "futures, and the range that holds 80 % of them."
        if not series.cumulative
        else f"{what} on {format_date(forecast.dates[-1])}: its median and the range that holds 80 % of possible futures.",
    )


def _mean_by_horizon(series: Series, forecast: Forecast) -> HeadlineFigure:
    mean, last = forecast.totals[-1] / forecast.horizon, forecast.dates[-1]
    return HeadlineFigure(
        f"Mean, {horizon_dates(series, forecast)}",
        format_compact(mean[MEDIAN], series.decimals),
        f"80 %: {format_interval(mean[LOW], mean[HIGH], series.decimals)}",
        f"The mean from {format_date(forecast.dates[0])} to {format_date(last)}: its median over possible futures, and the "
        "range that holds 80 % of them. Sums of such figures mean nothing.",
    )


def track_record_figure(score: ModelScore | None, waiting: bool, asked: bool = True) -> HeadlineFigure:
    """The figure of earlier forecasts' WIS against that of no change, and of how often the 80 % range held.

    There is none of a model that nobody `asked` for, whose forecast is only drawn until another is there.
    """
    if score is None:
        why = "not enough history" if asked else "of chosen models only"
        return HeadlineFigure(
            ERROR,
            "…" if waiting else "–",
            "looking back" if waiting else why,
            "Earlier dates are forecast again from what was known then, and compared with the actual figures.",
        )
    return HeadlineFigure(
        ERROR,
        against_no_change(score.relative_wis) if score.relative_wis == score.relative_wis else "–",
        held_words(score),
        f"{model(score.model).label}: weighted interval score of its forecasts from earlier dates, each made from what "
        "was known then, against that of no change. Below is better.",
    )


def format_percent(part: int, whole: int) -> str:
    """A share as percent: ``(27, 28)`` -> ``"96 %"``."""
    return f"{100 * part / whole:.0f} %"


def held_words(score: ModelScore, whose: str = "the") -> str:
    """How often the 80 % range was right: ``"98 of 100 outcomes fell in the 80 % range"``."""
    return f"{score.held_80:,} of {score.periods:,} outcomes fell in {whose} 80 % range"


def error_sentence(score: ModelScore, ahead: str) -> str:
    """The error in a line: ``"Error 19 % below no change (28 days ahead)"``."""
    if score.relative_wis != score.relative_wis:
        return f"Error not to be compared with no change ({ahead})"
    words = against_no_change(score.relative_wis)
    return f"Error {'as large as' if words == 'the same' else words} no change ({ahead})"


#: Whose range it is, where no change was best: "its" could be that of another model on the page.
NO_CHANGES = "no change's"


def track_record_sentence(scores: Sequence[ModelScore], frequency: Frequency, horizon: int, speaker: str = "") -> str:
    """The track record in a sentence or two: how good the model was that speaks, whether its 80 % range held, and which was best.

    Args:
        scores: the best first.
        horizon: the periods ahead that were judged.
        speaker: the model whose forecast the page tells; the best one where it is not among those judged.
    """
    best, ahead = scores[0], f"{frequency.steps(horizon)} ahead"
    spoken = next((score for score in scores if score.model == speaker), best)
    if best.model == "naive":
        winner = "Nothing beat no change here"
        if spoken is best:
            return f"{winner}, {ahead}; {held_words(best, NO_CHANGES)}."
        return f"{_record_words(spoken, ahead)}. {winner}."
    if spoken is best:
        return f"**{model(best.model).label}** was best. {error_sentence(best, ahead)}; {held_words(best, 'its')}."
    return f"{_record_words(spoken, ahead)}. **{model(best.model).label}** was best: {_error(best, ahead)}."


def _record_words(score: ModelScore, ahead: str) -> str:
    """``"**ETS**: error 19 % below no change (28 days ahead); 98 of 100 outcomes fell in its 80 % range"``."""
    return f"**{model(score.model).label}**: {_error(score, ahead)}; {held_words(score, 'its')}"


def _error(score: ModelScore, ahead: str) -> str:
    said = error_sentence(score, ahead)
    return said[:1].lower() + said[1:]


def error_words(ratio: float) -> str:
    """An error over that of no change, before "no change's": ``"19 % below"``; ``"as large as"``."""
    if ratio != ratio:
        return "not to be compared with"
    words = against_no_change(ratio)
    return "as large as" if words == "the same" else words


def judged_sentence(past: TrackRecord, series: Series, horizon: int) -> str:
    """From which dates, and how far ahead, forecasts were judged; says so where that is not the `horizon` on the screen."""
    frequency, count = series.frequency, len(past.origins)
    dates = f"{count} earlier date{'' if count == 1 else 's'} ({format_dates(past.origins[0], past.origins[-1])})"
    sentence = (
        f"Forecast again from {dates}, {frequency.steps(past.horizon)} ahead, each from what was known then, and "
        f"compared with the actual figures. Error: the weighted interval score (WIS), which judges the ranges too. No change: "
        f"{no_change_words(series)}."
    )
    if past.horizon < horizon:
        sentence += f" {frequency.steps(horizon).capitalize()} ahead cannot be judged yet: {frequency.steps(len(series))} of figures are too few."
    return sentence


def time_machine_dates(shown: Sequence[pd.Timestamp], usual: Sequence[pd.Timestamp]) -> str:
    """Which dates a track record of the Time machine is from, and whether they are the `usual` ones of the other pages."""
    sentence = f"{_dates_in_words(shown)}"
    if list(shown) == list(usual):
        return f"{sentence}: those that Explore, Compare and Regions judge by."
    if not usual:
        return f"{sentence}. Other pages have none to judge by: no date has the whole horizon behind it."
    return f"{sentence}. Explore, Compare and Regions judge by {_dates_in_words(usual)}."


def _dates_in_words(dates: Sequence[pd.Timestamp]) -> str:
    if len(dates) == 1:
        return f"1 date, {format_date(dates[0])}"
    return f"{len(dates)} dates, {format_dates(dates[0], dates[-1])}"


def no_change_words(series: Series) -> str:
    """What the baseline does, by the season that it repeats: ``"every day like the same weekday of the week before"``."""
    frequency, season = series.frequency, series.season
    if season <= 1 or len(series) < season:
        return f"every {frequency.step} like the last one"
    if frequency.uses_holidays and season == frequency.cycle:
        return "every day like the same weekday of the week before"
    if frequency.minutes and season == frequency.cycle:
        return f"every {frequency.step} like the same one of the day before"
    return f"every {frequency.step} like the one {frequency.steps(season)} before"


def difference_sentence(best: ModelScore, second: ModelScore, closer: int, origins: int) -> str:
    """A sentence on what the distance between the first two means: ``closer`` says from how many of the `origins` the best was closer."""
    first, other = model(best.model).label, model(second.model).label
    smaller = f"{100 * (1 - best.wis / second.wis):.0f} %" if second.wis > 0 else "0 %"
    sentence = f"Its errors were {smaller} smaller than {other}'s, and it was closer from {closer} of {origins} dates"
    if closer > 0.75 * origins and origins >= 8:
        return f"{sentence}: {first} was better here {'throughout' if closer == origins else 'nearly throughout'}."
    if closer > 0.5 * origins:
        return f"{sentence}: more often than not, but so few dates cannot tell skill from luck."
    return f"{sentence}: a few dates decided it, so do not rely on the order."


@dataclass(frozen=True)
class BestModel:
    """The model whose earlier forecasts were best here, and in a sentence why its bands are drawn."""

    model: str
    why: str


def best_model_here(ratios: Mapping[str, float], chosen: Sequence[str], dates: Mapping[str, int]) -> BestModel | None:
    """Which of the `chosen` models had the lowest WIS at earlier dates; the first of those that are equal.

    None where none of them can be held against repeating. One that has forecast from fewer dates than another is left
    out: it was not asked the same.

    Args:
        ratios: WIS over seasonal naive's, by model; NaN where there is none.
        dates: from how many dates each of them has forecast.
    """
    judged = [name for name in chosen if name in ratios and ratios[name] == ratios[name]]
    most = max((dates[name] for name in judged), default=0)
    ranked = sorted((name for name in judged if dates[name] == most), key=lambda name: ratios[name])
    if not ranked:
        return None
    best, *others = ranked
    earlier = f"over {most} earlier date{'' if most == 1 else 's'}"
    sentence = _bands_of(best, ratios[best], earlier)
    if others:
        sentence += _runner_up(best, ratios[best], others[0], ratios[others[0]])
    short = [model(name).label for name in judged if name not in ranked]
    left_out = f" Judged from fewer dates and left out: {', '.join(short)}." if short else ""
    return BestModel(best, f"{sentence}.{left_out}")


def first_answer_sentence(shown: str, chosen: Sequence[str], unfinished: Sequence[str]) -> str:
    """Why the forecast of a model that nobody chose is drawn.

    Args:
        shown: the model.
        chosen: the models that were chosen, none of which has a forecast.
        unfinished: those of them that may still have one.
    """
    drawn = f"the chart shows the {model(shown).label.lower()}'s forecast, which needs no training"
    if shown == "naive":
        drawn = "the chart shows no change"
    if unfinished:
        return f"Until {_labels(unfinished, 'or')} is ready, {drawn}."
    return f"{_labels(chosen, 'and')} gave no forecast, so {drawn}." if chosen else f"No model is chosen, so {drawn}."


def _labels(names: Sequence[str], last: str) -> str:
    """Labels in a sentence: ``"ETS, SARIMA or Prophet"``."""
    *others, end = [model(name).label for name in names]
    return f"{', '.join(others)} {last} {end}" if others else end


def _bands_of(best: str, ratio: float, earlier: str) -> str:
    name = model(best).label
    if best == "naive":
        return f"Bands of {name}: no change was best here {earlier}"
    sentence = f"its WIS was {ratio:.2f} of that of no change {earlier}"
    if round(ratio, 2) < 1:
        return f"Bands of {name}, the best here so far: {sentence}"
    was = "as good" if round(ratio, 2) == 1 else "best"
    return f"No change was {was} here; bands of {name}, which came closest: {sentence}"


def _runner_up(best: str, ratio: float, other: str, others: float) -> str:
    name, shown = model(other).label, f"{others:.2f}"
    if best == "naive":
        return f"; the next, {name}, had {shown} times its WIS"
    if shown == f"{ratio:.2f}":
        return f"; {name}'s was {shown} too"
    return f"; the next, {name}, had {shown}"
