"""Filling the store before anybody asks."""

import pytest

from forecasting.cli.main import main
from forecasting.jobs import JobQueue
from forecasting.jobs.request import Request
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.sources.bundled import Bundled
from forecasting.storage.forecast_store import ForecastStore


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """The bundled source with three states, and a home of its own."""
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    panel = source("bundled").panel()
    rows = panel.table["region"].isin(["Ohio", "Utah", "Maine"])
    part = type(panel)(**{**vars(panel), "table": panel.table[rows].reset_index(drop=True)})
    part = type(panel)(
        **{**vars(part), "statistics": tuple(s for s in panel.statistics if s.column == "admissions")[:1]}
    )
    monkeypatch.setattr(Bundled, "panel", lambda self: part)
    return part


def test_every_region_and_model_is_made_once(capsys):
    arguments = ["pretrain", "--source", "bundled", "--models", "ensemble,ets,naive", "--workers", "1"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "bundled: 3 regions; 6 forecasts made, 0 there already.\n"
    assert main(arguments) == 0
    assert capsys.readouterr().out == "bundled: 3 regions; 0 forecasts made, 6 there already.\n"


def test_what_was_done_to_the_figures_is_said_once_a_kind(capsys):
    assert main(["pretrain", "--source", "bundled", "--models", "ets", "--horizon", "2", "--workers", "1"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Bundled figures: ")
    assert [line for line in said if line.startswith("3 of 3 regions: the last figures look incomplete")] == said[1:]


def test_pages_and_api_find_what_was_made(small):
    assert main(["pretrain", "--source", "bundled", "--models", "ets,pooled", "--workers", "1"]) == 0
    store = ForecastStore()
    service = Service(store, JobQueue(store, workers=1))
    try:
        series = service.series(small, "Ohio", small.statistics[0].name)
        requests = [Request(series, name, series.frequency.default_horizon) for name in ("ets", "pooled")]
        assert store.known_keys({request.key for request in requests}) == {request.key for request in requests}
        jobs = service.submit(requests)
        assert all(job.finished and job.attempts == 0 for job in jobs.values())
    finally:
        service.close()


def test_what_fails_is_listed_and_the_others_are_made(small, capsys):
    small.table.loc[small.table["region"] == "Utah", "value"] = float("nan")
    assert main(["pretrain", "--source", "bundled", "--models", "ets", "--horizon", "2", "--workers", "1"]) == 1
    said = capsys.readouterr()
    assert "bundled: 3 regions; 2 forecasts made, 0 there already." in said.out
    assert "\nUtah (new_admissions): " in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--source", "nowhere"], "nowhere"),
        (["--source", "bundled", "--models", "oracle"], "There is no model 'oracle'"),
        (["--source", "bundled", "--models", ""], "--models is empty"),
        (["--source", "bundled", "--horizon", "0"], "The horizon is 0"),
    ],
)
def test_bad_usage_is_one_line(arguments, sentence, capsys):
    assert main(["pretrain", *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_store_knows_which_of_many_keys_it_has():
    store = ForecastStore()
    assert store.known_keys({str(number) for number in range(1200)}) == set()
    store.close()
