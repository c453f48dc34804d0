"""What is looked at while something fails: what those who ask get, what a page says, what the store has."""

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

from benchmarks._asking import Asker, Question, Reply
from benchmarks._machine import PATIENCE, Machine, stopped
from benchmarks._promises import Promise, held, promise
from benchmarks._visitors import visit
from forecasting.models import model

MEMORY_ONLY = "Results are kept in memory only at present"


def ets(horizon: int, by: str = "ets") -> Question:
    return {"source": "bundled", "statistic": "new_cases", "region": "Italy", "model": by, "horizon": horizon}


def fits(job: dict[str, Any]) -> bool:
    """Whether a worker has begun with it: its model has said what it tries; or it is over already."""
    return bool((job.get("progress") or {}).get("trying")) or job["state"] not in ("queued", "running")


@contextmanager
def asker_of(one: Machine) -> Iterator[Asker]:
    """Somebody who asks this machine."""
    asker = Asker(one.url)
    try:
        yield asker
    finally:
        asker.close()


def answers(one: Machine, *questions: Question) -> dict[str, Reply]:
    """What becomes of each, by the question as JSON."""
    with asker_of(one) as asker:
        return {json.dumps(question): asker.ask(question) for question in questions}


def all_answered(replies: dict[str, Reply]) -> list[Promise]:
    broken = [f"{question}: {reply.sentence}" for question, reply in replies.items() if not reply.done]
    return [promise("Every question ends with an answer", broken, len(replies))]


def still_there(one: Machine, replies: dict[str, Reply]) -> Promise:
    """Whether all that was answered is answered at once, with the same digits, after a kill of the server."""
    one.restart()
    with asker_of(one) as asker:
        now = {question: asker.now(json.loads(question)) for question, reply in replies.items() if reply.done}
    broken = [f"{question}: {said}" for question, said in now.items() if said != replies[question].digest]
    return promise("No finished result is lost", broken, len(now))


def one_sentence(warnings: list[str], begins: str = MEMORY_ONLY) -> Promise:
    """Whether a page says what is wrong, once, and as a sentence."""
    said = [warning for warning in warnings if begins in warning]
    good = len(said) == 1 and said[0].strip().endswith(".")
    return held("A page says what is wrong in one sentence", good, f"it says {warnings}")


def warnings(one: Machine) -> list[str]:
    """What the front page warns of now; that it could not be drawn, if that is so."""

    async def look() -> list[str]:
        async with visit(one.port, models="naive") as visitor:
            return [*visitor.warnings, *visitor.answers[0].wrong]

    return asyncio.run(look())


def left_out(one: Machine) -> bool:
    """Whether the server does without its database now, or cannot say."""
    with suppress(httpx.TransportError):
        for line in httpx.get(f"{one.url}/metrics", trust_env=False, timeout=30).text.splitlines():
            if line.startswith("forecast_store_left_out"):
                httpx.get(f"{one.url}/readyz", trust_env=False, timeout=30)  # by which it is tried again
                return float(line.split()[-1]) > 0
    return True


def readiness(one: Machine) -> str:
    """What /readyz says, with its status."""
    answer = httpx.get(f"{one.url}/readyz", trust_env=False, timeout=30)
    return f"{answer.status_code} {answer.text}"


def page(one: Machine, **state: str) -> list[str]:
    """All that a page says which is opened by a link with `state`."""

    async def look() -> list[str]:
        async with visit(one.port, **state) as visitor:
            return [*visitor.sentences, *visitor.warnings]

    return asyncio.run(look())


def austria(horizon: int) -> Question:
    return {"source": "jhu", "statistic": "new_cases", "region": "Austria", "model": "naive", "horizon": horizon}


def end_of(one: Machine, question: Question) -> str:
    """The last day that the figures have from which a question is answered at once."""
    answer = httpx.post(f"{one.url}/api/v1/forecast", json=question, trust_env=False, timeout=60)
    return str(answer.json()["forecasts"][0]["origin"]) if answer.status_code == 200 else answer.text


def waits_for(url: str, replies: dict[str, Reply]) -> int:
    """For how many horizons the database has nothing yet, though something was fitted."""
    asked = (json.loads(question) for question in replies)
    fitted = {question["horizon"] for question in asked if not model(question["model"]).instant}
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        present = set(connection.exec_driver_sql("SELECT DISTINCT horizon FROM forecasts").scalars())
    engine.dispose()
    return len(fitted - present)


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Looks until something is true; whether it became so in time."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@contextmanager
def all_stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """They stand still, until they are killed or the block is left."""
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(stopped(process))
        yield


@contextmanager
def no_more_memory(processes: list[psutil.Process]) -> Iterator[None]:
    """They get hardly more memory than they have."""
    for process in processes:
        process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + 2_000_000, psutil.RLIM_INFINITY))
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_AS, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
