"""The same question has the same numbers from the API, the command line and the library, to the last digit."""

import json

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.data.forecast import QUANTILES
from forecasting.models import model
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from forecasting.tables.panel_file import read_panel

#: statistic, models, horizon, date as of, regions (None for all)
NAMED = [
    ("new_admissions", "naive,theta", 4, None, None),
    ("new_admissions", "naive,theta", 1, "2026-01-17", None),
    ("new_admissions", "naive", 26, "2025-07-04", None),
    ("new_cases", "naive,theta", 28, None, None),
    ("new_cases", "naive,theta", 7, "2020-12-01", None),
    ("cumulative_cases", "naive,theta", 14, "2021-01-20", None),
    ("new_cases", "ets", 7, "2021-02-01", ["Italy", "Spain", "France"]),
    ("cumulative_cases", "ets", 7, "2021-02-01", ["Italy", "Germany"]),
    ("new_admissions", "ets", 4, None, ["United States", "Ohio", "Utah"]),
]
COUNTED = []


def by_command_line(tmp_path, *arguments):
    """The forecasts table that the command line writes."""
    output = tmp_path / "forecasts.parquet"
    assert main(["forecast", *arguments, "--workers", "1", "--output", str(output)]) == 0
    return pd.read_parquet(output)


def rows_of(table):
    """As the API writes them."""
    dates = {name: table[name].dt.strftime("%Y-%m-%d") for name in ("origin", "date")}
    return table.assign(**dates).to_dict("records")


def same(answer, table, follow=None):
    """Whether the answer is the table: at once, or with `follow` perhaps later."""
    said = follow(answer) if follow and answer.status_code == 202 else answer.json()
    assert said.get("forecasts") == rows_of(table), answer.text[:1000]
    COUNTED.append(table.groupby([name for name in ("statistic", "region", "model") if name in table]).ngroups)


@pytest.mark.parametrize(("statistic", "models", "horizon", "as_of", "regions"), NAMED)
def test_a_source_s_regions(statistic, models, horizon, as_of, regions, tmp_path, monkeypatch, ask, follow):
    given = ["--source", "bundled", "--statistic", statistic, "--models", models, "--horizon", str(horizon)]
    given += ["--as-of", as_of] if as_of else []
    given += [part for region in regions or [] for part in ("--region", region)]
    with monkeypatch.context() as elsewhere:  # with a store of its own: nothing is handed on
        elsewhere.setenv("FORECAST_HOME", str(tmp_path))
        table = by_command_line(tmp_path, *given)
    panel = source("bundled").panel().as_of(pd.Timestamp(as_of) if as_of else None)
    for (region, name), expected in table.groupby(["region", "model"], sort=False):
        question = {"source": "bundled", "statistic": statistic, "region": region, "model": name, "horizon": horizon}
        same(ask(**question, **({"as_of": as_of} if as_of else {})), expected, follow)
        if model(name).instant:
            series = prepare(panel, region, statistic)
            forecast = model(name).forecast(series, horizon)
            values = forecast.cumulative(series.total) if series.cumulative else forecast.values
            assert np.array_equal(values.ravel(), expected["value"].to_numpy())


def tables():
    """Tables as people have them, each as JSON that pandas writes and as a file for the command line."""
    rng = np.random.default_rng(7)
    days, weeks = pd.date_range("2023-05-01", periods=80), pd.date_range("2022-01-01", periods=70, freq="W-SAT")
    tidy = pd.DataFrame(
        {"region": np.repeat(["Nord", "Süd"], 80), "date": [*days, *days], "value": rng.poisson(60, 160)}
    )
    yield "tidy", tidy
    gaps = tidy.assign(value=tidy["value"].where(rng.random(160) > 0.1))
    yield "gaps", gaps.drop(index=[5, 6, 90])
    yield "decimals", tidy.assign(value=rng.normal(100, 3, 160))
    yield "piles", tidy.assign(value=np.where(tidy["date"].dt.day_of_week >= 5, 0, tidy["value"]))
    yield "one series", pd.DataFrame({"date": weeks, "value": rng.poisson(9, 70)})
    yield "wide", pd.DataFrame({"date": weeks, "A": rng.poisson(30, 70), "B": rng.poisson(3, 70)})
    several = pd.concat([tidy.assign(statistic="cases"), tidy.assign(statistic="deaths", value=tidy["value"] // 7)])
    yield "statistics", several.reset_index(drop=True)
    vintages = [tidy[tidy["date"] <= day].assign(as_of=day + pd.Timedelta("1D")) for day in days[[60, 70, 79]]]
    yield "vintages", pd.concat(vintages, ignore_index=True)


TABLES = dict(tables())


@pytest.mark.parametrize("orient", ["records", "split"])
@pytest.mark.parametrize("name", TABLES)
def test_posted_figures(name, orient, tmp_path, monkeypatch, ask):
    table = TABLES[name]
    said = table.to_json(orient=orient, date_format="iso", double_precision=15)
    file = tmp_path / "data.json"
    file.write_text(said)
    models = ["naive", "theta"]
    for as_of in (None, "2023-07-12"):
        if as_of and name in ("one series", "wide"):
            continue
        given = ["--input", str(file), "--models", ",".join(models), "--horizon", "5"]
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("FORECAST_HOME", str(tmp_path))
            expected = by_command_line(tmp_path, *given, *(["--as-of", as_of] if as_of else []))
        question = {"data": json.loads(said), "models": models, "horizon": 5}
        same(ask(**question, **({"as_of": as_of} if as_of else {})), expected)


def test_posted_figures_that_are_fitted_by_a_worker(tmp_path, monkeypatch, ask, follow):
    file = tmp_path / "data.csv"
    table = TABLES["tidy"]
    table.to_csv(file, index=False)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FORECAST_HOME", str(tmp_path))
        expected = by_command_line(tmp_path, "--input", str(file), "--models", "ets,pooled", "--horizon", "4")
    records = json.loads(table.to_json(orient="records", date_format="iso"))
    question = {"data": records, "models": ["ets", "pooled"], "horizon": 4}
    assert follow(ask(**question))["forecasts"] == rows_of(expected)
    same(ask(**question), expected)


def test_quantiles_are_rows_of_the_same_forecast(ask, italy):
    whole = ask(**italy, model="theta").json()["forecasts"]
    some = ask(**italy, model="theta", quantiles=[0.975, 0.5, 0.025]).json()["forecasts"]
    assert some == [row for row in whole if row["quantile"] in (0.025, 0.5, 0.975)]
    assert {row["quantile"] for row in whole} == set(QUANTILES)


def test_a_window_is_the_library_s(ask, api_service, italy):
    panel = api_service.panel("bundled")
    series = api_service.series(panel, "Italy", "new_cases", window=60)
    forecast = model("theta").forecast(series, 3)
    answered = ask(**italy, model="theta", window=60).json()["forecasts"]
    assert [row["value"] for row in answered] == forecast.values.ravel().tolist()
    assert [row["value"] for row in ask(**italy, model="theta").json()["forecasts"]] != forecast.values.ravel().tolist()


def test_covariates_and_holidays_are_the_command_line_s(tmp_path, monkeypatch, ask, follow):
    rng, days = np.random.default_rng(0), pd.date_range("2022-10-20", periods=70)
    waves = 80 * np.exp(np.sin(np.arange(70) / 5))
    table = pd.concat(
        pd.DataFrame(
            {"region": region, "date": days, "value": rng.poisson(waves), "rain": rng.normal(size=70).round(3)}
        )
        for region in ("A", "B", "C")
    )
    file = tmp_path / "data.csv"
    table.to_csv(file, index=False)
    given = ["--input", str(file), "--models", "pooled", "--horizon", "4", "--covariates", "rain", "--holidays", "DE"]
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FORECAST_HOME", str(tmp_path))
        expected = by_command_line(tmp_path, *given)
    records = json.loads(table.to_json(orient="records", date_format="iso"))
    question = {"data": records, "model": "pooled", "horizon": 4}
    with_both = follow(ask(**question, covariates=["rain"], holidays="de"))
    assert with_both["forecasts"] == rows_of(expected)
    assert follow(ask(**question))["forecasts"] != with_both["forecasts"]


def test_hourly_figures_have_times(ask):
    hours = pd.date_range("2024-03-01", periods=72, freq="h")
    records = [{"date": f"{hour:%Y-%m-%d %H:%M}", "value": i % 24} for i, hour in enumerate(hours)]
    first = ask(data=records, model="naive", horizon=2).json()["forecasts"][0]
    assert (first["origin"], first["date"]) == ("2024-03-03T23:00", "2024-03-04T00:00")


def test_a_mapping_is_the_command_line_s(tmp_path, monkeypatch, ask):
    days = pd.date_range("2024-01-01", periods=30)
    rows = [{"Tag": f"{day:%d/%m/%Y}", "Ort": "Köln", "Fälle": 5 + i % 7} for i, day in enumerate(days)]
    mapping = {"date": "Tag", "value": "Fälle", "region": "Ort", "day_first": True}
    file = tmp_path / "data.json"
    file.write_text(json.dumps(rows))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FORECAST_HOME", str(tmp_path))
        given = ["--input", str(file), "--mapping", json.dumps(mapping), "--models", "theta", "--horizon", "3"]
        expected = by_command_line(tmp_path, *given)
    same(ask(data=rows, mapping=mapping, model="theta", horizon=3), expected)


def test_what_is_posted_is_what_a_file_would_be(ask):
    """The library reads the same bytes."""
    table = TABLES["gaps"]
    said = table.to_json(orient="records", date_format="iso")
    panel = read_panel(said.encode(), "data")
    series = prepare(panel, "Süd")
    answered = ask(data=json.loads(said), region="Süd", model="naive", horizon=5).json()["forecasts"]
    assert [row["value"] for row in answered] == model("naive").forecast(series, 5).values.ravel().tolist()


def test_that_were_several_hundred_cases():
    if len(COUNTED) < 300:
        pytest.skip("only some of the cases were run")
    assert sum(COUNTED) >= 400
