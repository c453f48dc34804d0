"""The command line's entry point: its commands, and errors as one line with an exit code.

Results go to stdout or the file asked for, progress to stderr (a bar on a terminal, quiet otherwise). Exit codes: 0 all
done; 1 some series failed (the others are written); 2 bad usage or bad input, in one line; 128 and the number of a signal that
ended it before anything was finished.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from forecasting.cli import (
    alert,
    backtest,
    events,
    export,
    forecast,
    import_model,
    like,
    listing,
    monitor,
    pretrain,
    score,
    serve,
    submit,
    upkeep,
    watch,
    why,
)
from forecasting.cli.exit_codes import BAD_INPUT, DONE
from forecasting.cli.stop_signals import StoppedError, stoppable
from forecasting.support.errors import ForecastingError

#: The commands by name, in the order of the help.
COMMANDS: dict[str, Callable[..., None]] = {
    "sources": listing.list_sources,
    "models": listing.list_models,
    "regions": listing.list_regions,
    "fetch": listing.fetch,
    "forecast": forecast.forecast,
    "events": events.events,
    "why": why.why,
    "like": like.like,
    "backtest": backtest.backtest,
    "score": score.score,
    "submit": submit.submit,
    "export": export.export,
    "import": import_model.import_model,
    "pretrain": pretrain.pretrain,
    "upkeep": upkeep.upkeep,
    "monitor": monitor.monitor,
    "watch": watch.watch,
    "serve": serve.serve,
    "key": serve.key,
}
#: Typer carries its own click; its public `BadParameter` leads to the base of all usage errors in every version.
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    help="Forecasts of counts by region, with honest uncertainty.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name, command in COMMANDS.items():
    app.command(name)(command if name == "serve" else stoppable(command))  # the server has handlers of its own
app.add_typer(alert.alert_app, name="alert")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every error that a person can fix becomes one line on stderr."""
    try:
        return app(args=arguments, prog_name="python -m forecasting", standalone_mode=False) or DONE
    except ForecastingError as error:
        return _print_error(str(error))
    except UsageError as error:
        return _print_error(f"{error.format_message()} (--help says what there is)")
    except StoppedError as error:
        _print_error("Interrupted; what was finished is in the store, and the same command goes on from there.")
        return error.exit_code
    except BrokenPipeError:
        return DONE


def _print_error(sentence: str) -> int:
    """Print an error as one line; returns its exit code."""
    typer.echo(" ".join(sentence.split()), err=True)
    return BAD_INPUT
