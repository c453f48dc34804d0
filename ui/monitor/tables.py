"""The tables of the Monitor page on fits and models, with the ways from them to Explore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from forecasting import sources
from forecasting.data.formatting import format_date, within_sentence
from forecasting.models import model, models
from forecasting.monitoring import model_picks
from forecasting.monitoring.summaries import OUTCOMES
from forecasting.views import headline

#: Rows of a list before the rest is only counted, and how long a change of model counts as late.
MOST = 10
LATELY = timedelta(days=30)


def fits(by_model: pd.DataFrame, slowest: pd.DataFrame) -> None:
    """How fits ended, by model, and which series took longest."""
    st.markdown("## How fits ended")
    if by_model.empty:
        st.info("No model was fitted in that time.", icon=":material/hourglass_empty:")
        return
    words = dict(zip(OUTCOMES, ("Done", "Failed", "Timed out", "Cancelled"), strict=True))
    names = {"model": "Model"} | words | {"median": "Half within", "longest": "Longest"}
    table = by_model.assign(model=[_model(name) for name in by_model["model"]])
    numbers = _numbers("%.2f s", "Half within", "Longest", "On average")
    numbers |= _numbers("localized", *words.values(), "Fits")
    st.dataframe(table[list(names)].rename(columns=names), hide_index=True, width="stretch", column_config=numbers)
    if slowest.empty:
        return
    st.markdown("### Slowest series")
    st.dataframe(_slowest(slowest), hide_index=True, width="stretch", column_config=numbers | _links())


def _slowest(slowest: pd.DataFrame) -> pd.DataFrame:
    regions = [row.region or f"{row.regions} regions at once" for row in slowest.itertuples()]
    return pd.DataFrame(
        {
            "Explore": _addresses(slowest),
            "Series": [
                f"{region}, {_statistic(*rest)}"
                for region, *rest in zip(regions, slowest["source"], slowest["statistic"], strict=True)
            ],
            "Model": [_model(name) for name in slowest["model"]],
            "Longest": slowest["longest"],
            "On average": slowest["mean"],
            "Fits": slowest["fits"],
        }
    )


def picks(chosen: pd.DataFrame) -> None:
    """Which model is best where, judged by earlier forecasts; the nightly upkeep writes it."""
    st.markdown("## Which model is picked")
    if chosen.empty:
        st.info(
            "Nothing yet. The nightly upkeep judges every model by its forecasts from earlier dates, and picks the best "
            "for each series.",
            icon=":material/nightlight:",
        )
        return
    counts = model_picks.pick_counts(chosen)
    counts["model"] = [_model(name) for name in counts["model"]]
    names = {"model": "Model", "share": "Picked for", "series": "Series", "relative_wis": headline.ERROR}
    number, progress = st.column_config.NumberColumn, st.column_config.ProgressColumn
    columns = {
        "Picked for": progress(help="Of the series that were judged.", format="%.0f %%", min_value=0, max_value=100),
        headline.ERROR: number(
            help="The error of forecasts and their bands (weighted interval score) over that of no change, "
            "in the middle one of its series; below 1 is better.",
            format="%.2f",
        ),
    }
    st.dataframe(counts[list(names)].rename(columns=names), hide_index=True, width="stretch", column_config=columns)
    changed = model_picks.pick_changes(chosen, datetime.now(UTC) - LATELY)
    if changed.empty:
        st.caption(f"No series has changed its model in the last {LATELY.days} days.")
        return
    st.markdown("### Changed lately")
    table = pd.DataFrame(
        {
            "Explore": _addresses(changed),
            "Series": [f"{row.region}, {_statistic(row.source, row.statistic)}" for row in changed.itertuples()],
            "Since": [format_date(moment.normalize().tz_localize(None)) for moment in changed["first_picked"]],
            "From": [_model(name) for name in changed["before"]],
            "To": [_model(name) for name in changed["model"]],
        }
    )
    st.dataframe(table.head(MOST), hide_index=True, width="stretch", column_config=_links())
    if len(table) > MOST:
        st.caption(f"And {len(table) - MOST:,} more.")


def _addresses(table: pd.DataFrame) -> list[str]:
    return [address(row.source, row.statistic, row.region, row.model) for row in table.itertuples()]


def address(source: str, statistic: str, region: str, name: str = "") -> str:
    """Where a series is explored, or all regions are seen. In another tab, as this one goes on refreshing itself."""
    state = {"source": source, "statistic": statistic}
    if region:
        return f"./?{urlencode(state | {'region': region} | ({'models': name} if name else {}))}"
    return f"./regions?{urlencode(state | ({'model': name} if name else {}))}"


def _numbers(form: str, *names: str) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format=form) for name in names}


def _links() -> dict[str, Any]:
    return {
        "Explore": st.column_config.LinkColumn(
            "Open", display_text=":material/open_in_new:", width=60, help="Look at it in another tab."
        )
    }


def _model(name: str) -> str:
    return model(name).label if name in models() else name


def _statistic(source: str, name: str) -> str:
    known = sources.sources().get(source)
    labels = {one.name: one.label for one in known.statistics()} if known else {}
    label = labels.get(name, name)
    return within_sentence(label)
