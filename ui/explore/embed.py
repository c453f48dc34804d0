"""Explore inside another page: the snippet that shows its chart there, and the chart alone that the snippet opens."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from forecasting.support import settings
from forecasting.views import embed_snippet, fan_chart, fan_table
from forecasting.views.answer import Answer
from ui.components import chart
from ui.explore import provenance
from ui.shell import controls, runtime, uploads, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: What stands in place of a chart that only one visitor can see.
OWN_FILE = "This chart is of a file that only its owner has, so it cannot be shown inside another page."
#: What its owner reads where the snippet would be.
OWN_FILE_HERE = "Your own files are seen by you alone, so their charts cannot be shown inside another page."
#: The colours of the snippet, in the session's state.
_THEME = "embed theme"
_STYLE = f"<style>{(Path(__file__).parent / 'embed.css').read_text()}</style>"


def is_embedded() -> bool:
    """Whether the page is shown inside another one, as the snippet opens it."""
    return bool(st.context.is_embedded)


def draw_snippet(choices: Choices) -> None:
    """Draw the snippet for other web pages, or why there is none."""
    if uploads.is_upload(choices.panel.source):
        st.caption(OWN_FILE_HERE)
        return
    st.caption("This snippet shows the chart in a web page, with its answer and its source, and stays up to date.")
    st.session_state.setdefault(_THEME, "dark" if runtime.theme().dark else "light")
    theme = controls.segmented_control(
        "Colours",
        list(embed_snippet.THEMES),
        key=_THEME,
        format_func=embed_snippet.THEMES.__getitem__,
        label_visibility="collapsed",
    )
    title = f"{choices.region}: {choices.statistic.phrase}, forecast"
    st.code(embed_snippet.iframe_snippet(url_state.shareable_link(), title, theme), language="html", wrap_lines=True)
    if limits := _limits():
        st.caption(limits)


def _limits() -> str:
    """Where the snippet does not work, in a sentence; empty where it works everywhere."""
    if st.user.get("is_logged_in") is not None:
        return "Readers have to sign in here first, so on most pages they will see nothing but that."
    allowed = settings.frame_ancestors()
    if allowed == "*":
        return ""
    if allowed == "'none'":
        return "This server does not let any page show it in a frame; whoever runs it can change that."
    if allowed == "'self'":
        return "This server may let only pages of its own site show it in a frame; whoever runs it can add yours."
    return f"This server lets these sites show it in a frame: {allowed}; whoever runs it can add yours."


def prepare() -> None:
    """Make the page as narrow and as high as its frame; instead of a visitor's file, draw one sentence and nothing else."""
    st.html(_STYLE)
    if uploads.is_upload(url_state.link_value("source") or st.session_state.get("source", "")):
        st.info(OWN_FILE, icon=":material/lock:")
        st.stop()


def draw(choices: Choices, counted: fan_chart.FanChart, fan: fan_chart.FanChart, said: Answer) -> None:
    """Draw the chart alone: title, answer, chart, date of the figures, source and licence, and the way to the whole page.

    `counted` is its content as counted, `fan` in the unit on show.
    """
    title = f"{choices.region}: {fan.unit}"
    with st.container(key="embedded", gap="xxsmall"):
        st.markdown(f"**{escape_markdown(title)}**")
        st.markdown(escape_markdown(f"{said.sentence} {said.band}, by {said.by}."))
        for note in url_state.link_notes():
            st.caption(note)
        with st.container(key="embedded_chart"):
            chart.draw(
                chart.cached_figure(_about(fan), fan_chart.parts(counted), lambda: _figure(fan)),
                runtime.theme(),
                key="fan",
                view=choices.view,
                name=f"{choices.region} {choices.statistic.label}",
                description=fan_table.describe_fan_chart(fan),
                height=280,
            )
        dated = f"{said.dated[:1].upper()}{said.dated[1:]}"
        about = [f"{dated}.", provenance.credit_line(choices), *fan_chart.fan_notes(fan)]
        source = escape_markdown(" ".join(about))
        st.caption(f"{source} [Open in Forecast Explorer]({url_state.shareable_link()})")


def _about(fan: fan_chart.FanChart) -> tuple[object, ...]:
    how = (fan.unit, fan.smooth, fan.levels, fan.log, fan.seasons, fan.per)
    return ("embedded", tuple(fan.forecasts), fan.drafts, fan.banded_model, fan.revisions, *how)


def _figure(fan: fan_chart.FanChart) -> dict[str, object]:
    """The chart without its buttons for a stretch of time, which take the room of the lines in a small frame."""
    figure = fan_chart.fan_figure(fan, runtime.theme())
    figure["layout"]["xaxis"].pop("rangeselector", None)
    return figure
