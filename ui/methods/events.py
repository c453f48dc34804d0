"""The part of the Methods page on events: whether what is said to be likely comes."""

from __future__ import annotations

import streamlit as st

from forecasting.views import event_reliability
from ui.components import chart
from ui.shell import runtime

#: Pixels.
HEIGHT = 380


def draw() -> None:
    """What chances mean, and how often such events came."""
    st.markdown("## Whether what is likely comes")
    st.markdown(
        "The chance that figures pass a level within some weeks, rise, or have had their peak is the share of 999 possible "
        "futures in which they do. In each period these have the forecast's own quantiles, and they hang together in time as "
        "the model's sums say. Below, such chances were told at earlier dates of two forecast hubs, with the figures as they were "
        "known then: of all events that were given 30 %, three in ten should have come."
    )
    kind = st.selectbox(
        "Events", list(event_reliability.KINDS), format_func=event_reliability.KINDS.__getitem__, key="event kind"
    )
    theme = runtime.theme()
    with st.container(border=True):
        chart.draw(
            event_reliability.reliability_figure(kind, theme),
            theme,
            key="reliability",
            view=f"reliability/{kind}",
            name=f"reliability {kind}",
            description=event_reliability.describe_reliability(kind),
            height=HEIGHT,
            top=100,
        )
    st.markdown("\n".join(f"- {sentence}" for sentence in event_reliability.reliability_sentences()))
    st.caption("Printed by `python -m benchmarks events`. The dotted line: as often as said.")
