"""A backtest in which some region, date or vintage is of no use: the others are forecast, scored and written."""

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main

WEEKS = pd.date_range("2024-01-06", periods=40, freq="W-SAT")
#: Number of weeks after which nothing new was published once.
SAME = 36
#: Number of weeks of which the vintage lacks Chur.
LACKING = 33


def counts(region: str, weeks: int) -> pd.DataFrame:
    level = {"Aarau": 100, "Chur": 140}[region]
    values = (level + 10 * np.sin(np.arange(weeks) / 3)).round()
    return pd.DataFrame({"region": region, "date": WEEKS[:weeks], "value": values})


def written(tables: list[pd.DataFrame], path) -> str:
    pd.concat(tables).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def vintages(tmp_path) -> str:
    """Weeks as published on 16 Wednesdays; on one of them nothing new had come, and another lacks one of two regions."""
    tables = [
        counts(region, SAME - 1 if known == SAME else known).assign(as_of=WEEKS[known - 1] + pd.Timedelta(days=4))
        for known in range(25, 41)
        for region in ("Aarau", "Chur")
        if (region, known) != ("Chur", LACKING)
    ]
    return written(tables, tmp_path / "vintages.csv")


def run(file: str, tmp_path, *arguments: str) -> tuple[int, pd.DataFrame, pd.DataFrame]:
    """The exit code, the forecasts and the scores of a backtest of two weeks ahead."""
    paths = [tmp_path / "forecasts.csv", tmp_path / "scores.csv"]
    options = ["--models", "naive", "--horizon", "2", "--output", str(paths[0]), "--scores", str(paths[1])]
    code = main(["backtest", "--input", file, *options, *arguments])
    return code, *(pd.read_csv(path) for path in paths)


def test_two_dates_with_the_same_last_week_of_data_are_one_origin_and_that_is_said(vintages, tmp_path, capsys):
    days = [f"{WEEKS[known - 1] + pd.Timedelta(days=6):%Y-%m-%d}" for known in (SAME - 1, SAME)]
    code, forecasts, scores = run(vintages, tmp_path, "--at", days[1], "--at", days[0], "--region", "Aarau")
    assert code == 0
    assert forecasts["origin"].unique().tolist() == [f"{WEEKS[SAME - 2]:%Y-%m-%d}"]
    assert len(forecasts) == 2 * 23
    assert len(scores) == 2
    assert f"1 of 2 cuts ends on the same last date of data as an earlier cut of the region (Aarau at {days[1]})" in (
        capsys.readouterr().err
    )


def test_rolling_origins_over_a_week_without_news_are_each_forecast_once(vintages, tmp_path, capsys):
    code, forecasts, _ = run(vintages, tmp_path, "--origins", "4")
    assert code == 0
    assert not forecasts.duplicated(["region", "origin", "horizon", "quantile"]).any()
    assert "each region and origin is forecast once" in capsys.readouterr().err


def test_a_vintage_that_lacks_a_region_fails_for_that_region_alone(vintages, tmp_path, capsys):
    day = WEEKS[LACKING - 1] + pd.Timedelta(days=5)
    later = f"{day + pd.Timedelta(days=7):%Y-%m-%d}"
    code, forecasts, scores = run(vintages, tmp_path, "--at", f"{day:%Y-%m-%d}", "--at", later)
    assert code == 1
    assert forecasts.groupby("region")["origin"].nunique().to_dict() == {"Aarau": 2, "Chur": 1}
    assert scores.groupby("region")["origin"].nunique().to_dict() == {"Aarau": 2, "Chur": 1}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Chur at {day:%Y-%m-%d}: 'vintages.csv' has no region 'Chur' for value in the vintage of ")


def test_a_region_that_the_newest_vintage_lacks_is_forecast_and_named_as_not_scored(vintages, tmp_path, capsys):
    table = pd.read_csv(vintages)
    lost = (table["region"] == "Chur") & (table["as_of"] == table["as_of"].max())
    file, day = written([table[~lost]], tmp_path / "lost.csv"), f"{WEEKS[30]:%Y-%m-%d}"
    code, forecasts, scores = run(file, tmp_path, "--at", day)
    assert code == 1
    assert set(forecasts["region"]) == {"Aarau", "Chur"}
    assert set(scores["region"]) == {"Aarau"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "Chur (value): 'lost.csv' has no region 'Chur' for value in its newest vintage. Its forecasts are not scored."
    )


def test_a_region_that_stopped_reporting_or_is_named_twice_is_forecast_once_an_origin(tmp_path, capsys):
    file = written([counts("Aarau", 40), counts("Chur", 30)], tmp_path / "plain.csv")
    twice = ["--region", "Chur", "--region", "Aarau", "--region", "Chur"]
    dates = [option for day in ("2024-07-01", "2024-08-10", "2024-09-07") for option in ("--at", day)]
    code, forecasts, _ = run(file, tmp_path, *twice, *dates)
    assert code == 0
    assert forecasts.groupby("region")["origin"].nunique().to_dict() == {"Chur": 2, "Aarau": 3}
    assert len(forecasts) == 5 * 2 * 23
    assert "1 of 6 cuts ends" in capsys.readouterr().err


def test_forecasts_are_written_when_nothing_of_them_has_come_yet(tmp_path, capsys):
    file = written([counts("Aarau", 40)], tmp_path / "plain.csv")
    code, forecasts, scores = run(file, tmp_path, "--at", "2024-12-01")
    assert code == 1
    assert forecasts["horizon"].unique().tolist() == [1, 2]
    assert scores.empty
    printed = capsys.readouterr()
    assert printed.err == "None of what was forecast has come yet, so there is nothing to score.\n"
    assert printed.out == ""


def test_regions_that_cannot_be_cut_are_all_counted_when_there_is_nothing_else(tmp_path, capsys):
    file = written([counts("Aarau", 4), counts("Chur", 4)], tmp_path / "short.csv")
    assert main(["backtest", "--input", file, "--models", "naive", "--horizon", "2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Aarau (value): ")
    assert line.endswith("(And 1 more like this.)")


def test_a_region_named_twice_is_forecast_once(tmp_path):
    file, output = written([counts("Aarau", 40)], tmp_path / "plain.csv"), tmp_path / "out.csv"
    arguments = ["--input", file, "--models", "naive", "--horizon", "2", "--region", "Aarau", "--region", "Aarau"]
    assert main(["forecast", *arguments, "--output", str(output)]) == 0
    assert len(pd.read_csv(output)) == 2 * 23
