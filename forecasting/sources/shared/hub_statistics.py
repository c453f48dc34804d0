"""The statistics of a respiratory forecast hub: admissions and the share of emergency visits, read from one file at once.

A share stands in the table twice: as a statistic of its own, with its vintages, and as a covariate beside the admissions of the
same place and week, as it was published by the day on which these were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.kind import SHARE
from forecasting.data.panel import Statistic
from forecasting.data.us_states import NATION, STATES
from forecasting.sources.shared.hub_target_data import TARGET, target_rows, tidy_target
from forecasting.sources.shared.hubs import ForecastHub
from forecasting.support.errors import DataError
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import TidyTable

#: The covariate beside admissions: the share of emergency department visits for the same disease.
ED_SHARE = "ed_share"
#: All places that a hub may know, in the order in which they are listed.
_PLACES = (NATION, *sorted(STATES.values()))


def disease_admissions(hub: ForecastHub) -> Statistic:
    """New hospital admissions of the hub's disease, called after it."""
    name, label = f"{hub.short}_admissions", f"New {hub.disease} hospital admissions"
    target, by, licence = hub.target, hub.attribution, hub.licence
    return Statistic(f"new_{name}", label, "admissions", name, target=target, attribution=by, licence=licence)


def disease_share(hub: ForecastHub) -> Statistic:
    """The share of visits to emergency departments that are for the hub's disease, from 0 to 1."""
    name = f"{hub.short}_ed_share"
    label = f"{hub.disease[:1].upper()}{hub.disease[1:]} share of emergency visits"
    by = f"{hub.attribution.partition(';')[0]}; National Syndromic Surveillance Program"
    target, licence = hub.share_target, hub.licence
    return Statistic(name, label, "shares", name, target=target, kind=SHARE, attribution=by, licence=licence)


def read_hub_statistics(files: Mapping[str, Path], hubs: Sequence[ForecastHub]) -> TidyTable:
    """The statistics of those `hubs` that have a file, by their names, as one table: statistic by statistic.

    Of shares that cannot be read, a note says so, and the admissions are there all the same. Raises `DataError` for a
    file whose admissions cannot be read.
    """
    with_file = [hub for hub in hubs if hub.name in files]
    # The largest first, as long as nothing else is in memory.
    by_size = sorted(with_file, key=lambda hub: -files[hub.name].stat().st_size)
    read = {hub.name: _of_hub(files[hub.name], hub) for hub in by_size}
    parts = [tidy for hub in with_file for tidy in read[hub.name]]
    notes = dict.fromkeys(note for tidy in parts for note in tidy.notes)
    parents = {child: parent for tidy in parts for child, parent in tidy.parents.items()}
    return TidyTable(_joined([tidy.table for tidy in parts]), parents, tuple(notes))


def _of_hub(path: Path, hub: ForecastHub) -> list[TidyTable]:
    """The admissions with the share beside them, and the shares, where the file has any that can be read."""
    rows = target_rows(path, (hub.target, hub.share_target))
    admissions = tidy_target(rows, hub.target, disease_admissions(hub).column)
    shares = None
    if (rows.cells[TARGET] == hub.share_target).any():
        try:
            shares = _shares(rows, hub)
        except DataError as error:
            reason = str(error).partition("; ")[0].rstrip(".")
            note = f"The shares of emergency visits for {hub.disease} cannot be read ({reason}), so they are left out."
            admissions = TidyTable(admissions.table, admissions.parents, (*admissions.notes, note))
    beside = np.full(len(admissions.table), np.nan) if shares is None else _beside(admissions.table, shares.table)
    admissions.table[ED_SHARE] = beside
    if shares is None:
        return [admissions]
    shares.table[ED_SHARE] = np.nan
    return [admissions, shares]


def _shares(rows: RawTable, hub: ForecastHub) -> TidyTable:
    """The shares, all of them from 0 to 1. Raises `DataError` otherwise."""
    tidy = tidy_target(rows, hub.share_target, disease_share(hub).column)
    values = tidy.table[VALUE].to_numpy()
    wrong = values[(values < SHARE.low) | (values > SHARE.high)]
    if len(wrong):
        raise rows.error(f"{wrong[0]:g} is no share from 0 to 1; get the file anew from the publisher.")
    return tidy


def _beside(table: pd.DataFrame, shares: pd.DataFrame) -> np.ndarray:
    """For each row of `table` the share of its place and week in the newest vintage of `shares` by then; else NaN."""
    place, week = table[REGION].map({name: i for i, name in enumerate(_PLACES)}).to_numpy(int), table[DATE].to_numpy()
    own = shares[REGION].map({name: i for i, name in enumerate(_PLACES)}).to_numpy(int)
    weeks, published = np.unique(shares[DATE].to_numpy()), np.unique(shares[AS_OF].to_numpy())
    vintage = np.searchsorted(published, table[AS_OF].to_numpy(), side="right") - 1
    known = np.searchsorted(weeks, week)
    possible = (vintage >= 0) & (known < len(weeks))
    possible &= weeks[np.minimum(known, len(weeks) - 1)] == week

    def keys(place: np.ndarray, week: np.ndarray, vintage: np.ndarray) -> np.ndarray:
        return (place.astype(np.int64) * len(weeks) + week) * len(published) + vintage

    # Sorted as the rows are: by place, week and vintage.
    there = keys(own, np.searchsorted(weeks, shares[DATE]), np.searchsorted(published, shares[AS_OF]))
    asked = keys(place, known, vintage)
    found = np.minimum(np.searchsorted(there, asked), len(there) - 1)
    return np.where(possible & (there[found] == asked), shares[VALUE].to_numpy()[found], np.nan)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The parts below each other, names as categories, which take a byte a row."""
    held = {str(name) for part in parts for name in part[REGION].cat.categories}
    places = pd.CategoricalDtype([name for name in _PLACES if name in held])
    statistics = pd.CategoricalDtype([str(part[STATISTIC].cat.categories[0]) for part in parts])
    return pd.concat([part.astype({REGION: places, STATISTIC: statistics}) for part in parts], ignore_index=True)
