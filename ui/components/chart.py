"""The chart component: a thin skin around `Plotly.react` that keeps zoom, hover and legend while its figure changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import streamlit as st
from streamlit.components import v1

from forecasting.support.caching import IdentityMemo
from forecasting.views.palette import Theme
from ui.components.sequence import json_with_number
from ui.shell import runtime

# Lines, bars and pies are all that is drawn: plotly.js' basic bundle is far smaller than the whole, so a chart is there
# sooner (`python -m benchmarks first_forecast`). Version 1 of the component interface is the way to serve a folder.
v1.declare_component("plotly_js", path=str(Path(__file__).parent / "plotly"))
SOURCE = "component/ui.components.chart.plotly_js/plotly-basic.min.js"

#: Figures that are kept as JSON: everybody who looks at the same draws the same, twice a second while something trains.
KEPT = 96
_kept: IdentityMemo[bytes] = IdentityMemo(KEPT)

_component = st.components.v2.component(
    "fan_chart",
    html='<div class="fan-chart" role="figure"></div>',
    css=".fan-chart { width: 100%; }\n.fan-chart:not([data-drawn]) { background: #8881; border-radius: 0.5rem; }\n",
    js=(Path(__file__).parent / "chart.js").read_text(),
    isolate_styles=False,
)


@dataclass(frozen=True)
class PictureCaption:
    """What a picture of a chart says without its page: a title, what the figures say, and where they come from."""

    title: str
    said: str
    source: str


def cached_figure(name: Hashable, parts: Iterable[object], make: Callable[[], dict[str, Any]]) -> bytes:
    """The figure that `make` gives, as JSON for `draw`; made once of the same `parts`, see `forecasting.support.caching.IdentityMemo`.

    `name` says what else the figure depends on, but for the reader's theme.
    """
    return _kept.get((name, runtime.theme().dark), parts, lambda: orjson.dumps(make()))


def draw(
    figure: dict[str, Any] | bytes,
    theme: Theme,
    *,
    key: str,
    view: str,
    name: str,
    description: str,
    height: int = 440,
    top: float | None = None,
    caption: PictureCaption | None = None,
) -> None:
    """Draw `figure` (a Plotly dictionary, or what `cached_figure` gave of one).

    Args:
        theme: whose colours the figure has.
        view: what is shown, in a word; while it stays the same, the reader's zoom and legend choices stay too.
        name: the file name of image downloads, without ending.
        description: the chart in a sentence, for screen readers.
        height: pixels.
        top: where the y axis ends, for charts side by side; else it follows what is in view.
        caption: what stands above and below the chart in image downloads.
    """
    about = {
        "view": view,
        "source": SOURCE,
        "name": name,
        "description": description,
        "height": height,
        "top": top,
        "background": theme.background,
        "caption": asdict(caption) if caption else None,
    }
    text = figure if isinstance(figure, bytes) else orjson.dumps(figure)
    # As bytes: Streamlit would turn a dictionary of many numbers into JSON three times.
    _component(data=json_with_number(about, "figure", text, key), key=key, on_theme_change=_nothing)


def _nothing() -> None:
    """The reader's theme has changed; that the page runs again is all that it takes."""
