"""Clock change: local times that show an hour twice on a night of autumn, put on winter time so that all are different."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.formatting import format_date
from forecasting.support.errors import DataError
from forecasting.tables.cells.dictionary_columns import decode_column
from forecasting.tables.cells.parse_dates import try_parse_dates
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.utc_offsets import split_utc_offset
from forecasting.tables.reshape.row_labels import date_column, label_columns

#: Where summer time ends: month and which Sunday of it, begins: the same, and hours from the repeated one to the missing one.
_RULES = (
    ("Europe", (10, -1), (3, -1), 0),
    ("North America", (11, 0), (3, 1), 1),
    ("Australia", (4, 0), (10, 0), 0),
)
_HOUR = pd.Timedelta(hours=1)


def unfold_autumn_hour(raw: RawTable) -> RawTable:
    """The table with its local times on winter time, where they show an hour twice; the same table otherwise."""
    column = date_column(raw)
    if column is None or not _has_clock(raw, column):
        return raw
    labels = label_columns(raw, column)
    twice = raw.cells.duplicated([*labels, column], keep=False).to_numpy()
    if not twice.any() or twice.all():
        return raw
    try:
        times, wrong = try_parse_dates(raw, column)
    except DataError:
        return raw
    if wrong.any():
        return raw
    local = pd.DatetimeIndex(times)
    shown = local[twice]
    for _, end, begin, later in _RULES:
        if all(day == _sunday(day.year, *end) for day in shown.normalize().unique()):
            return _on_winter_time(raw, column, labels, local, twice, (end, begin, later))
    return raw


def _has_clock(raw: RawTable, column: str) -> bool:
    """Whether the first cells are times without an offset from UTC."""
    head = decode_column(raw.cells[column].iloc[:20]).astype(str).str.strip()
    return bool(head.str.contains(r"\d:\d\d").all()) and split_utc_offset(head.iloc[0])[1] is None


def _sunday(year: int, month: int, which: int) -> pd.Timestamp:
    """The first (0), second or last (-1) Sunday of a month."""
    days = pd.date_range(pd.Timestamp(year, month, 1), periods=pd.Timestamp(year, month, 1).days_in_month)
    return days[days.day_of_week == 6][which]


def _on_winter_time(
    raw: RawTable,
    column: str,
    labels: list[str],
    local: pd.DatetimeIndex,
    twice: np.ndarray,
    rule: tuple[tuple[int, int], tuple[int, int], int],
) -> RawTable:
    end, begin, later = rule
    hours = (local[twice] - local[twice].normalize()).floor("h").unique()
    if len(hours) != 1:
        return raw
    hour = hours[0]
    # In a file that runs backwards the hour of winter stands first.
    backwards = local[0] > local[-1]
    again = raw.cells.duplicated([*labels, column], keep="last" if backwards else "first").to_numpy()
    summer = np.zeros(len(local), dtype=bool)
    for year in range(local.min().year - 1, local.max().year + 1):
        first = _sunday(year, *begin) + hour + (later + 1) * _HOUR
        last = _sunday(year + (end < begin), *end) + hour
        summer |= np.asarray((local >= first) & (local < last))
        summer |= np.asarray((local >= last) & (local < last + _HOUR)) & twice & ~again
    winter = local.where(~summer, local - _HOUR)
    cells = raw.cells.assign(**{column: winter.strftime("%Y-%m-%d %H:%M:%S").astype("str")})
    if cells.duplicated([*labels, column]).any():
        return raw
    day = local[twice][0]
    remark = (
        f"The hour from {hour.components.hours:02d}:00 is there twice on {format_date(day)}, when clocks are put back: all times "
        "are in winter time."
    )
    return raw.changed(cells, raw.lines, remark)
