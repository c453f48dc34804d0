"""The command `submit`: the files of one week for a forecast hub of the US CDC, all places, in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.hub_forecasts import HubForecasts, hub_forecasts
from forecasting.cli.input_options import InputOptions
from forecasting.cli.model_options import FitPlan
from forecasting.cli.options import Workers, parse_date
from forecasting.cli.output import first_few, print_notes, write_table
from forecasting.data.panel import Panel, Statistic
from forecasting.data.population import population
from forecasting.data.us_states import hub_locations
from forecasting.export import hub_submission
from forecasting.export.hub_format import hub_target
from forecasting.export.hub_rules import HORIZONS, hub_rule_violations
from forecasting.export.hub_submission import PLACES, RULES, SubmissionRules
from forecasting.models import model
from forecasting.sources.shared.hubs import HUBS, ForecastHub
from forecasting.support.atomic_file import write_atomically
from forecasting.support.errors import DataError, RequestError

#: The source that has every hub's figures, visits to emergency departments included.
SOURCE = "us_respiratory"
#: Quantiles that a dry run prints: the median between the ends of 80 %.
_SHOWN = (0.1, 0.5, 0.9)


class Hub(StrEnum):
    """The hubs that have rules."""

    covid = "covid"
    flu = "flu"
    rsv = "rsv"


def submit(
    hub: Annotated[Hub, typer.Option("--hub", help="Which forecast hub of the US CDC.")],
    team: Annotated[str, typer.Option("--team", help="The team's abbreviation, as the hub knows it.")],
    model_name: Annotated[str, typer.Option("--model", help="A name that `models` lists.")] = "ensemble",
    called: Annotated[
        str | None, typer.Option("--as", help="The model's abbreviation at the hub; its name here by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A folder for the files, or one with a copy of the hub.")
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Where the figures are from, a name that `sources` lists.")
    ] = SOURCE,
    file: Annotated[
        Path | None, typer.Option("--input", help="A CSV, Parquet or XLSX file with the hub's counts instead.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD: only what was known then.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print each place's forecasts and what would be written.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Forecast all places for a forecast hub and write the week's file and the model's metadata, by the hub's own rules."""
    rules, at = RULES[hub], next(one for one in HUBS.values() if one.short == hub)
    chosen, called = model(model_name), called or model_name
    hub_submission.check_abbreviation("--team", team, rules)
    hub_submission.check_abbreviation("--as" if called != model_name else "--model", called, rules)
    if not dry_run:
        _check_folder(output)
    date = parse_date(as_of, "--as-of") if as_of else None
    panel = InputOptions(file=file, source=None if file else source).read_panel().as_of(date)
    statistics = _statistics(panel, at, own=file is not None)
    made = hub_forecasts(
        panel, statistics, _regions(panel, statistics), FitPlan((model_name,), len(HORIZONS), workers=workers)
    )
    table, failures = _submission(made, at, rules)
    if broken := hub_rule_violations(table[table["output_type"] == "quantile"]):
        raise DataError(f"The hub would refuse these forecasts. {broken[0]}")
    name = hub_submission.file_name(made.reference, team, called)
    failures += _missing(table)
    if dry_run:
        _print_fans(table)
        print_notes([f"Nothing is written. {name} would have {len(table):,} rows, by the rules of {rules.version}."])
        exit_with_failures(failures)
    assert output is not None  # `_check_folder` has seen it
    path, metadata = _places_of_files(output, name, f"{team}-{called}")
    write_table(table, path)
    if not metadata.exists():
        data = f"{panel.attribution_of(statistics[0].name)}"
        text = hub_submission.metadata_text(team, called, chosen.label, chosen.summary, data, bool(chosen.members))
        write_atomically(metadata, text.encode())
        print_notes([f"{metadata} is new; fill in who you are before it is sent."])
    print_notes([f"{path} has {len(table):,} rows, by the rules of {rules.version}."])
    exit_with_failures(failures)


def _check_folder(output: Path | None) -> None:
    """Raises `RequestError` unless the folder is there, or can be made where its parent is."""
    if output is None:
        raise RequestError("--output is missing; give a folder for the files, or --dry-run to see them only.")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(f"--output is '{output}', which cannot be a folder: {reason}.") from None


def _places_of_files(output: Path, name: str, model_id: str) -> tuple[Path, Path]:
    """Where the week's file and the metadata go: within a copy of a hub to the hub's own folders."""
    if not (output / "model-output").is_dir():
        return output / name, output / f"{model_id}.yml"
    folder, about = output / "model-output" / model_id, output / "model-metadata"
    folder.mkdir(exist_ok=True)
    about.mkdir(exist_ok=True)
    return folder / name, about / f"{model_id}.yml"


def _statistics(panel: Panel, hub: ForecastHub, own: bool) -> list[Statistic]:
    """The panel's statistics that the hub has targets for. Of a file of one's `own` the first is the hub's count.

    Raises `RequestError` where there is none.
    """
    if own:
        return [replace(panel.statistics[0], target=hub.target)]
    found = [one for one in panel.statistics if one.target in (hub.target, hub.share_target)]
    if hub.target not in [one.target for one in found]:
        raise RequestError(f"'{panel.source}' has no {hub.disease} admissions; give a --source or --input that has.")
    return found


def _regions(panel: Panel, statistics: Sequence[Statistic]) -> list[str]:
    """The regions of the panel that are the hub's places. Raises `RequestError` where there is none."""
    known = list(dict.fromkeys(name for one in statistics for name in panel.regions(one.name)))
    found = [name for name, code in hub_locations(known).items() if code in PLACES]
    if not found:
        raise RequestError(f"'{panel.source}' has none of the hub's places; it has {first_few(known)}.")
    if others := [name for name in known if name not in found]:
        print_notes([f"The hub takes no forecasts of {first_few(others)}, so none is made."])
    return found


def _submission(made: HubForecasts, hub: ForecastHub, rules: SubmissionRules) -> tuple[pd.DataFrame, list[str]]:
    """The week's table with the categories of change where the hub takes them, and a sentence for each region that failed."""
    table, failures = made.table, list(made.failures)
    if rules.whole_numbers:
        table = hub_submission.with_whole_counts(table, [hub.target])
    change = rules.rate_change
    if change is None:
        return table, failures
    written, among, chances = set(table["location"]), tuple(made.places), {}
    for one, forecasts in made.results:
        code = made.places[one.region]
        if one.series is None or not forecasts or code not in written or hub_target(one.statistic) != hub.target:
            continue
        if (people := population(one.region, among)) is None:
            failures.append(f"{one.region}: its population is not known, so no {change.target} is written.")
            continue
        chances[code] = hub_submission.rate_change_probabilities(
            forecasts[0], float(one.series.values[-1]), one.extra_steps, people.people, change
        )
    rows = hub_submission.rate_change_rows(chances, made.reference, change)
    return pd.concat([table.astype({"output_type_id": object}), rows], ignore_index=True), failures


def _missing(table: pd.DataFrame) -> list[str]:
    """A sentence on the hub's places that have no forecast."""
    missing = [name for code, name in PLACES.items() if code not in set(table["location"])]
    return (
        [f"Of the hub's {len(PLACES)} places {len(missing)} have no forecast: {first_few(missing)}."] if missing else []
    )


def _print_fans(table: pd.DataFrame) -> None:
    """Print each place's median and 80 % range by week, or the chances of categories, as they would be written."""
    for (target, location), rows in table.groupby(["target", "location"], sort=False):
        weeks = []
        for step, cells in rows.groupby("horizon"):
            values = cells.set_index("output_type_id")["value"]
            if (cells["output_type"] == "pmf").all():
                weeks.append(f"{step}: " + ", ".join(f"{name} {value:.0%}" for name, value in values.items() if value))
            else:
                low, middle, high = (values[level] for level in _SHOWN)
                weeks.append(f"{step}: {middle:,.4g} ({low:,.4g} to {high:,.4g})")
        typer.echo(f"{PLACES.get(location, location)}, {target}: " + "; ".join(weeks))
