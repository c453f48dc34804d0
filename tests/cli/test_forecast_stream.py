"""Forecasts that are written as they come: the files, sentences and exit codes of those that are written at the end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.cli import forecast_stream, stop_signals
from forecasting.cli.main import main


@pytest.fixture
def many_regions(tmp_path):
    """Twelve regions, one of which has nothing but an empty cell and two the same figures."""
    days, random, parts = pd.date_range("2024-01-01", periods=40), np.random.default_rng(1), []
    for place in range(12):
        values = random.poisson(50 + place, len(days)).astype(float)
        parts.append(pd.DataFrame({"region": f"R{place:02d}", "date": days, "value": values}))
    parts[7]["value"] = parts[6]["value"].to_numpy()
    parts[4] = parts[4].assign(value=np.nan)
    path = tmp_path / "regions.csv"
    pd.concat(parts).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_written_as_it_comes_is_what_is_written_at_the_end(many_regions, tmp_path, monkeypatch, capsys, ending):
    arguments = ["forecast", "--input", str(many_regions), "--models", "theta,ets", "--horizon", "3"]
    at_end, as_they_come = (tmp_path / f"{name}.{ending}" for name in ("end", "come"))
    assert main([*arguments, "--output", str(at_end)]) == 1
    before = capsys.readouterr().err
    monkeypatch.setattr(forecast_stream, "STREAMED_FROM", 5)
    monkeypatch.setattr(forecast_stream, "WRITTEN_AT_ONCE", 2)
    assert main([*arguments, "--output", str(as_they_come)]) == 1
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(before.splitlines())
    if ending == "csv":
        assert as_they_come.read_bytes() == at_end.read_bytes()
    else:
        pd.testing.assert_frame_equal(pd.read_parquet(as_they_come), pd.read_parquet(at_end))


def test_on_stdout_it_is_the_same_table(many_regions, monkeypatch, capsys):
    arguments = ["forecast", "--input", str(many_regions), "--models", "naive", "--horizon", "2"]
    main(arguments)
    before = capsys.readouterr().out
    monkeypatch.setattr(forecast_stream, "STREAMED_FROM", 5)
    main(arguments)
    assert capsys.readouterr().out == before


def test_a_signal_while_a_part_is_written_stops_the_run_after_it_and_what_is_finished_is_there(
    many_regions, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(forecast_stream, "STREAMED_FROM", 5)
    monkeypatch.setattr(forecast_stream, "WRITTEN_AT_ONCE", 3)
    table = forecast_stream.batch_table

    def interrupted(done):
        if len(done) == 3 and not stop_signals.stop_requested():
            stop_signals._handle(2, None, [])
        return table(done)

    monkeypatch.setattr(forecast_stream, "batch_table", interrupted)
    file = tmp_path / "some.csv"
    arguments = ["forecast", "--input", str(many_regions), "--models", "naive", "--horizon", "2", "--output", str(file)]
    assert main(arguments) == 1
    assert "to go; the same command goes on from there." in capsys.readouterr().err
    written = pd.read_csv(file)
    assert written["region"].nunique() >= 3
    assert not written.duplicated(["region", "horizon", "quantile"]).any()
