"""The command `export`."""

import json

import numpy as np
import pytest

from forecasting.cli.main import main
from tests.export.export_examples import run_example

GERMANY = ["export", "--source", "bundled", "--region", "Germany", "--horizon", "14"]


def test_what_is_exported_is_what_is_forecast(tmp_path, capsys):
    file, table = tmp_path / "ets.json", tmp_path / "forecasts.csv"
    assert main([*GERMANY, "--model", "ets", "--format", "json", "--output", str(file)]) == 0
    forecast = ["forecast", *GERMANY[1:], "--models", "ets", "--output", str(table)]
    assert main(forecast) == 0
    found = run_example("ETS", tmp_path, "ets.json", file.read_bytes())["quantiles"]
    wanted = np.loadtxt(table, delimiter=",", skiprows=1, usecols=6).reshape(14, 23)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert json.loads(file.read_text())["source"] == "bundled"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "ets", "--format", "onnx", "--output", "a.onnx"], "ETS is exported as json, not as 'onnx'."),
        (["--model", "prophet", "--format", "json", "--output", "a.json"], "Prophet cannot be exported; these can:"),
        (["--model", "nothing", "--format", "json", "--output", "a.json"], "There is no model 'nothing'"),
        (["--model", "ets", "--format", "json", "--output", "a.csv"], "its name must end in .json."),
        (["--model", "ets", "--format", "json", "--output", "no/a.json"], "there is no folder"),
        (["--model", "ets", "--format", "json", "--output", "a.json", "--horizon", "1000"], "The horizon is 1000"),
        (["--model", "ets", "--format", "json", "--output", "a.json", "--region", "Spain"], "name it with --region"),
        (["--model", "ets", "--format", "pickle", "--output", "a.json"], "--format"),
    ],
)
def test_bad_usage_is_one_line(arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*GERMANY, *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert sentence in said[0]
    assert not [path for path in tmp_path.iterdir() if path.name != "home"]
