"""Whether it falls over: 200 visitors at once, 200 kills, and everything around it failing in turn.

`python -m benchmarks soak [visitors] [visits] [kills] [faults]`; without a name all of them, about half an hour on two cores.

- `visitors`: 200 pages are open at once, each changing something every 15 seconds, on a server that may have no more than the
  1,024 files that a system gives by default. `loaded` is how many of the runs ended well, `p95` from a click to the first chart
  beside that of as many visitors on a bare page with one chart, served with the same settings, while the workers fit.
- `visits`: 4,000 visits of a few clicks each, one after the other: what they leave in the server's memory over the last half,
  and which threads and sessions stay.
- `kills`: 200 workers and servers are killed at random under load (`_chaos`): how many promises were broken, of how many cases.
- `faults`: how many promises are kept in each of the faults (`_faults`); what is seen of the others goes to standard error.
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

from benchmarks import _chaos, _crowds
from benchmarks._faults import FAULTS
from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks._machine import machine
from benchmarks._promises import kept
from benchmarks._server import BARE, ROOT, serving
from benchmarks._visitors import Answer

KILLS = 200
SEED = 7
VISITORS = 200
SECONDS = 90.0
EVERY = 15.0
VISITS = 4_000
#: Files that a process may have open where nobody has said otherwise.
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
        app = stack.enter_context(machine(home)).running()
        shutil.copytree(ROOT / ".streamlit", other / ".streamlit")  # or its own defaults would be what is measured
        bare = stack.enter_context(serving(BARE, other)).wait()
        ours, theirs = _crowds.compared(app, bare, number, seconds, every)
        yield figure("soak/visitors/loaded", sum(answer.good for answer in ours), "runs", len(ours))
        yield figure("soak/visitors/bare_loaded", sum(answer.good for answer in theirs), "runs", len(theirs))
        yield figure("soak/visitors/p95", _crowds.seconds(ours), "s", _crowds.seconds(theirs))
        yield figure("soak/visitors/median", _crowds.seconds(ours, 0.5), "s", _crowds.seconds(theirs, 0.5))
        yield figure("soak/visitors/files", _crowds.held(app.process).files, "files", FILES)
        tell([*ours, *theirs])


def visits(number: int = VISITS) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home, machine(Path(home)) as one:
        app = one.running()
        _crowds.settle(app)
        before = _crowds.held(app.process)
        answers, memory = _crowds.visits(app, number)
        after = _crowds.back(app, before)
        yield figure("soak/visits/loaded", sum(answer.good for answer in answers), "runs", len(answers))
        yield figure("soak/visits/memory", memory[-1], "MB", memory[len(memory) // 2])
        yield figure("soak/visits/slope", _crowds.slope(memory), "MB per 1,000 visits", memory[-1])
        yield figure("soak/visits/threads", after.threads, "threads", before.threads)
        yield figure("soak/visits/files", after.files, "files", before.files + _crowds.REMEMBERED)
        yield figure("soak/visits/sessions", _crowds.sessions(app), "connected", 1)
        tell(answers)


def kills(number: int = KILLS, seed: int = SEED) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as one:
        seen = _chaos.kills(one, number, seed)
        promises = _chaos.promises(seen, one)
    yield figure("soak/kills/processes", sum(seen.kills.values()), "kills", number)
    yield figure("soak/kills/answered", len(seen.done), "forecasts", len(seen.replies))
    for promise in promises:
        name = "soak/kills/" + promise.what.lower().replace(" ", "_")
        yield figure(name, len(promise.broken), "broken", max(promise.cases, 1))
    yield kept("soak/kills", promises)


def faults() -> Iterator[Figure]:
    for name, fault in FAULTS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield kept(f"soak/faults/{name}", fault(Path(folder)))


@contextmanager
def few_files() -> Iterator[None]:
    """What is started here may have as many files open as any program, unless it asks for more itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def tell(answers: list[Answer]) -> None:
    """What was wrong with some, to standard error."""
    for sentence, times in Counter(_crowds.wrong(answers)).most_common(10):
        print(f"{times} times: {sentence}", file=sys.stderr)


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "visitors": visitors,
    "visits": visits,
    "kills": kills,
    "faults": faults,
}
