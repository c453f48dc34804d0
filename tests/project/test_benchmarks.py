"""The runner of benchmarks: what there is, and what there is not."""

import sys

import pytest

from benchmarks import backtest, score_file
from benchmarks.__main__ import describe, main, names


def test_lists_every_benchmark_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert {"first_forecast", "responsiveness", "memory", "cold_start"} <= set(names())
    assert all(f"  {name}" in listed and describe(name) in listed for name in names())


def test_an_unknown_benchmark_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert "no benchmark 'nothing'" in capsys.readouterr().err


def test_without_statsforecast_our_own_figures_are_printed_and_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    monkeypatch.setattr(backtest, "look_back", lambda *args, **options: 1.0)
    assert main(["backtest"]) == 2
    printed = capsys.readouterr()
    assert [line.split('"')[3] for line in printed.out.splitlines()] == ["backtest/four_models", "backtest/weekly_ets"]
    assert "statsforecast is not installed" in printed.err


@pytest.mark.whole  # half a million rows, as the benchmark itself
def test_a_file_of_forecasts_is_scored_beside_plain_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_file, "WEEKS", score_file.WEEKS[:1])
    monkeypatch.setattr(score_file, "TURNS", 1)
    figures = {str(figure["name"]): figure for figure in score_file.run()}
    assert list(figures) == [f"score_file/{kind}/{what}" for kind in ("csv", "parquet") for what in ("seconds", "peak")]
    assert 50 < float(str(figures["score_file/csv/peak"]["value"])) < 1000


def test_the_file_that_is_scored_has_600_000_rows() -> None:
    assert 600_000 <= len(score_file.forecasts()) < 625_000
