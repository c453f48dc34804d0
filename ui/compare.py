"""The parts of the Compare page, from top to bottom."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from forecasting import export, headline, replays
from forecasting.models import model
from forecasting.scoring import Score
from forecasting.series import Forecast
from forecasting.service import LookBack, Service, look_back_tables
from forecasting.wording import day
from ui import app, chart, link
from ui.choices import Choices
from ui.explore import TICK

#: How many earlier dates a reader may choose.
ORIGINS = (4, 8, 12)


def choose_origins() -> int:
    """The control that Compare has beside those of every page."""
    link.seed("origins", [str(count) for count in ORIGINS], "8", "number of dates")
    chosen = st.segmented_control(
        "Earlier dates to forecast from",
        [str(count) for count in ORIGINS],
        key="origins",
        required=True,
        help="From how many earlier dates every model forecasts again.",
        on_change=link.forget_notes,
        persist_state="session",
    )
    return int(chosen or ORIGINS[1])


def heading(choices: Choices) -> None:
    """Where and what."""
    st.subheader(f"Compare: {choices.region}, {choices.statistic.label.lower()}", anchor=False)
    st.caption(
        "Every model forecasts again from earlier dates, each time with what was known then, and is held against what came."
    )


def live(service: Service, choices: Choices, origins: int) -> None:
    """Everything that changes while models are judged; it polls alone, and stops when all is done."""
    busy = _look_back(service, choices, origins).waiting

    def draw() -> None:
        past = _look_back(service, choices, origins)
        _draw(past, choices)
        if busy and not past.waiting:
            st.rerun()

    st.fragment(draw, run_every=TICK if busy else None)()


def _look_back(service: Service, choices: Choices, origins: int) -> LookBack:
    return service.look_back(
        choices.panel, choices.region, choices.statistic.name, choices.models, choices.window, origins
    )


def _draw(past: LookBack, choices: Choices) -> None:
    if past.why_not:
        st.info(past.why_not, icon=":material/history:")
        return
    done, of = sum(job.finished for job in past.jobs), len(past.jobs)
    if done < of:
        st.progress(done / of, f"{done} of {of} forecasts made")
    forecasts, cells = look_back_tables(past, choices.whole)
    _scores(past, cells, choices)
    _replays(past, choices)
    _by_horizon(cells, choices)
    for error in dict.fromkeys(f"{model(job.model).label}: {job.error}" for job in past.jobs if job.error):
        st.caption(error)
    _downloads(forecasts, cells, choices)


def _scores(past: LookBack, cells: pd.DataFrame, choices: Choices) -> None:
    if not past.scores:
        return
    with st.container(border=True):
        st.markdown(headline.verdict(past.scores, choices.series.frequency.step))
        if len(past.scores) > 1 and not past.waiting:
            best, second = past.scores[:2]
            st.markdown(headline.difference(best, second, _closer(cells, best, second), len(past.origins)))
        st.dataframe(_table(past.scores), hide_index=True, width="stretch", column_config=_columns())
        st.caption(
            f"★ best of its column. {len(past.origins)} dates from {day(past.origins[0])} to {day(past.origins[-1])}, "
            f"{choices.series.frequency.steps(past.horizon)} ahead."
        )


def _closer(cells: pd.DataFrame, best: Score, second: Score) -> int:
    errors = cells.groupby(["origin", "model"])["ae"].mean().unstack("model")
    return int((errors[best.model] < errors[second.model]).sum())


def _table(scores: tuple[Score, ...]) -> pd.DataFrame:
    """A row a model, the winner of every column with a star."""
    table = pd.DataFrame({"Model": [model(score.model).label for score in scores]})
    table["Error against repeating"] = _starred([s.relative_error for s in scores], "{:.2f}×", abs)
    table["Mean error"] = _starred([s.error for s in scores], "{:,.0f}", abs)
    table["WIS against repeating"] = _starred([s.relative_wis for s in scores], "{:.2f}×", abs)
    for percent in (50, 80, 95):
        held = [100 * getattr(s, f"held_{percent}") / s.periods for s in scores]
        table[f"{percent} % band held"] = _starred(held, "{:.0f} %", lambda share, aim=percent: abs(share - aim))
    table["Bias"] = _starred([100 * s.bias for s in scores], "{:+.0f} %", abs)
    return table


def _starred(values: list[float], form: str, distance: Any) -> list[str]:
    """Formatted, with a star on the smallest `distance`; a dash where there is no number."""
    known = [distance(value) for value in values if value == value]
    return [
        "–" if value != value else form.format(value) + (" ★" if distance(value) == min(known) else "")
        for value in values
    ]


def _columns() -> dict[str, Any]:
    text = st.column_config.TextColumn
    return {
        "Error against repeating": text(help="Mean absolute error of the median over seasonal naive's."),
        "Mean error": text(help="Mean absolute error of the median, in counts a period."),
        "WIS against repeating": text(
            help="Weighted interval score, which judges the bands too, over seasonal naive's."
        ),
        "Bias": text(help="How much too high (+) or too low (−) on average, as a share of what came."),
    }


def _replays(past: LookBack, choices: Choices) -> None:
    """One chart a model, on the same axes."""
    names = [score.model for score in past.scores]
    shown = [_replay(past, name, choices) for name in names]
    if not shown:
        return
    top = max(one.top() for one in shown)
    columns = st.columns(2)
    for i, one in enumerate(shown):
        with columns[i % 2].container(border=True):
            st.markdown(f"**{model(one.model).label}**")
            chart.draw(
                replays.replay(one, app.theme()),
                app.theme(),
                key=f"replay {one.model}",
                view=f"{choices.view}/{one.model}/{len(one.forecasts)}",
                name=f"{choices.region} {one.model}",
                description=f"{model(one.model).label}: {len(one.forecasts)} earlier forecasts over what came.",
                height=250,
                top=top,
            )


def _replay(past: LookBack, name: str, choices: Choices) -> replays.Replay:
    made: tuple[Forecast, ...] = tuple(forecast for (one, _), forecast in past.forecasts.items() if one == name)
    return replays.Replay(choices.whole, name, made, choices.smooth)


def _by_horizon(cells: pd.DataFrame, choices: Choices) -> None:
    if cells.empty:
        return
    with st.container(border=True):
        st.markdown("**Error by horizon**")
        chart.draw(
            replays.error_by_horizon(cells, app.theme(), choices.series.frequency.step),
            app.theme(),
            key="error by horizon",
            view=f"{choices.view}/{len(cells)}",
            name=f"{choices.region} error by horizon",
            description="Mean absolute error of every model by how far ahead it forecast.",
            height=280,
        )


def _downloads(forecasts: pd.DataFrame, cells: pd.DataFrame, choices: Choices) -> None:
    name = f"{choices.region} {choices.statistic.name}".replace(" ", "_").lower()
    files = (("Forecasts, CSV", forecasts, "forecasts"), ("Scores, CSV", cells, "scores"))
    with st.container(horizontal=True):
        for label, table, what in files:
            st.download_button(
                label,
                partial(export.to_csv, table),
                f"{name}_{what}.csv",
                "text/csv",
                key=f"compare {what}",
                on_click="ignore",
                icon=":material/download:",
            )
