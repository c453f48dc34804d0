"""Tables about calendars as people bring them: the next dates are those that their owner expects."""

from pathlib import Path

import pandas as pd
import pytest

from forecasting.preparation.prepare import prepare
from forecasting.tables.panel_file import read_panel

CASES = Path(__file__).parent / "cases"


def next_dates(case, region=None, count=4):
    panel = read_panel(CASES / f"{case}.csv")
    series = prepare(panel, region or panel.regions()[0])
    return [f"{date:%Y-%m-%d %H:%M}".removesuffix(" 00:00") for date in series.frequency.after(series.origin, count)]


@pytest.mark.parametrize(
    ("case", "region", "expected"),
    [
        ("closing_prices_business_days", None, ["2022-01-03", "2022-01-04", "2022-01-05", "2022-01-06"]),
        ("four_weekly", None, ["2022-01-02", "2022-01-30", "2022-02-27", "2022-03-27"]),
        ("monthly_on_the_15th", None, ["2020-02-15", "2020-03-15", "2020-04-15", "2020-05-15"]),
        ("yearly", None, ["2021-12-31", "2022-12-31", "2023-12-31", "2024-12-31"]),
        ("quarter_hours", None, ["2024-01-02", "2024-01-02 00:15", "2024-01-02 00:30", "2024-01-02 00:45"]),
        ("daily_readings_jitter", None, ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04"]),
        ("weeks_end_on_other_days", "B-mon", ["2022-07-18", "2022-07-25", "2022-08-01", "2022-08-08"]),
        ("weeks_end_on_other_days", "A-sat", ["2022-07-16", "2022-07-23", "2022-07-30", "2022-08-06"]),
        ("daily_and_weekly_regions", "shop-b", ["2022-07-17", "2022-07-24", "2022-07-31", "2022-08-07"]),
    ],
)
def test_the_next_dates_are_the_owners_own(case, region, expected):
    assert next_dates(case, region) == expected


def test_the_autumn_hour_is_two_instants_and_both_are_kept():
    panel = read_panel(CASES / "hourly_offsets_autumn.csv")
    counts = panel.counts("hourly_offsets_autumn")
    rows = pd.read_csv(CASES / "hourly_offsets_autumn.csv")
    assert list(counts.index) == list(pd.to_datetime(rows["date"], utc=True).dt.tz_localize(None))
    assert counts.tolist() == rows["value"].tolist()
    assert any("in UTC" in note for note in panel.notes)


@pytest.mark.parametrize("offsets", [("+02:00", "+01:00"), ("+0200", "+0100")])
def test_days_with_several_offsets_are_the_clocks_days(offsets):
    days = pd.date_range("2021-10-28", periods=6)
    lines = [f"{day:%Y-%m-%d}T00:00:00{offsets[day > pd.Timestamp('2021-10-31')]},{i}" for i, day in enumerate(days)]
    panel = read_panel("\n".join(["date,value", *lines]).encode(), "x.csv")
    assert list(panel.counts("x").index) == list(days)
    assert not panel.notes


def test_hours_with_one_offset_are_instants_as_those_with_several_are():
    hours = pd.date_range("2021-10-28", periods=40, freq="h")
    lines = [f"{hour:%Y-%m-%dT%H:%M}+02:00,{i}" for i, hour in enumerate(hours)]
    panel = read_panel("\n".join(["date,value", *lines]).encode(), "x.csv")
    assert list(panel.counts("x").index) == list(hours - pd.Timedelta(hours=2))
    assert any("in UTC" in note for note in panel.notes)


def test_a_stored_time_zone_is_read_as_its_offsets_are(tmp_path):
    hours = pd.date_range("2021-10-30", periods=60, freq="h", tz="Europe/Berlin")
    pd.DataFrame({"date": hours, "value": range(60)}).to_parquet(tmp_path / "x.parquet")
    panel = read_panel(tmp_path / "x.parquet")
    assert list(panel.counts("x").index) == list(hours.tz_convert("UTC").tz_localize(None))
    assert any("in UTC" in note for note in panel.notes)
    days = pd.date_range("2021-10-20", periods=20, tz="Europe/Berlin")
    pd.DataFrame({"date": days, "value": range(20)}).to_parquet(tmp_path / "d.parquet")
    panel = read_panel(tmp_path / "d.parquet")
    assert list(panel.counts("d").index) == list(days.tz_localize(None))
    assert not panel.notes


def test_readings_at_changing_times_are_dated_by_their_day_and_a_note_says_so():
    panel = read_panel(CASES / "daily_readings_jitter.csv")
    dates = panel.counts("daily_readings_jitter").index
    assert list(dates) == list(pd.date_range("2024-01-01", "2024-02-29"))
    assert any("times of day change" in note for note in panel.notes)
    assert prepare(panel.as_of(pd.Timestamp("2024-02-10")), "daily_readings_jitter").origin == pd.Timestamp(
        "2024-02-10"
    )


def test_several_readings_a_day_stay_as_they_are():
    times = pd.date_range("2024-01-01 08:00", periods=20).append(pd.DatetimeIndex(["2024-01-03 17:30"])).sort_values()
    text = "date,value\n" + "".join(f"{time:%Y-%m-%d %H:%M},1\n" for time in times)
    panel = read_panel(text.encode(), "x.csv")
    assert list(panel.counts("x").index) == list(times)
    assert prepare(panel, "x").published[2] == 2
