"""The parts of the Time machine page, from top to bottom."""

from __future__ import annotations

import time
from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.data.columns import MODEL, ORIGIN
from forecasting.data.forecast import Forecast
from forecasting.data.formatting import format_date
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, State
from forecasting.models import model
from forecasting.services import align_external
from forecasting.services.service import Service
from forecasting.support.caching import IdentityMemo
from forecasting.support.errors import DataError
from forecasting.views import headline, leaderboard, time_machine
from ui.components import chart
from ui.shell import controls, navigation, polling, runtime, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import BEST, PATIENCE, StillLoading
from ui.time_machine import external, skill, standings
from ui.time_machine.external import Journey

#: Seconds between two dates while the time machine plays.
STEP = 1.0
#: Forecasts of other dates that wait or are fitted at a time: whoever leaves the page leaves no more behind.
AT_ONCE = 24
#: The same for each worker while nobody has asked for them: they are made when nothing else waits.
WHEN_IDLE = 2
_tops: IdentityMemo[float] = IdentityMemo(200)
#: The parts of forecasts that are shown.
_shown_parts: IdentityMemo[Forecast] = IdentityMemo(500)
#: Names in the session's state.
_PLAYS = "tm plays"
_STEPPED = "tm stepped"
_STOPPED = "tm stopped"
_COMING = "tm coming"
_ALL_NOW = "tm all now"
_THERE = "tm there"


def asked_date() -> str | None:
    """The date that the page is at, or that a link asks for."""
    return st.session_state.get("date") if url_state.keeps_value("date") else st.query_params.get("date")


def state() -> dict[str, str]:
    """That date for the address, before it is known whether the page can show it."""
    date = asked_date()
    return {"date": date} if date else {}


def heading(choices: Choices) -> None:
    """Draw the heading: region and statistic."""
    navigation.name_tab(f"{choices.region}: {choices.statistic.phrase}", "Time machine")
    st.title(
        f"Time machine: {escape_markdown(choices.region)}, {escape_markdown(choices.statistic.phrase)}",
        anchor=False,
    )
    st.caption(
        "Go back to an earlier date, see what was known then and what would have been forecast, and the actual figures."
    )


def live(service: Service, choices: Choices, asked: str | None) -> None:
    """Draw everything that changes with the date and while forecasts are made; it polls alone, and only while it must."""
    with runtime.script_turns.released():
        stops = service.track_records.cutoffs(
            choices.panel, choices.region, choices.statistic.name, choices.horizon, PATIENCE
        )
    if stops is None:
        raise StillLoading(f"the earlier dates of {choices.region}")
    dates = tuple(f"{align_external.knowledge_date(stop, choices.panel):%Y-%m-%d}" for stop in stops)
    url_state.seed("date", dates, dates[time_machine.default_cut(stops, choices.whole, choices.horizon)], "date", asked)
    if unmet := url_state.link_notes():
        st.info("\n\n".join(unmet), icon=":material/link_off:")
    journey = Journey(stops, dates, tuple(dict.fromkeys([*choices.models, "naive"])))
    at_first = [_track_record(service, choices, journey)]
    interval = _interval(at_first[0], choices)

    def draw() -> None:
        past = at_first.pop() if at_first else _track_record(service, choices, journey)
        if not past.why_not:
            _advance(past, journey)
        st.session_state[_COMING] = _draw(service, choices, journey, past)
        if _interval(past, choices) != interval:
            polling.rerun_page()

    polling.draw_and_poll(draw, interval)


def _track_record(service: Service, choices: Choices, journey: Journey, retry: bool = False) -> TrackRecord:
    past = service.track_records.track_record(
        choices.panel,
        choices.region,
        choices.statistic.name,
        choices.models,
        choices.training,
        dates=[stop.at for stop in journey.stops],
        horizon=choices.horizon,
        first=journey.stops[journey.place].at,
        at_once=_at_once(service, choices, journey),
        patience=polling.WORK_PER_LOOK,
        retry=retry,
    )
    here = [past.asked.get((name, journey.place)) for name in journey.names]
    st.session_state[_THERE] = None if any(_is_coming(job) for job in here) else (choices.view, journey.place)
    return replace(past, asked={name: _within_horizon(past, name[1], job) for name, job in past.asked.items()})


def _at_once(service: Service, choices: Choices, journey: Journey) -> int:
    """How many forecasts of other dates may wait or be fitted: those of the date on the screen come first.

    Of the others as many as idle workers can take; more once the reader asks for all, or plays.
    """
    if _stopped(choices):
        return 0
    if st.session_state.get(_PLAYS) or st.session_state.get(_ALL_NOW) == choices.view:
        return AT_ONCE
    load = service.queue.load()
    is_idle = st.session_state.get(_THERE) == (choices.view, journey.place) and not load.waiting
    return WHEN_IDLE * max(load.ready, 1) if is_idle else 0


def _within_horizon(past: TrackRecord, place: int, job: Job) -> Job:
    """A job whose forecast ends with the horizon on the screen; what other pages judge by may be made further ahead."""
    steps = past.cutoffs[place].gap + past.horizon
    whole = job.forecast
    if whole is None or whole.horizon <= steps:
        return job
    return replace(job, forecast=_shown_parts.get(steps, [whole], lambda: whole.first(steps)))


def _stopped(choices: Choices) -> bool:
    """Whether the reader wants no more forecasts of other dates for this view."""
    return bool(st.session_state.get(_STOPPED) == choices.view)


def _interval(past: TrackRecord, choices: Choices) -> float | None:
    """How often the page looks again, in seconds; None when nothing will change by itself."""
    fetches = st.session_state.get(_COMING)
    if fetches or any(not job.finished for job in past.jobs) or (past.left and not _stopped(choices)):
        return polling.INTERVAL
    return STEP if st.session_state.get(_PLAYS) else None


def _advance(past: TrackRecord, journey: Journey) -> None:
    """While it plays: on to the next date, when this one's forecasts are there and have been on the screen a while."""
    if not st.session_state.get(_PLAYS):
        return
    here = [past.asked.get((name, journey.place)) for name in journey.names]
    shown_for = time.monotonic() - st.session_state.get(_STEPPED, 0.0)
    if shown_for < 0.8 * STEP or any(job is None or not job.finished for job in here):
        return
    if journey.place + 1 < len(journey.dates):
        st.session_state["date"] = journey.dates[journey.place + 1]
        st.session_state[_STEPPED] = time.monotonic()
    else:
        st.session_state[_PLAYS] = False


def _draw(service: Service, choices: Choices, journey: Journey, past: TrackRecord) -> bool:
    """The page below its heading. Whether something is still being fetched or read."""
    _controls(choices, journey)
    if past.why_not:
        st.info(escape_markdown(past.why_not), icon=":material/history:")
        return False
    _progress(service, choices, journey, past)
    above = st.container()
    others, coming = external.draw(service, choices, journey)
    judged, problem = _judged(service, past, others, choices)
    with above:
        _chart(service, choices, journey, past, others, judged)
    if problem:
        st.warning(escape_markdown(problem), icon=":material/upload_file:")
    usual = service.track_records.usual_origins(choices.panel, choices.region, choices.statistic.name, choices.horizon)
    standings.draw_standings(judged, journey, choices, usual)
    skill.draw_skill(judged, journey, choices)
    for error in dict.fromkeys(f"{model(job.model).label}: {job.error}" for job in past.jobs if job.error):
        st.caption(escape_markdown(error))
    return coming


def _controls(choices: Choices, journey: Journey) -> None:
    plays = bool(st.session_state.get(_PLAYS))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Pause" if plays else "Play",
            key="play",
            icon=":material/pause:" if plays else ":material/play_arrow:",
            on_click=_play_or_pause,
            args=(journey,),
            width="content",
        )
        controls.select_slider(
            "Date",
            journey.dates,
            key="date",
            format_func=lambda date: format_date(pd.Timestamp(date)),
        )
    date = pd.Timestamp(st.session_state["date"])
    if not plays and st.query_params.get("date") != st.session_state["date"]:
        st.query_params["date"] = st.session_state["date"]
    origin = journey.stops[journey.place].origin
    if choices.panel.has_vintages():
        known = f"Known on {format_date(date)}, as published then, with figures to {format_date(origin)}."
    else:
        known = f"Cut at {format_date(date)}; the source keeps no earlier versions, so later corrections are in it."
    totals = f" Drawn and scored as new {choices.statistic.unit}." if choices.statistic.shown_cumulative else ""
    st.caption(known + totals)


def _play_or_pause(journey: Journey) -> None:
    st.session_state[_PLAYS] = not st.session_state.get(_PLAYS)
    st.session_state[_STEPPED] = time.monotonic() - STEP
    if st.session_state[_PLAYS] and journey.place + 1 == len(journey.dates):
        st.session_state["date"] = journey.dates[0]
        st.session_state[_STEPPED] = time.monotonic()


def _progress(service: Service, choices: Choices, journey: Journey, past: TrackRecord) -> None:
    """How far it has come, with a button to leave it at that or to go on."""
    of = len(past.jobs) + past.left
    made = sum(job.forecast is not None for job in past.jobs)
    ended = sum(job.finished for job in past.jobs)
    given_up = [job for job in past.jobs if job.state == State.cancelled]
    if past.full:
        st.warning(past.full, icon=":material/hourglass_top:")
    if _stopped(choices) or given_up:
        if made < of:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{made} of {of} forecasts made; the rest was cancelled.", width="content")
                st.button("Make the rest", on_click=_go_on, args=(service, choices, journey), width="content")
    elif ended < of:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(ended / of, f"{made} of {of} forecasts made, {of - ended} to come")
            if past.left and st.session_state.get(_ALL_NOW) != choices.view:
                hint = "Else those of this date come first, and the others when nothing else waits for a worker."
                st.button("Make all now", on_click=_make_all, args=(choices,), width="content", help=hint)
            st.button("Cancel", on_click=_stop, args=(service, choices, journey, past), width="content")


def _stop(service: Service, choices: Choices, journey: Journey, past: TrackRecord) -> None:
    """End what is made for other dates than the one on the screen."""
    st.session_state[_STOPPED] = choices.view
    for (_, place), job in past.asked.items():
        if place != journey.place and not job.finished:
            service.cancel(job.key)


def _make_all(choices: Choices) -> None:
    st.session_state[_ALL_NOW] = choices.view


def _go_on(service: Service, choices: Choices, journey: Journey) -> None:
    st.session_state.pop(_STOPPED, None)
    _make_all(choices)
    _track_record(service, choices, journey, retry=True)


def _chart(
    service: Service, choices: Choices, journey: Journey, past: TrackRecord, others: pd.DataFrame, judged: pd.DataFrame
) -> None:
    stop = journey.stops[journey.place]
    made = {
        name: past.forecasts[name, journey.place] for name in choices.models if (name, journey.place) in past.forecasts
    }
    waiting = [name for name in choices.models if _is_coming(past.asked.get((name, journey.place)))]
    if made:
        band, why = _leading_model(choices, journey, past, made, judged)
    elif first := _first_answer(service, choices, stop):
        made, band = {first.model: first}, first.model
        why = headline.first_answer_sentence(band, choices.models, waiting)
    else:
        band, why = "", ""
    window = time_machine.chart_window(journey.stops, choices.whole, choices.horizon)
    with st.container(border=True):
        truth = st.toggle("Show actual figures", True, key="truth", persist_state="session")
        moment = time_machine.TimeMachineChart(
            stop,
            choices.whole,
            made,
            band,
            others[others[ORIGIN] == stop.origin],
            window,
            truth,
            choices.panel.has_vintages(),
            choices.smooth,
            f"new {choices.statistic.unit}" if choices.statistic.shown_cumulative else choices.statistic.phrase,
        )
        about = ("moment", tuple(made), band, stop.origin, window, truth, moment.revised, moment.smooth, moment.unit)
        high = ("top", tuple(past.forecasts), window, choices.smooth)
        known = [choices.whole, others]
        chart.draw(
            chart.cached_figure(
                about, [stop, *made.values(), *known], lambda: time_machine.time_machine_figure(moment, runtime.theme())
            ),
            runtime.theme(),
            key="moment",
            view=f"time machine/{choices.view}",
            name=f"{choices.region} {st.session_state['date']}",
            description=time_machine.describe_time_machine(moment),
            height=460,
            top=_tops.get(
                high,
                [*past.cutoffs, *past.forecasts.values(), *known],
                lambda: time_machine.axis_top(past, others, choices.whole, window, choices.smooth),
            ),
        )
        if why:
            st.caption(why)
        teams = moment.others[MODEL].drop_duplicates()
        if len(teams) > len(time_machine.PUBLISHED_COLOURS):
            st.caption(
                f"Of the published forecasts {', '.join(teams[: len(time_machine.PUBLISHED_COLOURS)])} are drawn."
            )
        if len(teams) and choices.smooth:
            st.caption("Published forecasts are drawn day by day, not as means.")
        if waiting and made.keys() & set(choices.models):
            st.caption(f"Still being made for this date: {', '.join(model(name).label for name in waiting)}.")


def _first_answer(service: Service, choices: Choices, stop: Cutoff) -> Forecast | None:
    """What is drawn at a date until a chosen model has forecast from it."""
    asked = stop.with_training(choices.training).request("naive", choices.horizon)
    return service.first_answer(asked.series, asked.horizon)


def _leading_model(
    choices: Choices, journey: Journey, past: TrackRecord, made: dict[str, Forecast], judged: pd.DataFrame
) -> tuple[str, str]:
    """The model whose band is drawn, and where the reader wants the best one's, why it is this one.

    The best is that of the dates and periods that were known at the one on the screen.
    """
    first = next(iter(made))
    if choices.band != BEST:
        return (choices.band if choices.band in made else first), ""
    ready = f"Band of {model(first).label}, the first that is ready"
    if past.waiting:
        return first, f"{ready}; which was the best by then is known when all dates are judged."
    board = leaderboard.rank_models_at(judged, choices.models, journey.stops[journey.place].origin)
    ratios = dict(zip(board.table[MODEL], board.table["relative_wis"], strict=True))
    best = headline.best_model_here(ratios, choices.models, dict.fromkeys(ratios, board.origins))
    if best is None or best.model not in made:
        return first, f"{ready}: too little had come by then to tell which was best."
    return best.model, best.why


def _is_coming(job: Job | None) -> bool:
    return job is None or not job.finished


def _judged(service: Service, past: TrackRecord, others: pd.DataFrame, choices: Choices) -> tuple[pd.DataFrame, str]:
    """A score for every period that was forecast and has come, by us or others, and what is wrong with theirs."""
    ours = service.track_records.scores({choices.region: past}, {choices.region: choices.whole})
    if others.empty:
        return ours, ""
    try:
        theirs = leaderboard.score_published(others, choices.whole)
    except DataError as error:
        return ours, str(error)
    return pd.concat([ours, theirs], ignore_index=True), ""
