"""A model that gives NaN or infinity fails for that region, with a sentence, at every way in; the others are written."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.models.base import Model
from forecasting.models.naive import Naive

WEEKS = pd.date_range("2024-01-06", periods=40, freq="W-SAT")
#: Counts of the region whose forecasts are spoilt.
SPOILT = 700.0


@pytest.fixture(params=[np.nan, np.inf])
def states(tmp_path, monkeypatch, request) -> str:
    """Weeks of two states; one number of each naive forecast of the second is not finite."""
    naive = Naive.forecast

    def spoilt(self, series, horizon, *report):
        made = naive(self, series, horizon, *report)
        values = made.values.copy()
        values[-1, -1] = request.param if series.values[-1] == SPOILT else values[-1, -1]
        return replace(made, values=values)

    monkeypatch.setattr(Naive, "forecast", spoilt)
    monkeypatch.setattr(Naive, "forecast_many", Model.forecast_many)
    tables = [pd.DataFrame({"region": name, "date": WEEKS, "value": n}) for name, n in (("Ohio", 70), ("Utah", SPOILT))]
    pd.concat(tables).to_csv(tmp_path / "states.csv", index=False)
    return str(tmp_path / "states.csv")


@pytest.mark.parametrize(
    ("command", "column", "written"),
    [
        (["forecast", "--horizon", "2"], "region", "Ohio"),
        (["forecast", "--horizon", "4", "--format", "hubverse"], "location", "39"),
        (["backtest", "--horizon", "2", "--origins", "1"], "region", "Ohio"),
    ],
)
def test_the_region_fails_with_a_sentence_and_the_others_are_written(
    states, tmp_path, capsys, command, column, written
):
    output = tmp_path / "out.csv"
    assert main([*command, "--input", states, "--models", "naive", "--output", str(output)]) == 1
    table = pd.read_csv(output, dtype={"location": str})
    assert set(table[column]) == {written}
    assert np.isfinite(table["value"]).all()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Utah")
    assert "gave no finite numbers for this series; choose another model" in line


def test_a_series_that_a_hub_would_refuse_is_left_out_with_the_reason(tmp_path, capsys, monkeypatch):
    naive = Naive.forecast

    def falling(self, series, horizon, *report):
        made = naive(self, series, horizon, *report)
        return replace(made, values=made.values[:, ::-1]) if series.values[-1] == SPOILT else made

    monkeypatch.setattr(Naive, "forecast", falling)
    monkeypatch.setattr(Naive, "forecast_many", Model.forecast_many)
    random = np.random.default_rng(0)
    tables = [
        pd.DataFrame({"region": name, "date": WEEKS, "value": [*random.poisson(n, 39), n]})
        for name, n in (("Ohio", 70), ("Utah", SPOILT))
    ]
    pd.concat(tables).to_csv(tmp_path / "states.csv", index=False)
    arguments = ["--input", str(tmp_path / "states.csv"), "--models", "naive", "--horizon", "4"]
    output = tmp_path / "out.csv"
    assert main(["forecast", *arguments, "--format", "hubverse", "--output", str(output)]) == 1
    assert set(pd.read_csv(output, dtype=str)["location"]) == {"39"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Utah (value): A hub would refuse these forecasts.")
