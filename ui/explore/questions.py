"""The part of the Explore page on questions about the future, and on being told when something has become likely."""

from __future__ import annotations

import streamlit as st

from forecasting.data.forecast import Forecast
from forecasting.evaluation.events import EventQuestion
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.monitoring.event_alerts import EventRule
from forecasting.services.service import Service
from forecasting.support.errors import ForecastingError
from forecasting.views import event_questions
from ui.shell import following, runtime
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Percent from which on somebody wants to be told, at first, at least and at most.
USUAL_CHANCE, LEAST_CHANCE, MOST_CHANCE = 30, 1, 99
_SIDES = {"above": "Above", "below": "Below"}


def draw_questions(service: Service, choices: Choices, forecast: Forecast, draft: bool, past: TrackRecord) -> None:
    """Draw the expander with questions to `forecast`; its answers are made only while somebody looks at them."""
    box = st.expander("Ask about the future", icon=":material/contact_support:", key="questions", on_change="rerun")
    if not box.open:
        return
    with box:
        try:
            asked = _question(choices, forecast)
            sentences = event_questions.question_sentences(choices.series, forecast, asked)
        except ForecastingError as error:
            st.warning(escape_markdown(str(error)))
            return
        st.markdown(f"**{escape_markdown(sentences[0])}**")
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences[1:]))
        by = f"By {model(forecast.model).label}{', as far as it is fitted' if draft else ''}"
        st.caption(
            f"{by}: shares of 999 possible futures, of figures as counted. How often such chances came: Methods."
        )
        if service.offers(choices.panel) and following.streaming(choices.panel) is None:
            _tell_me(choices, forecast, asked, past)


def _question(choices: Choices, forecast: Forecast) -> EventQuestion:
    """The level, its side and the periods that are asked for."""
    series, place = choices.series, choices.place
    step = series.frequency.step
    with st.container(horizontal=True, vertical_alignment="bottom", key="question_row"):
        side = st.segmented_control(
            "Is there",
            list(_SIDES),
            default="above",
            required=True,
            format_func=lambda name: f"a {step} {_SIDES[name].lower()}",
            key=f"ask side {place}",
        )
        level = st.number_input(
            "the level",
            value=event_questions.suggested_level(series),
            format=f"%.{series.decimals}f",
            key=f"ask level {place}",
            width=160,
        )
        within = st.number_input(
            f"within so many {step}s",
            min_value=1,
            max_value=forecast.horizon,
            value=forecast.horizon,
            key=f"ask within {place}",
            width=160,
        )
    return event_questions.level_question(side or "above", float(level), int(within))


def _tell_me(choices: Choices, forecast: Forecast, asked: EventQuestion, past: TrackRecord) -> None:
    """A form that adds a rule, with how such an alert would have done at the earlier dates of the page."""
    with st.container(border=True, key="tell_me"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            percent = st.number_input(
                "Tell me when this chance is above (percent)",
                min_value=LEAST_CHANCE,
                max_value=MOST_CHANCE,
                value=USUAL_CHANCE,
                key=f"tell chance {choices.place}",
                width=320,
            )
            pressed = st.button("Tell me", icon=":material/notifications:", key="tell me")
        chance = int(percent) / 100
        st.caption(escape_markdown(_record(choices, forecast, asked, chance, past)))
        if not runtime.checks_alerts.is_set():
            st.caption("This server does not look at alerts by itself: whoever runs it has to.")
        if pressed:
            _add(choices, forecast, asked, chance)


def _record(choices: Choices, forecast: Forecast, asked: EventQuestion, chance: float, past: TrackRecord) -> str:
    if past.waiting:
        return "How such an alert would have done is known when all earlier dates are judged."
    return event_questions.alert_sentence(asked, chance, past, choices.whole, forecast.model)


def _add(choices: Choices, forecast: Forecast, asked: EventQuestion, chance: float) -> None:
    rule = (choices.panel.source, choices.region, choices.statistic.name, forecast.model, asked, chance)
    try:
        added = runtime.event_alerts().add(EventRule(*rule))
    except ForecastingError as error:
        st.error(escape_markdown(str(error)))
        return
    mine = st.session_state.get(runtime.ADDED_ALERTS, ())
    st.session_state[runtime.ADDED_ALERTS] = {*mine, added.id}
    looked = "It is looked at with every update" if runtime.checks_alerts.is_set() else "It is kept"
    st.success(
        f"{looked}, and told on Monitor once its chance is above {100 * chance:.0f} %. There you can take it back, too.",
        icon=":material/notifications_active:",
    )
