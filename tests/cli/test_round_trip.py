"""What `forecast` writes is on the user's own dates: `score` finds each of its forecasts in the same file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.data.frequency import frequency_of_alias

CASES = Path(__file__).parents[1] / "tables" / "cases"
TABLES = (
    "closing_prices_business_days",
    "daily_and_weekly_regions",
    "daily_readings_jitter",
    "four_weekly",
    "hourly_offsets_autumn",
    "monthly_on_the_15th",
    "quarter_hours",
    "regions_of_other_lengths",
    "weeks_end_on_other_days",
    "yearly",
)
HELD_OUT = 4
#: Name of a calendar -> its first date, or its dates.
CALENDARS = {
    "5min": "2024-01-01 00:00",
    "15min": "2024-01-01 00:10",
    "h": "2024-01-01 00:30",
    "2h": "2024-01-01 01:00",
    "D": "2024-02-20",
    "DAYS-1111100": "2024-02-20",
    "DAYS-1111110": "2024-02-20",
    "DAYS-1010100": "2024-02-19",
    "W-WED": "2024-02-21",
    "10D": "2024-02-21",
    "14D": "2024-02-21",
    "28D": "2018-01-07",
    "91D": "2018-01-07",
    "MS": "2019-11-01",
    "1M15": "2019-11-15",
    "1M30": "2018-10-30",
    "BMS": "2019-11-01",
    "BME": "2019-11-29",
    "QE-NOV": "2019-11-30",
    "3M15": "2019-11-15",
    "6M31": "2001-06-30",
    "12M15": "2001-02-15",
    "12M31": "2001-12-31",
}
WRITERS = {
    "csv": lambda table, path: table.to_csv(path, index=False),
    "parquet": lambda table, path: table.to_parquet(path, index=False),
    "xlsx": lambda table, path: table.to_excel(path, index=False),
    "json": lambda table, path: table.to_json(path, orient="records", date_format="iso"),
}


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_WORKERS", "1")


def forecast_and_score(whole, folder, ending="csv"):
    """Forecast all but the last rows of each region; returns the forecasts, and how many of them `score` found."""
    regions = whole["region"] if "region" in whole else pd.Series("", whole.index)
    known = whole[whole.groupby(regions).cumcount(ascending=False) >= HELD_OUT]
    written = "csv" if ending == "json" else ending
    (folder / "whole").mkdir()  # a file without regions gives its name to the only one
    paths = {
        "known": folder / f"shop.{ending}",
        "whole": folder / "whole" / f"shop.{ending}",
        "forecasts": folder / f"out.{written}",
        "scores": folder / "scores.csv",
    }
    WRITERS[ending](known, paths["known"])
    WRITERS[ending](whole, paths["whole"])
    arguments = ["--input", str(paths["known"]), "--models", "naive", "--horizon", str(HELD_OUT)]
    assert main(["forecast", *arguments, "--output", str(paths["forecasts"])]) == 0
    asked = ["--forecasts", str(paths["forecasts"]), "--truth", str(paths["whole"])]
    assert main(["score", *asked, "--scores", str(paths["scores"])]) == 0
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}
    return readers[written](paths["forecasts"]), len(pd.read_csv(paths["scores"]))


def table_of(alias, count=40):
    dates = frequency_of_alias(alias).grid(pd.Timestamp(CALENDARS[alias]), count)
    return pd.DataFrame({"date": dates, "value": 200 + np.arange(count) % 7})


@pytest.mark.parametrize("alias", CALENDARS)
def test_forecasts_of_a_calendar_meet_its_own_dates(tmp_path, alias):
    whole = table_of(alias)
    forecasts, found = forecast_and_score(whole, tmp_path)
    assert list(pd.to_datetime(forecasts["date"].unique())) == list(whole["date"].tail(HELD_OUT))
    assert found == HELD_OUT


@pytest.mark.sweep(each=2)
@pytest.mark.parametrize("ending", ["parquet", "xlsx", "json"])
@pytest.mark.parametrize("alias", ["15min", "DAYS-1111100", "28D", "1M15", "12M31"])
def test_forecasts_meet_the_dates_of_every_kind_of_file(tmp_path, alias, ending):
    whole = table_of(alias)
    forecasts, found = forecast_and_score(whole, tmp_path, ending)
    assert list(pd.to_datetime(forecasts["date"].unique())) == list(whole["date"].tail(HELD_OUT))
    assert found == HELD_OUT


def test_one_step_of_minutes_ahead_keeps_its_time_of_day(tmp_path):
    whole = table_of("15min")
    known, out = tmp_path / "known.csv", tmp_path / "out.csv"
    whole.head(39).to_csv(known, index=False)
    whole.assign(region="known").to_csv(tmp_path / "whole.csv", index=False)
    assert main(["forecast", "--input", str(known), "--models", "naive", "--horizon", "1", "--output", str(out)]) == 0
    assert main(["score", "--forecasts", str(out), "--truth", str(tmp_path / "whole.csv")]) == 0


@pytest.mark.parametrize("case", TABLES)
def test_forecasts_of_tables_as_people_bring_them_meet_their_dates(tmp_path, case):
    whole = pd.read_csv(CASES / f"{case}.csv", dtype=str)
    _, found = forecast_and_score(whole, tmp_path)
    regions = whole["region"].nunique() if "region" in whole else 1
    assert found == HELD_OUT * regions


def test_regions_of_several_calendars_in_one_file_meet_their_own_dates(tmp_path):
    tables = [table_of(alias).assign(region=alias) for alias in ("D", "W-WED", "DAYS-1111100", "1M15", "28D")]
    forecasts, found = forecast_and_score(pd.concat(tables, ignore_index=True), tmp_path)
    assert found == HELD_OUT * len(tables)
    for table in tables:
        own = forecasts.loc[forecasts["region"] == table["region"].iloc[0], "date"]
        assert list(pd.to_datetime(own.unique())) == list(table["date"].tail(HELD_OUT))


@pytest.mark.parametrize("case", ["closing_prices_business_days", "daily_readings_jitter", "quarter_hours", "yearly"])
def test_a_backtest_reaches_the_last_date(tmp_path, case):
    out = tmp_path / "out.csv"
    arguments = ["--input", str(CASES / f"{case}.csv"), "--models", "naive", "--horizon", "3", "--origins", "2"]
    assert main(["backtest", *arguments, "--output", str(out)]) == 0
    last = pd.read_csv(CASES / f"{case}.csv")["date"].iloc[-1]
    newest = pd.to_datetime(pd.read_csv(out)["date"]).max()
    assert newest == (pd.Timestamp(last) if case == "quarter_hours" else pd.Timestamp(last).normalize())


def hours(offset_of):
    """The figures of fourteen days around the end of summer time, by hour, with the offsets that `offset_of` gives."""
    clock = pd.date_range("2024-10-20", periods=14 * 24, freq="h", tz="Europe/Berlin")
    values = 50 + 20 * (clock.tz_convert("UTC").hour >= 12) + np.arange(len(clock)) % 5
    return pd.DataFrame({"region": "Here", "date": [offset_of(time) for time in clock], "value": values})


def scored(tmp_path, known, truth):
    """The exit code of scoring a forecast from the file `known` by the file `truth`; the forecasts are there, too."""
    for name, table in (("known", known), ("truth", truth)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    forecasts = str(tmp_path / "forecasts.csv")
    given = ["--input", str(tmp_path / "known.csv"), "--models", "naive", "--horizon", "24", "--output", forecasts]
    assert main(["forecast", *given]) == 0
    return main(["score", "--forecasts", forecasts, "--truth", str(tmp_path / "truth.csv")])


def test_hours_of_one_offset_are_scored_by_the_same_instants_of_a_file_with_two(tmp_path, capsys):
    whole = hours(lambda time: time.isoformat())
    summer = whole[whole["date"].str.endswith("+02:00")]
    assert scored(tmp_path, summer.iloc[:-30], whole) == 0
    said = capsys.readouterr()
    assert "those of forecasts.csv have none and are taken to be in UTC, too." in said.err
    # Repeated from the day before, every hour is off by no more than the small change from day to day.
    assert float(said.out.splitlines()[1].split()[2]) < 5


def test_forecasts_with_offsets_and_a_truth_without_are_refused_in_a_sentence(tmp_path, capsys):
    whole = hours(lambda time: time.isoformat())
    scored(tmp_path, whole.iloc[:-30], whole)
    table = pd.read_csv(tmp_path / "forecasts.csv", parse_dates=["origin", "date"])
    for column in ("origin", "date"):
        table[column] = [f"{time.isoformat()}+01:00" for time in table[column]]
    table.to_csv(tmp_path / "forecasts.csv", index=False)
    hours(lambda time: time.tz_convert("UTC").tz_localize(None)).to_csv(tmp_path / "truth.csv", index=False)
    given = ["score", "--forecasts", str(tmp_path / "forecasts.csv"), "--truth", str(tmp_path / "truth.csv")]
    capsys.readouterr()
    assert main(given) == 2
    assert "give the truth with offsets." in capsys.readouterr().err
