"""The parts of the Explore page, from top to bottom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from forecasting.data.forecast import Forecast
from forecasting.evaluation.similar_episodes import SimilarEpisodes, episodes_like
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, QueueFull
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.services.service import Service
from forecasting.views import answer, fan_chart, fan_table, headline
from forecasting.views.answer import Answer
from forecasting.views.per_population import SHORT_UNIT
from forecasting.views.table_texts import figure_text, with_texts
from ui.components import chart, model_rows
from ui.explore import changes, chart_options, downloads, embed, past_scores, provenance, questions
from ui.explore.chart_options import ChartOptions
from ui.shell import following, navigation, pins, polling, runtime, sharing, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import BEST, draw_sidebar

#: The height of the chart in pixels, without what stands on its edge.
HEIGHT = 390
#: What of a stream is being judged at earlier dates, in the session's state.
_JUDGING = "judging"
#: That the reader goes on to other regions, in the session's state.
_TO_REGIONS = "to other regions"


def take_wish_for_regions() -> bool:
    """Whether the reader has just asked for other regions beside this one; forgets it, so the page that asks must go to Compare."""
    return bool(st.session_state.pop(_TO_REGIONS, False))


def _wish_for_regions() -> None:
    """Have Compare open on several regions' forecasts, this one's first. Runs before the page does."""
    st.session_state["compare"] = "together"
    st.session_state[_TO_REGIONS] = True


def choices(service: Service) -> Choices:
    """Draw the sidebar; gives what is chosen there. How the chart is drawn is chosen on its edge, and is in the address, too."""
    return draw_sidebar(service, partial(chart_options.address_fields, service), mean_on_chart=True)


def heading(service: Service, choices: Choices) -> None:
    """Draw the heading: region and statistic, a pin, and a link to share."""
    navigation.name_tab(f"{choices.region}: {choices.statistic.phrase}")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="subject"):
        st.subheader(
            f"{escape_markdown(choices.region)}: {escape_markdown(choices.statistic.phrase)}",
            anchor=False,
        )
        with st.container(horizontal=True, width="content", vertical_alignment="center", key="subject_ways"):
            st.button(
                "Compare regions",
                key="compare regions",
                help="Compare with other regions: their figures and forecasts on one chart.",
                icon=":material/compare_arrows:",
                type="tertiary",
                on_click=_wish_for_regions,
            )
            pins.draw_pin(service, choices)
            sharing.draw_share(choices, embed.draw_snippet)
    for note in runtime.service().store.notes:
        st.warning(note, icon=":material/inventory_2:")
    if unmet := url_state.link_notes():
        st.info("\n\n".join(unmet), icon=":material/link_off:")


@dataclass(frozen=True)
class ExploreProgress:
    """The forecasts and the track record as far as they have come.

    Attributes:
        jobs: by model, those that the queue has taken.
        past: the look back at earlier dates, as far as it has come.
        full: the queue's sentence, when it would take no more.
    """

    jobs: dict[str, Job]
    past: TrackRecord
    full: str

    @property
    def busy(self) -> bool:
        """Whether there will be something new without anybody's doing."""
        return bool(self.full) or self.past.waiting or any(not job.finished for job in self.jobs.values())


def live(service: Service, choices: Choices) -> None:
    """Draw everything that changes while models train: it polls alone, and stops when all is done."""
    at_first = [_state(service, choices, at_first=True)]
    busy = at_first[0].busy or changes.waits()

    def draw() -> None:
        _draw(service, choices, at_first.pop() if at_first else _state(service, choices), busy)

    polling.draw_and_poll(draw, polling.INTERVAL if busy else None)


def _state(service: Service, choices: Choices, at_first: bool = False) -> ExploreProgress:
    """Ask for everything. `at_first` the forecasts only, unless they are all there: looking back can wait a tick."""
    jobs: dict[str, Job] = {}
    full = ""
    for request in _requests(choices):
        try:
            jobs |= _submit(service, choices, [request])
        except QueueFull as error:
            full = str(error)
    if at_first and any(not job.finished for job in jobs.values()):
        return ExploreProgress(jobs, TrackRecord(begun=False), full)
    return ExploreProgress(jobs, _track_record(service, choices), full)


def _submit(service: Service, choices: Choices, requests: list[Request], retry: bool = False) -> dict[str, Job]:
    """Jobs of `requests`; of a series that grows by itself the full fits follow one after the other."""
    if following.streaming(choices.panel) is None:
        return service.submit(requests, retry=retry)
    name = (choices.panel.source, choices.statistic.name, choices.region, choices.training)
    return service.stream_fits.submit(name, requests, retry)


def _track_record(service: Service, choices: Choices) -> TrackRecord:
    """The look back at earlier dates; of figures that come by themselves at those of a minute ago, or it would never end."""
    panel, view = choices.panel, (choices.panel.source, choices.region, choices.statistic.name)
    if following.streaming(panel) is not None:
        waiting = st.session_state.get(_JUDGING) == view
        panel = service.stream_fits.judged_panel(view, panel, waiting)
    past = service.track_records.track_record(
        panel,
        choices.region,
        choices.statistic.name,
        choices.models,
        choices.training,
        horizon=choices.horizon,
        patience=polling.WORK_PER_LOOK,
    )
    st.session_state[_JUDGING] = view if past.waiting else None
    return past


def _draw(service: Service, choices: Choices, state: ExploreProgress, is_polling: bool) -> None:
    shown, drafts = _forecasts(state.jobs)
    if shown:
        band, why = _leading_model(choices, shown, state.past)
    else:
        band, why = _first_answer(service, choices, state, shown)
    revisions = service.revisions(choices.panel, choices.region, choices.statistic.name)
    unit, options = choices.statistic.phrase, chart_options.chart_options(choices)
    counted = fan_chart.FanChart(
        choices.series,
        shown,
        drafts,
        band,
        unit,
        options.smooth,
        revisions,
        options.levels,
        options.log,
        options.seasons,
        similar=_similar(choices) if options.similar else None,
    )
    fan = counted.per_population(options.per) if options.per else counted
    above = st.container()
    today = pd.Timestamp.now()
    said = answer.answer(
        choices.region, choices.statistic.label, choices.series, shown[band], state.past, options.per, today
    )
    if embed.is_embedded():
        embed.draw(choices, counted, fan, said)
        if is_polling and not state.busy:
            polling.rerun_page()
        return
    _chart(choices, counted, fan, options, said)  # first on its way to the screen, though not the first on it
    with above:
        _answer(said)
    if state.full:
        st.warning(state.full, icon=":material/hourglass_top:")
    models, beside = st.columns([5, 3])
    with models.container(border=True, key="model_table"):
        rows = model_rows.rows(state.jobs.values(), state.past, fan.series, fan.forecasts, band, runtime.theme())
        next_stretch = answer.next_stretch_name(choices.series, shown[band], today) + (
            f" {SHORT_UNIT}" if fan.per else ""
        )
        _carry_out_press(service, choices, model_rows.draw(rows, next_stretch=next_stretch, key="rows"))
        past_scores.draw_scores(state.past, choices, fan.per)
        if why:
            st.caption(why)
    with beside.container(border=True):
        past_scores.draw_trust(state.past, choices, band)
        provenance.draw_provenance(service, choices)
    changes.draw_change(service, choices, band)
    questions.draw_questions(service, choices, shown[band], band in drafts, state.past)
    _table(fan)
    downloads.draw_downloads(choices, counted, state.past, why, fan)
    if is_polling != (state.busy or changes.waits()):
        polling.rerun_page()


def _similar(choices: Choices) -> SimilarEpisodes:
    """Past episodes that are like the last weeks, whatever part of the past models see; quick, and kept with the panel."""
    return episodes_like(choices.panel, choices.whole, choices.statistic.name, choices.horizon)


def _carry_out_press(service: Service, choices: Choices, asked: tuple[str, str] | None) -> None:
    """Do what the reader's button asked: end a job, or start one again."""
    if asked is None:
        return
    what, key = asked
    if what == "cancel":
        service.cancel(key)
    else:
        requests = _requests(choices)
        _submit(service, choices, [request for request in requests if request.key == key], retry=True)
    polling.rerun_page()


def _requests(choices: Choices) -> list[Request]:
    return [Request(choices.series, name, choices.horizon) for name in choices.models]


def _forecasts(jobs: dict[str, Job]) -> tuple[dict[str, Forecast], frozenset[str]]:
    """What can be drawn of the chosen models now: finished forecasts, and drafts."""
    shown, drafts = {}, set()
    for name, job in jobs.items():
        if job.forecast is not None:
            shown[name] = job.forecast
        elif job.draft is not None:
            shown[name] = job.draft
            drafts.add(name)
    return shown, frozenset(drafts)


def _first_answer(
    service: Service, choices: Choices, state: ExploreProgress, shown: dict[str, Forecast]
) -> tuple[str, str]:
    """Add to `shown` what is drawn until a chosen model has a forecast; returns its model, and why it is this one."""
    first = service.first_answer(choices.series, choices.horizon)
    assert first is not None  # a prepared series has a figure to repeat
    shown[first.model] = first
    unfinished = [name for name in choices.models if name not in state.jobs or not state.jobs[name].finished]
    return first.model, headline.first_answer_sentence(first.model, choices.models, unfinished)


def _leading_model(choices: Choices, shown: dict[str, Forecast], past: TrackRecord) -> tuple[str, str]:
    """The model whose bands are drawn, and where the reader wants the best one's, why it is this one."""
    first = next(iter(shown))
    if choices.band != BEST:
        return (choices.band if choices.band in shown else first), ""
    ready = f"Bands of {model(first).label}, the first that is ready"
    if past.why_not:
        return first, f"{ready}: there are no earlier dates to tell which is best here."
    if past.waiting:
        return first, f"{ready}; which is best here is known when all earlier dates are judged."
    ratios = {score.model: score.relative_wis for score in past.scores}
    best = headline.best_model_here(ratios, choices.models, Counter(name for name, _ in past.forecasts))
    if best is None:
        return first, f"{ready}: no model could be judged here."
    if best.model not in shown:
        return first, f"{ready}: {model(best.model).label} was best here so far, but there is no forecast of it now."
    return best.model, best.why


def _answer(said: Answer) -> None:
    """What is expected next in the largest type of the page, and below it how sure that is."""
    st.title(escape_markdown(said.sentence), anchor=False)
    st.markdown(escape_markdown(" · ".join([*said.details, said.dated])))


def _chart(
    choices: Choices, counted: fan_chart.FanChart, fan: fan_chart.FanChart, options: ChartOptions, said: Answer
) -> None:
    """Draw the chart: `counted` is its content as counted, `fan` in the unit on show."""
    about = (
        *("fan", tuple(fan.forecasts), fan.drafts, fan.banded_model, fan.unit, fan.smooth, counted.revisions),
        *(fan.levels, fan.log, fan.seasons, fan.per),
    )
    parts = fan_chart.parts(counted)
    source = f"{said.dated[:1].upper()}{said.dated[1:]}. {provenance.credit_line(choices)}"
    with st.container(border=True):
        chart.draw(
            chart.cached_figure(about, parts, lambda: fan_chart.fan_figure(fan, runtime.theme())),
            runtime.theme(),
            key="fan",
            view=f"{choices.place}/{options.view}",
            name=f"{choices.region} {choices.statistic.label}",
            description=fan_table.describe_fan_chart(fan),
            height=HEIGHT,
            caption=chart.PictureCaption(
                f"{choices.region}: {fan.unit}",
                f"{said.sentence} {said.band}, by {said.by}.",
                " ".join([source, *fan_chart.fan_notes(fan), "Forecast Explorer."]),
            ),
            strip=options.strip(fan),
        )


def _table(fan: fan_chart.FanChart) -> None:
    """Made only while somebody looks at it."""
    box = st.expander("The numbers behind the chart", icon=":material/table:", key="numbers", on_change="rerun")
    if box.open:
        table = fan_table.fan_table(fan)
        figures = table.columns[[pd.api.types.is_numeric_dtype(column) for column in table.dtypes]]
        box.dataframe(
            with_texts(table, dict.fromkeys(figures, figure_text(fan.series.decimals))),
            hide_index=True,
            width="stretch",
            column_config={"Date": st.column_config.DateColumn(format="D MMM YYYY")},
        )
        if fan.per:
            box.caption(fan.per.sentence)
