"""Column names of a table that was just read: unique, none of them empty."""

from __future__ import annotations

import re

import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.limits import check_names, check_size
from forecasting.tables.cells.text_encoding import replace_lone_surrogates


def name_columns(header: list[str], name: str) -> list[str]:
    """Unique names for the columns: those of the header, and ``column 3`` where there is none.

    Raises `DataError` for too many columns, and for two of one name.
    """
    check_size(name, len(header), 1)
    check_names(name, header)
    header = [replace_lone_surrogates(title) for title in header]
    seen: set[str] = set()
    for title in header:
        if title and title in seen:
            beside = ", or give one of two tables that stand side by side" if _stand_side_by_side(header, title) else ""
            raise DataError(f"{name}: the header has the column {title[:40]!r} twice; rename one of them{beside}.")
        seen.add(title)
    # A nameless first column (an index, or dates) is kept; pandas needs a name for every column.
    named = [h or f"column {i + 1}" for i, h in enumerate(header)]
    if len(set(named)) < len(named):
        raise DataError(f"{name}: a column without a name would be called as another; give each column a name.")
    return named


def _stand_side_by_side(header: list[str], title: str) -> bool:
    """Whether a header seems to be that of two tables: its first name comes again, behind a column without a name."""
    again = len(header) - 1 - header[::-1].index(title)
    return header.index(title) == 0 and not header[again - 1]


def drop_blank_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """Without nameless columns that are empty, which a separator at the end of every line makes."""
    nameless = [column for column in cells if re.fullmatch(r"column \d+", column)]
    return cells.drop(columns=[c for c in nameless if cells[c].isna().all() or cells[c].astype(str).eq("").all()])
