"""What `forecast --format hubverse` does otherwise: one model, new counts of weeks to Saturday, one reference date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import typer

from forecasting.cli.batch import Case, cases_of, forecast_cases, forecasts_table
from forecasting.data.columns import STATISTIC
from forecasting.data.panel import Panel, Statistic
from forecasting.export import file_formats, hub_format
from forecasting.export.hub_rules import HORIZONS
from forecasting.support.errors import DataError


def forecasts(
    panel: Panel,
    wanted: Sequence[Statistic],
    regions: Sequence[str] | None,
    names: Sequence[str],
    covariates: Sequence[str],
    horizon: int,
    workers: int | None,
) -> tuple[pd.DataFrame, list[str]]:
    """The forecasts in the hubs' format, and a sentence for each region that failed."""
    hub_format.check_models(names)
    counts = hub_format.new_counts(panel, wanted)
    known = list(dict.fromkeys(name for statistic in counts for name in panel.regions(statistic.name)))
    places = hub_format.places(regions or known, known)
    reference = hub_format.reference_date(panel, counts)
    cases = [_bridged(case, reference) for case in cases_of(panel, counts, regions, covariates)]
    found, failures = forecast_cases(cases, names, covariates, horizon, workers)
    table = forecasts_table(found)
    targets = {case.statistic.name: hub_format.target(case.statistic) for case in cases}
    target = targets if STATISTIC in table else "".join(targets.values())  # of one statistic
    table = file_formats.to_hub(table, target, reference, places)
    for statistic in wanted:
        if statistic not in counts:
            typer.echo(f"{statistic.name} is a running total, which no hub takes; it is left out.", err=True)
    if horizon > len(HORIZONS):
        typer.echo(f"A hub takes {len(HORIZONS)} weeks (horizons 0 to 3); the later steps are left out.", err=True)
    return table, failures


def _bridged(case: Case, reference: pd.Timestamp) -> Case:
    """So many more steps that those asked for begin on the reference date."""
    if case.series is None:
        return case
    try:
        return replace(case, more=hub_format.bridged(case.series, reference))
    except DataError as error:
        return replace(case, series=None, why_not=str(error))
