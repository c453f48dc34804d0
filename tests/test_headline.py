import numpy as np
import pandas as pd

from forecasting import Series, headline, model
from forecasting.frequency import DAILY, weekly
from forecasting.scoring import Score


def daily(values, **more) -> Series:
    return Series(pd.Timestamp("2021-01-04"), DAILY, np.asarray(values, dtype=float), **more)


def a_score(name: str, ratio: float, held: int = 27) -> Score:
    return Score(name, 28, 10.0, ratio, 5.0, ratio, 14, held, 28, 0.1)


def test_the_last_week_is_compared_with_the_one_before():
    figure = headline.latest(daily([10] * 7 + [20] * 7))
    assert (figure.label, figure.value, figure.detail) == ("Last 7 days", "140", "+100 % on the week")


def test_weekly_counts_speak_of_single_weeks():
    series = Series(pd.Timestamp("2024-11-09"), weekly("SAT"), np.array([100.0, 80.0]))
    assert headline.latest(series).label == "Last week"
    assert headline.latest(series).detail == "−20 % on the week"


def test_the_next_week_is_the_median_of_the_sum_with_its_80_percent_band():
    series = daily([10] * 60)
    forecast = model("naive").forecast(series, 14)
    figure = headline.soon(series, forecast)
    assert figure.label == "Next 7 days"
    assert figure.value == "70"
    assert figure.detail.startswith("80 %: ")


def test_a_horizon_shorter_than_a_week_is_not_called_a_week():
    series = daily([10] * 60)
    assert headline.soon(series, model("naive").forecast(series, 3)).label == "Next 3 days"


def test_by_then_is_a_running_total_where_running_totals_were_asked_for():
    forecast = model("naive").forecast(daily([10] * 60), 10)
    assert headline.by_then(daily([10] * 60), forecast).value == "+100"
    total = headline.by_then(daily([10] * 60, before=400.0, cumulative=True), forecast)
    assert (total.label, total.value) == ("Total by 14 Mar", "1,100")


def test_the_track_record_waits_then_speaks():
    assert headline.track_record(None, waiting=True).detail == "looking back"
    assert headline.track_record(None, waiting=False).detail == "not enough history"
    figure = headline.track_record(a_score("ets", 0.8), waiting=False)
    assert (figure.value, figure.detail) == ("0.80×", "80 % band held 96 %")


def test_the_verdict_names_the_best_and_admits_when_nothing_beat_repeating():
    said = headline.verdict((a_score("ets", 0.8), a_score("naive", 1.0)), "day")
    assert said.startswith("**ETS** was closest: 0.80× the error")
    assert "27 of 28 days" in said
    assert headline.verdict((a_score("naive", 1.0),), "day").startswith("Nothing beat repeating")
