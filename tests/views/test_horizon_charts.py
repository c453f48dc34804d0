import numpy as np
import pandas as pd
import pytest

from forecasting.evaluation.forecast_tables import pit_histogram
from forecasting.views import comparison, horizon_charts
from forecasting.views.backtest_charts import model_legend, region_legend
from forecasting.views.palette import DARK


@pytest.fixture
def cells():
    """Two models in one region, 14 days ahead from two dates; `ets` is always half as far off."""
    rows = [
        {
            "region": "Italy",
            "model": name,
            "origin": pd.Timestamp("2021-01-01") + pd.Timedelta(days=start),
            "horizon": ahead,
            "ae": float(ahead) * (1 if name == "ets" else 2),
            "coverage_50": float(ahead <= 7),
            "coverage_80": 1.0,
            "coverage_95": 1.0,
            "pit": 0.3,
        }
        for name in ("naive", "ets")
        for start in (0, 7)
        for ahead in range(1, 15)
    ]
    return pd.DataFrame(rows)


def traces(figure):
    return {trace["uid"]: trace for trace in figure["data"]}


def test_errors_are_averaged_by_model_and_steps_ahead():
    cells = pd.DataFrame(
        {"model": ["naive", "naive", "ets", "naive"], "horizon": [1, 1, 1, 2], "ae": [2.0, 4.0, 1.0, 9.0]}
    )
    drawn = traces(horizon_charts.error_by_horizon_figure(cells, model_legend(["naive", "ets"]), "day"))
    assert (drawn["naive"]["x"], drawn["naive"]["y"]) == ([1, 2], [3.0, 9.0])
    layout = horizon_charts.error_by_horizon_figure(cells, model_legend(["naive"]), "day")["layout"]
    assert layout["xaxis"]["dtick"] == 1, "a tick of one and a half days says nothing"
    assert drawn["ets"]["y"] == [1.0]


def test_bands_held_are_drawn_a_week_at_a_time_against_the_honest_share(cells):
    table = comparison.coverage_by_horizon(cells, "model", 7)
    figure = horizon_charts.coverage_by_horizon_figure(table, "model", 50, model_legend(["ets"], DARK), "day", DARK)
    assert traces(figure)["ets"]["y"] == [100.0, 0.0]
    assert figure["layout"]["xaxis"]["ticktext"] == ["1–7", "8–14"]
    assert figure["layout"]["shapes"][0]["y0"] == 50


def test_a_region_s_error_is_drawn_as_a_multiple_of_repeating_s(cells):
    table = comparison.relative_error_by_horizon(cells, "ets", 7)
    figure = horizon_charts.relative_error_figure(table, region_legend(["Italy"]), "day")
    assert traces(figure)["Italy"]["y"] == [0.5, 0.5]
    assert figure["layout"]["shapes"][0]["y0"] == 1


def test_a_ratio_over_nothing_is_a_gap_and_not_a_number_that_json_lacks(cells):
    cells.loc[cells["model"] == "naive", "ae"] = 0.0
    table = comparison.relative_error_by_horizon(cells, "ets", 7)
    assert traces(horizon_charts.relative_error_figure(table, region_legend(["Italy"]), "day"))["Italy"]["y"] == [
        None,
        None,
    ]


def test_bars_say_how_many_outcomes_fell_into_each_part(cells):
    (party,) = model_legend(["ets"])
    histogram = pit_histogram(cells[cells["model"] == "ets"], 5)
    (bars,) = horizon_charts.pit_histogram_figure(histogram, party)["data"]
    assert bars["y"] == [0.0, 100.0, 0.0, 0.0, 0.0]
    assert bars["x"] == pytest.approx(np.arange(0.1, 1, 0.2))
    assert bars["customdata"][1] == "20–40 %"
