"""The skill heatmap of the Time machine page: when, and how far ahead, a model was better than no change."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.data.columns import MODEL
from forecasting.data.formatting import format_date
from forecasting.support.caching import IdentityMemo
from forecasting.views import skill_heatmap, time_machine
from ui.components import chart
from ui.shell import runtime
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.time_machine.external import Journey

_ratios: IdentityMemo[pd.DataFrame] = IdentityMemo(200)


def draw_skill(judged: pd.DataFrame, journey: Journey, choices: Choices) -> None:
    """The heat map of one model."""
    theirs = [name for name in judged[MODEL].drop_duplicates() if name not in journey.names]
    names = [name for name in [*journey.names, *theirs] if name != "naive"]
    if not names:
        return
    with st.container(border=True):
        st.markdown("## When, and how far ahead, was it better than no change?")
        if st.session_state.get("skill of") not in names:
            st.session_state["skill of"] = names[0]
        name = st.pills(
            "Model",
            names,
            key="skill of",
            format_func=lambda name: escape_markdown(time_machine.model_label(name)),
            label_visibility="collapsed",
            required=True,
        )
        if not (judged[MODEL] == name).any():
            st.caption("Nothing of it can be compared yet.")
            return
        frequency = choices.whole.frequency
        ratios = _ratios.get(
            (name, frequency), [judged], lambda: skill_heatmap.skill_table(judged, name or names[0], frequency)
        )
        called = {
            stop.origin: format_date(pd.Timestamp(date))
            for stop, date in zip(journey.stops, journey.dates, strict=True)
        }
        origin = journey.stops[journey.place].origin
        chart.draw(
            chart.cached_figure(
                ("skill", frequency.step, origin, *called.items()),
                [ratios],
                lambda: skill_heatmap.skill_heatmap(ratios, frequency.step, origin, runtime.theme(), called),
            ),
            runtime.theme(),
            key="skill",
            view=f"skill/{choices.view}/{ratios.shape}",
            name=f"{choices.region} {name} skill",
            description=f"How {time_machine.model_label(name or names[0])} compares with no change, by date and horizon.",
            height=int(70 + 34 * min(len(ratios.columns), 12)),
            top=float(len(ratios.columns)),
        )
        st.html(skill_heatmap.colour_key_html(runtime.theme()))
        st.caption(
            "A column a date, a row a horizon: the weighted interval score (WIS) over no change's. The framed date is "
            "the one above."
        )
