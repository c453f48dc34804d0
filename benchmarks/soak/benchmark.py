"""Whether it falls over: 200 visitors at once, 200 kills, and everything around it failing in turn.

`python -m benchmarks soak [visitors] [visits] [kills] [faults]`; without a name all of them, about half an hour on two cores.

- `visitors`: 200 pages are open at once, each changing something every 15 seconds, on a server that may have no more than the
  1,024 files that a system gives by default. `loaded` is how many of the runs ended well, `p95` from a click to the first chart
  beside that of as many visitors on a bare page with one chart, served with the same settings, while the workers fit.
- `visits`: 4,000 visits of a few clicks each, one after the other: what they leave in the server's memory over the last half,
  and which threads and sessions stay.
- `kills`: 200 workers and servers are killed at random under load (`random_kills`): how many promises were broken, of how many cases.
- `faults`: how many promises are kept in each of the faults (`fault_injection`); what is seen of the others goes to standard error.
"""

from __future__ import annotations

import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks._server import BARE, ROOT, serving
from benchmarks.soak import random_kills, visitor_crowd
from benchmarks.soak.fault_injection import FAULTS
from benchmarks.soak.promises import promises_figure
from benchmarks.soak.restartable_server import running_server
from benchmarks.soak.websocket_visitor import Answer

#: Kills of one run.
KILLS = 200
#: Seed of what is killed when, and of what is asked.
SEED = 7
#: Visitors at the same time.
VISITORS = 200
#: Seconds for which they stay.
SECONDS = 90.0
#: Seconds between two clicks of one visitor.
EVERY = 15.0
#: Visits one after the other.
VISITS = 4_000
#: Files that a process may have open by default on Linux.
FILES = 1024


def run(options: list[str]) -> Iterator[Figure]:
    unknown = [option for option in options if option not in PARTS]
    if unknown:
        raise BenchmarkError(f"There is no part '{unknown[0]}' of soak; there are {', '.join(PARTS)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else what it has started would stay
    for name in options or PARTS:
        yield from PARTS[name]()


def visitors(number: int = VISITORS, seconds: float = SECONDS, every: float = EVERY) -> Iterator[Figure]:
    with ExitStack() as stack:
        home, other = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        stack.enter_context(few_files())
        app = stack.enter_context(running_server(home)).running()
        shutil.copytree(ROOT / ".streamlit", other / ".streamlit")  # or its own defaults would be what is measured
        bare = stack.enter_context(serving(BARE, other)).wait()
        ours, theirs = visitor_crowd.compare(app, bare, number, seconds, every)
        yield figure("soak/visitors/loaded", sum(answer.good for answer in ours), "runs", len(ours))
        yield figure("soak/visitors/bare_loaded", sum(answer.good for answer in theirs), "runs", len(theirs))
        yield figure("soak/visitors/p95", visitor_crowd.seconds(ours), "s", visitor_crowd.seconds(theirs))
        yield figure("soak/visitors/median", visitor_crowd.seconds(ours, 0.5), "s", visitor_crowd.seconds(theirs, 0.5))
        yield figure("soak/visitors/files", visitor_crowd.resources(app.process).files, "files", FILES)
        print_problems([*ours, *theirs])


def visits(number: int = VISITS) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home, running_server(Path(home)) as server:
        app = server.running()
        visitor_crowd.settle(app)
        before = visitor_crowd.resources(app.process)
        answers, memory = visitor_crowd.visits(app, number)
        after = visitor_crowd.resources_after(app, before)
        yield figure("soak/visits/loaded", sum(answer.good for answer in answers), "runs", len(answers))
        yield figure("soak/visits/memory", memory[-1], "MB", memory[len(memory) // 2])
        yield figure("soak/visits/slope", visitor_crowd.memory_slope(memory), "MB per 1,000 visits", memory[-1])
        yield figure("soak/visits/threads", after.threads, "threads", before.threads)
        yield figure("soak/visits/files", after.files, "files", before.files + visitor_crowd.REMEMBERED)
        yield figure("soak/visits/sessions", visitor_crowd.connected_sessions(app), "connected", 1)
        print_problems(answers)


def kills(number: int = KILLS, seed: int = SEED) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        seen = random_kills.kills(server, number, seed)
        promises = random_kills.promises(seen, server)
    yield figure("soak/kills/processes", sum(seen.kills.values()), "kills", number)
    yield figure("soak/kills/answered", len(seen.done), "forecasts", len(seen.replies))
    for promise in promises:
        name = "soak/kills/" + promise.what.lower().replace(" ", "_")
        yield figure(name, len(promise.broken), "broken", max(promise.cases, 1))
    yield promises_figure("soak/kills", promises)


def faults() -> Iterator[Figure]:
    for name, fault in FAULTS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield promises_figure(f"soak/faults/{name}", fault(Path(folder)))


@contextmanager
def few_files() -> Iterator[None]:
    """Lower the limit on open files (RLIMIT_NOFILE, soft) to the usual default for processes started in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def print_problems(answers: list[Answer]) -> None:
    """Print the ten most frequent problems of answers to standard error."""
    for sentence, times in Counter(visitor_crowd.problems(answers)).most_common(10):
        print(f"{times} times: {sentence}", file=sys.stderr)


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "visitors": visitors,
    "visits": visits,
    "kills": kills,
    "faults": faults,
}
