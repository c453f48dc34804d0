"""Output of commands: tables to a file or stdout, and lists."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from forecasting.export import file_formats
from forecasting.support.atomic_file import write_atomically
from forecasting.support.errors import RequestError


def write_table(table: pd.DataFrame, output: Path | None) -> None:
    """Write a table to a file in the format that its suffix names, or as CSV to stdout. Raises `RequestError`.

    The name was checked before (`output_files`); an earlier file is replaced only when the new one is complete.
    """
    if output is None:
        sys.stdout.write(file_formats.to_csv(table).decode())
        return
    formats = {".csv": file_formats.to_csv, ".parquet": file_formats.to_parquet, ".xlsx": _to_workbook}
    content = formats[output.suffix.lower()](table)
    try:
        write_atomically(output, content)
    except OSError as error:
        raise unwritable(output, error) from None


def unwritable(output: Path | None, error: OSError) -> RequestError:
    """The error for a table that could not be written."""
    reason, name = (error.strerror or str(error)).lower(), f"'{output}'" if output else "The table"
    return RequestError(
        f"{name} cannot be written: {reason}. What was fitted is in the store; the same command takes it from there."
    )


def _to_workbook(table: pd.DataFrame) -> bytes:
    return file_formats.to_xlsx({"table": table})


def print_notes(notes: Iterable[str]) -> None:
    """Print sentences to stderr, each once; nothing happens where nobody listens any more, for results are still to be written."""
    with contextlib.suppress(OSError):
        for note in dict.fromkeys(notes):
            typer.echo(note, err=True)


def print_names(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print the name of each row, one a line, or all rows as JSON."""
    typer.echo(json.dumps(rows, indent=2, ensure_ascii=False) if as_json else "\n".join(row["name"] for row in rows))


def first_few(names: Sequence[str]) -> str:
    """Join the first six names by commas, and say how many more there are."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
