"""Target data of a forecast hub, in the hubverse's time-series format with every vintage in one file -> a tidy table.

A row a target, week, place and ``as_of``; CSV or Parquet. Format:
https://docs.hubverse.io/en/latest/user-guide/target-data.html
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.panel import Statistic
from forecasting.data.us_states import NATION, STATES, postal_code
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
    raw = rows.take_rows((rows.cells[TARGET] == target).to_numpy(dtype=bool, na_value=False))
    if raw.cells.empty:
        raise rows.error(f"there is no row of the target {target!r}; get the file anew from the publisher.")
    names, places, notes = _places(raw)
    known = places >= 0
    weeks = parse_dates(raw, _week(raw)).to_numpy()[known]
    as_of = _released(parse_dates(raw, AS_OF).to_numpy()[known], weeks)
    values, places = parse_numbers(raw, OBSERVATION)[known], places[known]
    order = np.lexsort((as_of, weeks, places))
    order = order[_last_of_each(places[order], weeks[order], as_of[order])]
    table = pd.DataFrame(
        {
            # Millions of rows: names as categories take a byte each.
            REGION: pd.Categorical.from_codes(places[order], names),
            STATISTIC: pd.Categorical.from_codes(np.zeros(len(order), dtype=np.int8), [statistic]),
            DATE: weeks[order],
            VALUE: values[order],
            AS_OF: as_of[order],
        }
    )
    return TidyTable(table, {name: NATION for name in names if name != NATION}, notes)


def target_rows(path: Path, targets: Sequence[str]) -> RawTable:
    """The needed columns of the rows of `targets`. Raises `DataError` for a file that cannot be read, or lacks a column."""
    with path.open("rb") as file:
        parquet = file.read(4) == b"PAR1"
    raw = _parquet(path) if parquet else read_table(path.read_bytes(), path.name, _needed)
    raw.require_columns((TARGET, LOCATION, OBSERVATION, AS_OF, _week(raw)))
    wanted = raw.cells[TARGET].isin(targets).to_numpy(dtype=bool, na_value=False)
    return raw if wanted.all() else raw.take_rows(wanted)


def _needed(header: Sequence[str]) -> list[str]:
    """The columns that are read; all of any other table, for the message to be about what is missing."""
    known = [column for column in header if column in (TARGET, LOCATION, OBSERVATION, AS_OF, *WEEKS)]
    return known if TARGET in known else list(header)


def _week(raw: RawTable) -> str:
    return next((column for column in WEEKS if column in raw.cells), WEEKS[0])


def _parquet(path: Path) -> RawTable:
    """The needed columns of a Parquet file, which holds millions of rows: text as categories, days as timestamps."""
    try:
        needed = _needed(pq.read_schema(path).names)
        with pq.ParquetFile(path, read_dictionary=[name for name in needed if name in (TARGET, LOCATION)]) as file:
            stored = file.read(columns=needed, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path.name}: it cannot be read as Parquet ({error_text(error)}); get it anew.") from None
    cells = stored.to_pandas(date_as_object=False)
    del stored
    # Arrow keeps what it no longer needs, several times the table's size.
    pa.default_memory_pool().release_unused()
    return RawTable(path.name, cells, np.arange(1, len(cells) + 1), "record")


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


def _released(as_of: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """When each row was published. A vintage may be called by its last week, which nobody knew on that very day."""
    codes, vintages = pd.factorize(as_of)
    last = pd.Series(weeks).groupby(codes).max().to_numpy()
    called_by_week = vintages <= last
    return np.where(called_by_week, last + RELEASE_DELAY.to_timedelta64(), vintages)[codes].astype("datetime64[us]")


def _last_of_each(*keys: np.ndarray) -> np.ndarray:
    """Of sorted rows, those that differ from the next in some key."""
    differs = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.append(differs, True)
