"""``kill -9`` at random of workers and whole servers under load, and what must be true all the while.

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

from benchmarks._asking import Asker, Question, Reply
from benchmarks._machine import Machine
from benchmarks._promises import Promise, promise

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
#: All that are stored. An ensemble is blended anew each time, and done without a member whose fit came to nothing, as it says.
MODELS = ("ets", "sarima", "theta", "prophet")
#: How many ask at once.
ASKERS = 4
#: Of the kills so many are of a whole server; the others are of a worker.
SERVERS = 0.3
#: Seconds between two kills, at least and at most.
PAUSES = (0.2, 2.0)
#: Answers that are asked for again after each start of a server.
SAMPLE = 20


def questions(seed: int) -> Iterator[Question]:
    """Each once, in an order that the seed gives."""
    horizons = range(5, 100)
    every = [
        {"source": "bundled", "statistic": "new_cases", "region": region, "model": model, "horizon": horizon}
        for region, model, horizon in itertools.product(REGIONS, MODELS, horizons)
    ]
    random.Random(seed).shuffle(every)
    return iter(every)


@dataclass
class Seen:
    """What was seen in a run; everything that is written here was wrong, but for `replies`, `created` and the counts."""

    replies: list[tuple[Question, Reply]] = field(default_factory=list)
    created: dict[str, str] = field(default_factory=dict)
    looked_again: int = 0
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    leftovers: list[int] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=lambda: {"worker": 0, "server": 0})

    @property
    def done(self) -> list[tuple[Question, Reply]]:
        """The questions that were answered with forecasts so far."""
        return [(question, reply) for question, reply in list(self.replies) if reply.done]


def kills(machine: Machine, number: int, seed: int, askers: int = ASKERS) -> Seen:
    """`number` kills while `askers` ask; everybody is answered in the end."""
    seen, dice = Seen(), random.Random(seed)
    with asking(machine, seen, questions(seed), askers) as over:
        for _ in range(number):
            over.wait(dice.uniform(*PAUSES))
            if dice.random() < SERVERS:
                seen.kills["server"] += 1
                machine.restart()
                look_again(machine, seen, dice)
            elif machine.kill_worker(dice.randrange(64)):
                seen.kills["worker"] += 1
            seen.leftovers.append(len(machine.leftovers()))
    machine.restart()
    look_again(machine, seen, dice, most=len(seen.replies))
    return seen


class asking:  # noqa: N801 - read as `with asking(...)`
    """Keeps `askers` busy with questions until the block is left; then waits until each has its last answer."""

    def __init__(self, machine: Machine, seen: Seen, coming: Iterator[Question], askers: int) -> None:
        self._seen, self._coming, self._next = seen, coming, threading.Lock()
        self._over = threading.Event()
        self._machine = machine
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(askers)]

    def __enter__(self) -> threading.Event:
        for thread in self._threads:
            thread.start()
        return self._over

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        asker = Asker(self._machine.url)
        try:
            while not self._over.is_set():
                with self._next:
                    question = next(self._coming)
                self._seen.replies.append((question, asker.ask(question, since=lambda: self._machine.began)))
        finally:
            asker.close()


def look_again(machine: Machine, seen: Seen, dice: random.Random, most: int = SAMPLE) -> None:
    """Asks again for some of what was answered, and looks into the store: nothing is lost, changed or written anew."""
    done = seen.done
    asker = Asker(machine.url)
    try:
        for question, reply in dice.sample(done, min(most, len(done))):
            seen.looked_again += 1
            now = asker.now(question)
            if now != reply.digest:
                (seen.changed if len(now) == len(reply.digest) else seen.lost).append(f"{question}: {now}")
    finally:
        asker.close()
    created = stored(machine.home / "forecasts.sqlite")
    for key, when in seen.created.items():
        if created.get(key) != when:
            seen.again.append(f"{key[:12]} of {when} is now of {created.get(key)}")
    seen.created = created


def stored(path: Path) -> dict[str, str]:
    """Which keys the store has, and since when."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        return dict(connection.execute("SELECT key, created FROM forecasts"))


def promises(seen: Seen, machine: Machine) -> list[Promise]:
    """Of a run that is over, its server still there."""
    stuck = [f"{question}: {reply.sentence}" for question, reply in seen.replies if not reply.done]
    asked, total = len(seen.replies), sum(seen.kills.values())
    machine.stop()
    if stuck:
        stuck.append(f"the server's log: {machine.log.rpartition('Traceback')[2][-3000:]}")
    left, orphans = machine.leftovers(), [*machine.orphans, *machine.still_there()]
    return [
        promise("No finished result is lost", seen.lost, seen.looked_again),
        promise("No result changes its digits", seen.changed, seen.looked_again),
        promise("Nothing that is stored is written anew", seen.again, len(seen.created)),
        promise("Every question ends with an answer", stuck, asked),
        promise("No process outlives its server", orphans, total),
        promise("Nothing stays in the folder of temporary files", left, total),
    ]
