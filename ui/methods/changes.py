"""The part of the Methods page on why a forecast moved."""

from __future__ import annotations

import streamlit as st


def draw() -> None:
    """How the change of a forecast is split into its causes."""
    st.markdown("## Why it moved")
    st.markdown(
        "What is expected of the next period is compared with what was expected of the same dates before the newest figures "
        "came. The model is run again with one thing changed at a time: first the new figures come, while the earlier ones "
        "stay as they were known then; then the earlier ones are revised to what is known now; then, of a blend, its members "
        "count as they do now. Each difference is that cause's part, so the parts add up, to the last digit shown. Another order "
        "would share a change among its causes a little differently. New figures come before revisions because a table "
        "that lacks its newest week would have a corrected week corrected again. What a new figure changes includes what the "
        "model learned from it. Where a source tells only what it says now, nothing is known of revisions."
    )
