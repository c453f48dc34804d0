import numpy as np
import pandas as pd
import pytest

from forecasting import Series, headline, model, replays
from forecasting.frequency import DAILY
from forecasting.scoring import Score
from forecasting.series import MEDIAN

NOW = Series(pd.Timestamp("2021-01-01"), DAILY, 100 + np.arange(90.0))


@pytest.fixture
def chart() -> replays.Replay:
    cuts = [NOW.until(NOW.dates[place]) for place in (50, 57)]
    return replays.Replay(NOW, "naive", tuple(model("naive").forecast(cut, 14) for cut in cuts), smooth=False)


def test_every_earlier_forecast_is_drawn_over_what_came(chart):
    data = replays.replay(chart)["data"]
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


def test_errors_are_averaged_by_model_and_steps_ahead():
    cells = pd.DataFrame(
        {"model": ["naive", "naive", "ets", "naive"], "horizon": [1, 1, 1, 2], "ae": [2.0, 4.0, 1.0, 9.0]}
    )
    traces = {trace["uid"]: trace for trace in replays.error_by_horizon(cells, replays.LIGHT, "day")["data"]}
    assert (traces["naive"]["x"], traces["naive"]["y"]) == ([1, 2], [3.0, 9.0])
    assert traces["ets"]["y"] == [1.0]


@pytest.mark.parametrize(
    ("closer", "origins", "words"),
    [(7, 8, "better here throughout"), (5, 8, "cannot tell skill from luck"), (4, 8, "do not rely on the order"),
     (4, 4, "cannot tell skill from luck")],
)  # fmt: skip
def test_the_distance_between_two_models_is_put_in_words_that_fit_the_evidence(closer, origins, words):
    best, second = (
        Score(name, 8, error, 0.5, 1.0, 0.5, 4, 6, 8, 0.0) for name, error in (("ets", 8.0), ("theta", 10.0))
    )
    said = headline.difference(best, second, closer, origins)
    assert "20 % smaller than Theta's" in said
    assert words in said
