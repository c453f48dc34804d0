"""Colours: a model has the same one on every page.

The set began as Okabe & Ito's (2008) for colour-blind readers, lightened on dark backgrounds until lines keep a contrast of
3:1 or more. The ensemble has the page's own blue; violet and brown were chosen to stay apart from the rest for readers
without red, green or blue cones.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Model -> colour on a light and on a dark background. A model that is not named here takes the last pair.
COLOURS: dict[str, tuple[str, str]] = {
    "ensemble": ("#0a6ea8", "#4db8ff"),
    "sarima": ("#663d00", "#b07d52"),
    "prophet": ("#d55e00", "#ff8a3d"),
    "ets": ("#00805e", "#2ed3a3"),
    "theta": ("#a8578a", "#e59cc8"),
    "auto_arima": ("#b07900", "#f0b93a"),
    "pooled": ("#4527a0", "#8a6cff"),
    "naive": ("#6b7280", "#a3aab5"),
    "": ("#007a8a", "#3fc7d6"),
}


@dataclass(frozen=True)
class Theme:
    """The colours of one background."""

    dark: bool

    @property
    def background(self) -> str:
        """The page's own, as `.streamlit/config.toml` has it."""
        return "#0e1420" if self.dark else "#ffffff"

    @property
    def text(self) -> str:
        """Axis labels and the history line."""
        return "#f3f5f8" if self.dark else "#1f2733"

    @property
    def muted(self) -> str:
        """Reported daily counts behind their mean, and quiet labels."""
        return "#8f9bab" if self.dark else "#9aa5b4"

    @property
    def grid(self) -> str:
        """Grid lines."""
        return "rgba(160,172,190,0.20)" if self.dark else "rgba(90,105,125,0.16)"

    def model(self, name: str) -> str:
        """The colour of a model."""
        return COLOURS.get(name, COLOURS[""])[self.dark]


LIGHT = Theme(dark=False)
DARK = Theme(dark=True)


def rgba(colour: str, opacity: float) -> str:
    """``#rrggbb`` with an opacity, as Plotly takes it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
