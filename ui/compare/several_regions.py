"""Several regions on one chart: the part of the Compare page on what comes next in each of them."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.jobs import QueueFull
from forecasting.models import model
from forecasting.services.region_forecasts import RegionForecast, RegionForecasts, RegionsQuestion, request_regions
from forecasting.services.service import Service, forecasts_table
from forecasting.views import regions_chart, regions_summary
from forecasting.views.regions_chart import ChartChoices, RegionsChart
from forecasting.views.table_texts import figure_text, percent_text, with_texts
from ui.compare import layout
from ui.components import chart
from ui.components.chart import ChartStrip, ChoiceGroup
from ui.shell import axis_scale, controls, downloads, polling, runtime, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Seconds in which regions are prepared before what is there is drawn; the next look prepares more.
PATIENCE = 0.4
#: A name in the session's state: the start of an index that was proposed last.
_USUAL_START = "usual start"


def draw_controls(panel: Panel, statistic: Statistic, region: str) -> dict[str, str]:
    """The controls of the chart; gives their state for the address."""
    url_state.seed("lines", list(regions_chart.LINES), regions_chart.EACH, "choice of lines")
    among = tuple(panel.regions(statistic.name))
    series = runtime.service().series(panel, region, statistic.name)
    units = regions_chart.units_of(series, st.session_state.get("regions", [region]), among)
    url_state.seed("unit", list(units), regions_chart.COUNTED, "unit")
    with st.container(horizontal=True, gap="medium"):
        lines = controls.segmented_control(
            "Lines",
            list(regions_chart.LINES),
            key="lines",
            format_func=regions_chart.LINES.__getitem__,
            help="The one is the sidebar's region, or the first that is chosen. The mean counts every other region alike.",
        )
        unit = controls.segmented_control(
            "Unit",
            list(units),
            key="unit",
            format_func=units.__getitem__,
            help="Start = 100: each region's figures as percent of what they were on one date, so that small regions can "
            "be seen beside large ones.",
        )
        start = _start(series) if unit == regions_chart.INDEXED else None
    usual = {"lines": regions_chart.EACH, "unit": regions_chart.COUNTED}
    state = {"lines": lines, "unit": unit} | ({"start": start.isoformat()} if start else {})
    return {name: value for name, value in state.items() if value != usual.get(name)}


def _start(series: Series) -> date:
    """The date on which all are 100; unless the reader chooses, the first on show."""
    usual, before = regions_chart.usual_start(series).date(), st.session_state.get(_USUAL_START)
    if before not in (None, usual) and st.session_state.get("start") == before:
        url_state.set_value("start", usual)
    st.session_state[_USUAL_START] = usual
    low, high = series.start.date(), series.origin.date()
    url_state.seed_date("start", low, high, usual, "a start on")
    return controls.date_input("Start", low, high, key="start", help="The first figure from this date on is 100.")


def question(choices: Choices) -> RegionsQuestion:
    """What the controls ask for, the sidebar's region first where it is among those chosen."""
    chosen = list(st.session_state["regions"])
    regions = sorted(chosen, key=lambda region: region != choices.region)
    name = st.session_state["model"]
    return RegionsQuestion(
        choices.panel, choices.statistic.name, tuple(regions), name, choices.horizon, choices.training
    )


def heading(choices: Choices) -> None:
    """Draw the heading: what is compared, and what the link asked for that is not there."""
    count, name = len(st.session_state["regions"]), model(st.session_state["model"]).label
    what = f"{choices.statistic.phrase} in {count} region{'' if count == 1 else 's'}"
    ahead = choices.series.frequency.steps(choices.horizon)
    layout.draw_heading(choices, what, f"What each region has counted, and what {name} expects of the next {ahead}.")


def live(service: Service, choices: Choices) -> None:
    """Draw everything that changes while models train; it polls alone, and stops when all is done."""
    asked = question(choices)
    if not asked.regions:
        st.info("Choose at least one region.", icon=":material/add_location:")
        return
    at_first = [request_regions(service, asked, PATIENCE)]
    busy = at_first[0].waiting

    def draw() -> None:
        found = at_first.pop() if at_first else request_regions(service, asked, PATIENCE)
        _draw(service, choices, asked, found)
        if busy and not found.waiting:
            polling.rerun_page()

    polling.draw_and_poll(draw, polling.INTERVAL if busy else None)


def _draw(service: Service, choices: Choices, asked: RegionsQuestion, found: RegionForecasts) -> None:
    for region, why in found.failed:
        st.info(escape_markdown(f"{region}: {why}"), icon=":material/history:")
    if not found.ready:
        return
    if found.full:
        st.warning(found.full, icon=":material/hourglass_top:")
    state = st.session_state
    start = pd.Timestamp(state["start"]) if state["unit"] == regions_chart.INDEXED else None
    among = tuple(choices.panel.regions(choices.statistic.name))
    log = axis_scale.is_log() and axis_scale.LOG in axis_scale.scales(choices.series)
    chosen = ChartChoices(state["unit"], start, state["lines"], choices.smooth, among, log)
    shown = regions_chart.regions_chart(found.ready, chosen, choices.statistic.phrase)
    for why in shown.left_out:
        st.info(escape_markdown(why), icon=":material/info:")
    if not shown.lines:
        return
    sentence = regions_summary.against_mean_sentence(shown) or regions_summary.order_sentence(found.ready)
    st.markdown(escape_markdown(sentence))
    _chart(choices, found, chosen, shown)
    _progress(service, asked, found)
    _captions(choices, chosen, found, shown)
    _table(shown)
    _downloads(choices, found, shown)


def _chart(choices: Choices, found: RegionForecasts, chosen: ChartChoices, shown: RegionsChart) -> None:
    about = ("regions", chosen, shown.unit, tuple((one.region, one.final) for one in found.ready))
    parts = [part for one in found.ready for part in (one.series, one.forecast)]
    names = ", ".join(line.name for line in shown.lines)
    with st.container(border=True):
        chart.draw(
            chart.cached_figure(about, parts, lambda: regions_chart.regions_figure(shown, runtime.theme())),
            runtime.theme(),
            key="regions chart",
            view=f"{choices.view}/{chosen.unit}/{chosen.start}/{chosen.lines}/{names}",
            name=f"{choices.statistic.label} of {len(shown.lines)} regions",
            description=regions_summary.describe_chart(shown),
            caption=chart.PictureCaption(
                f"{choices.statistic.label}: {names}",
                regions_summary.against_mean_sentence(shown) or regions_summary.order_sentence(found.ready),
                f"{regions_summary.dated_sentence(found.ready)} {_credit(choices, chosen)} Forecast Explorer.",
            ),
            strip=_strip(choices, shown),
        )


def _strip(choices: Choices, shown: RegionsChart) -> ChartStrip:
    """The choice of an axis on the chart's edge, where it has one, and what one has to know of it."""
    offered = {scale: axis_scale.LABELS[scale] for scale in axis_scale.scales(choices.series)}
    chosen = (axis_scale.LOG if shown.log else axis_scale.LINEAR,)
    groups = (ChoiceGroup(axis_scale.SCALE, "Axis", offered, chosen),) if len(offered) > 1 else ()
    return ChartStrip(groups, tuple(regions_chart.zeros_sentences(shown)), lambda _, scale: axis_scale.choose(scale))


def _progress(service: Service, asked: RegionsQuestion, found: RegionForecasts) -> None:
    """How far the chosen model has come with the way to end it, or that somebody has ended it with the way to go on."""
    label, done, of = model(asked.model).label, sum(one.final for one in found.ready), len(asked.regions)
    if found.waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(done / of, f"{label}: {done} of {of} regions")
            st.button(
                "Cancel",
                key="cancel regions chart",
                icon=":material/close:",
                help="End what still waits or runs of this, for everybody who looks at it.",
                on_click=_cancel,
                args=(service, found),
            )
    elif any(one.cancelled for one in found.ready):
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**Cancelled.** {label} has forecast {done} of {of} regions.")
            if st.button("Go on", key="go on regions chart", icon=":material/play_arrow:", type="primary"):
                _go_on(service, asked)


def _cancel(service: Service, found: RegionForecasts) -> None:
    for one in found.ready:
        if one.waiting and one.key:
            service.cancel(one.key)


def _go_on(service: Service, asked: RegionsQuestion) -> None:
    try:
        request_regions(service, asked, PATIENCE, retry=True)
    except QueueFull as error:
        st.warning(str(error), icon=":material/hourglass_top:")
        return
    polling.rerun_page()


def _captions(choices: Choices, chosen: ChartChoices, found: RegionForecasts, shown: RegionsChart) -> None:
    told = ["Dotted: expected, with 80 % bands. A click on a name in the legend takes it out."]
    if shown.lines[-1].name == regions_chart.MEAN_LABEL:
        told.append("The band of the mean is as wide as if all those regions went high or low together.")
    if chosen.smooth:
        told.append(f"Means over {choices.series.frequency.steps(choices.series.season)}.")
    first = [one for one in found.ready if not one.final]
    for name in dict.fromkeys(one.forecast.model for one in first):
        of = [one.region for one in first if one.forecast.model == name]
        if name != st.session_state["model"]:
            told.append(f"Of {', '.join(of)}, {model(name).label} is drawn until a better forecast is there.")
        else:
            told.append(f"Of {', '.join(of)}, a draft is drawn.")
    told += regions_summary.figure_notes(found.ready)
    for error in dict.fromkeys(one.error for one in found.ready if one.error):
        told.append(error)
    told.append(f"{regions_summary.dated_sentence(found.ready)} {_credit(choices, chosen)}")
    st.caption(escape_markdown(" ".join(told)))


def _credit(choices: Choices, chosen: ChartChoices) -> str:
    """Whom to credit for the figures, under what terms they are, and where populations are from."""
    panel, name = choices.panel, choices.statistic.name
    told = [f"{panel.attribution_of(name)}.", f"Licence: {panel.licence_of(name)}."]
    if chosen.unit == regions_chart.PER_100K:
        told += regions_chart.population_sources(st.session_state["regions"], chosen.among)
    return " ".join(told)


def _table(shown: RegionsChart) -> None:
    """What is now and what is expected, a row a line, and all dates for who asks."""
    table = regions_summary.summary_table(shown)
    day = st.column_config.DateColumn(format="D MMM YYYY")
    figures = dict.fromkeys(("Now", "Expected", "80 % from", "to"), figure_text(shown.decimals))
    st.dataframe(
        with_texts(table, figures | {"Change": percent_text(0)}),
        hide_index=True,
        width="stretch",
        column_config={
            **dict.fromkeys(("Figures to", "Forecast for"), day),
            "Change": st.column_config.NumberColumn(help="Of the median, from the last figure."),
        },
    )
    box = st.expander("The numbers behind the chart", icon=":material/table:", key="regions numbers", on_change="rerun")
    if box.open:
        box.dataframe(regions_summary.dates_table(shown), hide_index=True, width="stretch", column_config={"Date": day})


def _downloads(choices: Choices, found: RegionForecasts, shown: RegionsChart) -> None:
    downloads.draw_csv_buttons(
        f"{choices.statistic.name} {len(found.ready)} regions",
        [
            ("Numbers of the chart, CSV", "numbers", lambda: regions_summary.numbers_table(shown)),
            ("Forecasts, CSV", "forecasts", lambda: _forecasts(found.ready)),
        ],
    )


def _forecasts(parts: tuple[RegionForecast, ...]) -> pd.DataFrame:
    """All quantiles as counted, whatever the chart's unit."""
    return pd.concat([forecasts_table(one.region, one.series, [one.forecast]) for one in parts], ignore_index=True)
