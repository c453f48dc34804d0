"""The charts of a comparison: earlier forecasts over what came, side by side or overlaid."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.data.forecast import Forecast
from forecasting.data.formatting import format_date
from forecasting.evaluation.track_record import TrackRecord
from forecasting.support.caching import IdentityMemo
from forecasting.views import backtest_charts
from forecasting.views.backtest_charts import BacktestChart
from ui.compare import layout
from ui.compare.results import ComparisonResults, longest_track_record
from ui.components import chart
from ui.shell import axis_scale, runtime
from ui.shell.markdown import escape_markdown

#: The periods of earlier forecasts that are judged.
_judged_parts: IdentityMemo[Forecast] = IdentityMemo(500)


def draw_forecasts(view: ComparisonResults) -> None:
    """Earlier forecasts over what came."""
    if not view.names():
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("## Earlier forecasts and actual figures", width="content")
        with st.container(horizontal=True, width="content"):
            scales = axis_scale.scales(view.choices.whole)
            if len(scales) > 1:
                layout.draw_choice(axis_scale.SCALE, {scale: axis_scale.LABELS[scale] for scale in scales}, "Axis")
            chosen = layout.draw_choice("layout", layout.LAYOUTS, "Layout")
    if chosen == "overlaid":
        _overlaid(view)
    else:
        _side_by_side(view)
    if axis_scale.is_log():
        for note in backtest_charts.zeros_sentences(_backtest_charts(view)):
            st.caption(note)


def _backtest_charts(view: ComparisonResults) -> list[BacktestChart]:
    """All forecasts of each model, or of each region, in the order of `ComparisonResults.names`."""
    return [_backtest_chart(view, name) for name in view.names()]


def _backtest_chart(view: ComparisonResults, name: str) -> BacktestChart:
    region, one = (next(iter(view.pasts)), name) if view.across is None else (name, view.across)
    past = view.pasts[region]
    made = tuple(_judged(past, place, forecast) for (of, place), forecast in past.forecasts.items() if of == one)
    return BacktestChart(view.wholes[region], one, made, view.choices.smooth)


def _judged(past: TrackRecord, place: int, forecast: Forecast) -> Forecast:
    """The periods of a forecast that are judged."""
    steps = past.cutoffs[place].gap + past.horizon
    return _judged_parts.get(steps, [forecast], lambda: forecast.first(steps))


def _side_by_side(view: ComparisonResults) -> None:
    """A chart each on the same dates; models on the same counts too, regions on their own."""
    shown = _backtest_charts(view)
    window = backtest_charts.common_window(shown)
    tops = [one.top(window) for one in shown]
    edges = _edges(view, [one.bottom(window) for one in shown])
    if view.across:
        st.caption("Each region on its own scale, for their levels differ; the dates are the same.")
    cells = layout.column_grid(len(shown), 2)
    for one, party, top, edge, cell in zip(shown, view.parties(), tops, edges, cells, strict=True):
        with cell.container(border=True):
            st.markdown(f"**{escape_markdown(party.label)}**")
            chart.draw(
                _backtest_figure(one, window, edge),
                runtime.theme(),
                key=f"replay {party.name}",
                view=f"{view.choices.view}/{view.across}/{party.name}/{len(one.forecasts)}",
                name=f"{party.label} replays",
                description=f"{party.label}: {len(one.forecasts)} earlier forecasts and the actual figures.",
                height=250,
                top=top if view.across else max(tops),
            )


def _edges(view: ComparisonResults, bottoms: list[float]) -> list[float | None]:
    """Where the y axis of each chart begins: on a logarithmic axis; models' where the lowest does."""
    if not axis_scale.is_log():
        return [None] * len(bottoms)
    return [bottom if view.across else min(bottoms) for bottom in bottoms]


def _backtest_figure(one: BacktestChart, window: tuple[pd.Timestamp, pd.Timestamp], edge: float | None) -> bytes:
    about = ("replay", one.model, one.smooth, window, edge)
    return chart.cached_figure(
        about, [one.now, *one.forecasts], lambda: backtest_charts.backtest_figure(one, runtime.theme(), window, edge)
    )


def _overlaid(view: ComparisonResults) -> None:
    """The forecasts from one date over one another."""
    origins = _all_origins(view)
    with st.container(border=True):
        back = _choose_date(origins)
        drawn = [
            (replace(one, forecasts=(made,)), party)
            for one, party in zip(_backtest_charts(view), view.parties(), strict=True)
            if (made := _forecast_from(view, party.name, back))
        ]
        if not drawn:
            st.caption("No forecast from this date yet.")
            return
        shown, parties = [one for one, _ in drawn], [party for _, party in drawn]
        if view.across:
            figure = backtest_charts.overlaid_regions_figure(shown, parties, runtime.theme(), axis_scale.is_log())
        else:
            figure = backtest_charts.overlaid_models_figure(
                shown, runtime.theme(), view.choices.statistic.phrase, axis_scale.is_log()
            )
        chart.draw(
            figure,
            runtime.theme(),
            key="overlaid",
            view=f"{view.choices.view}/{view.across}/{back}/{','.join(party.name for party in parties)}",
            name=f"Forecasts from {format_date(origins[back])}",
            description=f"Forecasts from {format_date(origins[back])} and the actual figures: "
            + ", ".join(party.label for party in parties),
            height=420,
        )
        st.caption(
            "Lines: actual; dotted: forecast. Every region is drawn as a multiple of its own mean on show, so that "
            "small ones can be seen beside large ones."
            if view.across
            else "Medians with their 80 % bands. A click on a name in the legend takes it out."
        )


def _all_origins(view: ComparisonResults) -> list[pd.Timestamp]:
    """The dates that were forecast from, newest first; of the region that has most."""
    return list(longest_track_record(view).origins[::-1])


def _choose_date(origins: list[pd.Timestamp]) -> int:
    """Which of the dates, the newest unless the reader goes back: 0 for that, 1 for the one before it …"""
    names = [format_date(origin) for origin in origins[::-1]]
    if len(names) < 2:
        return 0
    if st.session_state.get("overlaid from") not in names:
        st.session_state["overlaid from"] = names[-1]
    chosen = st.select_slider("Forecast from", names, key="overlaid from", persist_state="session")
    return len(names) - 1 - names.index(chosen)


def _forecast_from(view: ComparisonResults, name: str, back: int) -> Forecast | None:
    """The forecast of a model, or for a region, from the date so many before the newest; None where there is none."""
    region, one = (next(iter(view.pasts)), name) if view.across is None else (name, view.across)
    past = view.pasts[region]
    place = len(past.cutoffs) - 1 - back
    made = past.forecasts.get((one, place))
    return None if made is None else _judged(past, place, made)
