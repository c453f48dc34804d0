"""What is behind the scores of a comparison: errors by horizon, bands held by horizon, and where outcomes fell."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from forecasting.evaluation.forecast_tables import BANDS, pit_histogram
from forecasting.support.caching import IdentityMemo
from forecasting.views import comparison, horizon_charts
from forecasting.views.backtest_charts import LegendEntry
from ui.compare import layout
from ui.compare.results import ComparisonResults
from ui.components import chart
from ui.shell import runtime
from ui.shell.markdown import escape_markdown

_sentences: IdentityMemo[str] = IdentityMemo(200)


def draw_details(view: ComparisonResults) -> None:
    """What is behind the scores, one chart of three."""
    if view.judged().empty:
        return
    with st.container(border=True):
        detail = layout.draw_choice("detail", layout.DETAILS, "Behind the scores")
        {"error": _error_by_horizon, "held": _coverage_by_horizon, "fell": _outcome_histograms}[detail](view)


def _error_by_horizon(view: ComparisonResults) -> None:
    cells, frequency = view.cells, view.choices.series.frequency
    figure: dict[str, Any] | bytes
    if view.across is None:
        figure = chart.cached_figure(
            ("error by horizon", view.parties(), view.step),
            [cells],
            lambda: horizon_charts.error_by_horizon_figure(cells, view.parties(), view.step, runtime.theme()),
        )
        sentence = _sentences.get(
            ("near and far", frequency), [cells], lambda: comparison.near_and_far_sentence(cells, frequency)
        )
    else:
        table = comparison.relative_error_by_horizon(cells, view.across, comparison.horizon_group_size(frequency))
        figure = horizon_charts.relative_error_figure(table, view.parties(), view.step, runtime.theme())
        sentence = "Below the dotted line the model is closer than no change."
    if sentence:
        st.markdown(sentence)
    _small_chart(view, figure, "error by horizon", "Error by how far ahead was forecast.", height=280)


def _coverage_by_horizon(view: ComparisonResults) -> None:
    table = comparison.coverage_by_horizon(
        view.judged(), view.by, comparison.horizon_group_size(view.choices.series.frequency)
    )
    st.caption(
        f"How many outcomes fell in the bands. Dotted: an honest band. A dot stands for {int(table['count'].min())} "
        "outcomes or more, many from the same wave, so small distances mean nothing."
    )
    _legend(view.parties())
    for percent, column in zip(BANDS, st.columns(len(BANDS)), strict=True):
        with column:
            st.markdown(f"**{percent} % band**")
            figure = horizon_charts.coverage_by_horizon_figure(
                table, view.by, percent, view.parties(), view.step, runtime.theme()
            )
            _small_chart(
                view, figure, f"{percent} band held", f"How much the {percent} % bands held by horizon.", top=104
            )


def _legend(parties: Sequence[LegendEntry]) -> None:
    """One for several charts."""
    dot = "display:inline-block;width:.65rem;height:.65rem;border-radius:50%;margin-right:.4rem"
    names = [
        f'<span><span style="{dot};background:{party.colour}"></span>{html.escape(party.label)}</span>'
        for party in parties
    ]
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.87rem">{"".join(names)}</div>')


def _outcome_histograms(view: ComparisonResults) -> None:
    cells = view.judged()
    dates = cells.groupby(["region", "origin"]).ngroups
    st.caption(
        "Where in its forecast each outcome fell. An honest forecaster's bars are all as high as the dotted line. The "
        f"outcomes come from {dates} {'forecasts' if view.across else 'dates'} that overlap and share the same waves, so "
        "a shape is a hint rather than a proof; more dates make it firmer."
    )
    for party, cell in zip(view.parties(), layout.column_grid(len(view.names()), 3), strict=True):
        part = cells[cells[view.by] == party.name]
        histogram = pit_histogram(part, comparison.histogram_bins(len(part)))
        forecasts = part.groupby(["region", "origin"]).ngroups
        with cell:
            st.markdown(f"**{escape_markdown(party.label)}**")
            figure = horizon_charts.pit_histogram_figure(histogram, party, runtime.theme())
            sentence = comparison.calibration_sentence(part["pit"].to_numpy(), forecasts)
            _small_chart(
                view, figure, f"fell {party.name}", f"{party.label}: {sentence}", top=_axis_top(histogram), height=150
            )
            st.markdown(f"{sentence} :gray[({len(part)} outcomes)]")


def _axis_top(histogram: pd.DataFrame) -> float:
    return 105 * float(max(histogram["share"].max(), 2 / len(histogram)))


def _small_chart(
    view: ComparisonResults,
    figure: dict[str, Any] | bytes,
    name: str,
    sentence: str,
    top: float | None = None,
    height: int = 240,
) -> None:
    chart.draw(
        figure,
        runtime.theme(),
        key=name,
        view=f"{view.choices.view}/{view.across}/{','.join(view.names())}/{len(view.cells)}",
        name=name,
        description=sentence,
        height=height,
        top=top,
    )
