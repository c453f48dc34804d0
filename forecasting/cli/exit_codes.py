"""Exit codes of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import typer

#: Everything was done.
DONE = 0
#: Some series failed; the others are written.
SOME_FAILED = 1
#: Bad usage or bad input.
BAD_INPUT = 2


def exit_with_failures(failures: Sequence[str]) -> NoReturn:
    """Print failures to stderr, one a line, and end the command with the exit code for some or for none."""
    for failure in failures:
        typer.echo(failure, err=True)
    raise typer.Exit(SOME_FAILED if failures else DONE)
