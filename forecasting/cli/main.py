"""The command line: `python -m forecasting COMMAND`.

Results go to stdout or the file asked for, progress to stderr (a bar on a terminal, quiet otherwise). Exit codes: 0 all
done; 1 some series failed (the others are written); 2 bad usage or bad input, in one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from forecasting.cli import backtest, forecast, listing, monitor, pretrain, score, serve, upkeep
from forecasting.cli.app import BAD_INPUT, DONE, app
from forecasting.support.errors import ForecastingError

#: The modules whose commands `app` has: importing them registers those.
COMMANDS = (listing, forecast, backtest, score, pretrain, upkeep, monitor, serve)
#: Typer carries its own click; its public `BadParameter` leads to the base of all usage errors in every version.
UsageError: Any = typer.BadParameter.__base__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every error a person can mend becomes one line on stderr."""
    try:
        return app(args=arguments, prog_name="python -m forecasting", standalone_mode=False) or DONE
    except ForecastingError as error:
        return _bad(str(error))
    except UsageError as error:
        return _bad(f"{error.format_message()} (--help says what there is)")
    except (KeyboardInterrupt, typer.Abort):
        return _bad("Interrupted; what was finished is in the store, and the same command goes on from there.")
    except BrokenPipeError:
        return DONE


def _bad(sentence: str) -> int:
    typer.echo(" ".join(sentence.split()), err=True)
    return BAD_INPUT
