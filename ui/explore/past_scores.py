"""The part of the Explore page on earlier dates: how good was it here?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from forecasting.data.formatting import decimals_needed
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.support.caching import IdentityMemo
from forecasting.views import headline
from forecasting.views.per_population import SHORT_UNIT, UNIT, PerPopulation
from forecasting.views.table_texts import percent_text, with_texts
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Tables of scores, with the texts that they show.
_score_tables: IdentityMemo[Styler] = IdentityMemo(500)


def draw_trust(past: TrackRecord, choices: Choices, speaker: str) -> None:
    """Draw how far the forecasts can be trusted: how they did from earlier dates, that of the model `speaker` first, or how far that has come."""
    st.markdown("## How far to trust it")
    if past.why_not:
        st.caption(escape_markdown(past.why_not))
        return
    frequency = choices.series.frequency
    if past.scores and (len(past.scores) > 1 or not past.waiting):  # of no change alone there is nothing to say yet
        st.markdown(headline.track_record_sentence(past.scores, frequency, past.horizon, speaker))
    if past.origins:
        st.caption(headline.judged_sentence(past, choices.series, choices.horizon))
    late = dict.fromkeys(model(job.model).label for job in past.jobs if not job.finished)
    if past.waiting:
        st.caption(f"Still being judged: {', '.join(late)}." if late else "Looking back …")
    for error in dict.fromkeys(f"{model(job.model).label}: {job.error}" for job in past.jobs if job.error):
        st.caption(escape_markdown(error))


def draw_scores(past: TrackRecord, choices: Choices, per: PerPopulation | None) -> None:
    """Draw all scores of forecasts from earlier dates, for who asks; errors are in the unit on show."""
    if not past.scores:
        return
    with st.expander("All scores", icon=":material/leaderboard:"):
        factor = per.factor if per else 1.0
        table = _score_tables.get(
            factor, past.scores, lambda: with_texts(_score_table(past, factor), {"Bias": percent_text(1)})
        )
        st.dataframe(table, hide_index=True, width="stretch", column_config=_score_columns(past, per))
        st.caption(f"No change: {headline.no_change_words(choices.series)}.")


def _score_table(past: TrackRecord, factor: float) -> pd.DataFrame:
    rows = [
        {
            "Model": model(score.model).label,
            headline.ERROR: score.relative_wis,
            headline.MEDIAN_ERROR: score.relative_error,
            "Mean error": factor * score.error,
            "50 % held": headline.format_percent(score.held_50, score.periods),
            "80 % held": headline.format_percent(score.held_80, score.periods),
            "95 % held": headline.format_percent(score.held_95, score.periods),
            "Bias": 100 * score.bias,
        }
        for score in past.scores
    ]
    table = pd.DataFrame(rows)
    return table if table["Bias"].notna().any() else table.drop(columns="Bias")


def _score_columns(past: TrackRecord, per: PerPopulation | None) -> dict[str, Any]:
    number, factor = st.column_config.NumberColumn, per.factor if per else 1.0
    return {
        headline.MEDIAN_ERROR: number(
            format="%.2f×", help="Mean absolute error of the median over that of no change. Below 1 beats no change."
        ),
        "Mean error": number(
            f"Mean error {SHORT_UNIT}" if per else None,
            format=f"%,.{decimals_needed(factor * score.error for score in past.scores)}f",
            help=f"Mean absolute error of the median, in figures a period{f', {UNIT}' if per else ''}.",
        ),
        headline.ERROR: number(
            format="%.2f×", help="Weighted interval score, which judges the ranges too, over that of no change."
        ),
        "80 % held": st.column_config.TextColumn(
            help="How many outcomes fell in the 80 % range; of an honest one about 80 %."
        ),
        "Bias": number(help=headline.BIAS_HELP),
    }
