"""The parts of the Monitor page, from top to bottom."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from forecasting import sources
from forecasting.data.formatting import format_date
from forecasting.monitoring import summaries
from forecasting.monitoring.request_counters import interval_start
from forecasting.operations.status import ServiceStatus, service_status
from forecasting.views import monitoring_charts
from ui.components import chart
from ui.monitor import event_alerts, tables
from ui.monitor.tables import MOST
from ui.shell import controls, navigation, runtime, url_state
from ui.shell.markdown import escape_markdown


class TimeSpan(NamedTuple):
    """How far back to look: by what `step` charts go, and after how many seconds they are looked up anew."""

    label: str
    length: timedelta
    step: timedelta
    every: float


#: Seconds between two looks.
TICK = 10.0
#: Spans on offer, by their name in the link.
SPANS = {
    "day": TimeSpan("Last day", timedelta(days=1), timedelta(minutes=30), TICK),
    "week": TimeSpan("Last week", timedelta(days=7), timedelta(hours=3), 60),
    "month": TimeSpan("Last month", timedelta(days=30), timedelta(hours=12), 300),
}
KINDS = {"page": "Pages", "api": "API"}
#: In a link, and in the picker: figures of every source.
ALL = "all"
#: What an alert is about, in a few words, by its kind or how that begins; others are called as they are.
ABOUT = {
    "level": "The level has shifted",
    "variance": "The figures scatter differently",
    "weekday": "Weekdays are reported differently",
    "missing": "Figures are missing",
    "error": "Forecasts have got worse",
    "coverage": "Bands hold too little or too much",
    "source ": "Figures cannot be had",
    "fits of ": "Many forecasts failed",
    "event ": "Likely now, as somebody asked to be told",
}


@dataclass(frozen=True)
class MonitorFigures:
    """The tables behind one view of the Monitor page; `times` are on the charts' grid."""

    times: pd.DataFrame
    routes: pd.DataFrame
    fits: pd.DataFrame
    slowest: pd.DataFrame
    picks: pd.DataFrame


@st.cache_data(show_spinner=False, max_entries=64)
def load_figures(server: str, turn: int, span: TimeSpan, kind: str, source: str) -> MonitorFigures:
    """The figures of a view, the same for every visitor; `server` names the history, `turn` grows with time."""
    history = runtime.history()
    until = interval_start(datetime.now(UTC), span.step) + span.step
    since = until - span.length
    answers, fits = history.route_counts(since, kind=kind), history.fits(since)
    return MonitorFigures(
        monitoring_charts.fill_time_grid(summaries.latency_over_time(answers, span.step), since, until, span.step),
        summaries.latency(answers, "route"),
        summaries.fits_by_model(fits),
        summaries.slowest_series(fits if source == ALL else fits[fits["source"] == source], MOST),
        history.picks(None if source == ALL else source),
    )


@st.cache_data(ttl=TICK, show_spinner=False, max_entries=1)
def current_status(server: str) -> ServiceStatus:
    """The status of the service, the same for every visitor."""
    return service_status(runtime.service(), runtime.history(), runtime.runs())


@st.cache_data(ttl=TICK, show_spinner=False, max_entries=1)
def open_alerts(server: str) -> pd.DataFrame:
    """The alerts that are open, the same for every visitor."""
    return runtime.open_alerts()


def heading() -> None:
    """What is shown, and what the link asked for that is not there."""
    navigation.name_tab("Monitor")
    st.title("Monitor", anchor=False)
    st.caption("How the service is, how it has done, and what needs a look. It looks again every ten seconds.")


def live() -> None:
    """The whole page below its heading. Both parts refresh themselves alone."""
    st.fragment(_draw_current_status, run_every=TICK)()
    span, kind, source = _controls()
    if unmet := url_state.link_notes():
        st.info("\n\n".join(unmet), icon=":material/link_off:")
    st.fragment(_draw_history, run_every=TICK)(span, kind, source)


def _draw_current_status() -> None:
    present = current_status(runtime.history().server)
    taken = "not known" if present.memory is None else f"{present.memory / 1e6:,.0f} MB"
    fits = f"{present.running} running", f"{present.waiting} waiting"
    left, right = st.columns(2)
    for cell, (label, value, detail, hint) in zip(
        [*left.columns(2, wrap=False), *right.columns(2, wrap=False)],
        [
            (
                "Workers ready",
                f"{present.ready}",
                "can take a fit",
                "Processes of this server that fit models in the background.",
            ),
            ("Fits", *fits, "Each trains one model on one series, or on all regions at once."),
            (
                "Failed today",
                f"{present.failed:,}",
                f"of {present.of:,}",
                "Answers, page runs and fits since midnight, UTC, of all servers.",
            ),
            ("Memory", taken, "this server", "Of the server and its workers; what they share counts once."),
        ],
        strict=True,
    ):
        cell.metric(label, value, detail, delta_color="off", delta_arrow="off", border=True, help=hint)
    if present.trouble:
        st.warning(present.trouble, icon=":material/inventory_2:")
    with st.expander(_summary(present), icon=":material/database:"):
        names = {"label": "Source", "word": "State", "why": "Why", "upkeep": "Looked after"}
        ages = pd.DataFrame([vars(one) for one in present.ages]).rename(columns=names)
        st.dataframe(ages if ages["Looked after"].any() else ages.iloc[:, :3], hide_index=True, width="stretch")


def _summary(present: ServiceStatus) -> str:
    kept = {"PostgreSQL": "a PostgreSQL that servers can share", "SQLite": "an SQLite file of this server"}
    where = kept.get(present.database, "memory only, until the server ends")
    states = [one.word for one in present.ages]
    old = sum(word in ("due", "old") for word in states)
    due = f"{old} due for an update" if old else "none due for an update"
    return f"Results are kept in {where} · {len(states)} sources, {due}"


def _controls() -> tuple[str, str, str]:
    url_state.seed("span", list(SPANS), "day", "span")
    url_state.seed("answers", list(KINDS), "page", "kind of answers")
    known = {ALL: "All sources"} | {name: one.label for name, one in sources.sources().items()}
    url_state.seed("monitored", list(known), ALL, "source", url_state.link_value("source"))
    left, middle, right = st.columns([1.6, 1, 1.4], vertical_alignment="bottom")
    with left:
        span = controls.segmented_control(
            "Over",
            list(SPANS),
            format_func=lambda name: SPANS[name].label,
            key="span",
        )
    with middle:
        kind = controls.segmented_control(
            "Answers of",
            list(KINDS),
            format_func=KINDS.__getitem__,
            key="answers",
            help="Pages: how long a page's script runs, from a click to its last line; not what the browser then does. "
            "API: from the first byte of a request to the last of its answer.",
        )
    with right:
        source = controls.selectbox(
            "Series of",
            list(known),
            format_func=known.__getitem__,
            key="monitored",
            help="For the slowest series, the models picked and what has drifted.",
        )
    state = {"span": span, "answers": kind, "source": source}
    usual = {"span": "day", "answers": "page", "source": ALL}
    url_state.write_address({name: value for name, value in state.items() if value != usual[name]})
    return span, kind, source


def _draw_history(span: str, kind: str, source: str) -> None:
    figures = load_figures(runtime.history().server, int(time.time() / SPANS[span].every), SPANS[span], kind, source)
    _draw_alerts(source)
    event_alerts.draw_event_alerts(runtime.history().server, None if source == ALL else source)
    _draw_latencies(figures, span, kind)
    tables.fits(figures.fits, figures.slowest)
    tables.picks(figures.picks)


def _draw_alerts(source: str) -> None:
    """Open alerts, and what has drifted."""
    st.markdown("## Alerts")
    alerts = open_alerts(runtime.history().server)
    alerts = alerts if source == ALL else alerts[alerts["source"].isin([source, ""])]
    if alerts.empty and any(one.upkeep for one in current_status(runtime.history().server).ages):
        st.success("Nothing: no alert is open, and nothing has drifted.", icon=":material/check_circle:")
        return
    if alerts.empty:
        st.info(
            "No alert is open. The nightly upkeep looks for what has drifted; it has not run yet.",
            icon=":material/nightlight:",
        )
        return
    for row in alerts.head(MOST).itertuples():
        with st.container(border=True, gap="xxsmall"):
            _draw_alert(row)
    if len(alerts) > MOST:
        st.caption(f"And {len(alerts) - MOST:,} more.")


def _draw_alert(row: Any) -> None:
    known = sources.sources().get(row.source)
    where = ", ".join(filter(None, [known.label if known else row.source, row.region]))
    what = next((words for kind, words in ABOUT.items() if str(row.kind).startswith(kind)), str(row.kind))
    st.markdown(f"**{escape_markdown(what)}**" + (f" · {escape_markdown(where)}" if where else ""))
    st.markdown(escape_markdown(str(row.sentence)))
    explore = f" · [Explore]({tables.address(row.source, row.statistic, row.region)})" if row.region else ""
    st.caption(f"Since {format_date(pd.Timestamp(row.since).normalize())}{explore}")


def _draw_latencies(figures: MonitorFigures, span: str, kind: str) -> None:
    st.markdown(f"## How long {'pages' if kind == 'page' else 'answers of the API'} took")
    if figures.routes.empty:
        st.info("Nothing was asked for in that time.", icon=":material/hourglass_empty:")
        return
    theme, step = runtime.theme(), SPANS[span].step
    view = f"{span}/{kind}/{figures.times.index[0]}"
    with st.container(border=True):
        chart.draw(
            monitoring_charts.latency_figure(figures.times, step, theme),
            theme,
            key="monitor latency",
            view=view,
            name=f"answering times {span}",
            description=monitoring_charts.describe_latency(figures.times),
            height=300,
        )
        chart.draw(
            monitoring_charts.failures_figure(figures.times, step, theme),
            theme,
            key="monitor failed",
            view=view,
            name=f"failed {span}",
            description=f"Chart of the percent that failed; {figures.times['failed'].max():.1f} at most.",
            height=130,
            top=monitoring_charts.failures_axis_top(figures.times),
        )
        st.caption("Times are in UTC. Where there is no point, nothing was asked for.")
    st.dataframe(_routes(figures.routes, kind), hide_index=True, width="stretch", column_config=_milliseconds())


def _routes(routes: pd.DataFrame, kind: str) -> pd.DataFrame:
    names = {"route": "Page" if kind == "page" else "Operation", "requests": "Times", "failed": "Failed"}
    names |= {} if kind == "page" else {"refused": "Refused"}
    names |= {"median": "Half within", "p95": "95 % within", "p99": "99 % within"}
    return routes.replace({"route": {"-": "none that there is"}})[list(names)].rename(columns=names)


def _milliseconds() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Times": number(help="How often it was asked for.", format="localized"),
        "Half within": number(help="The median: half of the answers were quicker.", format="%.0f ms"),
        "95 % within": number(help="Also called p95: one answer in twenty took longer.", format="%.0f ms"),
        "99 % within": number(help="Also called p99: one answer in a hundred took longer.", format="%.0f ms"),
        "Failed": number(help="Through a fault of the service, or because it had too much to do.", format="%.1f %%"),
        "Refused": number(help="Because what was asked for was wrong, not allowed, or too much.", format="%.1f %%"),
    }
