"""How target data of a hub was read before `forecasting.sources.shared.hub_rows`: as any table, all of it as text at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.us_states import NATION, STATES, postal_code
from forecasting.tables.cells.parse_dates import parse_dates
from forecasting.tables.cells.parse_numbers import parse_numbers
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_table

COLUMNS = ("target", "location", "observation", "as_of", "target_end_date")


def read(path: Path, targets: Sequence[str]) -> list[pd.DataFrame]:
    """A table a target."""
    raw = read_table(path.read_bytes(), path.name, lambda header: [name for name in header if name in COLUMNS])
    wanted = raw.cells["target"].isin(targets).to_numpy(dtype=bool, na_value=False)
    rows = raw if wanted.all() else raw.take_rows(wanted)
    return [_tidy(rows, target) for target in targets]


def _tidy(rows: RawTable, target: str) -> pd.DataFrame:
    raw = rows.take_rows((rows.cells["target"] == target).to_numpy(dtype=bool, na_value=False))
    codes, given = pd.factorize(raw.cells["location"], use_na_sentinel=False)
    regions = [_region_name(str(code)) for code in given]
    names = sorted({name for name in regions if name}, key=lambda name: (name != NATION, name))
    places = np.array([names.index(name) if name else -1 for name in regions])[codes]
    known = places >= 0
    weeks = parse_dates(raw, "target_end_date").to_numpy()[known]
    as_of = _released(parse_dates(raw, "as_of").to_numpy()[known], weeks)
    values, places = parse_numbers(raw, "observation")[known], places[known]
    order = np.lexsort((as_of, weeks, places))
    keys = (places[order], weeks[order], as_of[order])
    order = order[np.append(np.any([key[1:] != key[:-1] for key in keys], axis=0), True)]
    return pd.DataFrame(
        {
            REGION: pd.Categorical.from_codes(places[order], names),
            STATISTIC: pd.Categorical.from_codes(np.zeros(len(order), dtype=np.int8), ["admissions"]),
            DATE: weeks[order],
            VALUE: values[order],
            AS_OF: as_of[order],
        }
    )


def _region_name(code: str) -> str | None:
    known = postal_code(code)
    return NATION if known == "US" else STATES.get(known or "")


def _released(as_of: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    codes, vintages = pd.factorize(as_of)
    last = pd.Series(weeks).groupby(codes).max().to_numpy()
    delay = pd.Timedelta(days=4).to_timedelta64()
    return np.where(vintages <= last, last + delay, vintages)[codes].astype("datetime64[us]")
