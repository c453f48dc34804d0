"""The part of the Monitor page on what people asked to be told of."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting import sources
from forecasting.data.formatting import format_date
from forecasting.monitoring.event_alerts import EventAlert
from forecasting.support.errors import ForecastingError
from ui.monitor import tables
from ui.monitor.tables import MOST
from ui.shell import runtime
from ui.shell.markdown import escape_markdown


def draw_event_alerts(server: str, source: str | None) -> None:
    """List the rules of a source, or of all, with what the last check found and how they would have done at earlier dates."""
    shown = [one for one in runtime.kept_event_alerts(server) if source in (None, one.rule.source)]
    if not shown:
        return
    st.markdown("## What people asked to be told of")
    for one in shown[:MOST]:
        with st.container(border=True, gap="xxsmall"):
            _draw(one)
    if len(shown) > MOST:
        st.caption(f"And {len(shown) - MOST:,} more; `python -m forecasting alert list` has all.")


def _draw(one: EventAlert) -> None:
    rule = one.rule
    known = sources.sources().get(rule.source)
    where = ", ".join([known.label if known else rule.source, rule.region])
    st.markdown(f"**{escape_markdown(one.words)}** · {escape_markdown(where)}")
    if said := one.trouble or one.sentence:
        st.markdown(escape_markdown(said))
    looked = (
        f"Looked at on {format_date(pd.Timestamp(one.checked).tz_localize(None).normalize())}"
        if one.checked
        else "Not looked at yet"
    )
    explore = f"[Explore]({tables.address(rule.source, rule.statistic, rule.region, rule.model)})"
    st.caption(" · ".join(filter(None, [looked, explore, escape_markdown(one.record_words)])))
    if one.id in st.session_state.get(runtime.ADDED_ALERTS, ()) and st.button(
        "Tell me no more", key=f"no more {one.id}"
    ):
        try:
            runtime.remove_event_alert(one.id)
        except ForecastingError as error:
            st.error(escape_markdown(str(error)))
            return
        runtime.kept_event_alerts.clear()
        st.rerun()
