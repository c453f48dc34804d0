"""A logarithmic y axis for a finished figure: zeros, which it has no place for, lie on its lower edge, and the chart says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from forecasting.data.series import Series
from forecasting.views.charts import write_figures

#: What the lower edge is of the smallest figure above zero.
EDGE = 0.5


def can_log(series: Series) -> bool:
    """Whether a logarithmic axis makes sense: nothing can be below zero, or nothing is, and something is above it."""
    values = series.values
    return bool((values > 0).any()) and (series.kind.low >= 0 or float(values.min()) > 0)


def on_log_axis(figure: dict[str, Any], edge: float | None = None) -> dict[str, Any]:
    """`figure`, whose y axis becomes logarithmic; what lies below its lower edge is put on it, and on hover still says what it is.

    The edge is given, or half of the smallest figure above zero; it is in ``layout.meta.edge``. Notes at a height are moved to
    its logarithm, as Plotly wants it.
    """
    if edge is None:
        lines = [trace for trace in figure["data"] if not trace.get("fill")]
        above = [value for trace in lines for value in trace["y"] if value is not None and value > 0]
        edge = EDGE * min(above, default=1.0)
    for trace in figure["data"]:
        _lift(trace, edge)
    layout = figure["layout"]
    layout["yaxis"] |= {"type": "log", "rangemode": "normal"}
    layout["meta"] = {**layout.get("meta", {}), "edge": edge}
    for note in layout.get("annotations", []):
        if note.get("yref") != "paper":
            note["y"] = math.log10(max(note["y"], edge))
    return figure


def _lift(trace: dict[str, Any], edge: float) -> None:
    """Put what is below the `edge` of a trace on it; on hover it still says what it is."""
    below = [place for place, value in enumerate(trace["y"]) if value is not None and value < edge]
    if not below:
        return
    write_figures(trace, below)
    trace["y"] = [edge if value is not None and value < edge else value for value in trace["y"]]


def zeros_sentences(history: np.ndarray, reaches_zero: bool) -> list[str]:
    """What a logarithmic axis does with zeros, in a sentence; none where there are none.

    Args:
        history: the figures that are drawn.
        reaches_zero: a forecast's band does.
    """
    zeros = int((history <= 0).sum())
    what = ["1 zero"] if zeros == 1 else [f"{zeros:,} zeros"] if zeros else []
    what += ["bands that reach zero"] if reaches_zero else []
    if not what:
        return []
    verb = "is" if what == ["1 zero"] else "are"
    return [f"A log axis has no zero: {' and '.join(what)} {verb} drawn on its lower edge."]
