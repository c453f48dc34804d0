"""Tables about numbers and dates as people bring them: read right, and asked about alike at every face."""

from pathlib import Path

import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.data.kind import PERCENT
from forecasting.support.errors import DataError
from forecasting.tables.panel_file import read_panel, read_raw_table
from forecasting.tables.table_preview import preview_table
from forecasting.tables.unmapped_table import OpenQuestionError, read_unmapped_table

CASES = Path(__file__).parent / "cases"


def read(name):
    return read_unmapped_table(read_raw_table(CASES / name))[0].table


def median_forecasts(capsys, name, *options):
    """The medians that the command line forecasts for the next two periods, by date."""
    arguments = ["forecast", "--input", str(CASES / name), "--models", "naive", "--horizon", "2", *options]
    assert main(arguments) == 0
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
    return {line[4]: float(line[6]) for line in lines if line[5] == "0.5"}


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")


def test_two_digit_years_are_of_the_last_century_and_this_one():
    table = read("two_digit_years.csv")
    assert table["date"].tolist() == pd.date_range("1996-01-31", "2003-12-31", freq="ME").tolist()
    assert table["value"].iloc[[0, -1]].tolist() == [300, 385]


def test_a_thousand_with_a_point_beside_hundreds_is_a_thousand():
    table = read("thousands_points.csv")
    assert table["value"].head(4).tolist() == [904, 907, 1020, 1062]
    assert table["value"].iloc[-1] == 1656
    assert (table["value"] > 850).all()


@pytest.mark.parametrize("name", ["epoch_ms.csv", "pandas_split_epoch.json"])
def test_milliseconds_since_1970_are_days(name):
    assert read(name)["date"].tolist() == pd.date_range("2024-01-01", "2024-02-29").tolist()


@pytest.mark.parametrize(
    ("name", "first", "low", "high"),
    [
        ("two_digit_years.csv", "2004-01-31", 300, 480),
        ("thousands_points.csv", "2021-05-01", 1200, 2100),
        ("epoch_ms.csv", "2024-03-01", 30, 70),
        ("pandas_split_epoch.json", "2024-03-01", 30, 75),
    ],
)
def test_the_command_line_forecasts_them_on_their_own_scale(capsys, name, first, low, high):
    forecasts = median_forecasts(capsys, name)
    assert next(iter(forecasts)) == first
    assert all(low <= value <= high for value in forecasts.values())


def test_running_totals_that_nobody_named_are_asked_about(capsys):
    with pytest.raises(OpenQuestionError, match="'value' never falls: are these running totals"):
        read("running_totals_unsaid.csv")
    content = (CASES / "running_totals_unsaid.csv").read_bytes()
    assert [one.kind for one in preview_table(content, "x").questions] == ["cumulative"]
    arguments = ["forecast", "--input", str(CASES / "running_totals_unsaid.csv"), "--models", "naive", "--horizon", "1"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "--cumulative" in said
    assert "--no-cumulative" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("option", "low", "high"), [("--cumulative", 200, 400), ("--no-cumulative", 30_000, 50_000)])
def test_one_option_says_whether_they_are_running_totals(capsys, option, low, high):
    options = [option, "--statistic", "value"]
    forecasts = median_forecasts(capsys, "running_totals_unsaid.csv", *options)
    assert all(low <= value <= high for value in forecasts.values())


def test_what_does_not_add_up_is_not_asked_about_as_totals(capsys):
    assert median_forecasts(capsys, "running_totals_unsaid.csv", "--kind", "measurement")


@pytest.mark.parametrize(("first", "step"), [(0.0, 0.0), (100.0, 0.0), (5000.0, 3.0)])
def test_a_line_and_a_level_that_rises_slowly_are_no_running_totals(first, step):
    days = pd.date_range("2021-01-01", periods=60)
    values = [first + i + step * (i % 3) + (i % 2 if step else 0) for i in range(60)]
    content = pd.DataFrame({"date": days, "value": sorted(values)}).to_csv(index=False).encode()
    assert not preview_table(content, "x").questions


def test_a_number_format_on_the_command_line_answers_the_question(tmp_path, capsys):
    path = tmp_path / "umsatz.csv"
    rows = "".join(
        f"{day:%d.%m.%Y};{1 + i % 5}.{120 + 10 * i}\n" for i, day in enumerate(pd.date_range("2021-01-01", periods=40))
    )
    path.write_text("Datum;Umsatz\n" + rows, encoding="utf-8")
    arguments = ["forecast", "--input", str(path), "--models", "naive", "--horizon", "1"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "1.120: is that 1,120 or 1.120?" in said
    assert "--number-format" in said
    assert main([*arguments, "--number-format", "1.234,5"]) == 0
    assert median_of(capsys) > 1000
    assert main([*arguments, "--number-format", "1,234.5"]) == 0
    assert median_of(capsys) < 10
    assert main([*arguments, "--number-format", "1_234"]) == 2


def median_of(capsys):
    return next(float(line.split(",")[-1]) for line in capsys.readouterr().out.splitlines() if ",0.5," in line)


def test_money_beside_a_head_count_is_asked_about(tmp_path, capsys):
    days = pd.date_range("2021-01-01", periods=40)
    frame = pd.DataFrame({"date": days, "customers": range(40, 80), "revenue": [10.5 * (i % 7) for i in range(40)]})
    path = tmp_path / "shop.csv"
    frame.to_csv(path, index=False)
    assert [one.kind for one in preview_table(path.read_bytes(), "x").questions] == ["which"]
    assert main(["forecast", "--input", str(path), "--models", "naive", "--horizon", "1"]) == 2
    said = capsys.readouterr().err
    assert "'customers'" in said
    assert "'revenue'" in said
    frame = frame.rename(columns={"customers": "cases", "revenue": "temperature"})
    looked = preview_table(frame.to_csv(index=False).encode(), "x")
    assert not looked.questions
    assert looked.mapping.value == "cases"


def test_percent_signs_make_a_share():
    rows = "".join(f"2021-03-{day:02d},{day % 7}.5 %\n" for day in range(1, 20))
    panel = read_panel(f"date,value\n{rows}".encode(), "x")
    assert panel.table["value"].iloc[0] == 1.5
    assert panel.statistics[0].kind is PERCENT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7 ...", "this is a PDF, not a table; "),
        (b"\x89PNG\r\n\x1a\n\x00", "this is an image, not a table; "),
        (b"\xff\xd8\xff\xe0\x00", "this is an image, not a table; "),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00",
            "this is a workbook of the old kind \\(XLS\\), not a table; save it as",
        ),
        (b"<!DOCTYPE html><table></table>", "this is a page of the web, not a table; "),
    ],
)
def test_files_that_are_no_tables_are_called_what_they_are(content, message):
    with pytest.raises(DataError, match=f"^x: {message}"):
        read_panel(content, "x")


def test_columns_of_different_things_are_no_regions():
    days = pd.bdate_range("2021-01-01", periods=40)
    frame = pd.DataFrame({"Date": days, "Close": [100.5 + i % 9 for i in range(40)], "Volume": range(9000, 9040)})
    looked = preview_table(frame.to_csv(index=False).encode(), "x")
    assert [one.text for one in looked.questions] == ["What is to be forecast: 'Volume' or 'Close'?"]
    regions = frame.rename(columns={"Close": "Bern", "Volume": "Basel"})
    assert preview_table(regions.to_csv(index=False).encode(), "x").kind == "wide"


def test_a_year_beside_a_month_is_put_together():
    rows = "".join(f"{2019 + i // 12};{i % 12 + 1};{120 + i % 7},5\n" for i in range(36))
    content = f"Jahr;Monat;Umsatz\n{rows}".encode()
    looked = preview_table(content, "x")
    assert not looked.questions
    panel = read_panel(content, "x")
    assert panel.table["date"].tolist() == pd.date_range("2019-01-01", periods=36, freq="MS").tolist()
    assert any("'Jahr', 'Monat' are put together as months" in note for note in panel.notes)
