"""Several queues, as of several servers, on one PostgreSQL."""

import threading

import pytest
import sqlalchemy as sa
from by_hand import WorkersByHand
from conditions import until
from scripted import request
from waiting import PATIENCE, wait_for

from forecasting.jobs import State, claims
from forecasting.jobs.claims import Claims
from forecasting.storage.forecast_store import ForecastStore

LEASE = 1.0


@pytest.fixture
def url(postgres_url, monkeypatch):
    """The database, empty; claims that last a second."""
    monkeypatch.setattr(Claims.__init__, "__defaults__", (LEASE,))
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            connection.exec_driver_sql(f'DROP TABLE "{table}"')
    engine.dispose()
    return postgres_url


@pytest.fixture
def server(url, make_queue):
    """``server()`` is another server's queue, with its own store in front of the database."""
    stores = []

    def server(**options):
        stores.append(ForecastStore(url))
        return make_queue(store=stores[-1], **options)

    yield server
    for store in stores:
        store.close()


def claimed(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        somebody = claims._claims.c.owner != claims.NOBODY
        keys = set(connection.scalars(sa.select(claims._claims.c.key).where(somebody)))
    engine.dispose()
    return keys


def running(queue, job):
    return wait_for(queue, job, lambda job: job.state is State.running)


def fitting(queue, job):
    """The job once its worker has said something."""
    return wait_for(queue, job, lambda job: job.progress is not None)


def await_revoked(queue, asked):
    """The database knows it by now; nobody tells this process."""
    while not queue._shared_fits._claims.revoked(asked.key, 60):
        threading.Event().wait(0.05)


def test_what_two_servers_are_asked_at_once_is_fitted_once(server, make_gate, url):
    one, other, asked = server(), server(), request("gated")
    gate = make_gate(asked)
    fitting(one, one.submit(asked))
    job = running(other, other.submit(asked))
    assert claimed(url) == {asked.key}
    gate.open()
    here, there = wait_for(one, job), wait_for(other, job)
    assert here.state is there.state is State.done
    assert there.forecast.values.tolist() == here.forecast.values.tolist()
    assert (here.attempts, there.attempts) == (1, 0)
    until(lambda: not claimed(url))


def test_what_another_server_fits_is_left_out_of_a_batch_and_comes_from_there(server, url):
    here, there = WorkersByHand(), WorkersByHand()
    one, other = server(backend=here), server(backend=there)
    asked = [request("many", number) for number in (1, 2, 3)]
    one.submit(asked[1])
    until(lambda: here.orders == [[2]])
    other.submit(request("quick", 99))
    until(lambda: there.orders == [[99]])
    keys = [other.submit(fit).key for fit in asked]
    there.started[-1].answer()
    until(lambda: there.orders == [[99], [1, 3]])
    assert claimed(url) == set(keys)
    here.started[-1].answer()
    there.started[-1].answer()
    jobs = other.wait(keys, PATIENCE)
    assert [(job.state, job.attempts) for job in jobs] == [(State.done, 1), (State.done, 0), (State.done, 1)]
    until(lambda: not claimed(url))


def test_a_server_that_waits_for_another_s_fit_does_something_else_meanwhile(server, make_gate):
    one, other, asked = server(), server(), request("gated")
    gate = make_gate(asked)
    fitting(one, one.submit(asked))
    job = running(other, other.submit(asked))
    assert wait_for(other, other.submit(request("quick", 2))).state is State.done
    gate.open()
    assert wait_for(other, job).state is State.done


def test_when_a_server_dies_in_mid_fit_another_takes_over_after_its_lease(server, make_gate, url):
    one, other, asked = server(), server(), request("gated")
    gate = make_gate(asked)
    fitting(one, one.submit(asked))
    job = running(other, other.submit(asked))
    one._shared_fits._closed.set()  # as if it were killed: it renews nothing, and gives nothing back
    one._shared_fits.join()
    one._shared_fits._claims.release = one._shared_fits._claims.close = lambda *_: None
    assert fitting(other, job).state is State.running
    one.close()
    gate.open()
    assert wait_for(other, job).state is State.done
    until(lambda: not claimed(url))


def test_a_fit_outlives_its_first_lease(server, make_gate):
    one, other, asked = server(), server(), request("gated")
    gate = make_gate(asked)
    fitting(one, one.submit(asked))
    running(other, other.submit(asked))
    threading.Event().wait(3 * LEASE)
    assert other.job(asked.key).attempts == 0
    gate.open()
    assert wait_for(one, one.job(asked.key)).attempts == 1


def test_what_is_cancelled_on_one_server_ends_on_all(server, make_gate, url):
    one, other, asked = server(), server(), request("gated")
    make_gate(asked)
    fitting(one, one.submit(asked))
    running(other, other.submit(asked))
    assert other.cancel(asked.key).state is State.cancelled
    assert wait_for(one, one.job(asked.key)).state is State.cancelled
    until(lambda: not claimed(url))


def test_what_waits_on_one_server_and_runs_on_another_ends_when_it_is_cancelled_where_it_waits(server, make_gate):
    one, other = server(), server()
    busy, asked = request("gated", 7), request("gated", 8)
    gates = make_gate(busy), make_gate(asked)
    fitting(one, one.submit(asked))
    fitting(other, other.submit(busy))
    job = other.submit(asked)
    assert other.cancel(job.key).state is State.cancelled
    assert wait_for(one, job).state is State.cancelled
    gates[0].open()


def test_what_waits_on_two_servers_and_is_cancelled_on_one_is_fitted_by_neither(server, make_gate):
    one, other = server(), server()
    busy = [request("gated", 7), request("gated", 8)]
    gates = [make_gate(fit) for fit in busy]
    for queue, fit in zip((one, other), busy, strict=True):
        fitting(queue, queue.submit(fit))
    asked = request("quick", 9)
    jobs = [queue.submit(asked) for queue in (one, other)]
    threading.Event().wait(0.3)  # what is asked and cancelled in the same moment cannot be told apart from afar
    other.cancel(asked.key)
    await_revoked(one, asked)
    for gate in gates:
        gate.open()
    assert wait_for(one, jobs[0]).state is State.cancelled
    assert wait_for(one, one.submit(asked, retry=True)).state is State.done


def test_what_waits_on_one_server_is_not_fitted_when_it_is_cancelled_where_it_runs(server, make_gate):
    one, other = server(), server()
    busy, asked = request("gated", 7), request("gated", 8)
    gates = make_gate(busy), make_gate(asked)
    fitting(other, other.submit(busy))
    fitting(one, one.submit(asked))
    job = other.submit(asked)
    threading.Event().wait(0.3)  # what is asked and cancelled in the same moment cannot be told apart from afar
    one.cancel(asked.key)
    await_revoked(other, asked)
    gates[0].open()
    assert wait_for(other, job).state is State.cancelled


def test_a_server_that_ends_leaves_the_fits_of_others_alone(server, make_gate):
    one, other, asked = server(), server(), request("gated")
    gate = make_gate(asked)
    job = fitting(one, one.submit(asked))
    running(other, other.submit(asked))
    close, other._shared_fits.close = other._shared_fits.close, lambda: None
    other.close()
    other._shared_fits._revoke()
    close()
    assert one._shared_fits._claims.held([job.key]) == {job.key}
    gate.open()
    assert wait_for(one, job).state is State.done


def test_what_another_server_was_done_with_meanwhile_is_not_fitted_again(server, make_gate):
    one, other = server(), server()
    busy, asked = request("gated", 7), request("quick", 8)
    gate = make_gate(busy)
    fitting(other, other.submit(busy))
    job = other.submit(asked)
    wait_for(one, one.submit(asked))
    gate.open()
    assert wait_for(other, job).attempts == 0


def test_what_fails_on_one_server_is_tried_by_the_other(server, make_gate):
    one, other, asked = server(), server(), request("unable")
    jobs = [queue.submit(asked) for queue in (one, other)]
    for queue, job in zip((one, other), jobs, strict=True):
        assert wait_for(queue, job).state is State.failed


def test_without_the_database_each_fits_for_itself(server, url, monkeypatch):
    queue = server()
    monkeypatch.setattr(queue._shared_fits._claims._database, "run_transaction", lambda *_: None)
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done


def test_claims_are_taken_once_renewed_and_run_out(url):
    mine, theirs = Claims(url, 60), Claims(url, 60)
    assert mine.take("a")
    assert mine.take("a")
    assert not theirs.take("a")
    assert theirs.held(["a", "b"]) == {"a"}
    assert mine.renew(["a"]) == {}
    mine.revoke("a")
    assert mine.renew(["a"]) == {}
    theirs.revoke("a")
    assert mine.renew(["a"]) == {"a": False}
    assert not mine.take("a", 60)
    assert mine.revoked("a", 60)
    assert not mine.revoked("a", 0)
    assert theirs.take("a")
    assert mine.renew(["a"]) == {"a": True}
    brief = Claims(url, 0)
    assert brief.take("c")
    assert mine.take("c")
    theirs.close()
    assert claimed(url) == {"c"}
    for one in (mine, brief):
        one.close()


def test_a_file_is_not_shared(make_queue, store):
    assert not store.shared_url
    assert make_queue()._shared_fits._claims is None
