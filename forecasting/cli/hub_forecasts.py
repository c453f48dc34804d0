"""Forecasts for a hub, of `forecast --format hubverse` and `submit`: one model, new counts of weeks to Saturday, one reference date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from forecasting.cli.forecast_batch import (
    BatchSeries,
    batch_table,
    forecast_batch,
    prepare_batch,
    print_data_notes,
)
from forecasting.cli.model_options import FitPlan
from forecasting.cli.output import print_notes
from forecasting.data.columns import STATISTIC
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel, Statistic
from forecasting.data.us_states import hub_locations
from forecasting.export import hub_format
from forecasting.export.hub_rules import COLUMNS, HORIZONS
from forecasting.support.errors import DataError, RequestError


@dataclass(frozen=True, eq=False)
class HubForecasts:
    """Forecasts of one model for a hub.

    Attributes:
        table: in the hub's format.
        results: each series with its forecasts, as they were made.
        reference: the reference date.
        places: what the hub calls each region.
        failures: a sentence for each region that failed.
    """

    table: pd.DataFrame
    results: list[tuple[BatchSeries, list[Forecast]]]
    reference: pd.Timestamp
    places: dict[str, str]
    failures: list[str]


def hub_table(
    panel: Panel, statistics: Sequence[Statistic], regions: Sequence[str] | None, plan: FitPlan
) -> tuple[pd.DataFrame, list[str]]:
    """Forecast in the hubs' format; returns the table, and a sentence for each region that failed."""
    made = hub_forecasts(panel, statistics, regions, plan)
    return made.table, made.failures


def hub_forecasts(
    panel: Panel, statistics: Sequence[Statistic], regions: Sequence[str] | None, plan: FitPlan
) -> HubForecasts:
    """Forecast for a hub, from the reference date that follows from the figures."""
    hub_format.check_single_model(plan.names)
    counts, left_out = hub_format.hub_statistics(panel, statistics)
    known = list(dict.fromkeys(name for statistic in counts for name in panel.regions(statistic.name)))
    places = hub_format.unique_hub_locations(regions or known, known)
    unknown = [name for name in hub_format.unknown_places(hub_locations(known)) if name in places]
    if unknown and (regions or len(unknown) == len(places)):
        raise RequestError(f"{unknown[0]}: {hub_format.unknown_place_sentence(unknown[0])}")
    reference = hub_format.reference_date(panel, counts)
    prepared = prepare_batch(panel, counts, regions, plan.covariates, plan.holidays)
    batch = [_from_reference_date(_in_known_place(one, unknown), reference) for one in prepared]
    print_data_notes(panel, batch, plan.holidays)
    print_notes(left_out)
    results, failures = forecast_batch(batch, plan)
    table, refused = _hub_rows(results, reference, places)
    if plan.horizon > len(HORIZONS):
        print_notes([f"A hub takes {len(HORIZONS)} weeks (horizons 0 to 3); the later steps are left out."])
    return HubForecasts(table, results, reference, places, [*failures, *refused])


def _hub_rows(
    results: Sequence[tuple[BatchSeries, list[Forecast]]], reference: pd.Timestamp, places: dict[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """Build the hub's rows; series of which a hub would refuse some are left out, with a sentence each."""
    targets = {one.statistic.name: hub_format.hub_target(one.statistic) for one, _ in results}

    def rows(some: Sequence[tuple[BatchSeries, list[Forecast]]]) -> pd.DataFrame:
        table = batch_table(some)
        target = targets if STATISTIC in table else targets[some[0][0].statistic.name]
        return hub_format.to_hub_table(table, target, reference, places)

    try:
        return rows(results), []
    except DataError:
        kept, refused = [pd.DataFrame(columns=list(COLUMNS))], list[str]()
    for one, forecasts in results:
        try:
            kept.append(rows([(one, forecasts)]))
        except DataError as error:
            refused.append(f"{one.name}: {error}")
    return pd.concat(kept[1:] or kept, ignore_index=True), refused


def _in_known_place(one: BatchSeries, unknown: Sequence[str]) -> BatchSeries:
    """The series, or instead of it the reason why it is not forecast, if no hub knows its region."""
    if one.region not in unknown:
        return one
    return replace(one, series=None, why_not=hub_format.unknown_place_sentence(one.region))


def _from_reference_date(one: BatchSeries, reference: pd.Timestamp) -> BatchSeries:
    """Add as many steps to a series' forecast as lie between its end and the reference date."""
    if one.series is None:
        return one
    if one.series.frequency.alias != hub_format.HUB_ALIAS:
        return replace(one, series=None, why_not="its weeks do not end on Saturdays, so no hub takes them.")
    try:
        return replace(one, extra_steps=hub_format.weeks_before_reference(one.series, reference))
    except DataError as error:
        return replace(one, series=None, why_not=str(error))
