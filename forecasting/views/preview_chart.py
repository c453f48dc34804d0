"""The preview chart of a table that was just read: the figures of its first regions, before anything is forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import decimals_needed
from forecasting.data.kind import COUNT
from forecasting.data.panel import Panel
from forecasting.views.charts import base_layout, iso_dates, line_trace, marked_with_dates
from forecasting.views.palette import MODEL_COLOURS, OTHER_COLOUR, Theme

#: Regions that are drawn, the first ones.
MOST_REGIONS = 6
#: Their colours on a light and on a dark background.
_COLOURS = (*MODEL_COLOURS.values(), OTHER_COLOUR)[:MOST_REGIONS]
#: Points of a line, the last ones.
MOST_POINTS = 2000


def preview_chart(panel: Panel, theme: Theme) -> dict[str, Any]:
    """A Plotly figure of the first statistic: a line for each of the first regions, with gaps where there are no figures."""
    statistic = panel.statistics[0]
    table = panel.table
    if AS_OF in table:
        table = panel.as_of(None).table
    rows = table[table[STATISTIC] == statistic.column]
    regions = rows[REGION].unique()[:MOST_REGIONS]
    decimals = 0 if statistic.kind is COUNT else decimals_needed(rows[VALUE].to_numpy(float)[:MOST_POINTS])
    traces: list[dict[str, Any]] = []
    window = (rows[DATE].min(), rows[DATE].max())
    for place, region in enumerate(regions):
        own = rows[rows[REGION] == region].tail(MOST_POINTS)
        dates, values = pd.DatetimeIndex(own[DATE]), own[VALUE].to_numpy(float)
        colour = theme.text if len(regions) == 1 else _COLOURS[place][theme.dark]
        trace = line_trace(iso_dates(dates), values, str(region)[:40], colour, 2.0, f"region {place}")
        traces.append(
            trace | {"hovertemplate": f"%{{y:,.{decimals}f}}", "connectgaps": False} | _points(values, colour)
        )
    layout = base_layout(window, theme, statistic.unit)
    marked_with_dates(layout, window[0], panel.frequencies[statistic.column])
    layout["showlegend"] = len(regions) > 1
    if statistic.kind.low < 0:
        layout["yaxis"]["rangemode"] = "normal"
    return {"data": traces, "layout": layout}


def preview_description(panel: Panel) -> str:
    """What the preview chart shows, in a sentence: which regions, and of how many."""
    regions = panel.regions()
    shown = ", ".join(str(region) for region in regions[:MOST_REGIONS])
    more = f" The first {MOST_REGIONS} of {len(regions):,} regions." if len(regions) > MOST_REGIONS else ""
    return f"The figures as they were read: {shown}.{more}"


def _points(values: np.ndarray, colour: str) -> dict[str, Any]:
    """Markers too where some figures stand alone between gaps, so that no line goes through them."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    alone = (known[1:-1] & ~known[:-2] & ~known[2:]).any()
    return {"mode": "lines+markers", "marker": {"size": 5, "color": colour}} if alone else {}
