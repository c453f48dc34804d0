"""Missing codes: numbers such as -999 that programs write where nothing was measured, far outside all other figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecasting.tables.cells.blank_cells import quote_cell

_NEGATIVE_CODES = (
    -99.0, -99.9, -99.99, -888.0, -999.0, -999.9, -999.99, -8888.0, -9999.0, -9999.9, -9999.99, -99999.0, -999999.0, -9999999.0,
)  # fmt: skip
_POSITIVE_CODES = (
    99.9, 99.99, 999.0, 999.9, 999.99, 9999.0, 9999.9, 9999.99, 99999.0, 99999.9, 999999.0, 9999999.0, 99999999.0,
)  # fmt: skip
#: Other figures that a column has at least, for a code to be told from them.
_LEAST_OTHERS = 5
#: A code above all others is at least so many times the largest of them.
_TIMES = 3
#: A single code is so many times as far out as one that repeats.
_ONCE = 5


def without_missing_codes(values: np.ndarray, columns: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The figures of some columns with NaN for codes of missing ones, and a sentence on these.

    Args:
        values: a figure a row, or a row of figures with one of each column.
        columns: their names.
    """
    block = values.reshape(len(values), -1)
    found: dict[float, list[int]] = {}
    cleaned = block
    for place in range(block.shape[1]):
        for code in missing_codes(block[:, place]):
            cleaned = cleaned.copy() if cleaned is block else cleaned
            cleaned[block[:, place] == code, place] = np.nan
            found.setdefault(code, []).append(place)
    notes = tuple(_sentence(code, block, columns, places) for code, places in found.items())
    return cleaned.reshape(values.shape), notes


def _sentence(code: float, block: np.ndarray, columns: Sequence[str], places: Sequence[int]) -> str:
    count = int((block[:, list(places)] == code).sum())
    where = quote_cell(columns[places[0]]) + (f" and {len(places) - 1} more columns" if len(places) > 2 else "")
    where += f" and {quote_cell(columns[places[1]])}" if len(places) == 2 else ""
    what = "1 figure" if count == 1 else f"{count:,} figures"
    verb = "is" if count == 1 else "are"
    return f"{what} in {where} {verb} {code:.10g}, far outside all others: taken as a code for missing."


def missing_codes(values: np.ndarray) -> list[float]:
    """Which codes the figures of a column have that are none of its figures."""
    low, high = np.fmin.reduce(values, initial=0.0), np.fmax.reduce(values, initial=0.0)
    if low > max(_NEGATIVE_CODES) and high < min(_POSITIVE_CODES):
        return []
    known = values[np.isfinite(values)]
    counts = {code: int((known == code).sum()) for code in (*_NEGATIVE_CODES, *_POSITIVE_CODES) if low <= code <= high}
    counts = {code: count for code, count in counts.items() if count}
    if not counts:
        return []
    others = known[~np.isin(known, list(counts))]
    if len(others) < _LEAST_OTHERS:
        return []
    return [code for code, count in counts.items() if _is_outside(code, count, others)]


def _is_outside(code: float, count: int, others: np.ndarray) -> bool:
    """Whether a code is where no other figure is near it."""
    low, high = float(others.min()), float(others.max())
    spread = high - low
    if code > 0:
        return count > 1 and code > _TIMES * abs(high) and code > high + 2 * spread
    if low >= 0:
        # Corrections of counts are not all of this one size.
        return count > 1 or -code > _ONCE * high
    return code < low - (spread if count > 1 else _ONCE * spread)
