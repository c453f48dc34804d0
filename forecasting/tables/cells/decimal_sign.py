"""The decimal sign of a file: where it is decided whether 1,5 is one and a half.

A comma is one where cells are separated by semicolons, as spreadsheets of such countries write them; and in a column
whose numbers all have commas, at least one of which cannot separate thousands.
"""

from __future__ import annotations

import re

import pandas as pd

from forecasting.tables.cells.blank_cells import stripped_text

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


def separator_implies_decimal_comma(separator: str) -> bool:
    """Whether a CSV with this separator between its cells may have decimal commas."""
    return separator == ";"


def column_has_decimal_comma(unread: pd.Series, cells: pd.Series) -> bool:
    """Whether `cells` are written as 1,5, none of them as 1.5, and some that cannot mean thousands.

    Args:
        unread: those that are no numbers with decimal points, as text.
        cells: the whole column.
    """
    commas = unread[unread.str.contains(",", regex=False)]
    if commas.empty or not commas.str.fullmatch(_DECIMAL_COMMA).all() or commas.str.fullmatch(_THOUSANDS_COMMA).all():
        return False
    return not stripped_text(cells).str.contains(".", regex=False).any()


def with_decimal_points(cells: pd.Series) -> pd.Series:
    """Cells with decimal commas as text with decimal points."""
    return stripped_text(cells).str.replace(",", ".", regex=False)
