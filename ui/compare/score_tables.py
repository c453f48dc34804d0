"""The tables of a comparison: scores of each model or region, and models in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from forecasting.data.formatting import decimals_needed, format_date
from forecasting.evaluation.forecast_tables import BANDS, pairwise_comparison
from forecasting.models import model
from forecasting.support.caching import IdentityMemo
from forecasting.views import comparison, headline
from forecasting.views.headline import BIAS_HELP
from forecasting.views.table_texts import percent_text, share_text, with_texts
from ui.compare.results import ComparisonResults, longest_track_record
from ui.shell import runtime
from ui.shell.markdown import escape_markdown

_sentences: IdentityMemo[str] = IdentityMemo(200)


#: The best of a column, on a light and on a dark background.
TINTS = ("background-color: #d5eee3; font-weight: 600", "background-color: #14503f; font-weight: 600")


def draw_scores(view: ComparisonResults) -> None:
    """The table of scores, with what it says in a sentence."""
    with st.container(border=True):
        if view.across is None:
            _models(view)
        else:
            _regions(view, view.across)


def _models(view: ComparisonResults) -> None:
    past, choices = view.past, view.choices
    if len(past.scores) > 1 or not view.waiting:  # of no change alone there is nothing to say yet
        st.markdown(headline.track_record_sentence(past.scores, choices.series.frequency, past.horizon))
    if len(past.scores) > 1 and not view.waiting:
        first, second = past.scores[:2]
        if first.periods == second.periods:  # else they were judged by different dates: one was ended early
            names = (first.model, second.model)
            sentence = _sentences.get(
                "difference",
                [view.cells, first, second],
                lambda: headline.difference_sentence(first, second, *comparison.closer_dates(view.cells, *names)),
            )
            st.markdown(sentence)
    table = comparison.score_table({model(score.model).label: score for score in past.scores}, "Model")
    _table(table)
    st.caption(
        f"Error (WIS) and median are multiples of no change's. Tinted: the best of its column. {len(past.origins)} dates from "
        f"{format_date(past.origins[0])} to {format_date(past.origins[-1])}, {choices.series.frequency.steps(past.horizon)} ahead."
    )


def _regions(view: ComparisonResults, name: str) -> None:
    scores = {region: score for region, past in view.pasts.items() if (score := past.of(name))}
    if not scores:
        st.caption(f"{model(name).label} has made no forecast yet.")
        return
    st.markdown(
        comparison.across_regions_sentence(name, {escape_markdown(region): score for region, score in scores.items()})
    )
    _table(comparison.score_table(scores, "Region"), but=(comparison.COUNT_COLUMN,))
    past = longest_track_record(view)
    st.caption(
        f"Error (WIS) and median are multiples of no change's. Tinted: the best of its column; mean errors are in counts and "
        f"not for comparing regions of different size. Up to {len(past.origins)} dates a region, "
        f"{view.choices.series.frequency.steps(past.horizon)} ahead."
    )


def _table(table: pd.DataFrame, but: Sequence[str] = ()) -> None:
    """Numbers, which a click on a column sorts, with the best of each tinted."""
    tints = comparison.best_cells(table, but).map(lambda won: TINTS[runtime.theme().dark] if won else "")
    st.dataframe(
        with_texts(
            table.style.apply(lambda _: tints, axis=None),
            {"Bias": percent_text(0), **{f"{percent} % held": share_text for percent in BANDS}},
        ),
        hide_index=True,
        width="stretch",
        column_config={table.columns[0]: _names(table.iloc[:, 0]), **_columns(table)},
    )


def _names(labels: pd.Series) -> Any:
    """The first column, just wide enough: on a phone what is beside it counts."""
    return st.column_config.TextColumn(width=round(20 + 6.5 * int(labels.str.len().max())))


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    held = {
        f"{percent} % held": number(
            help=f"How many outcomes fell in its {percent} % range; of an honest one {percent} %."
        )
        for percent in BANDS
    }
    return held | {
        headline.MEDIAN_ERROR: number(
            format="%.2f×",
            help="Mean absolute error of the median, as a multiple of that of no change. Below 1 beats no change.",
        ),
        "Bias": number(help=BIAS_HELP),
        headline.ERROR: number(
            format="%.2f×",
            help="Weighted interval score, which judges the ranges too, as a multiple of that of no change. Below 1 beats it.",
        ),
        "Mean error": number(
            format=f"%,.{decimals_needed(table[comparison.COUNT_COLUMN])}f",
            help="Mean absolute error of the median, in counts a period.",
        ),
    }


def draw_pairs(view: ComparisonResults) -> None:
    """Every model against every other."""
    cells = view.cells
    if view.across or comparison.NAIVE not in view.names() or len(view.names()) < 2:
        return
    box = st.expander("Models in pairs", icon=":material/compare_arrows:", key="pairs", on_change="rerun")
    if not box.open:
        return
    with box:
        pairs = pairwise_comparison(cells, "wis", comparison.NAIVE)
        st.markdown(comparison.relative_skill_sentence(pairs))
        table = comparison.pairwise_table(pairs)
        numbers = {name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[1:]}
        st.dataframe(table, hide_index=True, width="stretch", column_config=numbers)
