"""Target data of a forecast hub, in the hubverse's time-series format with every vintage in one file -> a tidy table.

A row a target, week, place and ``as_of``; CSV or Parquet. Format:
https://docs.hubverse.io/en/latest/user-guide/target-data.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.panel import Statistic
from forecasting.data.us_states import NATION, STATES, postal_code
from forecasting.sources.shared.hub_rows import csv_rows, is_parquet, parquet_rows, recoded
from forecasting.support.errors import DataError
from forecasting.tables.cells.blank_cells import quote_cell
from forecasting.tables.cells.limits import error_text
from forecasting.tables.cells.parse_dates import parse_dates
from forecasting.tables.cells.parse_numbers import parse_numbers
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.cells.tidy_table import TidyTable

#: The statistic's name in `Panel.table`.
ADMISSIONS = "admissions"
#: The column that names the count of a row.
TARGET = "target"
#: The column of places' codes.
LOCATION = "location"
#: The column of counts.
OBSERVATION = "observation"
#: The last day of the week; the COVID-19 hub wrote it as ``date`` until 2026.
WEEKS = ("target_end_date", "date")
#: From the Saturday that ends a week to the Wednesday on which its first figures are published.
RELEASE_DELAY = pd.Timedelta(days=4)


def admissions_statistic(target: str) -> Statistic:
    """New hospital admissions, which the hubs call `target`."""
    return Statistic("new_admissions", "New hospital admissions", "admissions", ADMISSIONS, target=target)


def read_hub_target_data(path: Path, target: str) -> TidyTable:
    """The rows of one target of a file as a tidy table, `tidy_target`. Raises `DataError` as that and `target_rows`."""
    return tidy_target(target_rows(path, (target,)), target)


def tidy_target(rows: RawTable, target: str, statistic: str = ADMISSIONS) -> TidyTable:
    """The rows of one target as a tidy table with `as_of`: the nation first, then its parts by name.

    Places are called by name, whatever their code. Of a figure that a vintage has twice the later row counts. Raises
    `DataError` where there is no row of that target, and for a cell that is no date or number.
    """
    raw = _of_target(rows, target)
    names, places, notes = _places(raw)
    known = places >= 0
    week_of, weeks = pd.factorize(parse_dates(raw, _week(raw)).to_numpy()[known], sort=True)
    called_of, called = pd.factorize(parse_dates(raw, AS_OF).to_numpy()[known], sort=True)
    vintage_of, vintages = _released(called_of, called, week_of, weeks)
    values = parse_numbers(raw, OBSERVATION)[known]
    # Millions of rows: small numbers are sorted much faster than dates.
    keys = [_small(codes) for codes in (vintage_of, week_of, places[known])]
    order = np.lexsort(keys)
    vintage, week, place = (codes[order] for codes in keys)
    last = _last_of_each(place, week, vintage)
    table = pd.DataFrame(
        {
            # As categories, names take a byte a row.
            REGION: pd.Categorical.from_codes(place[last], names),
            STATISTIC: pd.Categorical.from_codes(np.zeros(int(last.sum()), dtype=np.int8), [statistic]),
            DATE: weeks[week[last]],
            VALUE: values[order[last]],
            AS_OF: vintages[vintage[last]],
        }
    )
    return TidyTable(table, {name: NATION for name in names if name != NATION}, notes)


def _of_target(rows: RawTable, target: str) -> RawTable:
    """The rows of one target; raises `DataError` where there is none."""
    wanted = (rows.cells[TARGET] == target).to_numpy(dtype=bool, na_value=False)
    if not wanted.any():
        raise rows.error(f"there is no row of the target {target!r}; get the file anew from the publisher.")
    if wanted.all():
        return rows
    raw = rows.take_rows(wanted)
    return replace(raw, cells=recoded(raw.cells))


def target_rows(path: Path, targets: Sequence[str]) -> RawTable:
    """The needed columns of the rows of `targets`. Raises `DataError` for a file that cannot be read, or lacks a column."""
    if is_parquet(path):
        raw = parquet_rows(path, _parquet_columns(path), TARGET, targets)
    else:
        texts = (TARGET, LOCATION, AS_OF)
        tries = (csv_rows(path, (*texts, week), OBSERVATION, TARGET, targets) for week in WEEKS)
        # What is not plain is read as any table: slowly, and with every reason why it cannot be.
        raw = next((rows for rows in tries if rows), None) or read_table(
            path.read_bytes(), path.name, _needed, own=True
        )
    raw.require_columns((TARGET, LOCATION, OBSERVATION, AS_OF, _week(raw)))
    wanted = raw.cells[TARGET].isin(targets).to_numpy(dtype=bool, na_value=False)
    return raw if wanted.all() else raw.take_rows(wanted)


def _parquet_columns(path: Path) -> list[str]:
    try:
        return _needed(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path.name}: it cannot be read as Parquet ({error_text(error)}); get it anew.") from None


def _needed(header: Sequence[str]) -> list[str]:
    """The columns that are read; all of any other table, for the message to be about what is missing."""
    known = [column for column in header if column in (TARGET, LOCATION, OBSERVATION, AS_OF, *WEEKS)]
    return known if TARGET in known else list(header)


def _week(raw: RawTable) -> str:
    return next((column for column in WEEKS if column in raw.cells), WEEKS[0])


def _places(raw: RawTable) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The names of the regions in their order, each row's place among them (-1: none), and what was left out."""
    codes, given = pd.factorize(raw.cells[LOCATION], use_na_sentinel=False)
    regions = [_region_name(str(code)) for code in given]
    names = sorted({name for name in regions if name}, key=lambda name: (name != NATION, name))
    if not names:
        raise raw.error(
            f"{quote_cell(given[0])} in the column {LOCATION!r} is no code of a place; get the file anew.", 0
        )
    unknown = sorted(str(code) for code, name in zip(given, regions, strict=True) if not name)
    notes = (f"Left out, because the codes are of no known place: {', '.join(unknown)}.",) if unknown else ()
    positions = np.array([names.index(name) if name else -1 for name in regions])
    return names, positions[codes], notes


def _region_name(code: str) -> str | None:
    known = postal_code(code)
    return NATION if known == "US" else STATES.get(known or "")


def _released(
    called_of: np.ndarray, called: np.ndarray, week_of: np.ndarray, weeks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """When each row was published, as its number among the dates, and these dates.

    A vintage may be called by its last week, which nobody knew on that very day.
    """
    last = np.zeros(len(called), dtype=week_of.dtype)
    np.maximum.at(last, called_of, week_of)
    published = np.where(called <= weeks[last], weeks[last] + RELEASE_DELAY.to_timedelta64(), called)
    number_of, dates = pd.factorize(published.astype("datetime64[us]"), sort=True)
    return number_of[called_of], dates


def _small(codes: np.ndarray) -> np.ndarray:
    """The codes in as few bytes as numpy sorts fastest."""
    return codes.astype(np.int16 if codes.max(initial=0) < 2**15 else np.int64)


def _last_of_each(*keys: np.ndarray) -> np.ndarray:
    """Of sorted rows, those that differ from the next in some key."""
    differs = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.append(differs, True)
