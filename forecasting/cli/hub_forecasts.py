"""`forecast --format hubverse`: one model, new counts of weeks to Saturday, one reference date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import typer

from forecasting.cli.forecast_batch import BatchSeries, batch_table, forecast_batch, prepare_batch
from forecasting.cli.model_options import FitPlan
from forecasting.data.columns import STATISTIC
from forecasting.data.panel import Panel, Statistic
from forecasting.export import hub_format
from forecasting.export.hub_rules import HORIZONS
from forecasting.support.errors import DataError


def hub_table(
    panel: Panel, statistics: Sequence[Statistic], regions: Sequence[str] | None, plan: FitPlan
) -> tuple[pd.DataFrame, list[str]]:
    """Forecast in the hubs' format; returns the table, and a sentence for each region that failed."""
    hub_format.check_single_model(plan.names)
    counts = hub_format.hub_statistics(panel, statistics)
    known = list(dict.fromkeys(name for statistic in counts for name in panel.regions(statistic.name)))
    places = hub_format.unique_hub_locations(regions or known, known)
    reference = hub_format.reference_date(panel, counts)
    batch = [_from_reference_date(one, reference) for one in prepare_batch(panel, counts, regions, plan.covariates)]
    results, failures = forecast_batch(batch, plan)
    table = batch_table(results)
    targets = {one.statistic.name: hub_format.hub_target(one.statistic) for one in batch}
    target = targets if STATISTIC in table else "".join(targets.values())  # of one statistic
    table = hub_format.to_hub_table(table, target, reference, places)
    for statistic in statistics:
        if statistic not in counts:
            typer.echo(f"{statistic.name} is a running total, which no hub takes; it is left out.", err=True)
    if plan.horizon > len(HORIZONS):
        typer.echo(f"A hub takes {len(HORIZONS)} weeks (horizons 0 to 3); the later steps are left out.", err=True)
    return table, failures


def _from_reference_date(one: BatchSeries, reference: pd.Timestamp) -> BatchSeries:
    """Add as many steps to a series' forecast as lie between its end and the reference date."""
    if one.series is None:
        return one
    try:
        return replace(one, extra_steps=hub_format.weeks_before_reference(one.series, reference))
    except DataError as error:
        return replace(one, series=None, why_not=str(error))
