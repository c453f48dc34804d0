"""Following: a page about figures that come by themselves looks whether there are new ones, and is run again when there are."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from forecasting import sources
from forecasting.data.panel import Panel
from forecasting.sources import Source
from forecasting.support.errors import ForecastingError
from ui.shell import polling
from ui.shell.choices import Choices

#: Seconds between two looks of a page about one region, ...
ONE_REGION = 1.0
#: ... about all regions, which is much to draw anew, ...
ALL_REGIONS = 5.0
#: ... and about earlier dates, where a new figure changes little.
EARLIER_DATES = 15.0


class Seen(NamedTuple):
    """What a run of a page found: the source that is chosen, how far its figures had come, and its state."""

    source: Source | None
    version: int
    state: str


def streaming(panel: Panel) -> Source | None:
    """The source of a panel, if its figures come by themselves."""
    found = sources.sources().get(panel.source)
    return found if found is not None and found.streams else None


def follow(choices: Choices, region: str | None = None, pace: float = ONE_REGION) -> None:
    """Look every `pace` seconds, or more seldom where many pages look, for new figures of what is shown, or of one region only."""
    source = streaming(choices.panel)
    if source is None:
        return
    statistic, state = choices.statistic.name if region else None, source.state_told(choices.panel)

    def look() -> None:
        if source.state() != state or source.has_moved(choices.panel, region, statistic):
            polling.rerun_page()

    polling.draw_and_poll(look, pace)


def seen() -> Seen:
    """What there is of the source that was chosen before this run."""
    source = sources.sources().get(str(st.session_state.get("source") or st.query_params.get("source") or ""))
    if source is None or not source.streams:
        return Seen(None, 0, "")
    try:
        return Seen(source, source.version(), source.state())
    except ForecastingError:
        return Seen(None, 0, "")


def follow_from(before: Seen) -> None:
    """Look for figures that were not there, or a state that was another, when the page was begun."""
    source = before.source
    if source is None:
        return

    def look() -> None:
        if (source.version(), source.state()) != before[1:]:
            polling.rerun_page()

    polling.draw_and_poll(look, ONE_REGION)
