"""What a comparison has found: the scores, the forecasts over what came, and what is behind the scores."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from forecasting.data.formatting import decimals_needed, format_date
from forecasting.data.series import Series
from forecasting.evaluation.forecast_tables import BANDS, pairwise_comparison, pit_histogram
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.support.caching import IdentityMemo
from forecasting.views import backtest_charts, comparison, headline, horizon_charts
from forecasting.views.backtest_charts import BacktestChart, LegendEntry
from ui.components import chart
from ui.shell import controls, runtime, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

LAYOUTS = {"side": "Side by side", "overlaid": "Overlaid"}
DETAILS = {"error": "Error by horizon", "held": "Bands held by horizon", "fell": "Where outcomes fell"}
#: The best of a column, on a light and on a dark background.
TINTS = ("background-color: #d5eee3; font-weight: 600", "background-color: #14503f; font-weight: 600")

_said: IdentityMemo[str] = IdentityMemo(200)


@dataclass(frozen=True)
class ComparisonResults:
    """What there is to draw.

    Attributes:
        pasts: by region, those with scores; one region unless several are compared.
        wholes: by region, the series as it is known now.
        cells: the scores of all regions, a row a cell.
        across: the model that is compared on several regions; None where models are.
    """

    choices: Choices
    pasts: dict[str, TrackRecord]
    wholes: dict[str, Series]
    cells: pd.DataFrame
    across: str | None

    @property
    def past(self) -> TrackRecord:
        """One look back: the only one, or that of the first region."""
        return next(iter(self.pasts.values()))

    @property
    def waiting(self) -> bool:
        """Whether something is still to come."""
        return any(past.waiting for past in self.pasts.values())

    def names(self) -> list[str]:
        """The models or regions that have scores, in the order in which they are shown."""
        if self.across is None:
            return [score.model for score in self.past.scores]
        return [region for region, past in self.pasts.items() if past.of(self.across)]

    def parties(self) -> tuple[LegendEntry, ...]:
        """The same with their colours."""
        if self.across is None:
            return backtest_charts.model_legend(self.names(), runtime.theme())
        return backtest_charts.region_legend(self.names(), runtime.theme())

    def judged(self) -> pd.DataFrame:
        """The scores without those that are only there to be held against: `across` regions, repeating's."""
        return self.cells if self.across is None else self.cells[self.cells["model"] == self.across]

    @property
    def by(self) -> str:
        """The column of the scores that says which model, or region."""
        return "model" if self.across is None else "region"

    @property
    def step(self) -> str:
        """One period in words."""
        return self.choices.series.frequency.step


def seed() -> None:
    """Give the controls here their first values, before the page writes its address."""
    url_state.seed("layout", list(LAYOUTS), "side", "layout")
    url_state.seed("detail", list(DETAILS), "error", "chart")


def state() -> dict[str, str]:
    """What of it the address keeps."""
    chosen = {"layout": st.session_state["layout"], "detail": st.session_state["detail"]}
    return {name: value for name, value in chosen.items() if value not in ("side", "error")}


def draw(view: ComparisonResults) -> None:
    """All of it, from top to bottom."""
    _scores(view)
    _forecasts(view)
    _details(view)
    _pairs(view)


def _chosen(key: str, options: dict[str, str], label: str) -> str:
    """A row of choices that the address keeps; here, for what polls does not write the address otherwise."""
    chosen = controls.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        label_visibility="collapsed",
    )
    kept = {name: value for name, value in st.query_params.to_dict().items() if name not in ("layout", "detail")}
    url_state.write_address(kept | state())
    return chosen


def _scores(view: ComparisonResults) -> None:
    with st.container(border=True):
        if view.across is None:
            _models(view)
        else:
            _regions(view, view.across)


def _models(view: ComparisonResults) -> None:
    past, choices = view.past, view.choices
    if len(past.scores) > 1 or not view.waiting:  # of seasonal naive alone there is nothing to say yet
        st.markdown(headline.track_record_sentence(past.scores, view.step))
    if len(past.scores) > 1 and not view.waiting:
        first, second = past.scores[:2]
        if first.periods == second.periods:  # else they were judged by different dates: one was ended early
            names = (first.model, second.model)
            said = _said.get(
                "difference",
                [view.cells, first, second],
                lambda: headline.difference_sentence(first, second, *comparison.closer_dates(view.cells, *names)),
            )
            st.markdown(said)
    table = comparison.score_table({model(score.model).label: score for score in past.scores}, "Model")
    _table(table)
    st.caption(
        f"Error and WIS are multiples of repeating's. Tinted: the best of its column. {len(past.origins)} dates from "
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
    past = _longest(view)
    st.caption(
        f"Error and WIS are multiples of repeating's. Tinted: the best of its column; mean errors are in counts and "
        f"not for comparing regions of different size. Up to {len(past.origins)} dates a region, "
        f"{view.choices.series.frequency.steps(past.horizon)} ahead."
    )


def _table(table: pd.DataFrame, but: Sequence[str] = ()) -> None:
    """Numbers, which a click on a column sorts, with the best of each tinted."""
    tints = comparison.best_cells(table, but).map(lambda won: TINTS[runtime.theme().dark] if won else "")
    st.dataframe(
        table.style.apply(lambda _: tints, axis=None),
        hide_index=True,
        width="stretch",
        column_config={table.columns[0]: _names(table.iloc[:, 0]), **_columns(table)},
    )


def _names(labels: pd.Series) -> Any:
    """The first column, just wide enough: on a phone what is beside it counts."""
    return st.column_config.TextColumn(width=24 + 7 * int(labels.str.len().max()))


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    held = {
        f"{percent} % held": number(
            format="%.0f %%", help=f"How much of what came its {percent} % band held; an honest one holds {percent} %."
        )
        for percent in BANDS
    }
    return held | {
        "Error": number(
            format="%.2f×",
            help="Mean absolute error of the median, as a multiple of seasonal naive's. Below 1 beats repeating.",
        ),
        "Bias": number(
            format="%+.0f %%", help="How much too high (+) or too low (−) on average, as a share of what came."
        ),
        "WIS": number(
            format="%.2f×",
            help="Weighted interval score, which judges the bands too, as a multiple of seasonal naive's.",
        ),
        "Mean error": number(
            format=f"%,.{decimals_needed(table[comparison.COUNT_COLUMN])}f",
            help="Mean absolute error of the median, in counts a period.",
        ),
    }


def _forecasts(view: ComparisonResults) -> None:
    """Earlier forecasts over what came."""
    if not view.names():
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Earlier forecasts over what came**", width="content")
        layout = _chosen("layout", LAYOUTS, "Layout")
    if layout == "overlaid":
        _overlaid(view)
    else:
        _side_by_side(view)


def _replays(view: ComparisonResults) -> list[BacktestChart]:
    """All forecasts of each model, or of each region, in the order of `ComparisonResults.names`."""
    return [_replay(view, name) for name in view.names()]


def _replay(view: ComparisonResults, name: str) -> BacktestChart:
    region, one = (next(iter(view.pasts)), name) if view.across is None else (name, view.across)
    made = tuple(forecast for (of, _), forecast in view.pasts[region].forecasts.items() if of == one)
    return BacktestChart(view.wholes[region], one, made, view.choices.smooth)


def _side_by_side(view: ComparisonResults) -> None:
    """A chart each on the same dates; models on the same counts too, regions on their own."""
    shown = _replays(view)
    window = backtest_charts.common_window(shown)
    tops = [one.top(window) for one in shown]
    if view.across:
        st.caption("Each region on its own scale, for their levels differ; the dates are the same.")
    for one, party, top, cell in zip(shown, view.parties(), tops, _grid(len(shown), 2), strict=True):
        with cell.container(border=True):
            st.markdown(f"**{escape_markdown(party.label)}**")
            chart.draw(
                _replay_of(one, window),
                runtime.theme(),
                key=f"replay {party.name}",
                view=f"{view.choices.view}/{view.across}/{party.name}/{len(one.forecasts)}",
                name=f"{party.label} replays",
                description=f"{party.label}: {len(one.forecasts)} earlier forecasts over what came.",
                height=250,
                top=top if view.across else max(tops),
            )


def _replay_of(one: BacktestChart, window: tuple[pd.Timestamp, pd.Timestamp]) -> bytes:
    about = ("replay", one.model, one.smooth, window)
    return chart.cached_figure(
        about, [one.now, *one.forecasts], lambda: backtest_charts.backtest_figure(one, runtime.theme(), window)
    )


def _grid(count: int, wide: int) -> list[DeltaGenerator]:
    """Places row by row, so that a phone, which puts columns under one another, keeps the order."""
    rows = [st.columns(wide) for _ in range(0, count, wide)]
    return [cell for row in rows for cell in row][:count]


def _overlaid(view: ComparisonResults) -> None:
    """The forecasts from one date over one another."""
    origins = _all_origins(view)
    with st.container(border=True):
        back = _date(origins)
        found = [
            (replace(one, forecasts=(made,)), party)
            for one, party in zip(_replays(view), view.parties(), strict=True)
            if (made := _from(view, party.name, back))
        ]
        if not found:
            st.caption("No forecast from this date yet.")
            return
        shown, parties = [one for one, _ in found], [party for _, party in found]
        if view.across:
            figure = backtest_charts.overlaid_regions_figure(shown, parties, runtime.theme())
        else:
            figure = backtest_charts.overlaid_models_figure(
                shown, runtime.theme(), view.choices.statistic.label.lower()
            )
        chart.draw(
            figure,
            runtime.theme(),
            key="overlaid",
            view=f"{view.choices.view}/{view.across}/{back}/{','.join(party.name for party in parties)}",
            name=f"Forecasts from {format_date(origins[back])}",
            description=f"Forecasts from {format_date(origins[back])} over what came: "
            + ", ".join(party.label for party in parties),
            height=420,
        )
        st.caption(
            "Lines: what came; dotted: forecast. Every region is drawn as a multiple of its own mean on show, so that "
            "small ones can be seen beside large ones."
            if view.across
            else "Medians with their 80 % bands. A click on a name in the legend takes it out."
        )


def _all_origins(view: ComparisonResults) -> list[pd.Timestamp]:
    """The dates that were forecast from, newest first; of the region that has most."""
    return list(_longest(view).origins[::-1])


def _longest(view: ComparisonResults) -> TrackRecord:
    """The look back with most dates: a short history has fewer."""
    return max(view.pasts.values(), key=lambda past: len(past.origins))


def _date(origins: list[pd.Timestamp]) -> int:
    """Which of the dates, the newest unless the reader goes back: 0 for that, 1 for the one before it …"""
    names = [format_date(origin) for origin in origins[::-1]]
    if len(names) < 2:
        return 0
    if st.session_state.get("overlaid from") not in names:
        st.session_state["overlaid from"] = names[-1]
    chosen = st.select_slider("Forecast from", names, key="overlaid from", persist_state="session")
    return len(names) - 1 - names.index(chosen)


def _from(view: ComparisonResults, name: str, back: int) -> Any:
    """The forecast of a model, or for a region, from the date so many before the newest; None where there is none."""
    region, one = (next(iter(view.pasts)), name) if view.across is None else (name, view.across)
    past = view.pasts[region]
    return past.forecasts.get((one, len(past.cutoffs) - 1 - back))


def _details(view: ComparisonResults) -> None:
    """What is behind the scores, one chart of three."""
    if view.judged().empty:
        return
    with st.container(border=True):
        detail = _chosen("detail", DETAILS, "Behind the scores")
        {"error": _error, "held": _held, "fell": _fell}[detail](view)


def _error(view: ComparisonResults) -> None:
    cells, frequency = view.cells, view.choices.series.frequency
    figure: dict[str, Any] | bytes
    if view.across is None:
        figure = chart.cached_figure(
            ("error by horizon", view.parties(), view.step),
            [cells],
            lambda: horizon_charts.error_by_horizon_figure(cells, view.parties(), view.step, runtime.theme()),
        )
        said = _said.get(
            ("near and far", frequency), [cells], lambda: comparison.near_and_far_sentence(cells, frequency)
        )
    else:
        table = comparison.relative_error_by_horizon(cells, view.across, comparison.horizon_group_size(frequency))
        figure = horizon_charts.relative_error_figure(table, view.parties(), view.step, runtime.theme())
        said = "Below the dotted line the model is closer than repeating the last season."
    if said:
        st.markdown(said)
    _small(view, figure, "error by horizon", "Error by how far ahead was forecast.", height=280)


def _held(view: ComparisonResults) -> None:
    table = comparison.coverage_by_horizon(
        view.judged(), view.by, comparison.horizon_group_size(view.choices.series.frequency)
    )
    st.caption(
        f"How much of what came the bands held. Dotted: an honest band. A dot stands for {int(table['count'].min())} "
        "outcomes or more, many from the same wave, so small distances mean nothing."
    )
    _legend(view.parties())
    for percent, column in zip(BANDS, st.columns(len(BANDS)), strict=True):
        with column:
            st.markdown(f"**{percent} % band**")
            figure = horizon_charts.coverage_by_horizon_figure(
                table, view.by, percent, view.parties(), view.step, runtime.theme()
            )
            _small(view, figure, f"{percent} band held", f"How much the {percent} % bands held by horizon.", top=104)


def _legend(parties: Sequence[LegendEntry]) -> None:
    """One for several charts."""
    dot = "display:inline-block;width:.65rem;height:.65rem;border-radius:50%;margin-right:.4rem"
    names = [
        f'<span><span style="{dot};background:{party.colour}"></span>{html.escape(party.label)}</span>'
        for party in parties
    ]
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.87rem">{"".join(names)}</div>')


def _fell(view: ComparisonResults) -> None:
    cells = view.judged()
    dates = cells.groupby(["region", "origin"]).ngroups
    st.caption(
        "Where in its forecast each outcome fell. An honest forecaster's bars are all as high as the dotted line. The "
        f"outcomes come from {dates} {'forecasts' if view.across else 'dates'} that overlap and share the same waves, so "
        "a shape is a hint rather than a proof; more dates make it firmer."
    )
    for party, cell in zip(view.parties(), _grid(len(view.names()), 3), strict=True):
        part = cells[cells[view.by] == party.name]
        histogram = pit_histogram(part, comparison.histogram_bins(len(part)))
        forecasts = part.groupby(["region", "origin"]).ngroups
        with cell:
            st.markdown(f"**{escape_markdown(party.label)}**")
            figure = horizon_charts.pit_histogram_figure(histogram, party, runtime.theme())
            said = comparison.calibration_sentence(part["pit"].to_numpy(), forecasts)
            _small(view, figure, f"fell {party.name}", f"{party.label}: {said}", top=_above(histogram), height=150)
            st.markdown(f"{said} :gray[({len(part)} outcomes)]")


def _above(histogram: pd.DataFrame) -> float:
    return 105 * float(max(histogram["share"].max(), 2 / len(histogram)))


def _small(
    view: ComparisonResults,
    figure: dict[str, Any] | bytes,
    name: str,
    said: str,
    top: float | None = None,
    height: int = 240,
) -> None:
    chart.draw(
        figure,
        runtime.theme(),
        key=name,
        view=f"{view.choices.view}/{view.across}/{','.join(view.names())}/{len(view.cells)}",
        name=name,
        description=said,
        height=height,
        top=top,
    )


def _pairs(view: ComparisonResults) -> None:
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
