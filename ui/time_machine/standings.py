"""The tables of the Time machine page: how the models did from this date, and from the last dates up to it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from forecasting.data.columns import MODEL, ORIGIN
from forecasting.data.formatting import decimals_needed
from forecasting.support.caching import IdentityMemo
from forecasting.views import headline, leaderboard, time_machine
from forecasting.views.table_texts import share_text, with_texts
from ui.shell.choices import Choices
from ui.time_machine.external import Journey

#: Dates of the second table where other pages have none.
FEWEST = 4
#: What was worked out of the same scores and forecasts: a page asks twice a second.
_leaderboards: IdentityMemo[leaderboard.Leaderboard | None] = IdentityMemo(500)


def draw_standings(judged: pd.DataFrame, journey: Journey, choices: Choices, usual: list[pd.Timestamp]) -> None:
    """Two tables: this date, and as many dates up to it as the track record of every other page has, which is by `usual` ones."""
    origin = journey.stops[journey.place].origin
    before = [stop.origin for stop in journey.stops if stop.origin <= origin]
    last = before[-len(usual) or -FEWEST :]
    with st.container(border=True):
        st.markdown("## From this date")
        _standing(judged, (origin,), choices, "standing this")
    with st.container(border=True):
        st.markdown(
            f"## From the last {len(last)} dates up to this one" if len(last) > 1 else "## From dates up to this one"
        )
        _standing(judged, tuple(last), choices, "standing last")
        st.caption(headline.time_machine_dates(last, usual))


def _standing(judged: pd.DataFrame, origins: tuple[pd.Timestamp, ...], choices: Choices, key: str) -> None:
    """Of these dates."""
    board = _leaderboards.get(origins, [judged], lambda: _leaderboard(judged, origins))
    if board is None:
        st.caption("No forecast has been made yet.")
        return
    if not board.cells:
        st.caption("There is no period yet that all of these models have forecast.")
        return
    table = board.table.assign(model=[time_machine.model_label(name) for name in board.table[MODEL]])
    shown = with_texts(table, dict.fromkeys(("coverage_50", "coverage_80", "coverage_95"), share_text))
    st.dataframe(shown, hide_index=True, width="stretch", column_config=_columns(table), key=key)
    frequency = choices.whole.frequency
    dates = f" from {board.origins} dates" if board.origins > 1 else ""
    left_out = f" {board.left_out} others are left out." if board.left_out else ""
    st.caption(f"Over the {frequency.steps(board.cells)}{dates} that all of these have forecast.{left_out}")


def _leaderboard(judged: pd.DataFrame, origins: tuple[pd.Timestamp, ...]) -> leaderboard.Leaderboard | None:
    chosen = judged[judged[ORIGIN].isin(origins)]
    return None if chosen.empty else leaderboard.rank_models(chosen)


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "model": st.column_config.TextColumn("Model", width=150),
        "relative_wis": number(
            headline.ERROR,
            format="%.2f×",
            help="Weighted interval score, which judges the bands too, over that of no change. Below 1 beats no change.",
        ),
        "wis": number(
            "WIS",
            format=f"%,.{decimals_needed(table['wis'])}f",
            help="Weighted interval score, in counts a period. Lower is better.",
        ),
        "ae": number(
            "Mean error",
            format=f"%,.{decimals_needed(table['ae'])}f",
            help="Mean absolute error of the median, in counts a period.",
        ),
        "coverage_50": number("50 % held"),
        "coverage_80": number(
            "80 % held", help="How many outcomes fell in the 80 % range; of an honest one about 80 %."
        ),
        "coverage_95": number("95 % held"),
    }
