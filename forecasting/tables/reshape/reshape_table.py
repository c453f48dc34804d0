"""Reshape a raw table into one with a column of dates that are all told apart: its dates may stand in several columns or in its header.

Whatever is changed is said in `RawTable.remarks`, and `RawTable.original` is the table as it stood.
"""

from __future__ import annotations

from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.reshape.clock_change import unfold_autumn_hour
from forecasting.tables.reshape.date_parts import join_date_parts
from forecasting.tables.reshape.dated_columns import stack_dated_columns
from forecasting.tables.reshape.period_columns import stack_period_columns
from forecasting.tables.reshape.repeated_rows import drop_repeated_rows
from forecasting.tables.reshape.times_of_day import join_times_of_day

#: In the order in which they are tried.
_STEPS = (
    stack_period_columns,
    stack_dated_columns,
    join_date_parts,
    join_times_of_day,
    unfold_autumn_hour,
    drop_repeated_rows,
)


def reshape_table(raw: RawTable) -> RawTable:
    """The table with one column of dates; the same table where nothing has to be done."""
    header = list(raw.cells)
    if oxcgrt_format.is_oxcgrt_table(header) or jhu_format.is_jhu_table(header):
        return raw
    for step in _STEPS:
        raw = step(raw)
    return raw
