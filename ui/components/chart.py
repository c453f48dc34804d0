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

_here = Path(__file__).parent

_component = st.components.v2.component(
    "fan_chart",
    html=(
        '<div class="chart-frame"><div class="chart-strip"></div><div class="chart-unit"></div><div class="fan-chart" role="figure"></div>'
        '<div class="chart-legend" role="group" aria-label="Legend"></div><div class="chart-notes"></div><div class="chart-pointer" hidden></div><div class="chart-readout" aria-hidden="true" hidden></div></div>'
    ),
    css=(_here / "chart.css").read_text(),
    # One module: a component has no others beside it.
    js="\n".join(
        (_here / f"{name}.js").read_text()
        for name in ("chart_ticks", "chart_readout", "chart_strip", "chart_legend", "chart")
    ),
    isolate_styles=False,
)


@dataclass(frozen=True)
class PictureCaption:
    """What a picture of a chart says without its page: a title, what the figures say, and where they come from."""

    title: str
    said: str
    source: str


@dataclass(frozen=True)
class ChoiceGroup:
    """A group of buttons on a chart's edge.

    Attributes:
        name: what a choice is reported under.
        label: what a screen reader calls the group.
        options: value -> label, in order.
        chosen: the values that are on: one, or of bands any number.
    """

    name: str
    label: str
    options: dict[str, str]
    chosen: tuple[str, ...]


@dataclass(frozen=True)
class ChartStrip:
    """What stands on a chart's edge beside the buttons for its range.

    Attributes:
        groups: the choices.
        notes: what one has to know of how the chart is drawn, in sentences, below it.
        on_choice: told the name of a group and the value that was pressed, before the page runs again.
    """

    groups: tuple[ChoiceGroup, ...]
    notes: tuple[str, ...]
    on_choice: Callable[[str, str], None]


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
    strip: ChartStrip | None = None,
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
        strip: what stands on its edge; with it, buttons for the figure's range and the name of its y axis are there, too.
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
        "strip": _strip(strip) if strip else None,
    }
    text = figure if isinstance(figure, bytes) else orjson.dumps(figure)
    # As bytes: Streamlit would turn a dictionary of many numbers into JSON three times.
    on_choice = (lambda: _report_choice(strip, key)) if strip else _nothing
    data = json_with_number(about, "figure", text, key)
    _component(data=data, key=key, on_theme_change=_nothing, on_choice_change=on_choice)


def _strip(strip: ChartStrip) -> dict[str, Any]:
    groups = [
        {"name": one.name, "label": one.label, "options": list(one.options.items()), "chosen": one.chosen}
        for one in strip.groups
    ]
    return {"controls": groups, "notes": strip.notes}


def _report_choice(strip: ChartStrip, key: str) -> None:
    """Tell whoever drew the strip what was pressed: what is not on offer there is nothing that its buttons say."""
    pressed = st.session_state[key].get("choice") or {}
    if any(one.name == pressed.get("name") and pressed.get("value") in one.options for one in strip.groups):
        strip.on_choice(pressed["name"], pressed["value"])


def _nothing() -> None:
    """The reader's theme has changed; that the page runs again is all that it takes."""
