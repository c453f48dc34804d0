"""Figures per 100,000 people: shown, never stored."""

import numpy as np
import pandas as pd
import pytest

from forecasting import Series, model
from forecasting.data.frequency import weekly
from forecasting.data.kind import AMOUNT
from forecasting.data.population import Population
from forecasting.data.revisions import Revision
from forecasting.views import answer, fan_chart, fan_table
from forecasting.views.per_population import PerPopulation, can_divide

PER = PerPopulation(Population(2_000_000, "a census"))


@pytest.fixture
def series() -> Series:
    late = pd.Series([20.0], index=pd.DatetimeIndex(["2021-05-22"]))
    return Series(
        pd.Timestamp("2021-01-02"), weekly("SAT"), np.linspace(40.0, 80.0, 20), before=100.0, provisional=late
    )


def fan(series):
    forecast = model("naive").forecast(series, 4)
    revision = Revision(series.origin, 80.0, 1.1, 1.25, 1.5, 12)
    return fan_chart.FanChart(series, {"naive": forecast}, frozenset(), "naive", "new people", False, (revision,))


def test_all_that_is_drawn_is_divided_and_the_chart_says_the_unit(series):
    counted = fan(series)
    shown = counted.per_population(PER)
    before, after = fan_chart.fan_figure(counted), fan_chart.fan_figure(shown)
    for one, other in zip(before["data"], after["data"], strict=True):
        np.testing.assert_allclose(np.array(other["y"], float) * 20, np.array(one["y"], float), rtol=1e-3)
    assert after["layout"]["yaxis"]["title"]["text"] == "new people per 100,000 people"
    assert after["layout"]["yaxis"]["rangemode"] == "tozero"
    assert fan_chart.fan_notes(shown) == ["Figures per 100,000 people, of 2.00 M (a census)."]
    assert fan_table.describe_fan_chart(shown).startswith("Chart of new people per 100,000 people to ")


def test_counts_stay_what_they_were(series):
    counted = fan(series)
    values, forecast = series.values.copy(), counted.forecasts["naive"].values.copy()
    fan_chart.fan_figure(counted.per_population(PER))
    np.testing.assert_array_equal(series.values, values)
    np.testing.assert_array_equal(counted.forecasts["naive"].values, forecast)


def test_the_answer_says_the_unit_and_the_chances_stay(series):
    forecast = model("naive").forecast(series, 4)
    counted, shown = (answer.answer("Utopia", "New people", series, forecast, per=per) for per in (None, PER))
    assert counted.sentence == "About 80 next week, much like last week's 80."
    assert shown.sentence == "About 4.00 per 100,000 people next week, much like last week's 4.00."
    assert shown.trend == counted.trend


def test_running_totals_are_divided_with_what_came_before(series):
    assert PER.series(series).total == pytest.approx(series.total / 20)


def test_only_counts_of_a_known_population_can_be_divided(series):
    assert can_divide(series, PER.population)
    assert not can_divide(series, None)
    assert not can_divide(PER.series(series), PER.population)
    assert PER.series(series).kind is AMOUNT
