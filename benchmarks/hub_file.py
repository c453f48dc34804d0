"""How long a hub's file of 2.6 million rows of vintages takes to read, and how much memory, against the reader before.

A file is made up in the columns and with the quotes of FluSight's, admissions and shares of emergency visits of 53 places. Each reader
runs in a process of its own, one after the other, on the admissions alone (`one`) and on both (`both`), and both must give the same
tables. `seconds` are of the processor; `memory` is the highest resident set beyond that of the process before it reads.
`--rows N` asks for another size.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting.data.us_states import FIPS

TARGETS = ("wk inc flu hosp", "wk inc flu prop ed visits")
ROWS = 2_600_000
#: Weeks of which the first vintage knows, and those of them that have no shares.
FIRST_WEEKS, WITHOUT_SHARES = 100, 40
READERS = ("before", "now")


def run(options: list[str]) -> Iterator[Figure]:
    rows = int(options[options.index("--rows") + 1]) if "--rows" in options else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "time-series.csv"
        write_file(path, rows)
        for name, targets in (("one", TARGETS[:1]), ("both", TARGETS)):
            before, now = (_measured(reader, path, targets) for reader in READERS)
            if before["digest"] != now["digest"]:
                raise BenchmarkError("The two readers do not give the same tables.")
            yield figure(f"hub_file/{name}/seconds", now["seconds"], "s", before["seconds"])
            yield figure(f"hub_file/{name}/memory", now["memory"], "MB", before["memory"])


def write_file(path: Path, rows: int) -> None:
    """Vintage after vintage, each with all weeks until then, until there are so many rows."""
    random = np.random.default_rng(1)
    codes = [*sorted(FIPS)[:52], "US"]
    written = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('"as_of","target","target_end_date","location","location_name","observation","weekly_rate"\n')
        for last in range(FIRST_WEEKS, 10_000):
            weeks = [f"{week:%Y-%m-%d}" for week in pd.date_range("2022-01-01", periods=last + 1, freq="W-SAT")]
            as_of = f"{pd.Timestamp(weeks[-1]) + pd.Timedelta(days=4):%Y-%m-%d}"
            for target, first in zip(TARGETS, (0, WITHOUT_SHARES), strict=True):
                for week in weeks[first:]:
                    values = random.integers(0, 2000, len(codes)) if first == 0 else random.random(len(codes)) / 20
                    file.writelines(
                        f'{as_of},"{target}",{week},"{code}","Place {code}",{value},{value / 31.7:.14g}\n'
                        for code, value in zip(codes, values, strict=True)
                    )
                    written += len(codes)
            if written >= rows:
                return


def _measured(reader: str, path: Path, targets: tuple[str, ...]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.hub_file", reader, str(path), *targets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"The reader '{reader}' failed: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout))


def _child(reader: str, path: Path, targets: list[str]) -> dict[str, object]:
    """Read the file in this process, and say what that took."""
    from benchmarks import _hub_file_before
    from forecasting.sources.shared.hub_target_data import target_rows, tidy_target

    def read_now() -> list[pd.DataFrame]:
        rows = target_rows(path, targets)
        return [tidy_target(rows, target).table for target in targets]

    start, before = time.process_time(), _peak()
    tables = read_now() if reader == "now" else _hub_file_before.read(path, targets)
    seconds, memory = time.process_time() - start, _peak() - before
    hashes = [int(pd.util.hash_pandas_object(table, index=False).sum()) for table in tables]
    return {"seconds": seconds, "memory": memory, "digest": hashes}


def _peak() -> float:
    """The highest resident set of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(_child(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])))
