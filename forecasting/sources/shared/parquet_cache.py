"""What was read from a publisher's files, kept as Parquet: their CSV is large and slow to read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.tables.cells.tidy_table import TidyTable

_KEY = b"forecast-explorer"
#: Raised whenever the same files would now be read otherwise.
VERSION = 1


def parsed_path(name: str, files: Sequence[Path]) -> Path:
    """Where the table read from `files` is kept: beside them, under a name that changes when one of them does."""
    digest = hashlib.sha256("|".join([str(VERSION), *(file.name for file in files)]).encode()).hexdigest()
    return files[0].parent / f"{name}-parsed-{digest[:16]}.parquet"


def load(path: Path) -> TidyTable | None:
    """What `keep` wrote there; None when there is nothing, or nothing that can be read."""
    try:
        stored = pq.read_table(path)
        known = json.loads(stored.schema.metadata[_KEY])
        return TidyTable(stored.to_pandas(), known["parents"], tuple(known["notes"]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def keep(tidy: TidyTable, path: Path, name: str) -> None:
    """Write it, and remove what was kept of `name` before. A disk that is full or read-only is no matter here."""
    known = json.dumps({"parents": tidy.parents, "notes": tidy.notes}).encode()
    stored = pa.Table.from_pandas(tidy.table, preserve_index=False)
    stored = stored.replace_schema_metadata({**(stored.schema.metadata or {}), _KEY: known})
    with contextlib.suppress(OSError):
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
        os.close(handle)
        try:
            pq.write_table(stored, partial)
            os.replace(partial, path)
        except OSError:
            os.unlink(partial)
            raise
        for old in path.parent.glob(f"{name}-parsed-*.parquet"):
            if old != path:
                old.unlink()
