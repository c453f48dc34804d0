"""Jobs without a fit of their own: a region's part of a pooled fit, and blends of other models' forecasts."""

import os
import signal
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scripted
from waiting import PATIENCE, wait_for

from forecasting.data.frequency import weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.jobs import Job, QueueFull, State
from forecasting.jobs.composite import CompositeRequests
from forecasting.jobs.request import Request
from forecasting.jobs.workers.process import WorkerProcess
from forecasting.models import model
from forecasting.models.naive import Naive
from forecasting.preparation.gather_pool import gather_pool
from forecasting.preparation.prepare import prepare
from forecasting.storage.forecast_store import ForecastStore

NEW = Statistic("new", "New", "cases", "new")
WEEKS = pd.date_range("2023-01-07", periods=60, freq="W-SAT")


def panel(regions) -> Panel:
    parts = []
    for place, region in enumerate(regions):
        values = np.random.default_rng(place).poisson(100, len(WEEKS)).astype(float)
        values[0] = 1000 + place
        parts.append(pd.DataFrame({"region": region, "statistic": "new", "date": WEEKS, "value": values}))
    return Panel("test", pd.concat(parts, ignore_index=True), (NEW,), {"new": weekly()}, "", "")


STATES = panel([f"State {number:02d}" for number in range(53)])
FEW = panel(["Aland", "Bornholm", "Mute"])


def request(name, region="Aland", figures=FEW, horizon=4) -> Request:
    return Request(prepare(figures, region), name, horizon)


def begun(job):
    return job.progress is not None or job.finished


@pytest.fixture
def orders(monkeypatch):
    """How often each model was handed to a worker."""
    counted = Counter()
    send = WorkerProcess.send

    def counting(self, line):
        counted[line.rsplit('"model":"', 1)[1].split('"')[0]] += 1
        send(self, line)

    monkeypatch.setattr(WorkerProcess, "send", counting)
    return counted


@pytest.mark.usefixtures("started_workers")  # a forked one is ready before all have been asked for
def test_one_fit_serves_every_region_that_is_asked_for(make_queue, orders):
    queue = make_queue(workers=2)
    requests = [request("together", region, STATES) for region in STATES.regions()]
    jobs = [queue.submit(one, background=True) for one in requests]
    assert len({job.key for job in jobs}) == 53
    assert all(job.state is State.queued for job in jobs)
    jobs = queue.wait([job.key for job in jobs], PATIENCE)
    assert {job.state for job in jobs} == {State.done}
    assert orders["together"] == 1
    here = model("together").forecast_pool(gather_pool(requests[0].pool.pool), 4)
    for one, job in zip(requests, jobs, strict=True):
        assert (job.key, job.model, job.horizon, job.parts) == (one.key, "together", 4, {})
        np.testing.assert_array_equal(job.forecast.values, here[one.series.region].values)


def test_a_region_is_served_from_the_store_after_a_restart(make_queue, tmp_path, orders):
    queue = make_queue()
    job = wait_for(queue, queue.submit(request("together")))
    queue.close()
    later = make_queue(store=ForecastStore(f"sqlite:///{tmp_path / 'forecasts.sqlite'}"), command=("false",))
    keys = [request("together", region).key for region in ("Aland", "Bornholm", "Mute")]
    assert [job.state for job in later.jobs(keys)] == [State.done] * 2
    again = later.submit(request("together", "Bornholm"))
    assert (again.state, again.seconds) == (State.done, job.seconds)
    assert later.wait([again.key], PATIENCE, until=lambda jobs: jobs[0].finished) == [again]
    assert orders == {"together": 1}


def test_without_a_database_the_parts_are_there_all_the_same(make_queue, monkeypatch, caplog):
    store = ForecastStore("sqlite://")
    monkeypatch.setattr(store, "put", lambda *_: 1 / 0)
    queue = make_queue(store=store)
    wait_for(queue, queue.submit(request("together")))
    assert "could not be stored" in caplog.text
    assert queue.submit(request("together", "Bornholm")).state is State.done


def test_a_region_that_the_model_leaves_out_fails_with_a_sentence(queue):
    job = wait_for(queue, queue.submit(request("together", "Mute")))
    assert (job.state, job.forecast) == (State.failed, None)
    assert job.error == "Together gave no usable forecast of Mute; choose another model."
    assert wait_for(queue, queue.submit(request("together"))).state is State.done
    assert queue.submit(request("together", "Mute"), retry=True).state is State.failed


def test_a_pooled_fit_that_fails_fails_for_all_its_regions(queue):
    jobs = [queue.submit(request("lonely", region)) for region in ("Aland", "Mute")]
    jobs = queue.wait([job.key for job in jobs], PATIENCE)
    assert [(job.state, job.error) for job in jobs] == [(State.failed, "There are too few regions.")] * 2


def test_figures_that_cannot_be_gathered_fail_the_fit_and_cost_no_worker(queue, monkeypatch, caplog):
    monkeypatch.setattr("forecasting.jobs.request.gather_pool", lambda spec: 1 / 0)
    job = wait_for(queue, queue.submit(request("together")))
    assert job.state is State.failed
    assert job.error.startswith("The figures for Together could not be gathered")
    assert "ZeroDivisionError" in caplog.text
    assert wait_for(queue, queue.submit(scripted.request("quick"))).state is State.done


def test_without_a_pool_a_pooled_model_gets_the_one_series(make_queue):
    alone = Request(replace(request("together").series, pool=None), "together", 4)
    assert alone.key != request("together").key
    queue = make_queue()
    assert wait_for(queue, queue.submit(alone)).forecast.model == "together"


def test_a_pooled_fit_goes_on_for_a_killed_worker_once_more(queue, make_gate):
    gate = make_gate(request("together"))
    job = wait_for(queue, queue.submit(request("together")), begun)
    assert job.state is State.running
    first = job.progress.trying
    os.kill(int(first), signal.SIGKILL)
    job = wait_for(queue, job, lambda now: now.progress is not None and now.progress.trying != first)
    gate.open()
    job = wait_for(queue, job)
    assert (job.state, job.attempts) == (State.done, 2)


def test_cancelling_a_region_ends_the_fit_of_all_and_retrying_begins_it_again(queue, make_gate):
    gate = make_gate(request("together"))
    one, other = (queue.submit(request("together", region)) for region in ("Aland", "Bornholm"))
    wait_for(queue, one, begun)
    assert queue.cancel(one.key).state is State.cancelled
    assert queue.job(other.key).state is State.cancelled
    assert queue.submit(request("together")).state is State.cancelled
    assert queue.submit(request("together"), retry=True).state in (State.queued, State.running)
    wait_for(queue, one, begun)
    gate.open()
    assert wait_for(queue, other).state is State.done


def test_a_region_that_is_looked_at_brings_its_pool_forward(queue, make_gate):
    gate = make_gate(scripted.request("gated"))
    wait_for(queue, queue.submit(scripted.request("gated")), begun)
    queue.submit(scripted.request("quick"))
    job = queue.submit(request("together", "Bornholm"), background=True)
    assert queue.job(job.key).ahead == 1
    queue.watch([job.key])
    assert queue.job(job.key).ahead == 0
    gate.open()


def test_a_blend_is_drawn_as_its_members_come_and_each_is_fitted_once(make_queue, make_gate, orders):
    queue = make_queue(workers=2)
    gates = make_gate(request("gated")), make_gate(request("together"))
    job = queue.submit(request("mixed"))
    alone = [queue.submit(request(name)) for name in ("quick", "gated", "together")]
    job = wait_for(queue, job, lambda now: now.draft is not None)
    assert (job.state, job.forecast, job.draft.method) == (State.running, None, "quick")
    assert (job.progress.trying, job.progress.done, job.progress.of) == ("Waiting for Gated and Together", 1, 3)
    queue.wait([job.key for job in alone], PATIENCE, until=lambda jobs: sum(map(begun, jobs)) == 3)
    before = queue.job(job.key).version
    gates[0].open()
    job = wait_for(queue, job, lambda now: now.progress.done == 2)
    assert job.draft.method == "quick + gated"
    assert job.version > before
    gates[1].open()
    job = wait_for(queue, job)
    assert (job.state, job.draft, job.forecast.method) == (State.done, None, "quick + gated + together")
    assert job.forecast.model == "mixed"
    members = queue.wait([job.key for job in alone], PATIENCE)
    np.testing.assert_array_equal(job.forecast.values, np.mean([one.forecast.values for one in members], axis=0))
    assert job.seconds == pytest.approx(sum(one.seconds for one in members))
    assert orders == {"quick": 1, "gated": 1, "together": 1}
    assert queue.submit(request("mixed")).forecast is job.forecast  # asked twice a second, blended once


def test_a_blend_of_stored_members_is_done_at_once(make_queue, make_gate, store):
    queue = make_queue()
    gate = make_gate(request("gated"))
    first = queue.submit(request("mixed"))
    gate.open()
    first = wait_for(queue, first)
    queue.close()
    later = make_queue(command=("false",))
    again = later.submit(request("mixed"))
    assert again.state is State.done
    np.testing.assert_array_equal(again.forecast.values, first.forecast.values)
    assert store.get(again.key) is None


def test_a_blend_without_one_of_its_members_says_so(queue):
    job = wait_for(queue, queue.submit(request("half")))
    assert (job.state, job.forecast.method) == (State.done, "quick")
    assert job.forecast.notes == ("Without Unable, which gave no forecast: Give me a longer history.",)


def test_a_blend_one_of_whose_members_ran_out_of_time_says_so():
    blended, composites = request("mixed"), CompositeRequests()
    composites.add(blended)
    error = "Drafting was not finished after 180 seconds and was ended."
    jobs = {one.key: Job(one.key, one.model, one.horizon, State.timed_out, error=error) for one in blended.members}
    kept = blended.members[0]
    forecast = replace(Naive().forecast(kept.series, kept.horizon), model=kept.model)
    jobs[kept.key] = Job(kept.key, kept.model, kept.horizon, State.done, forecast=forecast)
    (job,) = composites.jobs([blended.key], jobs)
    assert job.state is State.done
    lost = [model(one.model).label for one in blended.members[1:]]
    assert job.forecast.notes == tuple(
        f"{label} ran out of time; the blend is of the others. {error}" for label in lost
    )


def test_a_blend_of_which_no_member_gave_a_forecast_has_failed(queue):
    job = wait_for(queue, queue.submit(request("hopeless")))
    assert (job.state, job.forecast) == (State.failed, None)
    assert job.error.startswith("Give me a longer history. Buggy broke down on this series")


def test_a_bug_in_a_blend_is_a_sentence_for_the_person_and_a_traceback_in_the_log(queue, caplog):
    job = wait_for(queue, queue.submit(request("clumsy")))
    assert job.error == "Clumsy broke down on this series, which is a fault of the program; the log says more."
    assert "ZeroDivisionError: a bug" in caplog.text


def test_cancelling_a_blend_ends_what_only_it_needs(make_queue, make_gate):
    queue = make_queue(workers=2)
    make_gate(request("gated"))
    make_gate(request("together"))
    job = queue.submit(request("mixed"))
    gated, together = queue.submit(request("gated")), queue.submit(request("together"))
    queue.wait([gated.key, together.key], PATIENCE, until=lambda jobs: all(map(begun, jobs)))
    queue.watch([job.key, together.key])
    cancelled = queue.cancel(job.key)
    assert cancelled.state is State.cancelled
    assert cancelled.draft is not None
    assert [queue.job(one.key).state for one in (gated, together)] == [State.cancelled, State.running]
    assert queue.submit(request("mixed")).state is State.cancelled


def test_blends_of_several_regions_that_are_cancelled_in_turn_end_their_common_fit(queue, make_gate):
    make_gate(request("together"))
    together = queue.submit(request("together"))
    wait_for(queue, together, begun)
    jobs = [queue.submit(request("mixed", region)) for region in ("Aland", "Bornholm")]
    queue.watch([job.key for job in jobs])
    queue.cancel(jobs[0].key)
    assert queue.job(together.key).state is State.running
    queue.cancel(jobs[1].key)
    assert queue.job(together.key).state is State.cancelled


def test_a_cancelled_blend_is_begun_again_on_request(queue, make_gate):
    gate = make_gate(request("gated"))
    job = queue.submit(request("mixed"))
    queue.cancel(job.key)
    assert queue.submit(request("mixed"), retry=True).state in (State.queued, State.running)
    gate.open()
    assert wait_for(queue, job).state is State.done


def test_a_finished_blend_cannot_be_cancelled(queue):
    job = wait_for(queue, queue.submit(request("half")))
    assert queue.cancel(job.key).state is State.done


def test_a_full_queue_keeps_the_members_it_took_and_asking_again_goes_on(make_queue, make_gate):
    queue = make_queue(capacity=2)
    gate = make_gate(scripted.request("gated"))
    blocking = queue.submit(scripted.request("gated"))
    wait_for(queue, blocking, begun)
    with pytest.raises(QueueFull):
        queue.submit(request("mixed"))
    assert queue.job(request("mixed").key) is None
    assert [queue.job(one.key).state for one in request("mixed").members[:2]] == [State.queued] * 2
    queue.cancel(request("gated").key)
    job = queue.submit(request("mixed"))
    gate.open()
    assert wait_for(queue, job).state is State.done


def test_waiting_for_the_first_of_many_sees_composite_jobs_too(queue):
    keys = [queue.submit(request(name)).key for name in ("half", "together")]
    jobs = queue.wait(keys, PATIENCE, until=lambda jobs: any(job.finished for job in jobs))
    assert any(job.finished for job in jobs)
    assert [job.key for job in jobs] == keys


def test_a_pool_goes_through_a_service_with_every_other_request(store, make_queue):
    from forecasting.services.service import Service

    service = Service(store, make_queue())
    requests = [request(name, region) for region in ("Aland", "Bornholm") for name in ("together", "half", "naive")]
    assert {job.state for _, job in service.run(requests)} == {State.done}


def test_a_series_that_no_panel_gave_is_blended_without_a_pool(queue):
    values = np.random.default_rng(1).poisson(100, 60).astype(float)
    alone = Request(Series(WEEKS[0], weekly(), values), "mixed", 4)
    assert [one.model for one in alone.members] == ["quick", "gated"]


def test_a_pooled_fit_is_given_what_an_earlier_one_of_the_same_table_has_learned(make_queue):
    queue = make_queue()
    for fits, last in enumerate((-6, -3, -1), start=1):
        figures = replace(FEW, table=FEW.table[FEW.table["date"] <= WEEKS[last]].reset_index(drop=True))
        asked = request("learning", figures=figures, horizon=fits)
        (done,) = queue.wait([queue.submit(asked).key], PATIENCE)
        assert done.state is State.done
        assert done.forecast.fitted == {"learned": {"fits": fits}}
    other = Request(prepare(panel(["Aland", "Bornholm"]), "Aland"), "learning", 4)
    (done,) = queue.wait([queue.submit(other).key], PATIENCE)
    assert done.forecast.fitted == {"learned": {"fits": 1}}
