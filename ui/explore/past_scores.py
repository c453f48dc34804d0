"""The part of the Explore page on earlier dates: how good was it here?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from forecasting.data.formatting import decimals_needed, format_date
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.support.caching import IdentityMemo
from forecasting.views import headline
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Tables of scores, ready to be sent.
_score_tables: IdentityMemo[pa.Table] = IdentityMemo(500)


def draw_track_record(past: TrackRecord, choices: Choices) -> None:
    """Draw the scores of forecasts from earlier dates, or how far they have come."""
    with st.container(border=True):
        st.markdown("##### How good was it here?")
        if past.why_not:
            st.caption(escape_markdown(past.why_not))
            return
        frequency = choices.series.frequency
        if past.origins:
            st.caption(
                f"Forecast again from {len(past.origins)} earlier dates ({format_date(past.origins[0])} to "
                f"{format_date(past.origins[-1])}), {frequency.steps(past.horizon)} ahead, each from what was known then, and "
                "compared with what came."
            )
        if past.scores:
            if len(past.scores) > 1 or not past.waiting:  # of seasonal naive alone there is nothing to say yet
                st.markdown(headline.track_record_sentence(past.scores, frequency.step))
            table = _score_tables.get("", past.scores, lambda: pa.Table.from_pandas(_score_table(past)))
            st.dataframe(table, hide_index=True, width="stretch", column_config=_score_columns(past))
        late = dict.fromkeys(model(job.model).label for job in past.jobs if not job.finished)
        if past.waiting:
            st.caption(f"Still being judged: {', '.join(late)}." if late else "Looking back …")
        for error in dict.fromkeys(f"{model(job.model).label}: {job.error}" for job in past.jobs if job.error):
            st.caption(escape_markdown(error))


def _score_table(past: TrackRecord) -> pd.DataFrame:
    rows = [
        {
            "Model": model(score.model).label,
            "Error against repeating": score.relative_error,
            "Mean error": score.error,
            "WIS against repeating": score.relative_wis,
            "50 % band held": headline.format_percent(score.held_50, score.periods),
            "80 % band held": headline.format_percent(score.held_80, score.periods),
            "95 % band held": headline.format_percent(score.held_95, score.periods),
            "Bias": 100 * score.bias,
        }
        for score in past.scores
    ]
    table = pd.DataFrame(rows)
    return table if table["Bias"].notna().any() else table.drop(columns="Bias")


def _score_columns(past: TrackRecord) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Error against repeating": number(
            format="%.2f×", help="Mean absolute error of the median over seasonal naive's. Below 1 beats repeating."
        ),
        "Mean error": number(
            format=f"%,.{decimals_needed(score.error for score in past.scores)}f",
            help="Mean absolute error of the median, in figures a period.",
        ),
        "WIS against repeating": number(
            format="%.2f×", help="Weighted interval score, which judges the bands too, over seasonal naive's."
        ),
        "80 % band held": st.column_config.TextColumn(help="An honest 80 % band holds about 80 % of what comes."),
        "Bias": number(
            format="%+.1f %%", help="How much too high (+) or too low (−) on average, as a share of what came."
        ),
    }
