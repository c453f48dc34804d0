"""The parts of the Methods page, from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from forecasting.data.frequency import DAILY
from forecasting.evaluation.shocks import shocks
from forecasting.models import models
from forecasting.sources import sources
from forecasting.views import december_2020, development_scores, stress_test_results
from ui.methods import changes, episodes, events
from ui.shell import navigation

#: Pixels: about a hundred characters a line, which is as far as an eye follows.
MEASURE = 860


def _bands() -> None:
    """What the shaded areas say, and what they do not know."""
    st.markdown("## What the bands mean")
    st.markdown(
        "A forecast here is 23 quantiles of each coming day or week, not a line. The 80 % band runs from the 10 % to "
        "the 90 % quantile: if the model is right about its own errors, four of five outcomes fall inside. Whether it "
        "was right *for the series on your screen* is what **How far to trust it** on Explore counts: an 80 % band "
        "that held half of what came is too narrow, whatever its model says. The bands know past errors only. A "
        "new variant, a changed test policy or a backlog is not in them."
    )
    st.markdown(
        "The bands are not those that the models' own theories give: on figures that no model had seen, those held too "
        "little. Most models' bands follow from how far they would have been off before on the very series, so many "
        "steps ahead, half of it lately; of a short series they are wider. What is then still too narrow or too wide on "
        "real and simulated figures of all kinds is one factor for each model. Pooled measures that on the very regions it forecasts, and the Ensemble's bands are made of its members'. "
        "`python -m benchmarks coverage` prints what they hold now."
    )
    st.markdown(
        "Bands of a *sum* (the next 7 days, the total by a date) come from 1,000 possible futures with the model's own "
        "day-to-day dependence: adding up the daily quantiles would make them far too wide."
    )


def _models() -> None:
    """A paragraph a model, with its source."""
    st.markdown("## The models")
    for one in models().values():
        with st.container(border=True):
            st.markdown(f"**{one.label}** · `{one.name}`")
            st.markdown(one.summary)
            st.caption(f"Source: {one.reference}")


def _strengths() -> None:
    """What each model is good and bad at, by the sets that models are chosen by."""
    st.markdown("## What each model is good and bad at")
    st.markdown(
        "Errors on the sets that models are chosen by: two forecast hubs' tasks with the figures as they were known then, series of "
        "five frequencies that have nothing in common, European countries by week and day, and simulated epidemics. "
        "Of the series without anything in common the error is the MASE over that of the best of four automatic models of "
        "statsforecast; elsewhere it is the WIS on the logarithm over that of the hub's own baseline, or of no change. "
        "Below 1 is better than that reference."
    )
    table = development_scores.error_table()
    columns = {name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[1:]}
    st.dataframe(table, hide_index=True, width="stretch", height="content", column_config=columns)
    st.markdown("\n".join(f"- {sentence}" for sentence in development_scores.strength_sentences()))
    st.caption("Printed by `python -m benchmarks accuracy`; with what the bands held, in docs/benchmarks.md.")


def _scores() -> None:
    """How the columns of the track record are computed."""
    st.markdown("## How scores are computed")
    st.markdown(
        "- **WIS**, the weighted interval score: judges centre and ranges at once and is what the forecast hubs use "
        "([Bracher et al. 2021](https://doi.org/10.1371/journal.pcbi.1008618)). Lower is better. It is the error that pages name first.\n"
        "- **No change** is the baseline, called seasonal naive in the literature: days like the same weekdays of the week before, hours like "
        "those of the day before, weeks like the last one or, with two years of figures, like those of the year before.\n"
        "- **Error vs no change**: the WIS over that of no change on the same periods (both have seen only what came "
        'before), as many periods ahead as the horizon on the screen. Below 1, or "20 % below", beats no change.\n'
        "- **Median vs no change**: the same with the mean absolute error of the median.\n"
        "- **50, 80, 95 % held**: how many outcomes fell in the range.\n"
        "- **Bias**: how much too high or too low the medians were on average, as a share of the actual figures."
    )


def _december_2020() -> None:
    """Cumulative totals flatter any model; growth does not."""
    st.markdown("## December 2020, told straight")
    st.markdown(
        "Trained on the counts to 30 November 2020 and asked for 1 January 2021. **Cumulative accuracy** compares the "
        "running totals: most of a total had already happened, so even a poor forecast looks good. **Growth accuracy** "
        "compares only what came after 30 November, and that is the one to look at. In the United Kingdom a new "
        "variant was spreading that no figure showed yet: every model here was far off."
    )
    for title, measure in (("Growth accuracy", "growth"), ("Cumulative accuracy", "cumulative")):
        table = december_2020.accuracy_table(measure)
        st.markdown(f"**{title}**")
        st.dataframe(table, hide_index=True, width="stretch", column_config=_percentages(table.columns[1:]))
    st.caption(
        "Printed by `python -m benchmarks us_december_2020`. Accuracy is 1 − |said − came| / came; it can be negative."
    )


def _percentages(columns: Iterable[str], digits: int = 1) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format=f"%.{digits}f %%") for name in columns}


def _stress_tests() -> None:
    """Shocks, and which models fail at which."""
    st.markdown("## What the models do at extremes")
    st.markdown(
        "A model that scores well can still do nonsense when the world does. Here the last figures of real series are "
        "changed before anything is prepared or fitted, and the answer is held against the one to the real figures. "
        "**What if …** on Compare does the same with the series on your screen."
    )
    st.markdown("\n".join(f"- **{shock.label}**. {shock.explain(DAILY)}" for shock in shocks().values()))
    for title, measure in (
        ("Reacted as the shock demands", "reacted"),
        ("Bands widened, relative to the counts", "widened"),
    ):
        table = stress_test_results.pass_table(measure)
        st.markdown(f"**{title}**")
        st.dataframe(table, hide_index=True, width="stretch", column_config=_percentages(table.columns[1:], 0))
    st.markdown("\n".join(f"- {sentence}" for sentence in stress_test_results.failure_sentences()))
    st.caption(
        "Printed by `python -m benchmarks extremes`. Percent of the series in which a model saw the shock; their number is "
        "in brackets. What is too little and too much is in `forecasting/evaluation/shocks.py`."
    )


def _sources() -> None:
    """Every source with its licence."""
    st.markdown("## Where the figures come from")
    for one in sources().values():
        with st.container(border=True):
            st.markdown(f"**{one.label}** · `{one.name}`")
            st.markdown(one.summary)
            home = f" [{one.home}]({one.home})" if one.home else ""
            st.caption(f"{one.attribution}. Licence: {one.licence}.{home}")
    st.caption(
        "Populations, for figures per 100,000 people: US Census Bureau, 2019, public domain, for the United States, its states and "
        "Puerto Rico; [GeoNames](https://www.geonames.org/), CC BY 4.0, most of about 2018, for countries and other territories."
    )


def draw() -> None:
    """The whole page."""
    with st.container(width=MEASURE):
        navigation.name_tab("Methods")
        st.title("Methods", anchor=False)
        _bands()
        _models()
        _strengths()
        _scores()
        events.draw()
        changes.draw()
        episodes.draw()
        _december_2020()
        _stress_tests()
        _sources()
