from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import Series, model
from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import DAILY
from forecasting.evaluation.scores import ModelScore
from forecasting.views import backtest_charts, headline

NOW = Series(pd.Timestamp("2021-01-01"), DAILY, 100 + np.arange(90.0))


@pytest.fixture
def chart() -> backtest_charts.BacktestChart:
    cutoffs = [NOW.until(NOW.dates[place]) for place in (50, 57)]
    return backtest_charts.BacktestChart(
        NOW, "naive", tuple(model("naive").forecast(cut, 14) for cut in cutoffs), smooth=False
    )


def test_every_earlier_forecast_is_drawn_over_what_came(chart):
    data = backtest_charts.backtest_figure(chart)["data"]
    assert [trace["uid"] for trace in data] == ["band-0", "forecast-0", "band-1", "forecast-1", "history"]
    assert data[1]["x"][0] == "2021-02-21"
    assert data[1]["y"] == pytest.approx(chart.forecasts[0].values[:, MEDIAN].round(1).tolist())
    assert data[-1]["y"] == NOW.values.tolist()


def test_the_window_holds_all_forecasts_and_as_much_before_them(chart):
    first, last = chart.window()
    assert last == chart.forecasts[1].dates[-1]
    assert chart.forecasts[0].origin - first == last - chart.forecasts[0].origin


def test_the_axis_holds_the_lines_and_does_not_follow_a_band_that_explodes(chart):
    lines = max(NOW.values.max(), max(f.values[:, MEDIAN].max() for f in chart.forecasts))
    assert lines <= chart.top() <= 1.06 * 2 * lines


def test_charts_side_by_side_show_the_same_dates_and_hold_their_lines_there(chart):
    early = backtest_charts.BacktestChart(NOW, "naive", chart.forecasts[:1], smooth=False)
    window = backtest_charts.common_window([chart, early])
    assert window == (min(chart.window()[0], early.window()[0]), chart.window()[1])
    assert backtest_charts.backtest_figure(early, window=window)["layout"]["xaxis"]["range"] == [
        f"{day:%Y-%m-%d}" for day in window
    ]
    assert early.top(window) >= NOW.values[NOW.dates <= window[1]].max()


def test_on_a_log_axis_charts_side_by_side_begin_where_the_lowest_does_and_zeros_are_told(chart):
    window, zeros = chart.window(), replace(NOW, values=np.r_[NOW.values[:60], 0.0, NOW.values[61:]])
    edge = chart.bottom(window)
    figure = backtest_charts.backtest_figure(chart, window=window, edge=edge)
    assert (figure["layout"]["yaxis"]["type"], figure["layout"]["meta"]["edge"]) == ("log", edge)
    assert 0 < edge < min(NOW.values[NOW.dates >= window[0]])
    assert backtest_charts.zeros_sentences([chart]) == []
    (said,) = backtest_charts.zeros_sentences([replace(chart, now=zeros), replace(chart, now=zeros)])
    assert said.startswith("A log axis has no zero: 1 zero")


def test_overlaid_models_share_a_chart_and_leave_it_with_their_bands(chart):
    one = backtest_charts.BacktestChart(NOW, "naive", chart.forecasts[-1:], smooth=False)
    data = backtest_charts.overlaid_models_figure(
        [one, backtest_charts.BacktestChart(NOW, "ets", one.forecasts, smooth=False)]
    )["data"]
    assert [trace["uid"] for trace in data] == ["band-naive", "band-ets", "history", "naive", "ets"]
    assert data[0]["legendgroup"] == data[3]["legendgroup"] == "naive"


def test_overlaid_regions_are_multiples_of_their_own_mean(chart):
    small = backtest_charts.BacktestChart(NOW, "naive", chart.forecasts[-1:], smooth=False)
    large = Series(NOW.start, DAILY, 1000 * NOW.values)
    much = replace(small.forecasts[0], values=1000 * small.forecasts[0].values)
    pair = [small, backtest_charts.BacktestChart(large, "naive", (much,), smooth=False)]
    data = backtest_charts.overlaid_regions_figure(pair, backtest_charts.region_legend(["A", "B"]))["data"]
    assert data[0]["y"] == data[2]["y"]
    assert data[1]["y"] == data[3]["y"]
    assert np.mean(data[0]["y"]) == pytest.approx(1, abs=0.001)


def test_many_regions_have_colours():
    assert len(backtest_charts.region_legend([f"R{i}" for i in range(20)])) == 20


@pytest.mark.parametrize(
    ("closer", "origins", "words"),
    [(8, 8, "better here throughout"), (7, 8, "better here nearly throughout"), (5, 8, "cannot tell skill from luck"), (4, 8, "do not rely on the order"),
     (4, 4, "cannot tell skill from luck")],
)  # fmt: skip
def test_the_distance_between_two_models_is_put_in_words_that_fit_the_evidence(closer, origins, words):
    best, second = (
        ModelScore(name, 8, 1.0, 0.5, wis, 0.5, 4, 6, 8, 0.0) for name, wis in (("ets", 8.0), ("theta", 10.0))
    )
    said = headline.difference_sentence(best, second, closer, origins)
    assert "20 % smaller than Theta's" in said
    assert words in said
