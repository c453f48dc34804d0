"""Questions about the future, answered by forecasts whose futures are known, and in words."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.joint_futures import joint_futures
from forecasting.data.kind import COUNT, MEASUREMENT
from forecasting.data.series import Series
from forecasting.evaluation.event_table import COLUMNS, AnsweredEvent, event_table
from forecasting.evaluation.event_words import chance_with_percent, chance_words, event_sentence
from forecasting.evaluation.events import EventKind, EventQuestion, answer_question, answer_questions, event_chance
from forecasting.support.errors import RequestError

ABOVE, BELOW, RISE, PEAK, REACH, TOTAL = (
    EventKind(name) for name in ("above", "below", "rise", "peak", "reach", "total")
)


def series(values, frequency=None, **more) -> Series:
    return Series(pd.Timestamp("2025-11-01"), frequency or weekly(), np.array(values, dtype=float), **more)


def forecast(of: Series, medians, width: float = 0.2) -> Forecast:
    """Normal errors of `width` times the median, that are a random walk's."""
    walk = np.random.default_rng(1).standard_normal((4000, len(medians))).cumsum(axis=1)
    futures = np.array(medians, dtype=float) * (1 + width * walk / np.sqrt(np.arange(1, len(medians) + 1)))
    values, totals = (np.quantile(one, QUANTILES, axis=0).T for one in (futures, futures.cumsum(axis=1)))
    return Forecast("ets", "known", of.origin, of.frequency, values, totals, values)


WEEKS = series([100, 300, 500, 400])
AHEAD = forecast(WEEKS, [400, 420, 450, 480])


def answered(kind, level=None, within=None, of=WEEKS, by=AHEAD, **dates):
    return answer_question(of, by, EventQuestion(kind, level, within, **dates))


def test_the_chance_of_a_level_grows_with_the_periods_and_is_the_quantile_s_for_one():
    level = float(AHEAD.values[0, QUANTILES.index(0.7)])
    assert answered(ABOVE, level, 1).probability == pytest.approx(0.3, abs=0.002)
    assert answered(BELOW, level, 1).probability == pytest.approx(0.7, abs=0.002)
    chances = [answered(ABOVE, level, within).probability for within in (1, 2, 3, 4)]
    assert chances == sorted(chances)
    assert chances[3] > chances[0] + 0.1


def test_whether_futures_hang_together_decides_how_likely_any_of_them_passes():
    alone = np.random.default_rng(2).normal(500, 100, (4000, 4))
    values, totals = (np.quantile(one, QUANTILES, axis=0).T for one in (alone, alone.cumsum(axis=1)))
    apart = Forecast("ets", "known", WEEKS.origin, WEEKS.frequency, values, totals, values)
    assert answered(ABOVE, 600, by=apart).probability == pytest.approx(1 - 0.84**4, abs=0.04)


def test_a_rise_is_counted_from_the_last_figure_and_of_days_from_the_mean_of_a_week():
    assert answered(RISE, 0, 4).probability == pytest.approx(0.8, abs=0.03)
    days = series([70, 130] * 7, DAILY)
    flat = forecast(days, [120] * 14, width=0.001)
    found = answered(RISE, 16, 7, of=days, by=flat)
    assert found.now == pytest.approx(np.mean([130, 70, 130, 70, 130, 70, 130]))
    assert found.probability == 0
    assert answered(RISE, 10, 14, of=days, by=flat).probability == 1


def test_past_figures_take_part_in_the_peak():
    found = answered(PEAK)
    assert found.past_peak == (WEEKS.dates[2], 500)
    paths = joint_futures(AHEAD, COUNT)
    assert found.probability == pytest.approx((paths.max(axis=1) <= 500).mean())
    assert [date for date, _ in found.chances] == [WEEKS.dates[2], *AHEAD.dates]
    assert sum(chance for _, chance in found.chances) == pytest.approx(1)
    assert found.quantiles.min() == 500
    assert answered(PEAK, by=forecast(WEEKS, [200] * 4, 0.01)).probability == 1


def test_a_level_is_met_from_either_side_and_what_is_beyond_the_horizon_is_counted():
    rising = answered(REACH, 460)
    assert rising.probability == pytest.approx((joint_futures(AHEAD).max(axis=1) >= 460).mean())
    assert sum(chance for _, chance in rising.chances) == pytest.approx(rising.probability)
    assert rising.date_quantile(0.5) in AHEAD.dates
    assert rising.date_quantile(0.99) is None
    falling = answered(REACH, 350)
    assert falling.probability == pytest.approx((joint_futures(AHEAD).min(axis=1) <= 350).mean())


def test_a_total_holds_past_figures_and_is_the_model_s_own_where_it_begins_with_the_forecast():
    whole = answered(TOTAL)
    np.testing.assert_array_equal(whole.quantiles, AHEAD.totals[-1])
    mixed = answered(TOTAL, first=WEEKS.dates[2], last=AHEAD.dates[1])
    np.testing.assert_allclose(mixed.quantiles, 900 + AHEAD.totals[1])
    assert len(mixed.dates) == 4
    later = answered(TOTAL, first=AHEAD.dates[2])
    np.testing.assert_allclose(later.quantiles[11], 930, rtol=0.03)
    assert len(later.dates) == 2


def test_what_does_not_add_up_has_a_mean():
    warm = series([10, 11, 12, 13], kind=MEASUREMENT)
    assert answered(TOTAL, of=warm, by=forecast(warm, [12, 14])).quantiles[11] == pytest.approx(13, rel=0.03)


def test_running_totals_are_asked_about_as_such():
    total = series([100, 300, 500, 400], cumulative=True)
    assert answered(ABOVE, 2000, 4, of=total).probability == 1
    assert answered(REACH, 1000, of=total).probability == 1
    assert "has reached 1,000 already" in event_sentence(answered(REACH, 1000, of=total), total)
    assert answered(REACH, 10_000, of=total).probability == 0


def test_of_the_one_future_that_came_an_event_happened_or_not():
    came = np.array([[380.0, 410, 520, 300]])
    asked = {
        EventQuestion(ABOVE, 515, 3): 1,
        EventQuestion(ABOVE, 515, 2): 0,
        EventQuestion(BELOW, 350, 4): 1,
        EventQuestion(RISE, 25, 3): 1,
        EventQuestion(RISE, 25, 4): 0,
        EventQuestion(PEAK, None, 2): 1,
        EventQuestion(PEAK, None, 4): 0,
    }
    assert [event_chance(question, WEEKS, came) for question in asked] == list(asked.values())
    assert np.isnan(event_chance(EventQuestion(ABOVE, 1, 5), WEEKS, came))
    assert np.isnan(event_chance(EventQuestion(ABOVE, 1, 4), WEEKS, np.array([[380, np.nan, 500, 300]])))


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: EventQuestion(ABOVE), "The level to be asked for is None; give a number."),
        (lambda: EventQuestion(ABOVE, float("nan")), "give a number"),
        (lambda: EventQuestion(RISE, -100), "give a percentage above -100"),
        (lambda: EventQuestion(PEAK, None, 0), "'within' is 0; give a number of periods from 1 on."),
        (lambda: answered(ABOVE, 5, 9), "'within' is 9, and the forecast is for 4 weeks"),
        (lambda: answered(TOTAL, last=pd.Timestamp("2030-01-01")), "the forecast ends on 20 Dec 2025"),
        (lambda: answered(TOTAL, first=pd.Timestamp("2020-01-01")), "There are no figures before 1 Nov 2025"),
        (lambda: answered(TOTAL, first=WEEKS.dates[0], last=WEEKS.dates[1]), "is yet to come"),
        (lambda: answered(TOTAL, first=AHEAD.dates[2], last=AHEAD.dates[1]), "give the dates in their order"),
        (lambda: answered(RISE, 5, of=series([-1.0, 2], kind=MEASUREMENT)), "may be below zero"),
        (lambda: answered(RISE, 5, of=series([3, 0])), "are at zero"),
    ],
)
def test_what_is_no_question_is_one_sentence(ask, sentence):
    with pytest.raises(RequestError, match=sentence.replace("(", r"\(").replace("?", r"\?")):
        ask()


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (0.0, "less than 1 in 100"),
        (0.04, "about 4 in 100"),
        (0.08, "about 1 in 10"),
        (0.31, "about 3 in 10"),
        (0.25, "about 3 in 10"),
        (0.96, "about 96 in 100"),
        (0.999, "more than 99 in 100"),
    ],
)
def test_chances_are_said_in_ten_or_in_a_hundred(chance, words):
    assert chance_words(chance) == words
    assert chance_with_percent(0.31) == "about 3 in 10 (31 %)"


def test_sentences_are_plain():
    def said(*question, **more):
        return event_sentence(answered(*question, **more), WEEKS)

    assert said(ABOVE, 500, 3) == "The chance of a week above 500 by 13 Dec 2025 is about 3 in 10 (34 %)."
    assert said(BELOW, 450, 1).endswith("The last week, to 22 Nov 2025, had 400 already.")
    assert said(RISE, 25, 4).startswith(
        "The chance of a rise of more than 25 % by 20 Dec 2025, from 400 in the last week, is "
    )
    peak = said(PEAK)
    assert "no week to 20 Dec 2025 is then above the 500 of 15 Nov 2025, the highest of the last half year." in peak
    assert "If not, the highest by then is likeliest that of 20 Dec 2025" in peak
    assert said(REACH, 460).startswith("Figures rise to 460 by ")
    assert said(REACH, 900) == "The chance that figures rise to 900 by 20 Dec 2025 is less than 1 in 100."
    assert said(TOTAL, first=WEEKS.dates[3]).startswith(
        "The total of 22 Nov to 20 Dec 2025, of which 1 week is known, is expected "
    )


def test_the_table_has_a_row_a_number_and_json_the_sentence():
    asked = [EventQuestion(ABOVE, 500, 3), EventQuestion(PEAK), EventQuestion(REACH, 460), EventQuestion(TOTAL)]
    made = [AnsweredEvent("Ohio", "new", "ets", WEEKS, one) for one in answer_questions(WEEKS, AHEAD, asked)]
    table = event_table(made)
    assert list(table.columns) == list(COLUMNS)
    assert table.groupby("event", sort=False)["output"].size().to_dict() == {
        "above": 1,
        "peak": 1 + 23 + 5,
        "reach": 1 + 4 + 1,
        "total": 23,
    }
    reached = table[(table["event"] == "reach") & (table["output"] == "pmf")]
    assert reached["value"].sum() == pytest.approx(1)
    assert reached["output_id"].iloc[-1] == "later"
    assert list(event_table(made, several=True).columns[:2]) == ["region", "statistic"]
    above, peak, *_ = (one.to_json() for one in made)
    assert (above["level"], above["within"], above["last"]) == (500, 3, "2025-12-13")
    assert above["sentence"].startswith("The chance of a week above 500")
    assert peak["past_peak"] == {"date": "2025-11-15", "value": 500}
