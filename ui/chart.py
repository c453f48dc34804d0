"""The chart component: a thin skin around `Plotly.react` that keeps zoom, hover and legend while its figure changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components import v1

from forecasting.palette import Theme
from ui.numbered import numbered

# Lines, bars and pies are all that is drawn: plotly.js' basic bundle is far smaller than the whole, so a chart is there
# sooner (`python -m benchmarks first_forecast`). Version 1 of the component interface is the way to serve a folder.
v1.declare_component("plotly_js", path=str(Path(__file__).parent / "plotly"))
SOURCE = "component/ui.chart.plotly_js/plotly-basic.min.js"

_component = st.components.v2.component(
    "fan_chart",
    html='<div class="fan-chart" role="img"></div>',
    css=".fan-chart { width: 100%; }",
    js=(Path(__file__).parent / "chart.js").read_text(),
    isolate_styles=False,
)


def draw(
    figure: dict[str, Any],
    theme: Theme,
    *,
    key: str,
    view: str,
    name: str,
    description: str,
    height: int = 440,
    top: float | None = None,
) -> None:
    """Draw `figure` (a Plotly dictionary).

    Args:
        theme: whose colours the figure has.
        view: what is shown, in a word; while it stays the same, the reader's zoom and legend choices stay too.
        name: the file name of image downloads, without ending.
        description: the chart in a sentence, for screen readers.
        height: pixels.
        top: where the y axis ends, for charts side by side; else it follows what is in view.
    """
    figure = {**figure, "layout": {**figure["layout"], "uirevision": view}}
    data = {
        "figure": figure,
        "source": SOURCE,
        "name": name,
        "description": description,
        "height": height,
        "top": top,
        "background": theme.background,
    }
    _component(data=numbered(data, key), key=key, on_theme_change=_nothing)


def _nothing() -> None:
    """The reader's theme has changed; that the page runs again is all that it takes."""
