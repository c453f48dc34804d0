"""A vintage that is still to come would hide all others: it is refused at every way in."""

from datetime import date

import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.support.errors import DataError
from forecasting.tables import panel_file
from forecasting.tables.cells import date_formats
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel


@pytest.fixture(autouse=True)
def on_a_day_of_2025(monkeypatch):
    for module in (panel_file, date_formats):
        monkeypatch.setattr(module, "today", lambda: date(2025, 2, 3))


@pytest.fixture
def content() -> bytes:
    """Two regions as published on two days, and one row of one of them that was published in a far year."""
    weeks = pd.date_range("2024-01-06", periods=20, freq="W-SAT")
    tables = [
        pd.DataFrame({"as_of": as_of, "region": region, "date": weeks, "value": range(50, 70)})
        for as_of in ("2024-05-29", "2024-06-05")
        for region in ("A", "B")
    ]
    odd = pd.DataFrame({"as_of": ["2030-01-05"], "region": "A", "date": weeks[-1:], "value": 3})
    return pd.concat([*tables, odd]).to_csv(index=False).encode()


def test_it_is_refused_with_the_date_and_what_to_do(content):
    wanted = r"x.csv: 1 row has an as_of that is still to come \(2030-01-05\), .* correct it, or leave it out\."
    with pytest.raises(DataError, match=wanted):
        read_panel(content, "x.csv")
    with pytest.raises(DataError, match=wanted):
        read_mapped_table(content, "x.csv", ColumnMapping("date", "value", "region", as_of="as_of"))


def test_the_command_line_says_it_in_one_line(content, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    (tmp_path / "x.csv").write_bytes(content)
    assert main(["forecast", "--input", str(tmp_path / "x.csv"), "--models", "naive", "--horizon", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "2030-01-05" in line


def test_without_it_the_newest_vintage_is_whole(content):
    lines = content.decode().splitlines()
    panel = read_panel("\n".join(line for line in lines if not line.startswith("2030")).encode(), "x.csv")
    assert panel.regions() == ["A", "B"]
    assert panel.lost_regions() == []
