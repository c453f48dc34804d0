"""Earlier seasons on the weeks of the one that is on."""

import numpy as np
import pandas as pd
import pytest

from forecasting import Series
from forecasting.data.frequency import DAILY, Frequency, frequency_of_alias, weekly
from forecasting.views import earlier_seasons, fan_chart


def waves(frequency: Frequency, start: str, end: str, peak: str, **more) -> Series:
    """A wave a year, highest on one day of the year."""
    dates = frequency.between(pd.Timestamp(start), pd.Timestamp(end))
    days = (dates.day_of_year - pd.Timestamp(peak).day_of_year).to_numpy()
    values = np.round(1000 * np.exp(3 * np.cos(2 * np.pi * days / 365.25) - 3))
    return Series(dates[0], frequency, values, **more)


@pytest.mark.parametrize("frequency", [weekly("SAT"), DAILY, frequency_of_alias("DAYS-1111100")])
def test_a_wave_that_comes_every_year_lies_upon_itself(frequency):
    series = waves(frequency, "2021-02-06", "2025-03-15", "2021-01-20")
    end = earlier_seasons.season_end(earlier_seasons.season_start(series))
    found = earlier_seasons.earlier_seasons(series, series.values, end)
    assert [season.label for season in found] == ["2023–24", "2022–23", "2021–22", "2020–21"]
    now = pd.Series(series.values, index=series.dates)
    for season in found:
        assert season.dates[0] >= pd.Timestamp("2024-07-01")
        assert season.dates[-1] <= end
        then = pd.Series(season.values, index=season.dates)
        both = pd.concat([now, then], axis=1).dropna()
        assert (both[0] - both[1]).abs().max() < 150  # weeks are moved by up to three days


def test_seasons_of_the_southern_winter_are_years():
    series = waves(weekly("SAT"), "2021-01-02", "2024-06-01", "2021-07-15")
    assert earlier_seasons.season_start(series) == pd.Timestamp("2024-01-01")
    found = earlier_seasons.earlier_seasons(series, series.values, pd.Timestamp("2024-12-31"))
    assert [season.label for season in found] == ["2023", "2022", "2021"]
    assert earlier_seasons.season_months(series) == "January to December"


def test_a_season_that_has_just_begun_is_shown_with_the_one_before():
    series = waves(weekly("SAT"), "2021-01-02", "2024-07-20", "2021-01-15")
    assert earlier_seasons.season_start(series) == pd.Timestamp("2023-07-01")


def test_two_years_of_weeks_or_days_are_needed():
    assert earlier_seasons.has_earlier_seasons(waves(weekly(), "2022-01-01", "2024-01-06", "2021-01-15"))
    assert not earlier_seasons.has_earlier_seasons(waves(weekly(), "2022-01-01", "2023-12-01", "2021-01-15"))
    totals = waves(DAILY, "2021-01-02", "2024-07-20", "2021-01-15", cumulative=True)
    assert not earlier_seasons.has_earlier_seasons(totals)
    months = waves(frequency_of_alias("MS"), "2001-01-01", "2024-01-01", "2021-01-15")
    assert not earlier_seasons.has_earlier_seasons(months)


def test_the_chart_opens_on_the_season_and_names_each_earlier_one_at_its_peak():
    series = waves(weekly("SAT"), "2021-02-06", "2025-03-15", "2021-01-20")
    chart = fan_chart.FanChart(series, {}, frozenset(), "", "new people", False, seasons=True)
    figure = fan_chart.fan_figure(chart)
    assert figure["layout"]["xaxis"]["range"] == ["2024-07-01", "2025-06-30"]
    lines = [trace for trace in figure["data"] if trace["uid"].startswith("season-")]
    assert [line["name"] for line in lines] == ["2020–21", "2021–22", "2022–23", "2023–24"]
    names = {note["text"]: note["x"] for note in figure["layout"]["annotations"] if note["name"] == "seasons"}
    assert set(names) == {line["name"] for line in lines}
    last = lines[-1]
    assert names["2023–24"] == last["x"][int(np.argmax(last["y"]))]
    assert fan_chart.fan_notes(chart) == ["Thin lines: earlier seasons, July to June, on the same weeks of the year."]
