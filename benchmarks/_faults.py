"""Everything around the program failing in turn, while it serves: what must be true then, and after it has passed.

Each fault is a function that is given an empty folder, makes a machine with the real server there, and gives the promises
that it looked at. In each of them no finished result is lost, nobody waits for ever, what is wrong is said in a sentence, and
all goes on by itself afterwards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from benchmarks._chaos import Seen, asking, questions, stored
from benchmarks._disk import small_disk
from benchmarks._looks import (
    all_answered,
    all_stopped,
    answers,
    asker_of,
    austria,
    end_of,
    ets,
    fits,
    left_out,
    no_more_memory,
    one_sentence,
    page,
    readiness,
    still_there,
    until,
    waits_for,
    warnings,
)
from benchmarks._machine import PATIENCE, machine
from benchmarks._promises import Promise, held
from benchmarks._server import HOST
from benchmarks._surroundings import Clock, age, postgres, publisher

#: Seconds for which a database that failed is left alone, and that one waits for a lock, instead of 30 and 5.
SOON = {"forecasting.storage.database:PAUSE": 1.0, "forecasting.storage.database:PATIENCE": 1}
#: In how many seconds a worker must begin a fit that it was given.
BEGIN = "forecasting.jobs.workers.process:WorkerProcess.patience"

Fault = Callable[[Path], list[Promise]]


def disk_full(home: Path) -> list[Promise]:
    """The disk is full while forecasts are finished, and has room again."""
    with small_disk(home) as disk, machine(home, SOON) as one:
        replies = answers(one, ets(10), ets(11))
        with disk.full(one):
            during = answers(one, ets(12), ets(13), ets(14, by="sarima"))
            said = warnings(one)
        after = answers(one, ets(15))
        every = {**replies, **during, **after}
        again = until(lambda: not left_out(one) and len(stored(home / "forecasts.sqlite")) == len(every))
        return [
            *all_answered(every),
            one_sentence(said),
            held("The store has everything when the disk has room", again),
            still_there(one, every),
        ]


def locked(home: Path) -> list[Promise]:
    """Another process holds the database's lock for longer than anybody waits."""
    with machine(home, SOON) as one:
        replies = answers(one, ets(10))
        with closing(sqlite3.connect(home / "forecasts.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            during = answers(one, ets(12), ets(13))
            until(lambda: left_out(one))
            said = warnings(one)
            other.execute("ROLLBACK")
        after = answers(one, ets(15))
        every = {**replies, **during, **after}
        again = until(lambda: not left_out(one) and len(stored(home / "forecasts.sqlite")) == len(every))
        return [
            *all_answered(every),
            one_sentence(said),
            held("The store has everything when the lock is gone", again),
            still_there(one, every),
        ]


def hanging_worker(home: Path) -> list[Promise]:
    """Every worker stands still: once before it is given a fit, once in the middle of one."""
    changes = {BEGIN: 10.0, "forecasting.models.auto_arima:AutoARIMA.time_limit": 5.0}
    with machine(home, changes) as one, asker_of(one) as asker:
        replies = answers(one, ets(10))
        with all_stopped(one.workers()):
            idle = answers(one, ets(12), ets(13))
        job = asker.begin(ets(60, by="auto_arima"))
        until(lambda: fits(asker.state(job)))
        with all_stopped(one.workers()):
            ended = asker.ended(job, limit=PATIENCE)
        after = answers(one, ets(15), ets(16))
        every = {**replies, **idle, **after}
        sentence = str(ended.get("error") or "")
        return [
            *all_answered(every),
            held("A fit that hangs is ended", ended["state"] == "timed_out", str(ended)[:300]),
            held("It is said why in one sentence", sentence.count(". ") == 0 and sentence.endswith("."), sentence),
            still_there(one, every),
        ]


def hungry_worker(home: Path) -> list[Promise]:
    """The workers get no more memory, and then do again."""
    with machine(home) as one, asker_of(one) as asker:
        replies = answers(one, ets(10))
        with no_more_memory(one.workers()):
            reply = asker.ask(ets(90, by="auto_arima"), tries=1)
        after = answers(one, ets(90, by="auto_arima"), ets(15))
        named = reply.done or "memory" in reply.sentence
        return [
            *all_answered({**replies, **after}),
            held("What is missing is said in a sentence", named, f"it says '{reply.sentence}'"),
            still_there(one, {**replies, **after}),
        ]


def postgres_restarted(home: Path) -> list[Promise]:
    """The database's server crashes while forecasts are finished, and comes back."""
    environment = {"FORECAST_LEASE": "3"}
    with postgres() as database, machine(home, SOON, environment | {"FORECAST_DB_URL": database.url}) as one:
        seen = Seen()
        with asking(one, seen, questions(1), askers=2):
            replies = answers(one, ets(110))
            with database.gone():
                during = answers(one, ets(112), ets(113))
                until(lambda: left_out(one))
                said, ready = warnings(one), readiness(one)
            after = answers(one, ets(115))
            again = until(lambda: not left_out(one))
        every = {**replies, **during, **after, **{json.dumps(question): reply for question, reply in seen.replies}}
        again = again and until(lambda: not waits_for(database.url, every))
        return [
            *all_answered(every),
            one_sentence(said),
            held("/readyz says so", ready.startswith("503"), ready),
            held("Nobody is told where the database is", HOST not in ready + str(said), ready + str(said)),
            held("The store has everything when the database is back", again),
            held("/readyz says when it is over", until(lambda: readiness(one).startswith("200"))),
            still_there(one, every),
        ]


def source_down(home: Path) -> list[Promise]:
    """A publisher refuses connections for more than a day, and is back with newer figures."""
    with publisher(home / "published") as other:
        other.publish(200)
        changes = {
            "forecasting.sources.jhu:JohnsHopkins.base": other.url,
            "forecasting.sources.shared.download:PATIENCE": 1.0,
        }
        with machine(home, changes, {"FORECAST_OFFLINE": "0"}) as one:
            before = answers(one, austria(7))
            other.down()
            age(home, timedelta(hours=50))
            during = answers(one, austria(8), austria(7))
            said = [sentence for sentence in page(one, source="jhu", models="naive") if "these figures are" in sentence]
            kept = [end_of(one, austria(9)), "2020-08-08"]
            other.publish(203)
            other.up()
            newer = until(lambda: end_of(one, austria(9)) == "2020-08-11")
            return [
                *all_answered({**before, **during}),
                held("The last good copy stays in use", kept[0] == kept[1], str(kept)),
                held("Its age is said", any("2 days ago" in sentence for sentence in said), str(said)),
                held(
                    "One sentence says what is wrong", len(said) == 1 and "could not be reached" in said[0], str(said)
                ),
                held("Newer figures come by themselves", newer, end_of(one, austria(9))),
            ]


def clock_jumps(home: Path) -> list[Promise]:
    """The wall clock jumps three days ahead under load, and a week back."""
    clock = Clock(home)
    with publisher(home / "published") as other:
        other.publish(200)
        changes = {"forecasting.sources.jhu:JohnsHopkins.base": other.url}
        environment = clock.environment | {"FORECAST_OFFLINE": "0", "FORECAST_API_RATE": "100/minute"}
        with machine(home, changes, environment) as one:
            replies = answers(one, ets(10))
            clock.jump(timedelta(days=3))
            ahead = answers(one, ets(12), austria(7))
            clock.jump(timedelta(days=-4))
            other.publish(203)
            back = answers(one, ets(13), ets(12))
            newer = until(lambda: end_of(one, austria(9)) == "2020-08-11", seconds=20)
            early = warnings(one)
            every = {**replies, **ahead, **back}
            later = {question: reply for question, reply in every.items() if '"jhu"' not in question}
            return [
                *all_answered(every),
                held("A page is drawn with nothing to say about it", not early, str(early)),
                held("A copy from the future is asked for again", newer, end_of(one, austria(9))),
                still_there(one, later),
            ]


FAULTS: dict[str, Fault] = {
    "disk_full": disk_full,
    "locked": locked,
    "hanging_worker": hanging_worker,
    "hungry_worker": hungry_worker,
    "postgres_restarted": postgres_restarted,
    "source_down": source_down,
    "clock_jumps": clock_jumps,
}
