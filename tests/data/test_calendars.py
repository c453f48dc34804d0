"""The calendars that series may have: their dates are found, go on where they should, and are gone on from."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import frequency_of_alias
from forecasting.data.infer_frequency import infer_frequency
from forecasting.data.regular_grid import to_regular_grid
from forecasting.support.errors import DataError

#: Alias -> the first date of a series with it.
CALENDARS = {
    "5min": "2024-01-01 00:00",
    "15min": "2024-01-01 00:10",
    "30min": "2024-03-30 22:00",
    "h": "2024-01-01 00:30",
    "2h": "2024-01-01 01:00",
    "D": "2024-02-20",
    "DAYS-1111100": "2024-02-20",
    "DAYS-1111110": "2024-02-20",
    "DAYS-1010100": "2024-02-19",
    "DAYS-0000011": "2024-02-17",
    "W-WED": "2024-02-21",
    "10D": "2024-02-21",
    "14D": "2024-02-21",
    "28D": "2018-01-07",
    "91D": "2018-01-07",
    "364D": "2000-01-07",
    "MS": "2019-11-01",
    "ME": "2019-11-30",
    "1M15": "2019-11-15",
    "1M25": "2019-11-25",
    "1M30": "2019-11-30",
    "BMS": "2019-11-01",
    "BME": "2019-11-29",
    "QS-NOV": "2019-11-01",
    "QE-NOV": "2019-11-30",
    "3M15": "2019-11-15",
    "3BME": "2019-11-29",
    "6M1": "2001-04-01",
    "6M31": "2001-06-30",
    "12M15": "2001-02-15",
    "12M1": "2001-04-01",
    "12M31": "2001-12-31",
    "60M31": "1950-12-31",
}


def dates_of(alias, count=40):
    return frequency_of_alias(alias).grid(pd.Timestamp(CALENDARS[alias]), count)


@pytest.mark.parametrize("alias", CALENDARS)
def test_the_frequency_of_dates_is_found_with_and_without_gaps(alias):
    dates = dates_of(alias)
    assert dates[0] == pd.Timestamp(CALENDARS[alias])
    assert infer_frequency(dates).alias == alias
    assert infer_frequency(dates.delete([5, 6, 20])).alias == alias


@pytest.mark.parametrize("alias", CALENDARS)
def test_figures_stay_on_their_dates_and_forecasts_follow_them(alias):
    dates, frequency = dates_of(alias), frequency_of_alias(alias)
    known = pd.Series(np.arange(30.0), dates[:30])
    pd.testing.assert_index_equal(to_regular_grid(known, frequency).index, dates[:30], check_names=False, exact=False)
    gaps = to_regular_grid(known.drop(known.index[[4, 5, 17]]), frequency)
    assert list(gaps.index) == list(dates[:30])
    assert np.flatnonzero(gaps.isna()).tolist() == [4, 5, 17]
    assert list(frequency.after(dates[29], 10)) == list(dates[30:])
    assert list(frequency.between(dates[3], dates[30])) == list(dates[3:31])
    assert frequency_of_alias(frequency.alias) == frequency


@pytest.mark.parametrize(
    ("alias", "name", "season", "cycle", "four", "one"),
    [
        ("15min", "15-minute", 96, 96, "4 quarter-hours", "1 quarter-hour"),
        ("5min", "5-minute", 288, 288, "4 steps of 5 minutes", "1 step of 5 minutes"),
        ("2h", "2-hour", 12, 12, "4 steps of 2 hours", "1 step of 2 hours"),
        ("h", "hourly", 24, 24, "4 hours", "1 hour"),
        ("D", "daily", 7, 7, "4 days", "1 day"),
        ("DAYS-1111100", "business-day", 5, 5, "4 business days", "1 business day"),
        ("DAYS-1111110", "Monday-to-Saturday", 6, 6, "4 reporting days", "1 reporting day"),
        ("W-SAT", "weekly", 52, 1, "4 weeks", "1 week"),
        ("10D", "10-day", 1, 1, "4 periods of 10 days", "1 period of 10 days"),
        ("14D", "14-day", 26, 1, "4 periods of 14 days", "1 period of 14 days"),
        ("28D", "28-day", 13, 1, "4 periods of 28 days", "1 period of 28 days"),
        ("91D", "91-day", 4, 1, "4 periods of 91 days", "1 period of 91 days"),
        ("1M15", "monthly", 12, 1, "4 months", "1 month"),
        ("3BME", "quarterly", 4, 1, "4 quarters", "1 quarter"),
        ("6M31", "half-yearly", 2, 1, "4 half-years", "1 half-year"),
        ("12M15", "yearly", 1, 1, "4 years", "1 year"),
    ],
)
def test_a_calendar_has_its_season_and_its_words(alias, name, season, cycle, four, one):
    frequency = frequency_of_alias(alias)
    assert (frequency.name, frequency.season, frequency.cycle) == (name, season, cycle)
    assert (frequency.steps(4), frequency.steps(1)) == (four, one)


def test_a_day_that_february_has_not_is_its_last():
    dates = frequency_of_alias("1M30").after(pd.Timestamp("2023-12-30"), 3)
    assert [f"{date:%m-%d}" for date in dates] == ["01-30", "02-29", "03-30"]
    yearly = frequency_of_alias("12M29").after(pd.Timestamp("2020-02-29"), 4)
    assert [f"{date:%Y-%m-%d}" for date in yearly] == ["2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29"]


def jittered(dates, before, after, seed=0):
    seconds = np.random.default_rng(seed).integers(before, after, len(dates))
    return dates + pd.to_timedelta(seconds, unit="s")


@pytest.mark.parametrize(
    ("freq", "before", "after", "alias"),
    [
        ("D", 8 * 3600, 9 * 3600, "D"),
        ("D", -600, 600, "D"),
        ("h", 0, 59, "h"),
        ("h", -30, 30, "h"),
        ("15min", -20, 20, "15min"),
        ("7D", 8 * 3600, 18 * 3600, "W-MON"),
    ],
)
def test_readings_that_jitter_around_a_step_are_that_step(freq, before, after, alias):
    stamps = jittered(pd.date_range("2024-01-01", periods=60, freq=freq), before, after)
    frequency = infer_frequency(stamps)
    assert frequency.alias == alias
    found = to_regular_grid(pd.Series(np.arange(60.0), stamps), frequency)
    assert found.tolist() == list(range(60))


def test_weekdays_with_empty_rows_are_days():
    every = pd.date_range("2024-01-01", periods=70)
    assert infer_frequency(every[every.day_of_week < 5], every).alias == "D"
    assert infer_frequency(every[every.day_of_week < 5]).alias == "DAYS-1111100"


def test_a_few_days_without_a_weekend_are_days():
    assert infer_frequency(pd.date_range("2024-01-01", periods=5)).alias == "D"
    week = pd.date_range("2024-01-01", periods=9)
    assert infer_frequency(week[week.day_of_week < 5]).alias == "D"


def test_a_holiday_leaves_business_days_as_they_are():
    dates = dates_of("DAYS-1111100", 200)
    found = infer_frequency(dates.delete([9, 40, 41, 90]))
    assert found.alias == "DAYS-1111100"


def test_a_date_beside_its_period_counts_for_the_nearest():
    dates = dates_of("28D", 10).to_series().reset_index(drop=True)
    dates[4] += pd.Timedelta(days=2)
    found = to_regular_grid(pd.Series(np.arange(10.0), pd.DatetimeIndex(dates)), frequency_of_alias("28D"))
    assert list(found.index) == list(dates_of("28D", 10))
    assert found.tolist() == list(range(10))


def test_nothing_is_filled_up_to_a_slip_in_a_date():
    dates = dates_of("1M15", 20).append(pd.DatetimeIndex(["2219-01-15"]))
    with pytest.raises(DataError, match="jump from 2021-06-15 to 2219-01-15"):
        to_regular_grid(pd.Series(1.0, dates), frequency_of_alias("1M15"))


def test_dates_without_a_regular_spacing_are_refused_in_words():
    with pytest.raises(DataError, match="usually 3 days apart, but only"):
        infer_frequency(pd.DatetimeIndex(["2024-01-01", "2024-01-04", "2024-01-07", "2024-01-12", "2024-01-23"]))
    with pytest.raises(DataError, match="30 seconds apart"):
        infer_frequency(pd.date_range("2024-01-01", periods=20, freq="30s"))
    minutes = np.random.default_rng(0).integers(1, 40, 80).cumsum()
    with pytest.raises(DataError, match="irregular distances of about"):
        infer_frequency(pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min"))
    with pytest.raises(DataError, match="only one date"):
        infer_frequency(pd.DatetimeIndex(["2020-01-01"]))
