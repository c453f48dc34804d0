"""Looking after sources: newest figures, every forecast, picks and drift, by the clock and when there is something new."""

import threading
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.jobs import JobQueue
from forecasting.jobs.request import Request
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.history import History
from forecasting.monitoring.update_runs import UpdateRun, UpdateRuns
from forecasting.operations.nightly_update import NightlyUpdate, UpdateStopped
from forecasting.operations.scheduler import UpdateSchedule, cron_trigger
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import RequestError

REGIONS, MODELS = ("Avalon", "Laputa"), ("naive", "theta", "ets")


@dataclass(frozen=True)
class Lab:
    """A source of a test's own, whose figures no other test has."""

    number: int
    path: Path

    @property
    def name(self):
        return f"data-lab{self.number}"

    @property
    def setting(self):
        return f"FORECAST_DATA_LAB{self.number}"

    def write(self, weeks):
        """Weekly counts of two regions."""
        generator = np.random.default_rng(self.number)
        dates = pd.date_range("2024-01-06", periods=weeks, freq="7D")
        rows = [
            (region, day.date(), int(generator.poisson(400 + 200 * np.sin(place / 6))))
            for region in REGIONS
            for place, day in enumerate(dates)
        ]
        pd.DataFrame(rows, columns=["region", "date", "value"]).to_csv(self.path, index=False)


@pytest.fixture
def lab(tmp_path, monkeypatch, request):
    made = Lab(zlib.crc32(request.node.name.encode()), tmp_path / "counts.csv")
    made.write(60)
    monkeypatch.setenv(made.setting, str(made.path))
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FORECAST_DB_URL", raising=False)
    return made


class House:
    """A service with all that looks after it."""

    def __init__(self):
        store = ForecastStore()
        self.service = Service(store, JobQueue(store, workers=1))
        self.runs, self.history, self.alerts = UpdateRuns(), History(every=None), Alerts(webhook="")

    def upkeep(self, names=MODELS):
        return NightlyUpdate(self.service, self.runs, self.history, self.alerts, names)

    def fitted(self):
        """How many fits were done here."""
        return sum(count for count, _ in self.service.queue.load().ended.values())

    def wanted(self, name):
        panel = self.service.panel(name)
        series = [self.service.series(panel, region, panel.statistics[0].name) for region in REGIONS]
        return {Request(one, "ets", one.frequency.default_horizon).key for one in series}

    def told(self, name):
        """The open alerts about a source."""
        alerts = self.alerts.open()
        return list(alerts.loc[(alerts["source"] == name) | (alerts["kind"] == f"source {name}"), "sentence"])

    def close(self):
        self.service.close()
        for one in (self.runs, self.history, self.alerts):
            one.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One for all tests, as its worker takes seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(tmp_path_factory.mktemp("house")))
        patch.delenv("FORECAST_DB_URL", raising=False)
        opened = House()
    yield opened
    opened.close()


def test_after_a_run_everything_is_there_and_the_best_models_are_picked(house, lab):
    run = house.upkeep().run(lab.name)
    assert (run.regions, run.there, run.failed, run.picked, run.said) == (2, 2, 0, 2, "")
    wanted = house.wanted(lab.name)
    assert house.service.store.known_keys(wanted) == wanted
    picks = house.history.picks(lab.name)
    assert set(picks["region"]) == set(REGIONS)
    assert set(picks["model"]) | set(picks["runner_up"]) <= set(MODELS)
    assert (picks["origins"] == 8).all()
    assert house.runs.last(lab.name) == run


def test_the_same_figures_are_not_looked_after_twice(house, lab):
    first = house.upkeep().run(lab.name)
    fitted = house.fitted()
    assert house.upkeep().run(lab.name) == first
    assert house.upkeep().run(lab.name, again=True).began > first.began
    assert house.fitted() == fitted


def test_newer_figures_are_fitted_and_picked_from(house, lab):
    first = house.upkeep().run(lab.name)
    fitted, old = house.fitted(), house.wanted(lab.name)
    lab.write(61)
    second = house.upkeep().run(lab.name)
    assert second.digest != first.digest
    assert house.fitted() > fitted
    assert not house.wanted(lab.name) & old
    assert house.service.store.known_keys(house.wanted(lab.name)) == house.wanted(lab.name)
    picks = house.history.picks(lab.name)
    assert (picks.groupby("region")["last_confirmed"].max() > pd.Timestamp(first.ended)).all()


def test_a_run_that_was_stopped_goes_on_where_it_was(house, lab):
    upkeep, begun = house.upkeep(), house.service.store.put

    def stopping(*arguments, **named):
        upkeep.stop()
        return begun(*arguments, **named)

    house.service.store.put = stopping
    with pytest.raises(UpdateStopped):
        upkeep.run(lab.name)
    house.service.store.put = begun
    assert house.runs.last(lab.name) is None
    house.upkeep().run(lab.name)
    keys_fitted = house.fitted()
    house.upkeep().run(lab.name, again=True)
    assert house.fitted() == keys_fitted


def test_a_source_that_cannot_be_read_is_said_and_told(house, lab):
    lab.path.unlink()
    run = house.upkeep().run(lab.name)
    assert run.failed == 1
    assert lab.setting in run.said
    assert house.told(lab.name) == [run.said]
    lab.write(60)
    assert house.upkeep().run(lab.name).said == ""
    assert run.said not in house.told(lab.name)  # what the figures themselves give rise to is told as ever


def test_the_clock_runs_the_upkeep_and_one_fault_does_not_end_the_others():
    class Counting:
        def __init__(self):
            self.asked, self.news = [], threading.Condition()

        def run(self, name, again):
            with self.news:
                self.asked.append((name, again))
                self.news.notify_all()
            if name == "bad":
                raise ValueError("a fault")
            now = datetime.now(UTC)
            return UpdateRun(name, now, now, "")

        def stop(self):
            self.stopped = True

        def close(self):
            self.closed = True

    upkeep = Counting()
    schedule = UpdateSchedule(upkeep, ["bad", "good"], "0 3 * * *")
    schedule.start()
    with upkeep.news:
        assert upkeep.news.wait_for(lambda: len(upkeep.asked) == 2, timeout=60)
    schedule.close()
    assert upkeep.asked == [("bad", False), ("good", False)]
    assert upkeep.stopped
    assert upkeep.closed


def test_the_schedule_is_as_cron_writes_it():
    night = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert cron_trigger("30 4 * * *").get_next_fire_time(None, night) == night + timedelta(hours=16, minutes=30)
    with pytest.raises(RequestError, match="FORECAST_PRETRAIN_AT is 'at night'; give five fields"):
        cron_trigger("at night")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FORECAST_PRETRAIN", "nowhere", "There is no source 'nowhere'"),
        ("FORECAST_PRETRAIN_MODELS", "oracle", "There is no model 'oracle'"),
        ("FORECAST_PRETRAIN_AT", "* * *", "FORECAST_PRETRAIN_AT is"),
    ],
)
def test_settings_that_cannot_be_keep_the_server_from_starting(monkeypatch, capsys, name, value, said):
    monkeypatch.setenv(name, value)
    assert main(["serve", "--port", "0"]) == 2
    assert capsys.readouterr().err.startswith(said)


def test_the_command_line_does_it_once(lab, capsys):
    assert main(["upkeep", "--source", lab.name, "--models", "naive,ets", "--workers", "1"]) == 0
    assert capsys.readouterr().out.startswith(
        f"{lab.name}: 2 series, 2 forecasts there, 0 failed; 2 models picked, 0 series drift."
    )
    assert main(["upkeep", "--source", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("There is no source 'nowhere'")
