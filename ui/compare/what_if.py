"""What if: a control with shocks on Compare, and what every chosen model makes of the chosen one."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.shocks import Shock, shocks
from forecasting.evaluation.stress_tests import ShockedSeries, apply_shock
from forecasting.models import PooledModel, model
from forecasting.services.service import Service
from forecasting.services.stress_test import StressTestJobs, request_stress_test
from forecasting.support.errors import DataError
from forecasting.views import what_if
from forecasting.views.what_if import WhatIfChart
from ui.components import chart
from ui.shell import controls, polling, runtime, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Name in the link and of the control.
KEY = "whatif"
_STRUCK = "what if, struck"


def state() -> dict[str, str]:
    """What the address keeps of it; called before the address is written, so that a link's wish is heard."""
    url_state.seed(KEY, [*shocks(), url_state.NONE], url_state.NONE, "what-if")
    if st.session_state[KEY] == url_state.NONE:
        st.session_state[KEY] = None
    return {KEY: st.session_state[KEY]} if st.session_state[KEY] else {}


def live(service: Service, choices: Choices) -> None:
    """The control and the answers; polls alone while models train."""
    with st.container(border=True):
        st.markdown("## What if …")
        st.caption(
            "A model that scores well can still do nonsense when the world does. Change the last figures and see."
        )
        shock = _choose(choices)
        if shock is None:
            return
        st.markdown(shock.explain(choices.series.frequency))
        if not choices.models:
            st.caption("Choose a model in the sidebar.")
            return
        try:
            struck = _struck(choices, shock).with_training(choices.training)
        except DataError as error:
            st.info(escape_markdown(str(error)), icon=":material/info:")
            return
        st.caption(what_if.preparation_sentence(struck))
        _answers(service, choices, struck)


def _choose(choices: Choices) -> Shock | None:
    known = shocks(choices.series.frequency)
    if st.session_state.get(KEY) not in known:
        st.session_state[KEY] = None
    name = controls.pill(
        "Shock",
        list(known),
        format_func=lambda name: known[name].label,
        key=KEY,
    )
    return known.get(name or "")


def _struck(choices: Choices, shock: Shock) -> ShockedSeries:
    """The last one is kept: the whole panel is prepared anew for it."""
    panel, name = choices.panel, (choices.panel.source, choices.statistic.name, choices.region, shock.name)
    kept = st.session_state.get(_STRUCK)
    if kept is None or kept[0] != name or kept[1] is not panel.table:
        kept = name, panel.table, apply_shock(panel, choices.region, choices.statistic.name, shock)
        st.session_state[_STRUCK] = kept
    return kept[2]


def _answers(service: Service, choices: Choices, struck: ShockedSeries) -> None:
    def ask_both() -> StressTestJobs:
        return request_stress_test(service, struck, choices.models, choices.horizon)

    busy = ask_both().waiting

    def draw() -> None:
        asked = ask_both()
        _draw(asked, choices, struck)
        if busy and not asked.waiting:
            polling.rerun_page()

    polling.draw_and_poll(draw, polling.INTERVAL if busy else None)


def _draw(asked: StressTestJobs, choices: Choices, struck: ShockedSeries) -> None:
    if asked.full:
        st.warning(asked.full, icon=":material/hourglass_top:")
    pictures = {
        name: WhatIfChart(struck, before.forecast, after.forecast, choices.smooth)
        for name, (before, after) in asked.jobs.items()
        if before.forecast and after.forecast
    }
    top = max((picture.top() for picture in pictures.values()), default=None)
    names = list(asked.jobs)
    for row in range(0, len(names), 2):
        for name, column in zip(names[row : row + 2], st.columns(2, vertical_alignment="bottom"), strict=False):
            with column:
                if name in pictures:
                    _picture(pictures[name], choices, top)
                else:
                    errors = [job.error for job in asked.jobs[name] if job.error]
                    st.caption(f"{model(name).label}: {errors[0] if errors else 'being asked …'}")
    if pictures:
        alone = " Only this region's figures are changed, so nothing is learned from the others here."
        st.caption(
            "Grey: the real figures and the answer to them. In colour: the answer after the change, with its 80 % band. "
            "Dots: the changed figures; hollow where they are not used, crosses where nothing is published."
            f"{alone if _pools(names) else ''}"
        )


def _pools(names: list[str]) -> bool:
    """Whether one of these models learns from other regions elsewhere."""
    asked = {model(member) for name in names for member in (name, *model(name).members)}
    return any(isinstance(one, PooledModel) for one in asked)


def _picture(picture: WhatIfChart, choices: Choices, top: float | None) -> None:
    name, shock = picture.after.model, picture.struck.shock
    sentence = what_if.reaction_sentence(picture)
    st.markdown(sentence)
    chart.draw(
        what_if.what_if_figure(picture, runtime.theme()),
        runtime.theme(),
        key=f"what if {name}",
        view=f"{choices.view}/{shock.name}/{name}",
        name=f"{choices.region} {name} {shock.name}",
        description=sentence.replace("**", ""),
        height=250,
        top=top,
    )
