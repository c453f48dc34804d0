"""Whether a table needs its column mapping, or is read the same without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.support.errors import DataError
from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.parse_dates import parse_dates, try_parse_dates
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_vocabulary import COLUMN_SYNONYMS, split_words, standard_names


def reads_without_mapping(raw: RawTable, mapping: ColumnMapping, table: pd.DataFrame) -> bool:
    """Whether `read_panel` makes of `raw` what was made of it with the mapping, `table`, when no cell was wrong.

    Running totals may have to be said all the same. It is no in case of doubt.
    """
    header = list(raw.cells)
    chosen = {mapping.date, mapping.value, mapping.region, mapping.statistic, mapping.as_of} - {None}
    if (
        any(
            said is not None
            for said in (mapping.sheet, mapping.day_first, mapping.combine, mapping.kind, mapping.zeros_at_end)
        )
        or any(said is not None for said in (mapping.number_format, mapping.six_digits))
        or mapping.total
        or ("cumulative" in split_words(raw.name) and not mapping.cumulative)
        or oxcgrt_format.is_oxcgrt_table(header)
        or jhu_format.is_jhu_table(header)
        or set(header) != chosen | {*mapping.covariates, *mapping.wide}
        or len({column.lower() for column in header}) < len(header)
        or (header[0] == "column 1" and mapping.date != "column 1")
    ):
        return False
    names = standard_names(header)
    same = _wide(header, mapping, names) if mapping.value is None else _tidy(mapping, names, table)
    return same and all(_one_form(raw, column) for column in (mapping.date, mapping.as_of) if column is not None)


def _tidy(mapping: ColumnMapping, names: dict[str, str], table: pd.DataFrame) -> bool:
    roles = ((mapping.date, DATE), (mapping.value, VALUE), (mapping.region, REGION), (mapping.statistic, STATISTIC))
    further = not any(column.lower() in COLUMN_SYNONYMS or table[column].isna().all() for column in mapping.covariates)
    called = mapping.statistic is not None or mapping.value == VALUE
    return further and called and names == {column: name for column, name in (*roles, (mapping.as_of, AS_OF)) if column}


def _wide(header: list[str], mapping: ColumnMapping, names: dict[str, str]) -> bool:
    first = next(iter(names), header[0])
    others = tuple(column for column in header if column != first)
    return set(names.values()) <= {DATE} and mapping.date == first and mapping.wide == others


def _one_form(raw: RawTable, column: str) -> bool:
    """Whether the dates are all written in one way, as they must be where nobody looks after them."""
    cells = pd.DataFrame({column: pd.Series(raw.cells[column].unique())})
    thin = replace(raw, cells=cells, lines=np.arange(len(cells)))
    try:
        return parse_dates(thin, column).equals(try_parse_dates(thin, column)[0])
    except DataError:
        return False
