"""The answer in sentences, on forecasts whose numbers are known."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import DAILY, every_minutes, frequency_of_alias, weekly
from forecasting.data.kind import AMOUNT, COUNT, MEASUREMENT
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.track_record import TrackRecord, stretch_errors
from forecasting.jobs import Job, State
from forecasting.views.answer import (
    against_no_change,
    answer,
    chance_of_rise,
    comparison_words,
    next_stretch_name,
    trend_words,
)

SPREAD = np.linspace(-1, 1, len(QUANTILES))


def series(values, frequency=None, kind=COUNT, cumulative=False, start="2026-01-03") -> Series:
    values = np.array(values, dtype=float)
    return Series(pd.Timestamp(start), frequency or weekly(), values, kind=kind, cumulative=cumulative)


def forecast(of: Series, medians, width=0.2, model="ets") -> Forecast:
    """Quantiles evenly around the medians, `width` of them to either side; sums and means as if all moved together."""
    values = np.array(medians, dtype=float)[:, None] * (1 + width * SPREAD)
    steps = np.arange(1, len(values) + 1)[:, None]
    sums = values.cumsum(axis=0)
    return Forecast(model, "known", of.origin, of.frequency, values, sums, sums / steps)


def test_weeks_are_said_with_range_total_trend_and_model():
    shown = series([900, 1000])
    said = answer("Ohio", "New cases", shown, forecast(shown, [923.4, 850, 800, 750]))
    assert said.subject == "Ohio · new cases"
    assert said.dated == "weekly figures to 10 Jan 2026"
    assert said.sentence == "About 923 next week, slightly fewer than last week's 1,000."
    assert said.band == "80 % range 789–1,060"
    assert said.total == "total, 17 Jan to 7 Feb: 3,323 (2,840–3,807)"
    assert said.trend == "falling by 7 Feb with a chance of 99 % or more"
    assert said.past == ""
    assert said.text.startswith("Ohio · new cases, weekly figures to 10 Jan 2026: About 923 next week, ")
    assert said.text.endswith(" · by ETS.")


def test_days_are_told_by_the_week():
    shown = series([100] * 7 + [200] * 7, DAILY)
    said = answer("Here", "Visits", shown, forecast(shown, [300] * 14))
    assert said.sentence == "About 2,100 in the next 7 days, far more than the 1,400 of the last 7 days."


def test_running_totals_say_what_comes_to_them_and_where_they_end():
    shown = series([100] * 14, DAILY, cumulative=True)
    said = answer("Here", "Cumulative cases", shown, forecast(shown, [100] * 14))
    assert said.sentence == "About 700 more in the next 7 days, much like the 700 of the last 7 days."
    assert said.total.startswith("running total on 30 Jan: 2,800 (")


def test_a_horizon_shorter_than_a_week_of_days_is_not_compared_with_a_week():
    shown = series([100] * 14, DAILY)
    assert answer("Here", "Visits", shown, forecast(shown, [50] * 3)).sentence == "About 150 in the next 3 days."


def test_what_does_not_add_up_is_told_as_a_mean():
    shown = series([10.0] * 48, every_minutes(60), kind=MEASUREMENT)
    said = answer("Here", "Degrees", shown, forecast(shown, [12.0] * 48))
    assert said.sentence.startswith("About 12")
    assert "on average in the next 24 hours, higher than the 10" in said.sentence
    assert said.total.startswith("mean, ")


@pytest.mark.parametrize(
    ("expected", "now", "words"),
    [
        (101, 100, "much like"),
        (105, 100, "slightly more than"),
        (95, 100, "slightly fewer than"),
        (130, 100, "more than"),
        (50, 100, "far fewer than"),
        (3, 0, "more than"),
        (0, 0, "much like"),
    ],
)
def test_comparisons_of_counts(expected, now, words):
    assert comparison_words(expected, now, series([1, 2, 3])) == words


def test_amounts_are_higher_or_lower():
    assert comparison_words(50, 100, series([1, 2, 3], kind=AMOUNT)) == "far lower than"


def test_the_chance_of_a_rise_is_read_off_the_quantiles():
    shown = series([100, 100])
    made = forecast(shown, [100, 100])
    assert chance_of_rise(shown, made) == pytest.approx(0.5)
    quarter = series([100, float(made.values[-1, QUANTILES.index(0.25)])])
    assert chance_of_rise(quarter, made) == pytest.approx(0.75)
    assert chance_of_rise(series([100, 1e6]), made) == pytest.approx(0.01)
    assert chance_of_rise(series([1, 5]), forecast(series([1, 5]), [5, 5], width=0)) == 0.5


@pytest.mark.parametrize(
    ("rise", "words"),
    [
        (0.58, "rising or falling by 4 Jul is about as likely (58 % for rising)"),
        (0.7, "rising by 4 Jul with a chance of 70 %"),
        (0.25, "falling by 4 Jul with a chance of 75 %"),
        (0.995, "rising by 4 Jul with a chance of 99 % or more"),
    ],
)
def test_a_trend_is_said_with_its_chance(rise, words):
    assert trend_words(rise, "4 Jul") == words


@pytest.mark.parametrize(
    ("ratio", "words"), [(0.81, "19 % below"), (1.0, "the same"), (1.25, "25 % above"), (40, "40 times")]
)
def test_errors_against_no_change(ratio, words):
    assert against_no_change(ratio) == words


def look_back(now: Series, said: dict[str, list[float]]) -> TrackRecord:
    """One forecast of one week from each of the weeks before the last ones, whose medians are given by model."""
    count = len(next(iter(said.values())))
    cuts = []
    for place in range(count):
        known = Series(now.start, now.frequency, now.values[: len(now) - count + place])
        cuts.append(Cutoff("A", known.origin, known, known.origin))
    asked = {
        (name, place): Job("k", name, 1, State.done, forecast=forecast(cuts[place].series, [median], model=name))
        for name, medians in said.items()
        for place, median in enumerate(medians)
    }
    return TrackRecord(asked=asked, horizon=1, ahead=1, cutoffs=tuple(cuts))


def test_how_far_off_such_forecasts_were_is_said_beside_no_change():
    now = series([100, 100, 100, 120, 80])
    past = look_back(now, {"ets": [110, 110], "naive": [100, 120]})
    count, own, naive = stretch_errors(past, now, "ets", 1)
    assert (count, own.size, own.came, naive.size) == (2, pytest.approx(20.0), 100.0, pytest.approx(30.0))
    said = answer("A", "Cases", now, forecast(now, [90, 90]), past)
    assert said.past == "the last 2 such forecasts were 20 % off (no change: 30 %)"
    assert stretch_errors(past, now, "theta", 1) is None


def test_nothing_is_said_of_a_track_record_that_is_made_of_some_dates_only():
    now = series([100, 100, 100, 120, 80])
    past = look_back(now, {"ets": [110, 110], "naive": [100, 120]})
    coming = Job("later", "ets", 1, State.running)
    asked = {("ets", 1): coming} | {place: job for place, job in past.asked.items() if place != ("ets", 1)}
    half = TrackRecord(asked=asked, horizon=1, ahead=1, cutoffs=past.cutoffs)
    assert (half.judged("ets"), half.is_partial("ets"), half.is_partial("naive")) == (1, True, False)
    assert answer("A", "Cases", now, forecast(now, [90, 90]), half).past == ""
    assert not past.is_partial("ets")


def test_a_stretch_that_is_over_is_called_by_its_date_and_not_the_next_one():
    shown = series([900, 1000])
    expected = forecast(shown, [923.4, 850])
    later = shown.origin + pd.Timedelta(days=200)
    said = answer("Ohio", "New cases", shown, expected, today=later)
    assert said.sentence == "About 923 in the week to 17 Jan 2026, slightly fewer than 1,000 the week before."
    assert next_stretch_name(shown, expected, later) == "Week to 17 Jan"
    soon = shown.origin + pd.Timedelta(days=13)
    assert answer("Ohio", "New cases", shown, expected, today=soon).sentence.startswith("About 923 next week, ")
    assert next_stretch_name(shown, expected, soon) == "Next week"


def test_days_and_months_that_are_over_are_called_by_their_dates():
    later = pd.Timestamp("2028-01-01")
    days = series([100] * 7 + [200] * 7, DAILY)
    said = answer("Here", "Visits", days, forecast(days, [300] * 14), today=later)
    assert said.sentence == "About 2,100 in the 7 days to 23 Jan 2026, far more than the 1,400 of the 7 days before."
    months = series([100, 200], frequency_of_alias("MS"), start="2026-01-01")
    said = answer("Here", "Visits", months, forecast(months, [300, 300]), today=later)
    assert said.sentence == "About 300 in the month of 1 Mar 2026, far more than 200 the month before."


def test_a_day_that_is_over_is_told_by_its_date():
    shown = series([100] * 14, DAILY)
    said = answer("Here", "Visits", shown, forecast(shown, [150]), today=pd.Timestamp("2028-01-01"))
    assert said.sentence == "About 150 on 17 Jan 2026."
