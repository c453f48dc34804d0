"""Fault injection: each dependency of the running server fails in turn, and promises are checked during and after it.

Each fault is a function that is given an empty folder, starts the real server there, and gives the promises
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

from benchmarks._server import HOST
from benchmarks.soak.failing_dependencies import Clock, make_copies_older, postgres, publisher
from benchmarks.soak.fault_checks import (
    all_answered,
    all_suspended,
    ask_all,
    austria_question,
    client_of,
    ets_question,
    has_begun,
    last_date,
    memory_limited,
    missing_in_database,
    page_says_one_sentence,
    page_texts,
    page_warnings,
    readiness,
    store_left_out,
    survives_restart,
    until,
)
from benchmarks.soak.full_disk import LimitedFiles, SmallDisk, small_disk
from benchmarks.soak.persistent_client import Reply
from benchmarks.soak.promises import Promise, check
from benchmarks.soak.random_kills import KillRecord, client_load, questions
from benchmarks.soak.restartable_server import PATIENCE, RestartableServer, running_server

#: Seconds for which a database that failed is left alone, and that one waits for a lock, instead of 30 and 5.
SOON = {"forecasting.storage.database:RETRY_SECONDS": 1.0, "forecasting.storage.database:TIMEOUT_SECONDS": 1}
#: In how many seconds a worker must begin a fit that it was given.
BEGIN = "forecasting.jobs.workers.process:WorkerProcess.start_timeout"

Fault = Callable[[Path], list[Promise]]
#: Replies of the API by their question as JSON.
Replies = dict[str, Reply]


def disk_full(home: Path) -> list[Promise]:
    """The disk is full while forecasts are finished, and has room again."""
    with small_disk(home) as disk, running_server(home, SOON) as server:
        promises, replies = fill_disk(server, disk)
        return [*promises, survives_restart(server, replies)]


def locked(home: Path) -> list[Promise]:
    """Another process holds the database's lock for longer than anybody waits."""
    with running_server(home, SOON) as server:
        promises, replies = lock_database(server)
        return [*promises, survives_restart(server, replies)]


def hungry_worker(home: Path) -> list[Promise]:
    """The workers get no more memory, and then do again."""
    with running_server(home) as server:
        promises, replies = starve_workers(server)
        return [*promises, survives_restart(server, replies)]


def one_after_the_other(home: Path) -> list[Promise]:
    """`disk_full`, `locked` and `hungry_worker` on one server, which is restarted once after them: a short version of the three."""
    with small_disk(home) as disk, running_server(home, SOON) as server:
        seen = [fill_disk(server, disk), lock_database(server), starve_workers(server)]
        promises = [promise for promises, _ in seen for promise in promises]
        replies = {question: reply for _, replies in seen for question, reply in replies.items()}
        return [*promises, survives_restart(server, replies)]


def fill_disk(server: RestartableServer, disk: SmallDisk | LimitedFiles) -> tuple[list[Promise], Replies]:
    """Fill the disk while forecasts are finished, and empty it; returns the promises and all replies."""
    replies = ask_all(server, ets_question(10), ets_question(11))
    with disk.full(server):
        during = ask_all(server, ets_question(12), ets_question(13), ets_question(14, by="sarima"))
        shown = page_warnings(server)
    every = {**replies, **during, **ask_all(server, ets_question(15))}
    again = until(lambda: _has_stored(server, every))
    return [
        *all_answered(every),
        page_says_one_sentence(shown),
        check("The store has everything when the disk has room", again),
    ], every


def lock_database(server: RestartableServer) -> tuple[list[Promise], Replies]:
    """Lock the database for longer than anybody waits; returns the promises and all replies."""
    replies = ask_all(server, ets_question(20))
    with closing(sqlite3.connect(server.home / "forecasts.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        during = ask_all(server, ets_question(22), ets_question(23))
        until(lambda: store_left_out(server))
        shown = page_warnings(server)
        other.execute("ROLLBACK")
    every = {**replies, **during, **ask_all(server, ets_question(25))}
    again = until(lambda: _has_stored(server, every))
    return [
        *all_answered(every),
        page_says_one_sentence(shown),
        check("The store has everything when the lock is gone", again),
    ], every


def starve_workers(server: RestartableServer) -> tuple[list[Promise], Replies]:
    """Give the workers no more memory for the time of a fit; returns the promises and all replies."""
    replies = ask_all(server, ets_question(30))
    imports_much = ets_question(90, by="auto_arima") | {"window": 60}
    with client_of(server) as client, memory_limited(server.workers()):
        reply = client.ask(imports_much, tries=1)
    every = {**replies, **ask_all(server, imports_much, ets_question(35))}
    named = reply.done or "memory" in reply.sentence
    return [
        *all_answered(every),
        check("What is missing is said in a sentence", named, f"it says '{reply.sentence}'"),
    ], every


def _has_stored(server: RestartableServer, replies: Replies) -> bool:
    """Whether the store is in use and has the forecasts of these questions, each of which has a horizon of its own."""
    wanted = {json.loads(question)["horizon"] for question in replies}
    with closing(sqlite3.connect(f"file:{server.home / 'forecasts.sqlite'}?mode=ro", uri=True, timeout=30)) as store:
        there = {horizon for (horizon,) in store.execute("SELECT horizon FROM forecasts")}
    return not store_left_out(server) and wanted <= there


def hanging_worker(home: Path) -> list[Promise]:
    """Every worker stands still: once before it is given a fit, once in the middle of one."""
    changes = {BEGIN: 10.0, "forecasting.models.auto_arima:AutoARIMA.time_limit": 5.0}
    with running_server(home, changes) as server, client_of(server) as client:
        replies = ask_all(server, ets_question(10))
        with all_suspended(server.workers()):
            idle = ask_all(server, ets_question(12), ets_question(13))
        job = client.begin(ets_question(60, by="auto_arima"))
        until(lambda: has_begun(client.state(job)))
        with all_suspended(server.workers()):
            ended = client.ended(job, limit=PATIENCE)
        after = ask_all(server, ets_question(15), ets_question(16))
        every = {**replies, **idle, **after}
        sentence = str(ended.get("error") or "")
        return [
            *all_answered(every),
            check("A fit that hangs is ended", ended["state"] == "timed_out", str(ended)[:300]),
            check("It is said why in one sentence", sentence.count(". ") == 0 and sentence.endswith("."), sentence),
            survives_restart(server, every),
        ]


def postgres_restarted(home: Path) -> list[Promise]:
    """The database's server crashes while forecasts are finished, and comes back."""
    environment = {"FORECAST_LEASE": "3"}
    with postgres() as database, running_server(home, SOON, environment | {"FORECAST_DB_URL": database.url}) as server:
        seen = KillRecord()
        with client_load(server, seen, questions(1), clients=2):
            replies = ask_all(server, ets_question(110))
            with database.gone():
                during = ask_all(server, ets_question(112), ets_question(113))
                until(lambda: store_left_out(server))
                shown, ready = page_warnings(server), readiness(server)
            after = ask_all(server, ets_question(115))
            again = until(lambda: not store_left_out(server))
        every = {**replies, **during, **after, **{json.dumps(question): reply for question, reply in seen.replies}}
        again = again and until(lambda: not missing_in_database(database.url, every))
        return [
            *all_answered(every),
            page_says_one_sentence(shown),
            check("/readyz says so", ready.startswith("503"), ready),
            check("Nobody is told where the database is", HOST not in ready + str(shown), ready + str(shown)),
            check("The store has everything when the database is back", again),
            check("/readyz says when it is over", until(lambda: readiness(server).startswith("200"))),
            survives_restart(server, every),
        ]


def source_down(home: Path) -> list[Promise]:
    """A publisher refuses connections for more than a day, and is back with newer figures."""
    with publisher(home / "published") as other:
        other.publish(200)
        changes = {
            "forecasting.sources.jhu:JohnsHopkins.base": other.url,
            "forecasting.sources.shared.download:RETRY_AFTER": 1.0,
        }
        with running_server(home, changes, {"FORECAST_OFFLINE": "0"}) as server:
            before = ask_all(server, austria_question(7))
            other.down()
            make_copies_older(home, timedelta(hours=50))
            during = ask_all(server, austria_question(8), austria_question(7))
            shown = [
                sentence
                for sentence in page_texts(server, source="jhu", models="naive")
                if "these figures are" in sentence
            ]
            kept = [last_date(server, austria_question(9)), "2020-08-08"]
            other.publish(203)
            other.up()
            newer = until(lambda: last_date(server, austria_question(9)) == "2020-08-11")
            return [
                *all_answered({**before, **during}),
                check("The last good copy stays in use", kept[0] == kept[1], str(kept)),
                check("Its age is said", any("2 days ago" in sentence for sentence in shown), str(shown)),
                check(
                    "One sentence says what is wrong",
                    len(shown) == 1 and "could not be reached" in shown[0],
                    str(shown),
                ),
                check("Newer figures come by themselves", newer, last_date(server, austria_question(9))),
            ]


def clock_jumps(home: Path) -> list[Promise]:
    """The wall clock jumps three days ahead under load, and a week back."""
    clock = Clock(home)
    with publisher(home / "published") as other:
        other.publish(200)
        changes = {"forecasting.sources.jhu:JohnsHopkins.base": other.url}
        environment = clock.environment | {"FORECAST_OFFLINE": "0", "FORECAST_API_RATE": "100/minute"}
        with running_server(home, changes, environment) as server:
            replies = ask_all(server, ets_question(10))
            clock.jump(timedelta(days=3))
            ahead = ask_all(server, ets_question(12), austria_question(7))
            clock.jump(timedelta(days=-4))
            other.publish(203)
            back = ask_all(server, ets_question(13), ets_question(12))
            newer = until(lambda: last_date(server, austria_question(9)) == "2020-08-11", seconds=20)
            early = page_warnings(server)
            every = {**replies, **ahead, **back}
            later = {question: reply for question, reply in every.items() if '"jhu"' not in question}
            return [
                *all_answered(every),
                check("A page is drawn with nothing to say about it", not early, str(early)),
                check("A copy from the future is asked for again", newer, last_date(server, austria_question(9))),
                survives_restart(server, later),
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
