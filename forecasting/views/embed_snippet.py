"""The HTML that shows a chart of the app in another page: an ``<iframe>`` with the app's address, light or dark."""

from __future__ import annotations

from html import escape

#: Name of a theme -> label. Streamlit's own names follow in `embed_address`.
THEMES = {"light": "Light", "dark": "Dark"}
#: Pixels of a frame that shows the chart with its title, answer and source.
HEIGHT = 450
#: Pixels beyond which a frame grows no wider.
WIDEST = 900


def embed_address(address: str, theme: str) -> str:
    """The address of the chart alone: that of the whole page with Streamlit's `embed` and the theme."""
    return f"{address}{'&' if '?' in address else '?'}embed=true&embed_options={theme}_theme"


def iframe_snippet(address: str, title: str, theme: str) -> str:
    """The snippet for the page at `address`; `title` is what a screen reader says of the frame."""
    source = escape(embed_address(address, theme))
    return (
        f'<iframe src="{source}" title="{escape(title)}" loading="lazy" '
        f'style="width: 100%; max-width: {WIDEST}px; height: {HEIGHT}px; border: 0"></iframe>'
    )
