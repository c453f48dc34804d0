"""Small tables of figures that are no plain counts, as people bring them: the right answer at the command line and in Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecasting
from forecasting.cli.main import main

CASES = Path(__file__).parents[1] / "tables" / "cases"


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_WORKERS", "1")


def forecast(tmp_path, name, models, horizon, *options, code=0):
    """The table that the command line writes: quantiles by region, model and horizon."""
    output = tmp_path / "forecasts.csv"
    arguments = ["--input", str(CASES / f"{name}.csv"), "--models", models, "--horizon", str(horizon), *options]
    assert main(["forecast", *arguments, "--output", str(output)]) == code
    table = pd.read_csv(output, parse_dates=["origin", "date"])
    return table.pivot(index=["region", "model", "horizon", "date"], columns="quantile", values="value")


@pytest.mark.parametrize("models", ["naive,theta,ets,sarima,pooled,ensemble"])
def test_temperatures_below_zero_stay_there_and_what_they_were_taken_for_is_said(tmp_path, capsys, models):
    found = forecast(tmp_path, "temperatures", models, 3)
    assert (found[0.5].between(-17, -7)).all()
    assert (found[0.025] < found[0.5] - 2).all()
    assert "Taken as a measurement (some are below zero, down to -18.6)" in capsys.readouterr().err


def test_temperatures_that_somebody_calls_counts_are_counts(tmp_path):
    assert (forecast(tmp_path, "temperatures", "ets", 3, "--kind", "count").to_numpy() >= 0).all()


def test_a_closing_price_moves_by_its_own_steps_on_its_own_days(tmp_path):
    found = forecast(tmp_path, "closing_prices_business_days", "ets,ensemble", 10)
    dates = found.index.get_level_values("date")
    assert dates.min() == pd.Timestamp("2022-01-03")
    assert (dates.day_of_week < 5).all()
    first = found.xs(1, level="horizon")
    assert first[0.5].to_numpy() == pytest.approx(138.74, abs=1)
    half = ((first[0.975] - first[0.025]) / 2).groupby("model").first()
    assert half["ets"] == pytest.approx(2.5, abs=1)
    assert half["ensemble"] == pytest.approx(2.5, abs=1.5)


def test_an_exchange_rate_has_bands_of_the_size_of_its_moves(tmp_path):
    first = forecast(tmp_path, "exchange_rate_weekly", "ets", 1).iloc[0]
    assert 1.09 < first[0.025] < first[0.5] < first[0.975] < 1.135


def test_half_of_what_came_of_an_exchange_rate_was_within_its_inner_band():
    panel = forecasting.read_panel(CASES / "exchange_rate_weekly.csv")
    table, held = panel.table.set_index("date")["value"], []
    for end in range(len(table) - 72, len(table), 6):
        known = panel.as_of(table.index[end - 1])
        values = forecasting.model("ets").forecast(forecasting.prepare(known, "exchange_rate_weekly"), 6).values
        came = table.iloc[end : end + 6].to_numpy()
        held += [(low <= y <= high) for low, high, y in zip(values[:, 6], values[:, 16], came, strict=True)]
    assert 0.35 <= np.mean(held) <= 0.65


@pytest.mark.parametrize("model", ["naive", "theta", "ets", "sarima", "pooled", "ensemble"])
def test_a_share_and_its_multiple_have_the_same_bands(model):
    content = pd.read_csv(CASES / "positivity_rate.csv")
    found = []
    for factor, kind in ((1.0, None), (1e4, "amount")):
        table = content.assign(value=content["value"] * factor)
        panel = forecasting.read_panel(table.to_csv(index=False).encode(), "positivity_rate.csv", kind=kind)
        series = forecasting.prepare(panel, "positivity_rate")
        found.append(forecasting.model(model).forecast(series, 7).values / factor)
    np.testing.assert_allclose(found[1], found[0], rtol=0.02)


def test_true_zeros_after_a_first_case_are_used_to_the_file_s_end(tmp_path):
    found = forecast(tmp_path, "first_case_then_zeros", "ets,ensemble", 7)
    assert set(found.index.get_level_values("date")) == set(pd.date_range("2024-07-19", periods=7))
    assert found[0.5].max() < 1


def test_spare_parts_are_not_forecast_in_numbers_that_have_never_been(tmp_path):
    found = forecast(tmp_path, "spare_parts", "ets,pooled,ensemble,naive", 14)
    assert found[0.975].max() <= 2 * 12


def test_prophet_a_year_ahead_of_a_steady_series(tmp_path):
    last = forecast(tmp_path, "steady_two_years", "prophet", 366).iloc[-1]
    assert last[0.5] == pytest.approx(108, abs=8)
    assert 75 < last[0.025] < last[0.975] < 150


def zeros_at_the_end(tmp_path):
    """A file of three hundred a week for a year, and twelve weeks of zeros at the end."""
    weeks = pd.date_range("2024-01-06", periods=64, freq="W-SAT")
    values = [300 + i * 7 % 11 if i < 52 else 0 for i in range(64)]
    path = tmp_path / "ended.csv"
    pd.DataFrame({"region": "Ohio", "date": weeks, "value": values}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("options", "origin", "median", "said"),
    [
        ((), "2024-12-28", 300, "the series is used until then. If these zeros are true, set zeros-at-end to true."),
        (("--zeros-at-end", "unreported"), "2024-12-28", 300, "the series is used until then.\n"),
        (
            ("--zeros-at-end", "true"),
            "2025-03-22",
            0,
            "The zeros at the end, 12 weeks from 4 Jan 2025, are taken as true.",
        ),
    ],
)
def test_zeros_at_the_end_are_read_as_somebody_says(tmp_path, capsys, options, origin, median, said):
    output = tmp_path / "forecasts.csv"
    given = ["forecast", "--input", str(zeros_at_the_end(tmp_path)), "--models", "theta", "--horizon", "2", *options]
    assert main([*given, "--output", str(output)]) == 0
    table = pd.read_csv(output)
    assert table["origin"].unique().tolist() == [origin]
    assert table.loc[table["quantile"] == 0.5, "value"].to_numpy() == pytest.approx(median, abs=11)
    assert said in capsys.readouterr().err


def test_zeros_at_the_end_that_are_something_else_are_refused_in_a_sentence(tmp_path, capsys):
    given = ["forecast", "--input", str(zeros_at_the_end(tmp_path)), "--models", "naive", "--horizon", "1"]
    assert main([*given, "--zeros-at-end", "yes"]) == 2
    assert "--zeros-at-end is true or unreported, not 'yes'." in capsys.readouterr().err
