"""A cache of parsed tables as Parquet beside a publisher's files, whose CSV is large and slow to read."""

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

#: Of the Parquet file's metadata.
_KEY = b"forecast-explorer"
#: Raised whenever the same files would now be read otherwise.
VERSION = 1


def parsed_table_path(name: str, files: Sequence[Path]) -> Path:
    """The path of the table that was read from `files`: beside them, with a name that changes when one of them does."""
    digest = hashlib.sha256("|".join([str(VERSION), *(file.name for file in files)]).encode()).hexdigest()
    return files[0].parent / f"{name}-parsed-{digest[:16]}.parquet"


def read_parsed_table(path: Path) -> TidyTable | None:
    """The table that `write_parsed_table` wrote; None when there is nothing, or nothing that can be read."""
    try:
        stored = pq.read_table(path)
        known = json.loads(stored.schema.metadata[_KEY])
        return TidyTable(stored.to_pandas(), known["parents"], tuple(known["notes"]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def write_parsed_table(tidy: TidyTable, path: Path, name: str) -> None:
    """Write the table, and remove the older ones of the source `name`. A full or read-only disk is ignored."""
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
