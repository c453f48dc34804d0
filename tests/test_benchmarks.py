"""The runner of benchmarks: what there is, and what there is not."""

import pytest

from benchmarks.__main__ import describe, main, names


def test_lists_every_benchmark_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert {"first_forecast", "responsiveness", "memory", "cold_start"} <= set(names())
    assert all(f"  {name}" in listed and describe(name) in listed for name in names())


def test_an_unknown_benchmark_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert "no benchmark 'nothing'" in capsys.readouterr().err
