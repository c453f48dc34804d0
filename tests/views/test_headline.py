import numpy as np
import pandas as pd

from forecasting import Series, model
from forecasting.data.frequency import DAILY, every_minutes, frequency_of_alias, weekly
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.views import headline


def daily(values, **more) -> Series:
    return Series(pd.Timestamp("2021-01-04"), DAILY, np.asarray(values, dtype=float), **more)


def a_score(name: str, ratio: float, held: int = 27) -> ModelScore:
    return ModelScore(name, 28, 10.0, ratio, 5.0, ratio, 14, held, 28, 0.1)


def test_the_last_week_is_compared_with_the_one_before():
    figure = headline.latest_count(daily([10] * 7 + [20] * 7))
    assert (figure.label, figure.value, figure.detail) == ("Last 7 days", "140", "+100 % vs the week before")


def test_weekly_counts_speak_of_single_weeks():
    series = Series(pd.Timestamp("2024-11-09"), weekly("SAT"), np.array([100.0, 80.0]))
    assert headline.latest_count(series).label == "Last week"
    assert headline.latest_count(series).detail == "−20 % vs the week before"


def test_the_next_week_is_the_median_of_the_sum_with_its_80_percent_band():
    series = daily([10] * 60)
    forecast = model("naive").forecast(series, 14)
    figure = headline.next_stretch(series, forecast)
    assert figure.label == "Next 7 days"
    assert figure.value == "70"
    assert figure.detail.startswith("80 %: ")


def test_a_horizon_shorter_than_a_week_is_not_called_a_week():
    series = daily([10] * 60)
    assert headline.next_stretch(series, model("naive").forecast(series, 3)).label == "Next 3 days"


def test_by_then_is_a_running_total_where_running_totals_were_asked_for():
    forecast = model("naive").forecast(daily([10] * 60), 10)
    assert headline.total_by_horizon(daily([10] * 60), forecast).value == "100"
    total = headline.total_by_horizon(daily([10] * 60, before=400.0, cumulative=True), forecast)
    assert (total.label, total.value) == ("Running total on 14 Mar", "1,100")


def test_the_track_record_waits_then_speaks():
    assert headline.track_record_figure(None, waiting=True).detail == "looking back"
    assert headline.track_record_figure(None, waiting=False).detail == "not enough history"
    figure = headline.track_record_figure(a_score("ets", 0.8), waiting=False)
    assert (figure.value, figure.detail) == ("20 % below", "27 of 28 outcomes fell in the 80 % range")


def test_a_model_that_nobody_chose_has_no_track_record_and_says_why():
    figure = headline.track_record_figure(None, waiting=False, asked=False)
    assert (figure.value, figure.detail) == ("–", "of chosen models only")


def test_the_first_answer_is_told_in_words():
    sentence = headline.first_answer_sentence
    network = "the chart shows the pretrained network's forecast, which needs no training."
    assert sentence("pretrained", ["sarima"], ["sarima"]) == f"Until SARIMA is ready, {network}"
    assert (
        sentence("pretrained", ["ets", "sarima", "prophet"], ["ets", "sarima", "prophet"])
        == f"Until ETS, SARIMA or Prophet is ready, {network}"
    )
    assert sentence("pretrained", ["ets", "sarima"], []) == f"ETS and SARIMA gave no forecast, so {network}"
    assert sentence("pretrained", [], []) == f"No model is chosen, so {network}"
    repeated = "the chart shows no change."
    assert sentence("naive", ["ets"], ["ets"]) == f"Until ETS is ready, {repeated}"


def test_the_verdict_names_the_best_and_admits_when_nothing_beat_repeating():
    said = headline.track_record_sentence((a_score("ets", 0.8), a_score("naive", 1.0)), DAILY, 28)
    assert said.startswith("**ETS** was best. Error 20 % below no change (28 days ahead); ")
    assert said.endswith("27 of 28 outcomes fell in its 80 % range.")
    nothing = headline.track_record_sentence((a_score("naive", 1.0),), DAILY, 28)
    assert nothing == "Nothing beat no change here, 28 days ahead; 27 of 28 outcomes fell in no change's 80 % range."


def test_the_verdict_is_first_of_the_model_that_speaks_whichever_was_best():
    worst = (a_score("naive", 1.0), a_score("ets", 1.91))
    said = headline.track_record_sentence(worst, DAILY, 28, "ets")
    assert said.startswith(
        "**ETS**: error 91 % above no change (28 days ahead); 27 of 28 outcomes fell in its 80 % range."
    )
    assert said.endswith(" Nothing beat no change here.")
    second = (a_score("theta", 0.7), a_score("ets", 0.9))
    said = headline.track_record_sentence(second, DAILY, 28, "ets")
    assert said.startswith("**ETS**: error 10 % below no change (28 days ahead); ")
    assert said.endswith(" **Theta** was best: error 30 % below no change (28 days ahead).")


def best_of(*ratios, chosen=("ensemble", "sarima", "ets", "naive"), dates=8, **fewer):
    """The best of models with these WIS against repeating, each judged from `dates` dates or from `fewer`."""
    return headline.best_model_here(dict(ratios), chosen, {name: fewer.get(name, dates) for name, _ in ratios})


def test_the_best_here_has_the_lowest_wis_and_says_by_how_much():
    best = best_of(("sarima", 0.704), ("ets", 0.62), ("naive", 1.0))
    assert best.model == "ets"
    assert best.why == (
        "Bands of ETS, the best here so far: its WIS was 0.62 of that of no change over 8 earlier dates; "
        "the next, SARIMA, had 0.70."
    )


def test_only_chosen_models_that_can_be_judged_are_the_best_here():
    assert best_of(("sarima", 0.7), ("ets", 0.6), chosen=("sarima",)).model == "sarima"
    assert best_of(("ets", 0.6), chosen=("ets",)).why.endswith("over 8 earlier dates.")
    assert best_of(("ets", 0.6), chosen=("ets",), dates=1).why.endswith("over 1 earlier date.")
    assert best_of(("ets", float("nan"))) is None
    assert best_of() is None


def test_of_models_that_are_equally_good_here_the_first_is_taken_and_the_other_named():
    best = best_of(("ets", 0.62), ("sarima", 0.62))
    assert best.model == "sarima"
    assert best.why.endswith("; ETS's was 0.62 too.")


def test_when_repeating_was_best_that_is_said():
    chosen = best_of(("ets", 1.08), ("naive", 1.0))
    assert chosen.model == "naive"
    assert chosen.why == (
        "Bands of No-change baseline: no change was best here over 8 earlier dates; the next, ETS, had 1.08 times its WIS."
    )
    closest = best_of(("ets", 1.08), ("sarima", 1.2), ("naive", 1.0), chosen=("sarima", "ets"))
    assert closest.model == "ets"
    assert closest.why == (
        "No change was best here; bands of ETS, which came closest: its WIS was 1.08 of that of no change over 8 earlier "
        "dates; the next, SARIMA, had 1.20."
    )
    assert best_of(("ets", 1.001), chosen=("ets",)).why.startswith("No change was as good here; bands of ETS")


def test_a_model_that_was_judged_from_fewer_dates_cannot_be_the_best_here():
    best = best_of(("ets", 0.5), ("sarima", 0.7), ets=3)
    assert best.model == "sarima"
    assert best.why.endswith("over 8 earlier dates. Judged from fewer dates and left out: ETS.")


def test_what_no_change_means_follows_the_season_that_is_repeated():
    months = Series(pd.Timestamp("2020-01-01"), frequency_of_alias("MS"), np.ones(40))
    hours = Series(pd.Timestamp("2026-01-01"), every_minutes(60), np.ones(100))
    weeks = Series(pd.Timestamp("2026-01-03"), weekly(), np.ones(73))
    words = [headline.no_change_words(one) for one in (daily([1] * 30), weeks, hours, months, daily([1] * 3))]
    assert words == [
        "every day like the same weekday of the week before",
        "every week like the last one",
        "every hour like the same one of the day before",
        "every month like the one 12 months before",
        "every day like the last one",
    ]


def test_where_a_horizon_cannot_be_judged_yet_that_is_said():
    now = Series(pd.Timestamp("2026-01-03"), weekly(), np.ones(73))
    cut = Cutoff("A", now.origin, now, now.origin)
    past = TrackRecord(horizon=23, ahead=23, cutoffs=(cut,))
    assert "26 weeks ahead cannot be judged yet: 73 weeks of figures are too few." in headline.judged_sentence(
        past, now, 26
    )
    assert "cannot be judged" not in headline.judged_sentence(past, now, 23)


def test_the_time_machine_says_which_dates_it_judges_by_and_which_the_others():
    weeks = list(pd.date_range("2026-01-03", periods=3, freq="W-SAT"))
    assert headline.time_machine_dates(weeks, weeks) == (
        "3 dates, 3 Jan to 17 Jan 2026: those that Explore, Compare and Regions judge by."
    )
    assert headline.time_machine_dates(weeks[:1], weeks) == (
        "1 date, 3 Jan 2026. Explore, Compare and Regions judge by 3 dates, 3 Jan to 17 Jan 2026."
    )
    assert "Other pages have none" in headline.time_machine_dates(weeks, [])


def test_an_error_and_what_fell_in_the_range_are_told_in_a_line():
    score = a_score("ets", 0.81)
    assert headline.error_sentence(score, "28 days ahead") == "Error 19 % below no change (28 days ahead)"
    assert (
        headline.error_sentence(a_score("ets", 1.0), "4 weeks ahead") == "Error as large as no change (4 weeks ahead)"
    )
    assert headline.held_words(score) == "27 of 28 outcomes fell in the 80 % range"
