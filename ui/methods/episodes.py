"""The part of the Methods page on past episodes that are like the last weeks."""

from __future__ import annotations

import streamlit as st

from forecasting.views import episode_lines


def draw() -> None:
    """How the nearest episodes are found, and what they are worth."""
    st.markdown("## Like when?")
    st.markdown(
        "The course of the last eight weeks is laid beside every earlier course of eight weeks, in this region and in all "
        "others of the table, on the log scale and each less its own mean: only shape counts, not size. The nearest are drawn "
        "by what followed, scaled to go on from the last figure. Nothing after the last figure is looked at, and the season "
        "plays no part. As a way to forecast it is the *method of analogues*, which Viboud and others tried on influenza in "
        "France (American Journal of Epidemiology 158, 2003, [996–1006](https://doi.org/10.1093/aje/kwg239)). Here it is a "
        f"picture for people and part of no forecast: {episode_lines.worth_clause()}"
    )
    st.caption("Printed by `python -m benchmarks like_when`, on dates of forecast hubs and of European countries.")
