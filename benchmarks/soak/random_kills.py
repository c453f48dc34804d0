"""Random SIGKILLs of workers and of whole servers under load, and the promises that must hold all the while.

Some ask for forecasts that have to be fitted, each one until it has an answer, while a random one of the processes is killed
again and again; the server is started anew as a service manager would. After each start some of what was answered before is
asked again, and must be there at once, with the same digits: what is not there at once was lost, or is fitted again. In the
store no forecast may be written anew.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.persistent_client import PersistentClient, Question, Reply
from benchmarks.soak.promises import Promise, promise
from benchmarks.soak.restartable_server import RestartableServer

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
#: Models whose forecasts are stored. An ensemble is blended anew each time, and done without a member whose fit came to nothing, as it says.
MODELS = ("ets", "sarima", "theta", "prophet")
#: Clients that ask at the same time.
CLIENTS = 4
#: Share of the kills that hit the whole server; the others hit a worker.
SERVER_SHARE = 0.3
#: Seconds between two kills: least, most.
PAUSES = (0.2, 2.0)
#: Earlier answers that are asked for again after each restart.
SAMPLE = 20


def questions(seed: int) -> Iterator[Question]:
    """Every combination of region, model and horizon once, shuffled by the seed."""
    horizons = range(5, 100)
    every = [
        {"source": "bundled", "statistic": "new_cases", "region": region, "model": model, "horizon": horizon}
        for region, model, horizon in itertools.product(REGIONS, MODELS, horizons)
    ]
    random.Random(seed).shuffle(every)
    return iter(every)


@dataclass
class KillRecord:
    """Observations of one run: `lost`, `changed`, `rewritten` and `leftovers` are violations, the rest are counts and replies."""

    replies: list[tuple[Question, Reply]] = field(default_factory=list)
    created: dict[str, str] = field(default_factory=dict)
    verified: int = 0
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    leftovers: list[int] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=lambda: {"worker": 0, "server": 0})

    @property
    def done(self) -> list[tuple[Question, Reply]]:
        """The questions that were answered with forecasts so far."""
        return [(question, reply) for question, reply in list(self.replies) if reply.done]


def kills(server: RestartableServer, number: int, seed: int, clients: int = CLIENTS) -> KillRecord:
    """Kill `number` times while `clients` ask for forecasts, then verify every answer once more."""
    seen, dice = KillRecord(), random.Random(seed)
    with client_load(server, seen, questions(seed), clients) as over:
        for _ in range(number):
            over.wait(dice.uniform(*PAUSES))
            if dice.random() < SERVER_SHARE:
                seen.kills["server"] += 1
                server.restart()
                verify_earlier_answers(server, seen, dice)
            elif server.kill_worker(dice.randrange(64)):
                seen.kills["worker"] += 1
            seen.leftovers.append(len(server.leftovers()))
    server.restart()
    verify_earlier_answers(server, seen, dice, most=len(seen.replies))
    return seen


class client_load:  # noqa: N801 - read as `with client_load(...)`
    """Context manager: `clients` threads ask questions until the block ends; then each waits for its last answer."""

    def __init__(self, server: RestartableServer, seen: KillRecord, coming: Iterator[Question], clients: int) -> None:
        self._seen, self._coming, self._next = seen, coming, threading.Lock()
        self._over = threading.Event()
        self._server = server
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> threading.Event:
        for thread in self._threads:
            thread.start()
        return self._over

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        client = PersistentClient(self._server.url)
        try:
            while not self._over.is_set():
                with self._next:
                    question = next(self._coming)
                self._seen.replies.append((question, client.ask(question, since=lambda: self._server.began)))
        finally:
            client.close()


def verify_earlier_answers(
    server: RestartableServer, seen: KillRecord, dice: random.Random, most: int = SAMPLE
) -> None:
    """Ask again for earlier answers and compare the store's keys, and record what was lost, changed or rewritten."""
    done = seen.done
    client = PersistentClient(server.url)
    try:
        for question, reply in dice.sample(done, min(most, len(done))):
            seen.verified += 1
            now = client.now(question)
            if now != reply.digest:
                (seen.changed if len(now) == len(reply.digest) else seen.lost).append(f"{question}: {now}")
    finally:
        client.close()
    created = stored_keys(server.home / "forecasts.sqlite")
    for key, when in seen.created.items():
        if created.get(key) != when:
            seen.rewritten.append(f"{key[:12]} of {when} is now of {created.get(key)}")
    seen.created = created


def stored_keys(path: Path) -> dict[str, str]:
    """The keys of the SQLite store, each with the time at which it was written."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        return dict(connection.execute("SELECT key, created FROM forecasts"))


def promises(seen: KillRecord, server: RestartableServer) -> list[Promise]:
    """The promises of a finished run; stops its server."""
    stuck = [f"{question}: {reply.sentence}" for question, reply in seen.replies if not reply.done]
    asked, total = len(seen.replies), sum(seen.kills.values())
    server.stop()
    if stuck:
        stuck.append(f"the server's log: {server.log.rpartition('Traceback')[2][-3000:]}")
    left, orphans = server.leftovers(), [*server.orphans, *server.still_there()]
    return [
        promise("No finished result is lost", seen.lost, seen.verified),
        promise("No result changes its digits", seen.changed, seen.verified),
        promise("Nothing that is stored is written anew", seen.rewritten, len(seen.created)),
        promise("Every question ends with an answer", stuck, asked),
        promise("No process outlives its server", orphans, total),
        promise("Nothing stays in the folder of temporary files", left, total),
    ]
