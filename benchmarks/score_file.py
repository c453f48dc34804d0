"""How long `score` takes for 600,000 rows of forecasts and how much memory, as CSV and as Parquet.

The file is made up: five models' 23 quantiles for 53 places, 25 weeks and four horizons, some 600,000 rows. `seconds` is the
command within a running Python, read, checked, scored and summarised, and its reference is plainly reading the same
file with pandas: medians of three turns, one after the other. `peak` is the highest memory of the command as a person
starts it, in a process of its own, and its reference is the 1 GB that there may be.
"""

from __future__ import annotations

import contextlib
import io
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
from forecasting.cli.main import main
from forecasting.data.forecast import QUANTILES
from forecasting.data.us_states import FIPS

MODELS = ("baseline", "A", "B", "C", "D")
PLACES = sorted(FIPS.values())[:53]
WEEKS = pd.date_range("2024-11-23", periods=25, freq="W-SAT")
HORIZONS = 4
TURNS = 3
#: Megabytes.
LIMIT = 1000.0
#: The command, and after it what the system knows of its memory ("VmHWM: 123456 kB"; what `getrusage` gives may be that
#: of the process that started it).
ALONE = """
import sys
from forecasting.cli.main import main
code = main(sys.argv[1:])
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(code)
"""


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth.csv"
        outcomes().to_csv(truth, index=False)
        table = forecasts()
        csv, parquet = Path(folder) / "forecasts.csv", Path(folder) / "forecasts.parquet"
        table.to_csv(csv, index=False)
        table.to_parquet(parquet, index=False)
        del table
        yield from measured("csv", csv, truth, lambda: pd.read_csv(csv))
        yield from measured("parquet", parquet, truth, lambda: pd.read_parquet(parquet))


def measured(kind: str, file: Path, truth: Path, read: Callable[[], object]) -> Iterator[Figure]:
    """The two figures of one file."""
    arguments = ["score", "--forecasts", str(file), "--truth", str(truth), "--baseline", MODELS[0]]
    turns = [(seconds(lambda: score(arguments)), seconds(read)) for _ in range(TURNS)]
    ours, plain = (median(turn) for turn in zip(*turns, strict=True))
    yield figure(f"score_file/{kind}/seconds", ours, "s", plain)
    yield figure(f"score_file/{kind}/peak", peak(arguments), "MB", LIMIT)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def score(arguments: list[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        code = main(arguments)
    if code:
        raise BenchmarkError(f"`score` ended with {code}: {said.getvalue()}")


def peak(arguments: list[str]) -> float:
    """The most memory in MB that the command has held in a process of its own, as Linux counted it."""
    command = [sys.executable, "-c", ALONE, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent, check=False)
    if done.returncode:
        raise BenchmarkError(f"`score` ended with {done.returncode}.")
    return int(done.stdout.split()[-2]) * 1024 / 1e6


def forecasts() -> pd.DataFrame:
    """The made-up forecasts table, in the order in which models write it."""
    cells = pd.MultiIndex.from_product(
        [MODELS, WEEKS, PLACES, range(1, HORIZONS + 1)], names=["model", "origin", "region", "horizon"]
    ).to_frame(index=False)
    middle = np.random.default_rng(0).lognormal(5, 1, len(cells))
    table = cells.loc[np.repeat(cells.index, len(QUANTILES))].reset_index(drop=True)
    table["date"] = table["origin"] + pd.to_timedelta(7 * table["horizon"], unit="D")
    table["quantile"] = np.tile(QUANTILES, len(cells))
    table["value"] = np.outer(middle, np.linspace(0.5, 1.5, len(QUANTILES))).ravel()
    return table[["region", "model", "origin", "horizon", "date", "quantile", "value"]]


def outcomes() -> pd.DataFrame:
    """What came in every place."""
    weeks = pd.date_range(WEEKS[0], periods=len(WEEKS) + HORIZONS, freq="W-SAT")
    table = pd.MultiIndex.from_product([PLACES, weeks], names=["region", "date"]).to_frame(index=False)
    return table.assign(value=np.random.default_rng(1).poisson(150, len(table)))
