"""The parts of the Regions page: every region at a glance, as a list, and as a map of tiles where it is about US states."""

from __future__ import annotations

from typing import Any

import streamlit as st

from forecasting.data.panel import Panel, Statistic
from forecasting.data.panel_cache import PerPanel
from forecasting.export import file_formats
from forecasting.models import models
from forecasting.services.all_regions import AllRegions, RegionsView
from forecasting.services.region_row import RegionRow
from forecasting.services.service import Service
from forecasting.views import region_table
from ui.regions import bulk, region_list
from ui.shell import controls, navigation, polling, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import model_picker

#: Regions up to which a page counts as short.
FEW = 60
#: The usual model of a short page: its members are fitted to each region.
USUAL_OF_FEW = "ensemble"
#: The usual model of a longer page: it is forecast as a whole in one fit.
USUAL_OF_MANY = "pooled"
#: Seconds between two looks while something is on its way.
INTERVAL = 1.0
#: Seconds for which a look goes on with the work.
WORK_PER_LOOK = 0.4
#: Seconds for which the first look goes on with the work.
WORK_AT_FIRST = 0.8
#: Views that are remembered of each panel, for everybody.
VIEWS = 12
#: Directions that the list may be restricted to: name in the link -> label.
FILTERS = {"all": "All", **region_list.LABELS}
#: Names in the session's state.
_STOPPED = "regions stopped"
_JUDGING = "regions judging"
_SEEN = "regions seen"

#: The forecasts of all regions, kept with each panel by view.
_ALL_REGIONS: PerPanel[AllRegions] = PerPanel(VIEWS)


def draw_controls(panel: Panel, statistic: Statistic, region: str) -> dict[str, str]:
    """The controls that Regions has beside those of every page; gives their state for the address."""
    url_state.seed("sort", region_list.SORTS, "change", "order")
    url_state.seed_text("search", 60)
    left, middle, right = st.columns([1.1, 1.4, 1.6], vertical_alignment="bottom")
    with left:
        name = _model(panel, statistic)
    with middle:
        search = controls.search_box(
            "Search",
            key="search",
            max_chars=60,
            placeholder="Part of a name",
        )
    with right:
        only = _filter()
    state = {"model": name, "sort": st.session_state["sort"], "only": only, "search": search.strip()}
    usual = {"sort": "change", "only": "all", "search": ""}
    return {name: value for name, value in state.items() if value != usual.get(name)}


def _model(panel: Panel, statistic: Statistic) -> str:
    few = len(panel.regions(statistic.name)) <= FEW
    usual = USUAL_OF_FEW if few else USUAL_OF_MANY
    return model_picker(list(models()), usual, "One model for all regions. The sidebar's models are those of Explore.")


def _filter() -> str:
    url_state.seed("only", list(FILTERS), "all", "direction")
    return controls.segmented_control(
        "Show",
        list(FILTERS),
        format_func=FILTERS.__getitem__,
        key="only",
        help="Rising or falling: the whole 80 % range is above or below the present. Unclear: it holds both.",
    )


def heading(choices: Choices) -> None:
    """Draw the heading: what is shown, how far ahead, and what the link asked for that is not there."""
    frequency = choices.series.frequency
    navigation.name_tab(f"Regions: {choices.statistic.phrase}")
    st.title(f"Regions: {escape_markdown(choices.statistic.phrase)}", anchor=False)
    parts = [f"{frequency.name.capitalize()} figures, forecast {frequency.steps(choices.horizon)} ahead"]
    if choices.statistic.shown_cumulative:
        parts.append("new counts, as running totals can only rise")
    st.caption(" · ".join([*parts, *map(escape_markdown, choices.panel.notes)]))
    if unmet := url_state.link_notes():
        st.info("\n\n".join(unmet), icon=":material/link_off:")


def live(service: Service, choices: Choices) -> None:
    """Draw everything that changes while forecasts are made; it polls alone, and stops when all is done."""
    view = RegionsView(choices.statistic.name, st.session_state["model"], choices.horizon, choices.training)
    name = (id(service), choices.panel.source, view)
    call = _ALL_REGIONS.get(choices.panel, name, lambda: AllRegions(service, choices.panel, view))
    every = choices.panel.regions(view.statistic)
    search, sort = st.session_state["search"], st.session_state["sort"]
    regions = region_table.regions_to_show(choices.panel, view.statistic, every, search, sort)
    page = _RegionsPage(call, choices, str(name), regions, len(every))
    call.refresh(regions)
    at_first = [page.look()]
    busy = page.busy

    def draw() -> None:
        if region_list.is_leaving():
            polling.rerun_page()
        page.draw(at_first.pop() if at_first else page.look(), busy)
        if busy != page.busy:
            polling.rerun_page()

    polling.draw_and_poll(draw, INTERVAL if busy else None)
    bulk.draw(service, choices, view)


class _RegionsPage:
    """One run of the page: what it looks at, and what it draws of it."""

    def __init__(self, call: AllRegions, choices: Choices, name: str, regions: list[str], of: int) -> None:
        self._call, self._choices, self._name, self._regions, self._of = call, choices, name, regions, of

    @property
    def _stopped(self) -> bool:
        return bool(st.session_state.get(_STOPPED) == self._name)

    @property
    def _judging(self) -> bool:
        wanted = st.session_state.get(_JUDGING) == self._name
        return wanted and self._call.judged(self._regions) < len(self._regions)

    @property
    def busy(self) -> bool:
        """Whether there will be something new without anybody's doing."""
        return self._call.looking(self._regions, ask=not self._stopped) or self._judging

    def look(self) -> list[RegionRow]:
        """The rows as they are now. The first time without records, which can wait a tick."""
        at_first = st.session_state.get(_SEEN) != self._name
        st.session_state[_SEEN] = self._name
        if self._judging and not at_first:
            return self._call.judge(self._regions, WORK_PER_LOOK, ask=not self._stopped)
        patience = WORK_AT_FIRST if at_first else WORK_PER_LOOK
        return self._call.look(self._regions, patience, ask=not self._stopped, records=not at_first)

    def draw(self, rows: list[RegionRow], busy: bool) -> None:
        """The whole page below its controls."""
        self._above(rows)
        self._progress(rows)
        if self._call.full:
            st.caption(self._call.full)
        wanted = region_table.filter_rows(rows, st.session_state["search"], st.session_state["only"])
        ordered = region_table.sort_rows(wanted, st.session_state["sort"])
        region_list.draw_region_list(self._choices, rows, ordered, busy)
        if few := region_table.few_counts_sentence(rows):
            st.caption(few)
        self._below(rows, ordered)

    def _above(self, rows: list[RegionRow]) -> None:
        summary = region_table.summary_sentence(rows, self._choices.series.frequency, self._choices.horizon)
        if not summary:
            return
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(summary, width="content")
            if not self._judging and self._call.judged(self._regions) < len(self._regions):
                st.button(
                    "Score all regions",
                    key="judge regions",
                    icon=":material/fact_check:",
                    help="Forecast every region again from earlier dates, as Explore does for one, and count how well "
                    "that went. It is done in the background, while this page is open.",
                    on_click=self._judge,
                )

    def _progress(self, rows: list[RegionRow]) -> None:
        coming = sum(row.state == "coming" for row in rows)
        if coming and not self._stopped:
            self._bar(len(rows) - coming, len(rows), "forecast", "cancel regions", self._stop)
        elif coming or any(row.state == "cancelled" for row in rows):
            with st.container(horizontal=True, vertical_alignment="center", border=True):
                made = sum(row.state == "ready" for row in rows)
                st.markdown(f"**Cancelled.** {made:,} of {len(rows):,} regions are forecast.")
                st.button(
                    "Go on", key="go on regions", icon=":material/play_arrow:", type="primary", on_click=self._go_on
                )
        if self._judging:
            done = self._call.judged(self._regions)
            self._bar(done, len(rows), "scored", "cancel judging", self._stop_judging)

    def _bar(self, done: int, of: int, what: str, key: str, cancel: Any) -> None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(done / max(of, 1), f"{done:,} of {of:,} regions {what}")
            st.button(
                "Cancel",
                key=key,
                icon=":material/close:",
                help="End what still waits or runs of this, for everybody who looks at it.",
                on_click=cancel,
            )

    def _stop(self) -> None:
        st.session_state[_STOPPED] = self._name
        self._call.stop(self._regions)

    def _go_on(self) -> None:
        st.session_state.pop(_STOPPED, None)
        self._call.again(self._regions)

    def _judge(self) -> None:
        st.session_state[_JUDGING] = self._name

    def _stop_judging(self) -> None:
        st.session_state.pop(_JUDGING, None)
        self._call.stop_judging(self._regions)

    def _below(self, rows: list[RegionRow], ordered: list[RegionRow]) -> None:
        if self._of > len(rows):
            st.caption(self._left_out(len(rows)))
        for row in [row for row in rows if row.state == "failed"][:5]:
            st.caption(escape_markdown(f"{row.region}: {row.why}"))
        if ordered:
            st.download_button(
                "Table, CSV",
                lambda: file_formats.to_csv(region_table.regions_table(ordered)),
                f"regions {self._choices.statistic.name} {st.session_state['model']}.csv".replace(" ", "_"),
                "text/csv",
                key="regions table",
                on_click="ignore",
                icon=":material/download:",
            )
        st.caption(
            "Track record: the error of earlier forecasts and their ranges (weighted interval score) against that of "
            "no change, and how many outcomes fell in the 80 % range. Regions that were scored already have one."
        )

    def _left_out(self, count: int) -> str:
        there = f"There are {self._of:,} regions. Shown are"
        if count < region_table.MAX_ROWS:
            return f"{there} the {count:,} that the search finds."
        which = {"name": "the first {} by name", "-name": "the last {} by name", "-latest": "the {} smallest"}
        found = " that the search finds" if st.session_state["search"].strip() else ""
        shown = which.get(st.session_state["sort"], "the {} largest").format(f"{count:,}")
        return f"{there} {shown}{found}; search for any other."
