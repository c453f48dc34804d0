"""Checks made while a dependency of the server fails: API answers, warnings on a page, rows in the store."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx
import psutil
import sqlalchemy as sa

from benchmarks.soak.persistent_client import PersistentClient, Question, Reply
from benchmarks.soak.promises import Promise, check, promise
from benchmarks.soak.restartable_server import PATIENCE, RestartableServer, suspended
from benchmarks.soak.websocket_visitor import visit
from forecasting.models import model

MEMORY_ONLY = "Results are kept in memory only at present"


def ets_question(horizon: int, by: str = "ets") -> Question:
    return {"source": "bundled", "statistic": "new_cases", "region": "Italy", "model": by, "horizon": horizon}


def has_begun(job: dict[str, Any]) -> bool:
    """Whether a job is being fitted (its model has reported progress) or has ended."""
    return bool((job.get("progress") or {}).get("trying")) or job["state"] not in ("queued", "running")


@contextmanager
def client_of(server: RestartableServer) -> Iterator[PersistentClient]:
    """An API client of the server, closed after the block."""
    client = PersistentClient(server.url)
    try:
        yield client
    finally:
        client.close()


def ask_all(server: RestartableServer, *questions: Question) -> dict[str, Reply]:
    """The replies to API questions, asked one after the other, by the question as JSON."""
    with client_of(server) as client:
        return {json.dumps(question): client.ask(question) for question in questions}


def all_answered(replies: dict[str, Reply]) -> list[Promise]:
    broken = [f"{question}: {reply.sentence}" for question, reply in replies.items() if not reply.done]
    return [promise("Every question ends with an answer", broken, len(replies))]


def survives_restart(server: RestartableServer, replies: dict[str, Reply]) -> Promise:
    """The promise that after a kill and restart every earlier answer is there at once, with the same digits."""
    server.restart()
    with client_of(server) as client:
        now = {question: client.now(json.loads(question)) for question, reply in replies.items() if reply.done}
    broken = [f"{question}: {said}" for question, said in now.items() if said != replies[question].digest]
    return promise("No finished result is lost", broken, len(now))


def page_says_one_sentence(warnings: list[str], begins: str = MEMORY_ONLY) -> Promise:
    """The promise that a page shows one warning, and that it is a full sentence."""
    matching = [warning for warning in warnings if begins in warning]
    good = len(matching) == 1 and matching[0].strip().endswith(".")
    return check("A page says what is wrong in one sentence", good, f"it says {warnings}")


def page_warnings(server: RestartableServer) -> list[str]:
    """The warnings on the front page, and the errors if it could not be drawn."""

    async def look() -> list[str]:
        async with visit(server.port, models="naive") as visitor:
            return [*visitor.warnings, *visitor.answers[0].wrong]

    return asyncio.run(look())


def store_left_out(server: RestartableServer) -> bool:
    """Whether the server works without its store now (a metric says so), or does not answer."""
    with suppress(httpx.TransportError):
        for line in httpx.get(f"{server.url}/metrics", trust_env=False, timeout=30).text.splitlines():
            if line.startswith("forecast_store_left_out"):
                httpx.get(f"{server.url}/readyz", trust_env=False, timeout=30)  # by which it is tried again
                return float(line.split()[-1]) > 0
    return True


def readiness(server: RestartableServer) -> str:
    """The status and body of /readyz."""
    answer = httpx.get(f"{server.url}/readyz", trust_env=False, timeout=30)
    return f"{answer.status_code} {answer.text}"


def page_texts(server: RestartableServer, **state: str) -> list[str]:
    """All texts and warnings on a page that is opened by a link with `state`."""

    async def look() -> list[str]:
        async with visit(server.port, **state) as visitor:
            return [*visitor.sentences, *visitor.warnings]

    return asyncio.run(look())


def austria_question(horizon: int) -> Question:
    return {"source": "jhu", "statistic": "new_cases", "region": "Austria", "model": "naive", "horizon": horizon}


def last_date(server: RestartableServer, question: Question) -> str:
    """The origin of an instant forecast: the last date of the data that the server uses."""
    answer = httpx.post(f"{server.url}/api/v1/forecast", json=question, trust_env=False, timeout=60)
    return str(answer.json()["forecasts"][0]["origin"]) if answer.status_code == 200 else answer.text


def missing_in_database(url: str, replies: dict[str, Reply]) -> int:
    """The number of horizons that were fitted but are not in the database."""
    asked = (json.loads(question) for question in replies)
    fitted = {question["horizon"] for question in asked if not model(question["model"]).instant}
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        present = set(connection.exec_driver_sql("SELECT DISTINCT horizon FROM forecasts").scalars())
    engine.dispose()
    return len(fitted - present)


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Poll a condition; returns whether it became true in time."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@contextmanager
def all_suspended(processes: list[psutil.Process]) -> Iterator[None]:
    """Suspend processes for the block; those that are killed meanwhile stay dead."""
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(suspended(process))
        yield


@contextmanager
def memory_limited(processes: list[psutil.Process]) -> Iterator[None]:
    """Limit the address space of processes to hardly more than they use, for the block."""
    for process in processes:
        process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + 2_000_000, psutil.RLIM_INFINITY))
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_AS, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
