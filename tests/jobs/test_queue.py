from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scripted import request
from waiting import PATIENCE, wait_for

from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.jobs import QueueFull, State
from forecasting.jobs.request import Request
from forecasting.jobs.workers.process import WORKER_COMMAND
from forecasting.models import model
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import JobError


def has_begun(job):
    return job.progress is not None or job.finished


def test_two_who_ask_the_same_share_one_job(queue, make_gate):
    gate = make_gate(request("gated"))
    first = queue.submit(request("gated"))
    second = queue.submit(request("gated"))
    assert first.key == second.key
    wait_for(queue, first, has_begun)
    gate.open()
    job = wait_for(queue, first)
    assert (job.state, job.attempts) == (State.done, 1)
    assert queue.submit(request("gated")).version == job.version


def test_a_forecast_from_a_worker_is_the_models_own_to_the_last_digit(queue):
    job = wait_for(queue, queue.submit(request("quick")))
    here = model("quick").forecast(request("quick").series, 7)
    for name in ("values", "totals", "means"):
        np.testing.assert_array_equal(getattr(job.forecast, name), getattr(here, name))
    assert job.forecast.origin == here.origin
    assert job.draft is None


def test_a_stored_result_is_done_at_once_in_a_new_queue(make_queue, store, tmp_path):
    queue = make_queue()
    job = wait_for(queue, queue.submit(request("quick")))
    queue.close()
    later = make_queue(store=ForecastStore(f"sqlite:///{tmp_path / 'forecasts.sqlite'}"), command=("false",))
    again = later.submit(request("quick"))
    assert (again.state, again.seconds) == (State.done, job.seconds)
    np.testing.assert_array_equal(again.forecast.values, job.forecast.values)
    assert later.job(job.key).state is State.done


def test_an_instant_model_is_done_at_once_without_a_worker(make_queue):
    queue = make_queue(command=("false",))
    job = queue.submit(request("naive"))
    assert job.state is State.done
    assert job.forecast.horizon == 7


def test_an_unknown_key_has_no_job(queue):
    assert queue.job("nobody") is None
    assert queue.jobs(["nobody"]) == []
    assert queue.cancel("nobody") is None


def test_progress_and_drafts_arrive_in_order(queue, make_gate):
    gate = make_gate(request("drafting"))
    job = queue.submit(request("drafting"))
    drafts, versions = [], []
    for done in (1, 2, 3):
        job = wait_for(queue, job, lambda job, done=done: job.progress is not None and job.progress.done == done)
        assert job.state is State.running
        assert (job.progress.trying, job.progress.score, job.progress.best) == (f"candidate {done}", 0.5, 0.25)
        drafts.append(job.draft)
        versions.append(job.version)
        gate.open()
    assert len({draft.values.tobytes() for draft in drafts}) == 3
    assert versions == sorted(set(versions))
    job = wait_for(queue, job)
    assert (job.state, job.draft) == (State.done, None)


def test_a_queued_fit_can_be_cancelled_and_is_begun_again_only_on_request(queue, make_gate):
    gate = make_gate(request("gated"))
    running = queue.submit(request("gated"))
    wait_for(queue, running, has_begun)
    waiting = queue.submit(request("quick"))
    assert queue.cancel(waiting.key).state is State.cancelled
    assert queue.submit(request("quick")).state is State.cancelled
    assert queue.submit(request("quick"), retry=True).state is State.queued
    gate.open()
    assert wait_for(queue, waiting).state is State.done


def test_a_running_fit_can_be_cancelled_and_its_worker_is_replaced(queue, make_gate):
    make_gate(request("gated"))
    job = wait_for(queue, queue.submit(request("gated")), has_begun)
    assert queue.cancel(job.key).state is State.cancelled
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done
    assert queue.job(job.key).state is State.cancelled


def test_a_fit_cancelled_and_asked_for_again_is_not_taken_for_the_earlier_one(make_queue, make_gate):
    queue = make_queue(workers=2)
    gate = make_gate(request("gated"))
    first = wait_for(queue, queue.submit(request("gated")), has_begun)
    queue.cancel(first.key)
    queue.submit(request("gated"), retry=True)
    second = wait_for(queue, first, lambda job: job.version > first.version and has_begun(job))
    assert second.progress.trying != first.progress.trying
    gate.open()
    job = wait_for(queue, second)
    assert (job.state, job.attempts) == (State.done, 1)


def test_cancelling_a_finished_fit_changes_nothing(queue):
    job = wait_for(queue, queue.submit(request("quick")))
    assert queue.cancel(job.key) == job


def test_a_fit_beyond_its_time_limit_is_ended_with_a_sentence_and_keeps_its_draft(queue):
    job = wait_for(queue, queue.submit(request("endless")))
    assert job.state is State.timed_out
    assert job.error == "Endless was not finished after 2 seconds and was ended; its best so far is kept."
    assert job.draft.horizon == 7
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done


def test_a_models_own_sentence_is_the_error(queue):
    job = wait_for(queue, queue.submit(request("unable")))
    assert (job.state, job.error) == (State.failed, "Give me a longer history.")


def test_a_bug_in_a_model_is_a_sentence_for_the_person_and_a_traceback_in_the_log(queue, caplog):
    job = wait_for(queue, queue.submit(request("buggy")))
    assert job.state is State.failed
    assert job.error == "Buggy broke down on this series, which is a fault of the program; the log says more."
    assert "ZeroDivisionError: a bug" in caplog.text


def test_a_full_queue_says_so(make_queue, make_gate):
    queue = make_queue(capacity=2)
    make_gate(request("gated"))
    wait_for(queue, queue.submit(request("gated")), has_begun)
    for number in (1, 2):
        queue.submit(request("quick", number))
    with pytest.raises(QueueFull, match="The queue is full: 2 fits are waiting"):
        queue.submit(request("quick", 3))
    assert queue.submit(request("quick", 2)).state is State.queued
    assert queue.submit(request("naive", 3)).state is State.done


def test_watched_fits_go_first_then_those_a_person_asked_for(queue, make_gate):
    gate = make_gate(request("gated"))
    wait_for(queue, queue.submit(request("gated")), has_begun)
    names = ("background", "first", "second", "watched")
    keys = {
        name: queue.submit(request("quick", number), background=name in ("background", "watched")).key
        for number, name in enumerate(names)
    }
    queue.watch([keys["watched"]])
    order = ["watched", "first", "second", "background"]
    assert [queue.job(keys[name]).ahead for name in order] == [0, 1, 2, 3]
    gate.open()
    finished = queue.wait(keys.values(), PATIENCE)
    versions = {job.key: job.version for job in finished}
    assert sorted(order, key=lambda name: versions[keys[name]]) == order


def test_a_background_fit_that_a_person_asks_for_is_one_no_more(queue, make_gate):
    make_gate(request("gated"))
    wait_for(queue, queue.submit(request("gated")), has_begun)
    late = queue.submit(request("quick", 1), background=True)
    queue.submit(request("quick", 2))
    assert queue.job(late.key).ahead == 1
    assert queue.submit(request("quick", 1)).ahead == 0


def test_what_a_library_prints_does_not_break_the_protocol(queue, caplog):
    caplog.set_level("INFO")
    job = wait_for(queue, queue.submit(request("chatterer")))
    assert (job.state, job.error) == (State.done, None)
    assert "no event" not in caplog.text
    assert caplog.text.count("no text") < 1000


@pytest.mark.usefixtures("started_workers")
def test_a_worker_imports_neither_the_app_nor_a_database_and_keeps_to_one_thread(queue, make_gate):
    job = wait_for(queue, queue.submit(request("curious")))
    threads, nice, *modules = job.progress.trying.split()
    assert not {"streamlit", "streamlit_app", "sqlalchemy", "__mp_main__"} & set(modules)
    assert threads == "1"
    assert int(nice) >= 10


@pytest.mark.usefixtures("started_workers")
def test_the_real_worker_fits_a_real_model(make_queue):
    queue = make_queue(command=WORKER_COMMAND)
    job = wait_for(queue, queue.submit(request("ets")))
    assert (job.state, job.error) == (State.done, None)


def test_a_closed_queue_has_cancelled_what_was_left_and_takes_nothing_more(queue, make_gate):
    make_gate(request("gated"))
    running = wait_for(queue, queue.submit(request("gated")), has_begun)
    waiting = queue.submit(request("quick"))
    queue.close()
    queue.close()
    assert [job.state for job in queue.jobs([running.key, waiting.key])] == [State.cancelled] * 2
    with pytest.raises(JobError, match="closing"):
        queue.submit(request("quick", 5))


def later(by):
    """The same series as `later(0)`, `by` days on."""
    return Request(replace(LONG, values=LONG.values[: 100 + by]), "ets", 7)


LONG = Series(pd.Timestamp("2021-01-01"), DAILY, np.random.default_rng(3).poisson(100, 140).astype(float))


def test_a_series_that_has_gained_two_points_has_a_draft_before_its_fit_and_then_that_of_the_fit_alone(make_queue):
    earlier = make_queue(command=WORKER_COMMAND)
    first = wait_for(earlier, earlier.submit(later(0)))
    assert first.forecast.fitted["origin"] == "2021-04-10T00:00:00"
    waiting = make_queue(grace=3600)
    job = waiting.submit(later(2))
    assert (job.state, job.attempts, job.draft.horizon) == (State.queued, 0, 7)
    assert job.draft.origin == later(2).series.origin
    assert job.draft.notes[-1] == "Drawn with parameters of 10 Apr 2021 until a full search has ended."
    assert job.draft.method.endswith(", parameters of 10 Apr 2021")
    np.testing.assert_array_equal(
        job.draft.values, model("ets").extend(later(2).series, 7, first.forecast.fitted).values
    )
    final = wait_for(earlier, earlier.submit(later(2)))
    np.testing.assert_array_equal(final.forecast.values, model("ets").forecast(later(2).series, 7).values)
    assert (final.draft, final.forecast.notes) == (None, ())


def test_another_horizon_has_a_draft_too_and_many_points_or_a_background_fit_have_none(make_queue):
    earlier = make_queue(command=WORKER_COMMAND)
    wait_for(earlier, earlier.submit(later(0)))
    waiting = make_queue(grace=3600)
    assert waiting.submit(replace(later(0), horizon=28)).draft.horizon == 28
    assert waiting.submit(later(1), background=True).draft is None
    assert waiting.submit(later(30)).draft is None
    assert waiting.submit(replace(later(2), model="sarima")).draft is None


def test_a_draft_says_that_errors_have_grown(make_queue):
    earlier = make_queue(command=WORKER_COMMAND)
    wait_for(earlier, earlier.submit(later(0)))
    risen = later(3)
    risen.series.values[-3:] *= 2
    draft = make_queue(grace=3600).submit(risen).draft
    assert draft.notes[-1].endswith("errors have grown since, so that may change much.")


def test_a_draft_that_cannot_be_made_is_none_and_the_fit_waits_all_the_same(make_queue, store, monkeypatch, caplog):
    earlier = make_queue(command=WORKER_COMMAND)
    wait_for(earlier, earlier.submit(later(0)))
    waiting = make_queue(grace=3600)
    monkeypatch.setattr(type(store), "latest", lambda *_: 1 / 0)
    job = waiting.submit(later(2))
    assert (job.state, job.draft) == (State.queued, None)
    assert "A draft from an earlier ETS could not be made" in caplog.text


def test_a_fit_in_its_time_of_grace_is_queued_and_can_be_taken_back_unbegun(make_queue):
    queue = make_queue(grace=3600)
    job = queue.submit(request("quick"))
    assert job.state is State.queued
    assert queue.cancel(job.key).attempts == 0


def test_after_its_time_of_grace_a_fit_begins_without_anybody_s_doing(make_queue):
    queue = make_queue(grace=0.2)
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done
