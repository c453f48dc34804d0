"""Colours of charts on light and dark backgrounds; a model has the same one on every page.

The set began as Okabe & Ito's (2008) for colour-blind readers, lightened on dark backgrounds until lines keep a contrast of
3:1 or more. The ensemble has the page's own blue; violet and brown were chosen to stay apart from the rest for readers
without red, green or blue cones. Bands are in their model's colour, at the opacities of `fan_chart.BAND_OPACITIES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.models import models

#: Model -> colour on a light and on a dark background.
MODEL_COLOURS: dict[str, tuple[str, str]] = {
    "ensemble": ("#09689f", "#4db8ff"),
    "sarima": ("#663d00", "#b07d52"),
    "prophet": ("#d55e00", "#ff8a3d"),
    "ets": ("#00805e", "#2ed3a3"),
    "theta": ("#a8578a", "#e59cc8"),
    "auto_arima": ("#b07900", "#f0b93a"),
    "pooled": ("#4527a0", "#8a6cff"),
    "naive": ("#6b7280", "#a3aab5"),
}
#: Colours, light and dark, of models without a line above, in the order of the registry, and then from the beginning again.
#: They differ from all above by 20 or more in CIE Lab, for readers with and without each kind of cone (simulated as in
#: Machado, Oliveira & Fernandes 2009).
SPARE_COLOURS = (("#9900ff", "#aa33aa"), ("#ff22dd", "#cc1100"), ("#332200", "#aaff99"))
#: The colour, light and dark, of a line that stands for no model.
OTHER_COLOUR = ("#007a8a", "#3fc7d6")


@dataclass(frozen=True)
class Theme:
    """The colours that suit a light or a dark background."""

    dark: bool

    @property
    def background(self) -> str:
        """The background of the page, as `.streamlit/config.toml` has it."""
        return "#0e1420" if self.dark else "#ffffff"

    @property
    def text(self) -> str:
        """The colour of axis labels and of the history line."""
        return "#f3f5f8" if self.dark else "#1f2733"

    @property
    def muted(self) -> str:
        """The colour of reported daily counts behind their mean, and of quiet labels."""
        return "#8f9bab" if self.dark else "#9aa5b4"

    @property
    def quiet(self) -> str:
        """The colour of notes on a chart, with a contrast of 4.5:1 or more."""
        return "#a9b4c3" if self.dark else "#5c6878"

    @property
    def future(self) -> str:
        """The background of what has not come yet."""
        return "rgba(77,184,255,0.10)" if self.dark else "#f1f5fa"

    @property
    def grid(self) -> str:
        """The colour of grid lines."""
        return "rgba(160,172,190,0.20)" if self.dark else "rgba(90,105,125,0.16)"

    def model(self, name: str) -> str:
        """The colour of the model called `name`: its own, or one of `SPARE_COLOURS` by its place in the registry."""
        if name in MODEL_COLOURS:
            return MODEL_COLOURS[name][self.dark]
        uncoloured = [known for known in models() if known not in MODEL_COLOURS]
        if name not in uncoloured:
            return OTHER_COLOUR[self.dark]
        return SPARE_COLOURS[uncoloured.index(name) % len(SPARE_COLOURS)][self.dark]


LIGHT = Theme(dark=False)
DARK = Theme(dark=True)


def rgba(colour: str, opacity: float) -> str:
    """``#rrggbb`` with an opacity, as Plotly takes it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
