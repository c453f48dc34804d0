"""Repeated rows: rows that are in a table twice from end to end, of which one is kept."""

from __future__ import annotations

from forecasting.tables.cells.dictionary_columns import coded_columns
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import is_repeated, row_keys
from forecasting.tables.reshape.row_labels import date_column, figure_columns, label_columns

#: Share of the rows that are repeated at most: a table that is there twice may be that of two things.
_MOST_REPEATED = 0.25
#: Rows of a table without repeating texts that is looked at.
_MOST_ROWS = 200_000
#: Columns that are looked at before all of them are.
_FIRST_COLUMNS = 20


def drop_repeated_rows(raw: RawTable) -> RawTable:
    """The table without rows that stand above from end to end, where no others are of the same date and labels.

    Sales of one price on one day are equal, too: beside rows that differ, equal ones are no mistake.
    """
    coded = coded_columns(raw.cells)
    if len(coded) == len(raw.cells.columns) or not len(coded):
        if len(raw.cells) > _MOST_ROWS:
            return raw
    elif not is_repeated(row_keys(raw.cells, coded)).any():
        return raw
    if not raw.cells.iloc[:, :_FIRST_COLUMNS].duplicated().any():
        return raw  # what differs in some columns differs, and of thousands of columns each takes its time
    twice = raw.cells.duplicated().to_numpy()
    if not twice.any() or twice.mean() > _MOST_REPEATED:
        return raw
    date = date_column(raw)
    if date is None or not figure_columns(raw, date):
        return raw
    kept = raw.take_rows(~twice)
    if kept.cells.duplicated([date, *label_columns(raw, date)]).any():
        return raw
    rows = "1 repeated row is" if twice.sum() == 1 else f"{int(twice.sum()):,} repeated rows are"
    first = raw.place(int(twice.argmax()))
    return raw.changed(kept.cells, kept.lines, f"{rows} left out, the first in {first}: the whole row is there above.")
