"""The command line: `python -m forecasting COMMAND`.

Results go to stdout or the file asked for, progress to stderr (a bar on a terminal, quiet otherwise). Exit codes: 0 all
done; 1 some series failed (the others are written); 2 bad usage or bad input, in one line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from forecasting import export
from forecasting.cli_inputs import AnySource, Cumulative, DatabaseName, InputFile, MappingText, TableName, panel_of
from forecasting.columns import STATISTIC
from forecasting.errors import DataError, ForecastingError, JobError, RequestError
from forecasting.jobs import Job, JobQueue
from forecasting.jobs.crew import crew_of
from forecasting.models import model, models
from forecasting.panel import Panel, Statistic
from forecasting.prepare import prepare
from forecasting.request import MAX_HORIZON, Request
from forecasting.series import Forecast, Series, tables
from forecasting.service import Service
from forecasting.sources import source, sources
from forecasting.store import Store

app = typer.Typer(
    help="Forecasts of counts by region, with honest uncertainty.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
DONE, SOME_FAILED, BAD_INPUT = 0, 1, 2
#: Typer carries its own click; its public `BadParameter` leads to the base of all usage errors in every version.
UsageError: Any = typer.BadParameter.__base__


class Format(StrEnum):
    """How forecasts are written."""

    tidy = "tidy"
    hubverse = "hubverse"


AsJson = Annotated[bool, typer.Option("--json", help="As JSON, with all that is known.")]
SourceName = Annotated[str, typer.Option("--source", help="A name that `sources` lists.")]
Horizon = Annotated[int, typer.Option(help="Steps ahead, counted from 1.")]
ModelNames = Annotated[str, typer.Option("--models", help="Names that `models` lists, joined by commas.")]
StatisticName = Annotated[str | None, typer.Option(help="What to forecast; the source's first by default.")]
Regions = Annotated[list[str] | None, typer.Option(help="Only this region; may be given several times.")]
Covariates = Annotated[
    str | None, typer.Option(help="Further columns to learn from, joined by commas; known only for the past.")
]
Holidays = Annotated[
    str | None, typer.Option(help="A country's public holidays, as DE, or US-CA for a part; for counts of days.")
]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Processes that fit.")]


@app.command("sources")
def list_sources(as_json: AsJson = False) -> None:
    """List where figures can come from, one a line."""
    _list(
        [{"name": s.name, "label": s.label, "live": s.live, "licence": s.licence} for s in sources().values()], as_json
    )


@app.command("models")
def list_models(as_json: AsJson = False) -> None:
    """List the models, one a line."""
    _list([{"name": m.name, "label": m.label, "reference": m.reference} for m in models().values()], as_json)


@app.command("regions")
def list_regions(
    source_name: SourceName,
    statistic: Annotated[str | None, typer.Option(help="Only regions that have it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the regions of a source, one a line."""
    panel = source(source_name).panel()
    wanted = [panel.statistic(statistic)] if statistic else list(panel.statistics)
    having: dict[str, list[str]] = {}
    for one in wanted:
        for region in panel.regions(one.name):
            having.setdefault(region, []).append(one.name)
    _list([{"name": region, "statistics": names} for region, names in having.items()], as_json)


@app.command("fetch")
def fetch(source_name: SourceName) -> None:
    """Update the local copy of a source, and say from when it is."""
    typer.echo(source(source_name).fetch())


@app.command("forecast")
def forecast(
    horizon: Horizon,
    model_names: ModelNames,
    source_name: AnySource = None,
    input_file: InputFile = None,
    mapping: MappingText = None,
    sql: DatabaseName = None,
    table: TableName = None,
    statistic: StatisticName = None,
    region: Regions = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD: only what was known then.")] = None,
    covariates: Covariates = None,
    holidays: Holidays = None,
    cumulative: Cumulative = False,
    output: Annotated[
        Path | None, typer.Option(help="Where to write (.csv, .parquet or .xlsx); stdout by default.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="The tidy table, or the forecast hubs' format.")] = (
        Format.tidy
    ),
    workers: Workers = None,
) -> None:
    """Forecast every region of a source, a file or a table of a database."""
    names = _names(model_names, "models")
    for name in names:
        model(name)
    panel = panel_of(source_name, input_file, sql, table, cumulative, mapping)
    panel = panel.as_of(_date(as_of, "--as-of") if as_of else None)
    further, country = cli_covariates.named(panel, covariates, names), cli_covariates.country(holidays, names)
    wanted = _statistics(panel, statistic, everything=source_name is None)
    if form is Format.hubverse:
        written, failures = cli_hub.forecasts(panel, wanted, region, names, further, horizon, workers)
    else:
        cases = list(_cases(panel, wanted, region, further, country))
        found, failures = _forecast_all(cases, names, further, horizon, workers)
        written = _table(found)
    _write(written, output)
    for failure in failures:
        typer.echo(failure, err=True)
    raise typer.Exit(SOME_FAILED if failures else DONE)


@dataclass(frozen=True, eq=False)
class Case:
    """One region's series to forecast, or the sentence that says why there is none; `more` steps than are asked for."""

    statistic: Statistic
    region: str
    series: Series | None
    why_not: str = ""
    more: int = 0

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.region} ({self.statistic.name})"


def _cases(
    panel: Panel,
    wanted: Sequence[Statistic],
    regions: Sequence[str] | None,
    covariates: Sequence[str],
    holidays: str = "",
) -> Iterator[Case]:
    for statistic in wanted:
        chosen = [_known_region(panel, region, statistic) for region in regions or ()]
        for region in chosen or panel.regions(statistic.name):
            try:
                series = prepare(panel, region, statistic.name).with_covariates(covariates)
                yield Case(statistic, region, series.with_holidays(holidays))
            except DataError as error:
                yield Case(statistic, region, None, str(error))


def _known_region(panel: Panel, region: str, statistic: Statistic) -> str:
    known = panel.regions(statistic.name)
    if region not in known:
        raise RequestError(f"'{panel.source}' has no region '{region}' for {statistic.name}; it has {_few(known)}.")
    return region


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _forecast_all(
    cases: Sequence[Case], names: Sequence[str], covariates: Sequence[str], horizon: int, workers: int | None
) -> tuple[list[tuple[Case, list[Forecast]]], list[str]]:
    """Every case's forecasts in the order of `names`, and a sentence for each that failed.

    After an interruption those that were finished, and a sentence that says so.
    """
    failures = [f"{case.name}: {case.why_not}" for case in cases if case.series is None]
    wanted = {
        (case, name): _request(case.series, name, horizon, case.more)
        for case in cases
        if case.series is not None
        for name in names
    }
    done = _run(list(wanted.values()), workers)
    found: dict[Case, list[Forecast]] = {case: [] for case in cases}
    failures += _interrupted(wanted.values(), done)
    for (case, name), request in wanted.items():
        if (job := done.get(request.key)) is None:
            continue
        if job.forecast is not None:
            found[case].append(job.forecast)
        else:
            failures.append(f"{case.name}, {name}: {job.error or job.state}")
    asked = [(request, case.name) for (case, _), request in wanted.items()]
    cli_covariates.say_what_is_not_used(asked, covariates, done)
    return list(found.items()), failures


def _request(series: Series, name: str, horizon: int, more: int) -> Request:
    """For `more` steps than those asked for, which are checked alone."""
    request = Request(series, name, horizon)
    return replace(request, horizon=min(horizon + more, MAX_HORIZON)) if more else request


def _run(requests: Sequence[Request], workers: int | None, dask: str = "") -> dict[str, Job]:
    """Fit everything, with a bar on a terminal. Ctrl-C ends it with what is finished by then.

    Raises `RequestError` and `JobError` where the Dask cluster that is to fit cannot be used, or not any more.
    """
    crew = crew_of(workers, dask=dask)
    crew.check()
    store = Store()
    service = Service(store, JobQueue(store, crew=crew, people=False))
    console = Console(stderr=True)
    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)
    done: dict[str, Job] = {}
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("forecasting", total=len(requests))
            for request, job in service.run(requests):
                if job.forecast is None and service.queue.trouble:
                    raise JobError(f"{service.queue.trouble} What was finished is in the store.")
                done[request.key] = job
                bar.advance(task)
    except KeyboardInterrupt:
        if not done:
            raise
    finally:
        service.close()
    return done


def _interrupted(requests: Collection[Request], done: Mapping[str, Job]) -> list[str]:
    """The sentence of a run that was ended before all was done."""
    missing = sum(request.key not in done for request in requests)
    left = f"Interrupted with {missing:,} of {len(requests):,} to go; the same command goes on from there."
    return [left] if missing else []


def _table(found: Sequence[tuple[Case, list[Forecast]]]) -> pd.DataFrame:
    """The forecasts table; a ``statistic`` column where there are several."""
    rows = [(case, case.series, forecast) for case, forecasts in found for forecast in forecasts if case.series]
    table = tables([(case.region, one, series.total if series.cumulative else None) for case, series, one in rows])
    if len({case.statistic.name for case, _ in found}) > 1:
        names = np.array([case.statistic.name for case, _, _ in rows], dtype=object)
        table.insert(1, STATISTIC, np.repeat(names, [one.values.size for _, _, one in rows]))
    return table


def _statistics(panel: Panel, name: str | None, everything: bool) -> list[Statistic]:
    """The one that was named; else all of a file's or a database's, or a source's first."""
    if name is not None:
        return [panel.statistic(name)]
    return list(panel.statistics) if everything else [panel.statistic()]


def _names(joined: str, option: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in joined.split(",") if name.strip()))
    if not names:
        raise RequestError(f"--{option} is empty; give names joined by commas.")
    return names


def _date(text: str, option: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(date.fromisoformat(text))
    except ValueError:
        raise RequestError(f"{option} is '{text}'; give a date as YYYY-MM-DD.") from None


def _write(table: pd.DataFrame, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(export.to_csv(table).decode())
        return
    kinds = {".csv": export.to_csv, ".parquet": export.to_parquet, ".xlsx": _workbook}
    if output.suffix.lower() not in kinds:
        raise RequestError(f"--output is '{output}'; its name must end in .csv, .parquet or .xlsx.")
    try:
        output.write_bytes(kinds[output.suffix.lower()](table))
    except OSError as error:
        raise RequestError(f"'{output}' cannot be written: {error.strerror}.") from None


def _workbook(table: pd.DataFrame) -> bytes:
    return export.to_xlsx({"table": table})


def _list(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    typer.echo(json.dumps(rows, indent=2, ensure_ascii=False) if as_json else "\n".join(row["name"] for row in rows))


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


from forecasting import cli_backtest as cli_backtest  # noqa: E402 (below, because they build on what is above)
from forecasting import cli_covariates as cli_covariates  # noqa: E402
from forecasting import cli_hub as cli_hub  # noqa: E402
from forecasting import cli_monitor as cli_monitor  # noqa: E402
from forecasting import cli_pretrain as cli_pretrain  # noqa: E402
from forecasting import cli_score as cli_score  # noqa: E402
from forecasting import cli_serve as cli_serve  # noqa: E402
from forecasting import cli_upkeep as cli_upkeep  # noqa: E402
