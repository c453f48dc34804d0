"""A database and a data set that the configuration names, on the pages as any other source."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest


@pytest.fixture
def figures(tmp_path, monkeypatch):
    dates = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    table = pd.DataFrame({"region": "Ward 1", "date": dates, "value": range(60)})
    with closing(sqlite3.connect(tmp_path / "hospital.db")) as connection:
        table.to_sql("counts", connection, index=False)
    table.to_parquet(tmp_path / "wards.parquet", index=False)
    monkeypatch.setenv("FORECAST_SQL_HOSPITAL", f"sqlite:///{tmp_path / 'hospital.db'}")
    monkeypatch.setenv("FORECAST_DATA_WARDS", str(tmp_path / "wards.parquet"))
    monkeypatch.setenv("FORECAST_SQL_GONE", "sqlite:////no/such/secret.db")


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize("name", ["sql-hospital", "data-wards"])
def test_a_configured_source_opens_like_any_other(name, visit):
    page = visit(source=name, models="naive")
    assert not page.exception
    assert not page.error
    assert "Ward 1: counts" in [element.value for element in page.subheader]
    assert page.sidebar.selectbox(key="source").value == name


@pytest.mark.usefixtures("figures")
def test_one_that_cannot_be_read_is_one_sentence_without_its_address(visit):
    page = visit(source="sql-gone", models="naive")
    assert not page.exception
    (error,) = page.error
    assert "does not let us in" in error.value
    assert "secret" not in error.value
