"""Tables that show numbers as sentences write them, and sort and copy them as numbers.

The browser's own formats write a hyphen before a number below zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
from pandas.io.formats.style import Styler

from forecasting.data.formatting import format_figure, format_signed_percent


def with_texts(table: pd.DataFrame | Styler, texts: Mapping[str, Callable[[float], str]]) -> Styler:
    """`table` whose columns named in `texts` show what those functions say of each number; a column's own format must not be set then."""
    styler = table if isinstance(table, Styler) else table.style
    for column, text in texts.items():
        if column in styler.columns:
            styler = styler.format(text, subset=[column], na_rep="")
    return styler


def figure_text(decimals: int) -> Callable[[float], str]:
    """The text of a figure with so many decimal places."""
    return partial(format_figure, decimals=decimals)


def share_text(percent: float) -> str:
    """The text of a share in percent, rounded as sentences round it: ``62.5`` -> ``"62 %"``."""
    return f"{percent:.0f} %"


def percent_text(decimals: int) -> Callable[[float], str]:
    """The text of a percentage with its sign, and so many decimal places."""
    return partial(format_signed_percent, decimals=decimals)
