"""A logarithmic axis and the zeros for which it has no place."""

import numpy as np
import pandas as pd
import pytest

from forecasting import Series, model
from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import DAILY
from forecasting.data.kind import MEASUREMENT
from forecasting.views import fan_chart, log_axis


def series(values, **more) -> Series:
    return Series(pd.Timestamp("2021-01-04"), DAILY, np.asarray(values, float), **more)


def log_fan(figures) -> fan_chart.FanChart:
    forecasts = {name: model(name).forecast(figures, 5) for name in ("naive", "theta")}
    return fan_chart.FanChart(figures, forecasts, frozenset(), "naive", "new cases", False, log=True)


def test_zeros_lie_on_the_lower_edge_say_that_they_are_zeros_and_are_told():
    chart = log_fan(series([0, 0, 3, 8, 20, 60, 150, 300, 0, 800]))
    figure = fan_chart.fan_figure(chart)
    history = next(trace for trace in figure["data"] if trace["uid"] == "history")
    edge = figure["layout"]["meta"]["edge"]
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert edge == 1.5
    assert [history["y"][place] for place in (0, 1, 2, 8)] == [edge, edge, 3, edge]
    assert [history["hovertemplate"][place] for place in (0, 2)] == ["0", "%{y:,.0f}"]
    assert min(value for trace in figure["data"] for value in trace["y"]) >= edge
    assert fan_chart.fan_notes(chart)[0].startswith("A log axis has no zero: 3 zeros")


def test_without_zeros_there_is_nothing_to_tell():
    assert log_axis.zeros_sentences(np.array([1.0, 2.0]), reaches_zero=False) == []
    assert log_axis.zeros_sentences(np.array([0.0, 2.0]), reaches_zero=False) == [
        "A log axis has no zero: 1 zero is drawn on its lower edge."
    ]


def test_names_at_the_ends_of_lines_stand_at_the_logarithm_of_their_height():
    chart = log_fan(series([10, 20, 40, 80, 160, 320, 640, 1280]))
    notes = [note for note in fan_chart.fan_figure(chart)["layout"]["annotations"] if note["name"] == "line ends"]
    ends = [chart.quantiles(forecast)[-1, MEDIAN] for forecast in chart.forecasts.values()]
    assert sorted(10 ** note["y"] for note in notes) == pytest.approx(sorted(ends), rel=0.01)


def test_only_what_can_be_logged_gets_such_an_axis():
    assert log_axis.can_log(series([0, 0, 5]))
    assert not log_axis.can_log(series([0, 0, 0]))
    assert log_axis.can_log(series([1.2, 1.3, 1.1], kind=MEASUREMENT))
    assert not log_axis.can_log(series([-1.2, 1.3, 1.1], kind=MEASUREMENT))
