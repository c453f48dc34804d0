"""How long a table of 1,000,000 rows takes until its regions are ready to pick, and how much memory, as CSV and as Parquet.

The table is made up: 10,000 series of 100 days, their dates as text. Ready to pick is what the Your data page does with
a file: a first look, reading it as proposed, its regions, and one of them prepared. `seconds` is all of that from the
file on, and its reference is plainly reading the same file with pandas; `over_parse_dates` is the same beside pandas told
which column holds dates. `reading` is the part that looks and reads, and `read_panel` is what the command line does
instead. Each turn is a process of its own that has imported what it needs, one kind after the other: medians. `memory` is
the most that such a process held, above what it held before, and its reference is the 500 MB that there may be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting.preparation.prepare import prepare
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import preview_table

SERIES = 10_000
DAYS = 100
TURNS = 5
#: Megabytes.
LIMIT = 500.0
#: What a process of its own is told; what it measured is a line of JSON.
ALONE = "import sys; from benchmarks.load import alone; alone(*sys.argv[1:])"


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        files = {"csv": Path(folder) / "figures.csv", "parquet": Path(folder) / "figures.parquet"}
        made = table()
        made.to_csv(files["csv"], index=False)
        made.to_parquet(files["parquet"], index=False)
        del made
        for kind, file in files.items():
            yield from measured(kind, file)


def measured(kind: str, file: Path) -> Iterator[Figure]:
    """The figures of one file."""
    turns = [{name: in_a_process(name, file) for name in ways(file)} for _ in range(TURNS)]
    seconds = {name: median(turn[name]["seconds"] for turn in turns) for name in turns[0]}
    yield figure(f"load/{kind}/seconds", seconds["ready"], "s", seconds["plain"])
    if "parse_dates" in seconds:
        yield figure(f"load/{kind}/over_parse_dates", seconds["ready"], "s", seconds["parse_dates"])
    yield figure(f"load/{kind}/reading", median(turn["ready"]["reading"] for turn in turns), "s", seconds["plain"])
    yield figure(f"load/{kind}/read_panel", seconds["read_panel"], "s", seconds["plain"])
    yield figure(f"load/{kind}/memory", max(turn["ready"]["memory"] for turn in turns), "MB", LIMIT)


def ways(file: Path) -> dict[str, Callable[[], dict[str, float]]]:
    """What is done with a file: ours, as a visitor and as the command line, and plainly with pandas."""
    if file.suffix == ".parquet":
        plain: dict[str, Callable[[], object]] = {"plain": lambda: pd.read_parquet(file)}
    else:
        plain = {"plain": lambda: pd.read_csv(file), "parse_dates": lambda: pd.read_csv(file, parse_dates=["date"])}
    plain["read_panel"] = lambda: read_panel(file)
    return {"ready": lambda: ready(file)} | {name: lambda work=work: timed(work) for name, work in plain.items()}


def ready(file: Path) -> dict[str, float]:
    """Seconds until its regions are ready to pick, and until it is read."""
    start = time.perf_counter()
    content = file.read_bytes()
    looked = preview_table(content, file.name)
    panel, _ = read_mapped_table(content, file.name, looked.mapping)
    read = time.perf_counter()
    prepare(panel, panel.regions()[0])
    return {"seconds": time.perf_counter() - start, "reading": read - start}


def timed(work: Callable[[], object]) -> dict[str, float]:
    start = time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - start}


def in_a_process(name: str, file: Path) -> dict[str, float]:
    """One of `ways`, measured in a process of its own."""
    command = [sys.executable, "-c", ALONE, name, str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent, check=False)
    if done.returncode:
        raise BenchmarkError(f"'{name}' of {file.name} ended with {done.returncode}.")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def alone(name: str, file: str) -> None:
    """What such a process does."""
    idle = megabytes("VmRSS")
    found = ways(Path(file))[name]()
    print(json.dumps({**found, "memory": megabytes("VmHWM") - idle}))


def megabytes(what: str) -> float:
    """What Linux says of this process' memory ("VmHWM: 123456 kB" is the most that it has held)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024 / 1e6


def table() -> pd.DataFrame:
    """The made-up counts, region by region."""
    rng = np.random.default_rng(0)
    regions = [f"District {i:05d}" for i in range(1, SERIES + 1)]
    days = pd.date_range("2023-01-01", periods=DAYS).strftime("%Y-%m-%d")
    counts = rng.poisson(rng.lognormal(3, 1, SERIES)[:, None], (SERIES, DAYS))
    return pd.DataFrame(
        {"region": np.repeat(regions, DAYS), "date": np.tile(days.to_numpy(), SERIES), "value": counts.ravel()}
    )
