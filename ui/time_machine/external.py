"""Forecasts that others have published, on the Time machine: from a reader's file, or from the hub that has the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from forecasting.data.columns import FORECASTS, MODEL, ORIGIN
from forecasting.evaluation.backtest import Cutoff
from forecasting.services import align_external
from forecasting.services.service import Service
from forecasting.sources.shared.hubs import ForecastHub
from forecasting.support.errors import ForecastingError
from ui.shell import runtime
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import PATIENCE

#: Files of a hub that are fetched at a time.
FETCHES = 2
#: A name in the session's state.
_FETCH_EARLIER = "tm fetch before"


@dataclass(frozen=True)
class Journey:
    """What the page goes through: the stops, what the slider calls each, and the names of the models."""

    stops: Sequence[Cutoff]
    dates: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def place(self) -> int:
        """The stop that the slider is at."""
        return self.dates.index(st.session_state["date"])


#: Nothing of others, always the same.
_NONE = pd.DataFrame(columns=list(FORECASTS))


def draw(service: Service, choices: Choices, journey: Journey) -> tuple[pd.DataFrame, bool]:
    """Forecasts that others have published, counted like ours, and whether more of them are on their way."""
    tables: list[pd.DataFrame] = []
    coming = False
    with st.expander("Published forecasts beside ours", icon=":material/groups:"):
        file = st.file_uploader(
            "A file of forecasts (a hub's format or ours, CSV or Parquet)", ["csv", "gz", "parquet", "pq"], key="file"
        )
        if file is not None:
            coming |= _add_from_file(service, choices, journey, file.getvalue(), file.name, tables)
        if (hub := service.external_forecasts.hub(choices.panel.source, choices.statistic.name)) is not None:
            coming |= _add_from_hub(service, choices, journey, hub, tables)
    if not tables:
        return _NONE, coming
    return pd.concat(tables, ignore_index=True).drop_duplicates([*FORECASTS[1:4], "quantile"]), coming


def _add_from_file(
    service: Service, choices: Choices, journey: Journey, content: bytes, name: str, tables: list[pd.DataFrame]
) -> bool:
    """Add what fits of the reader's file. Whether it is still being read."""
    try:
        with runtime.script_turns.released():
            table = service.external_forecasts.uploaded(
                content, name, choices.panel.regions(choices.statistic.name), PATIENCE
            )
        if table is None:
            st.caption("Reading the file …")
            return True
        tables.append(_aligned(table, choices, journey, f"'{name}'"))
    except ForecastingError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return False
    teams, dates = tables[-1][MODEL].unique(), tables[-1][ORIGIN].nunique()
    called, notes = ", ".join(map(escape_markdown, teams)), map(escape_markdown, table.attrs.get("notes", ()))
    st.caption(" ".join([f"{called}: {dates} of {len(journey.dates)} dates.", *notes]))
    return False


def _add_from_hub(
    service: Service, choices: Choices, journey: Journey, hub: ForecastHub, tables: list[pd.DataFrame]
) -> bool:
    """Add what the hub has of a team. Whether something is still being fetched."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        team = st.text_input(
            "A team of the hub",
            hub.ensemble,
            key=f"team {hub.name}",
            max_chars=80,
            help=f"{hub.publisher} keeps what every team forecast, week by week. {hub.ensemble} is made of all of them.",
        ).strip()
        wanted = st.toggle("Fetch its forecasts", key=f"fetch {hub.name}", width="content")
    if not wanted or not team:
        return False
    view = f"{hub.name}/{team}"
    before = st.session_state.get(_FETCH_EARLIER) == view
    if not before and journey.place:
        st.button(
            "Fetch those of the dates before, too",
            on_click=lambda: st.session_state.update({_FETCH_EARLIER: view}),
        )
    places = [journey.place, *(range(journey.place) if before else ())]
    return _add_fetched(service, choices, journey, hub, team, places, tables)


def _add_fetched(
    service: Service,
    choices: Choices,
    journey: Journey,
    hub: ForecastHub,
    team: str,
    places: list[int],
    tables: list[pd.DataFrame],
) -> bool:
    """Add a team's forecasts of some stops, a few files at a time. Whether more are on their way."""
    here, problems = [], []
    for place in places:
        week = align_external.hub_reference_date(journey.stops[place], choices.panel)
        try:
            with runtime.script_turns.released():
                patience = PATIENCE if place == places[0] else 0
                table = service.external_forecasts.published(hub.name, team, week, patience)
            here.append(table)
            if table is not None:
                tables.insert(0, _aligned(table, choices, journey, f"The forecast of '{team}'"))
        except ForecastingError as error:
            problems.append(str(error))
        missing = sum(table is None for table in here)
        if missing == FETCHES:
            break
    if missing:
        st.caption(f"Fetching; {len(here) - missing} of {len(places)} files are here …")
    if problems:
        more = f" {len(problems)} dates are without it." if len(problems) > 1 else ""
        st.info(escape_markdown(problems[0]) + more, icon=":material/cloud_off:")
    return missing > 0


def _aligned(table: pd.DataFrame, choices: Choices, journey: Journey, name: str) -> pd.DataFrame:
    return align_external.align_forecasts(
        table,
        choices.statistic.name,
        choices.region,
        journey.stops,
        choices.panel,
        choices.whole.frequency,
        name,
    )
