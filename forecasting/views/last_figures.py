"""Markers of a series' last figures that are not what they seem: those not used yet, and what others usually become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.formatting import format_figure
from forecasting.data.revisions import Revision
from forecasting.data.series import Series
from forecasting.views.charts import iso_dates, json_numbers
from forecasting.views.palette import Theme


def provisional_traces(series: Series, theme: Theme) -> list[dict[str, Any]]:
    """Circles of the figures that are published and too doubtful to use; none beside running totals."""
    late = series.provisional
    if late is None or late.empty or series.cumulative:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "provisional",
            "x": iso_dates(pd.DatetimeIndex(late.index)),
            "y": json_numbers(late.to_numpy(float)),
            "name": "Provisional, not used",
            "marker": {"symbol": "circle-open", "size": 9, "color": theme.text, "line": {"width": 2}},
            "hovertemplate": "%{y:,.0f} so far",
        }
    ]


def revised_traces(series: Series, revisions: Sequence[Revision], smooth: bool, theme: Theme) -> list[dict[str, Any]]:
    """Diamonds of what the last figures usually become, with an 80 % range; none beside means and running totals."""
    corrected = () if series.reported is None else series.reported.index
    shown = [one for one in revisions if one.date >= series.start and one.date not in corrected]
    if not shown or smooth or series.cumulative:
        return []
    decimals = series.decimals
    value = np.array([revision.value for revision in shown])
    low, middle, high = (value * [getattr(r, part) for r in shown] for part in ("low", "median", "high"))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "revised",
            "x": iso_dates(pd.DatetimeIndex([revision.date for revision in shown])),
            "y": json_numbers(middle),
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": json_numbers(high - middle),
                "arrayminus": json_numbers(middle - low),
                "color": theme.muted,
                "thickness": 1.5,
                "width": 4,
            },
            "name": "Usually becomes",
            "marker": {"symbol": "diamond-open", "size": 9, "color": theme.muted, "line": {"width": 2}},
            "customdata": [
                f"{format_figure(a, decimals)} – {format_figure(b, decimals)}" for a, b in zip(low, high, strict=True)
            ],
            "hovertemplate": "usually becomes %{y:,.0f} (80 %: %{customdata})",
        }
    ]
