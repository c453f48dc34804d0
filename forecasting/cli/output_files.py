"""Checks of the files that a command will write, before it reads or fits anything: work is not to be lost at its end."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from forecasting.export.file_formats import SHEET_ROWS
from forecasting.support.atomic_file import PARTIAL
from forecasting.support.errors import RequestError

#: Endings of the names of tables that can be written.
SUFFIXES = (".csv", ".parquet", ".xlsx")


def check_output_files(
    outputs: Mapping[str, Path | None],
    inputs: Mapping[str, Path | None] | None = None,
    suffixes: tuple[str, ...] = SUFFIXES,
) -> None:
    """Check that each of `outputs` can be written and ends in one of `suffixes`; files are named by their options. Raises `RequestError`.

    No two may be the same file, and none one of `inputs`, which would be lost.
    """
    given = {option: path for option, path in outputs.items() if path is not None}
    for option, path in given.items():
        _check_output_file(option, path, suffixes)
    read = {option: path for option, path in (inputs or {}).items() if path is not None}
    for place, (option, path) in enumerate(given.items()):
        for other in list(given)[:place]:
            if _same(path, given[other]):
                raise RequestError(f"{other} and {option} are the same file, '{path}'; give each one of its own.")
        for other, source in read.items():
            if _same(path, source):
                raise RequestError(f"{option} is '{path}', which {other} reads; give it another name.")


def check_sheet_rows(option: str, path: Path | None, rows: int) -> None:
    """Raises `RequestError` for an XLSX file of more rows than a sheet takes."""
    if path is not None and path.suffix.lower() == ".xlsx" and rows >= SHEET_ROWS:
        raise RequestError(
            f"{option} is '{path}', and {rows:,} rows are more than a spreadsheet takes; choose .csv or .parquet."
        )


def _check_output_file(option: str, path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        endings = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}" if len(suffixes) > 1 else suffixes[0]
        raise RequestError(f"{option} is '{path}'; its name must end in {endings}.")
    if os.path.isdir(path):
        raise RequestError(f"{option} is '{path}', which is a folder; give the name of a file.")
    folder = Path(os.path.realpath(path)).parent
    if not os.path.isdir(folder):
        raise RequestError(f"{option} is '{path}', and there is no folder '{path.parent}'; create it, or name another.")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.stat(path)  # fails for a name that the file system does not take
            if not os.access(path, os.W_OK):
                raise PermissionError(None, "permission denied")
        with tempfile.NamedTemporaryFile(dir=folder, prefix=PARTIAL):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(f"{option} is '{path}', which cannot be written: {reason}.") from None


def _same(first: Path, second: Path) -> bool:
    """Whether two paths lead to the same file, which need not be there yet."""
    if os.path.realpath(first) == os.path.realpath(second):
        return True
    return os.path.exists(first) and os.path.exists(second) and os.path.samefile(first, second)
