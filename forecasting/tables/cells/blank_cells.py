"""Blank cells and the text of cells: what people and programs write where nothing was published, and how a message quotes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

#: What people and programs write where nothing was published, in small letters.
BLANK_TEXTS = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nat", "<na>"})
#: What stands where there is no number: the same, dashes and dots.
NUMBER_BLANKS = BLANK_TEXTS | {"-", "--", "---", "–", "—", "..", "...", "…", ":", "n.a.", "n. a.", "k.a.", "k. a."}
#: The same in the spellings that are usual.
USUAL_BLANKS = (*BLANK_TEXTS, *map(str.upper, BLANK_TEXTS - {""}), "NaN", "None", "NaT", "Null")


def quote_cell(cell: Any) -> str:
    """A cell in quotes, as messages show it: on one line, and at most 40 letters of it."""
    text = " ".join(str(cell).split())
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"


def quote_cells(cells: Sequence[Any], most: int = 8) -> str:
    """The first of them as `quote_cell` gives them, and how many more there are."""
    quoted = ", ".join(map(quote_cell, cells[:most]))
    return quoted + (f" and {len(cells) - most} more" if len(cells) > most else "")


def stripped_text(cells: pd.Series) -> pd.Series:
    """Cells of any type as text without spaces around it; a missing one is empty."""
    if pd.api.types.is_float_dtype(cells) and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")  # 20210304.0 is a date, too
    return cells.astype("string").fillna("").str.strip()
