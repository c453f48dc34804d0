"""The Desk: a card for every pin, with what is expected, why that moved, and how the last forecast did."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from forecasting.data.panel import Statistic
from forecasting.data.series import Series
from forecasting.evaluation.forecast_change import ForecastChange
from forecasting.jobs import QueueFull
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.services.service import Service
from forecasting.support.errors import ForecastingError
from forecasting.views import answer, change_sentences
from forecasting.views.answer import Answer
from ui.shell import navigation, pins, polling, runtime, url_state
from ui.shell.markdown import escape_markdown
from ui.shell.pins import Pin

#: Seconds that a page waits for the figures of a source.
PATIENCE = 0.3
#: Whether the reader has chosen a pin to explore, in the session's state.
_TO_EXPLORE = "desk leaves"


@dataclass(frozen=True)
class Card:
    """What is known of a pin.

    Attributes:
        pin: which.
        statistic, series, said: what it shows; None where there is nothing to show.
        change: why the forecast moved; None while that is not known.
        notes: sentences on what is missing.
        waits: whether there will be more without anybody's doing.
    """

    pin: Pin
    statistic: Statistic | None = None
    series: Series | None = None
    said: Answer | None = None
    change: ForecastChange | None = None
    notes: tuple[str, ...] = ()
    waits: bool = False


def take_wish_to_explore() -> bool:
    """Whether the reader has just chosen a pin to explore; forgets it, so the page that asks must go to Explore."""
    return bool(st.session_state.pop(_TO_EXPLORE, False))


def heading() -> None:
    """Draw the title."""
    navigation.name_tab("Desk")
    st.title("Desk", anchor=False)
    st.caption("What you have pinned: what is expected next, why that moved, and how the last forecast did.")


def live(service: Service) -> None:
    """Draw the cards; the part polls alone while something is on its way."""
    found = pins.pinned()
    if found is None:
        st.info("Looking for your pins …", icon=":material/hourglass_top:")
        return
    if not found:
        _draw_how_to_pin()
        return
    at_first = [[_card(service, pin) for pin in found]]
    busy = any(card.waits for card in at_first[0])

    def draw() -> None:
        cards = at_first.pop() if at_first else [_card(service, pin) for pin in found]
        for place, card in enumerate(cards):
            _draw(card, place)
        if busy and not any(card.waits for card in cards):
            polling.rerun_page()

    polling.draw_and_poll(draw, polling.INTERVAL if busy else None)


def _draw_how_to_pin() -> None:
    st.info("Nothing is pinned yet. Press *Pin* beside the name of a region on Explore.", icon=":material/keep:")
    st.page_link(navigation.EXPLORE, label="To Explore", icon=":material/query_stats:")


def _card(service: Service, pin: Pin) -> Card:
    """Ask for everything that a card shows; nothing here waits for a fit."""
    try:
        panel = service.panel(pin.source, PATIENCE)
        if panel is None:
            return Card(pin, notes=("Its figures are being fetched.",), waits=True)
        statistic = panel.statistic(pin.statistic)
        series = service.series(panel, pin.region, statistic.name)
        request = Request(series, pin.model, pin.horizon)
        (job,) = service.submit([request]).values()
        steps = answer.stretch_steps(series)
        found = service.forecast_changes.change(panel, series, statistic.name, pin.model, pin.horizon, steps)
    except QueueFull as error:
        return Card(pin, notes=(str(error),), waits=True)
    except ForecastingError as error:
        return Card(pin, notes=(str(error),))
    notes = [text for text in (found.why_not, found.full) if text]
    shown = job.forecast or job.draft
    if shown is None and job.finished:
        notes.append(job.error or f"The forecast was {job.state}.")
    if shown is None or not job.finished:
        notes.append(f"Still training: {model(pin.model).label}.")
        shown = shown or service.first_answer(series, pin.horizon)
    said = answer.answer(pin.region, statistic.label, series, shown, today=pd.Timestamp.now()) if shown else None
    return Card(
        pin, statistic, series, said, found.change, tuple(dict.fromkeys(notes)), found.waiting or not job.finished
    )


def _draw(card: Card, place: int) -> None:
    pin = card.pin
    label = card.statistic.phrase if card.statistic else pin.statistic
    with st.container(border=True, key=f"pin_{place}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader(f"{escape_markdown(pin.region)}: {escape_markdown(label)}", anchor=False)
            with st.container(horizontal=True, width="content"):
                where = f"{pin.region}, {label}"
                if _button("Explore", f"Open {where} on Explore.", ":material/query_stats:", place):
                    url_state.open_link_on_explore(pin.link)
                    st.session_state[_TO_EXPLORE] = True
                    polling.rerun_page()
                if _button("Unpin", f"Take {where} from the Desk.", ":material/keep_off:", place):
                    pins.change(pin, False)
                    polling.rerun_page()
        if card.said:
            st.markdown(f"**{escape_markdown(card.said.sentence)}**")
            st.markdown(escape_markdown(" · ".join([*card.said.details, card.said.dated])))
        if card.change and card.series:
            moved = change_sentences.change_sentences(card.series, card.change)
            off = change_sentences.last_time_sentence(card.series, card.change)
            st.markdown("\n".join(f"- {escape_markdown(one)}" for one in (*moved, off)))
        for one in _alerts(pin):
            st.markdown(f":material/notifications: {escape_markdown(one)}")
        for note in card.notes:
            st.caption(escape_markdown(note))


def _button(label: str, tip: str, icon: str, place: int) -> bool:
    """A button of the card at a place; whether it was pressed."""
    key = f"{label.lower()} {place}"
    return st.button(label, key=key, icon=icon, type="tertiary", help=escape_markdown(tip))


def _alerts(pin: Pin) -> list[str]:
    """What somebody asked to be told of these figures, and what the last check found."""
    kept = [one for one in runtime.kept_event_alerts(runtime.history().server) if one.rule.source == pin.source]
    mine = [one for one in kept if (one.rule.statistic, one.rule.region) == (pin.statistic, pin.region)]
    return [one.trouble or one.sentence or f"{one.words}: not looked at yet." for one in mine]
