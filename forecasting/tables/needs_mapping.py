"""Whether a table is read the same way by itself as it is with a mapping, so that nobody has to be told the mapping."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.support.errors import DataError
from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.parse_cells import dates, readable_dates
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_roles import Mapping
from forecasting.tables.panel_file import SYNONYMS, our_names, words


def reads_alone(raw: RawTable, mapping: Mapping, table: pd.DataFrame) -> bool:
    """Whether `read_panel` makes of `raw` what was made of it with the mapping, `table`, when no cell was wrong.

    Running totals may have to be said all the same. It is no in case of doubt.
    """
    header = list(raw.cells)
    chosen = {mapping.date, mapping.value, mapping.region, mapping.statistic, mapping.as_of} - {None}
    if (
        (mapping.sheet, mapping.day_first, mapping.combine) != (None, None, None)
        or ("cumulative" in words(raw.name) and not mapping.cumulative)
        or oxcgrt_format.is_published(header)
        or jhu_format.is_published(header)
        or set(header) != chosen | {*mapping.covariates, *mapping.wide}
        or len({column.lower() for column in header}) < len(header)
        or (header[0] == "column 1" and mapping.date != "column 1")
    ):
        return False
    names = our_names(header)
    same = _wide(header, mapping, names) if mapping.value is None else _tidy(mapping, names, table)
    return same and all(_one_form(raw, column) for column in (mapping.date, mapping.as_of) if column is not None)


def _tidy(mapping: Mapping, names: dict[str, str], table: pd.DataFrame) -> bool:
    roles = ((mapping.date, DATE), (mapping.value, VALUE), (mapping.region, REGION), (mapping.statistic, STATISTIC))
    further = not any(column.lower() in SYNONYMS or table[column].isna().all() for column in mapping.covariates)
    called = mapping.statistic is not None or mapping.value == VALUE
    return further and called and names == {column: name for column, name in (*roles, (mapping.as_of, AS_OF)) if column}


def _wide(header: list[str], mapping: Mapping, names: dict[str, str]) -> bool:
    first = next(iter(names), header[0])
    others = tuple(column for column in header if column != first)
    return set(names.values()) <= {DATE} and mapping.date == first and mapping.wide == others


def _one_form(raw: RawTable, column: str) -> bool:
    """Whether the dates are all written in one way, as they must be where nobody looks after them."""
    cells = pd.DataFrame({column: pd.Series(raw.cells[column].unique())})
    thin = replace(raw, cells=cells, lines=np.arange(len(cells)))
    try:
        return dates(thin, column).equals(readable_dates(thin, column)[0])
    except DataError:
        return False
