"""Why a forecast moved, on tables whose cause of the change is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting import Panel, Statistic
from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import weekly
from forecasting.evaluation.backtest import series_at_cutoff
from forecasting.evaluation.forecast_change import ChangeTask, ForecastChange, without_revisions
from forecasting.models import model
from forecasting.support.errors import RequestError

WEEKS = pd.date_range("2024-01-06", periods=30, freq="W-SAT")
NEW = Statistic("new", "New", "people", "new")
FIRST, THEN = WEEKS[28] + pd.Timedelta(days=4), WEEKS[29] + pd.Timedelta(days=4)
#: When somebody asked, each a day after a vintage.
EARLIER, NOW = FIRST + pd.Timedelta(days=1), THEN + pd.Timedelta(days=1)
#: 29 weeks of 1,000, give or take.
USUAL = 1000 + 10 * np.cos(np.arange(29))


def panel(first, then) -> Panel:
    """Two vintages, a week apart."""
    tables = [
        pd.DataFrame({"region": "A", "date": WEEKS[: len(values)], "value": values, "as_of": when})
        for values, when in ((first, FIRST), (then, THEN))
    ]
    return Panel("test", pd.concat(tables).assign(statistic="new"), (NEW,), {"new": weekly("SAT")}, "nobody", "none")


def change(table: Panel, name: str = "ets", horizon: int = 4) -> ForecastChange:
    alike = without_revisions(table, EARLIER)
    cutoffs = (series_at_cutoff(one, "A", "new", at) for one, at in ((table, EARLIER), (alike, NOW), (table, NOW)))
    task = ChangeTask(*cutoffs, steps=1)
    made = [model(name).forecast(one.series, one.horizon) for one in task.requests(name, horizon)]
    return task.change(*made, {}, vintages=True)


def test_a_new_figure_that_is_higher_is_the_whole_cause():
    wandering = 1000 + 30 * np.cumsum(np.cos(np.arange(29) ** 2))
    found = change(panel(wandering, [*wandering, wandering[-1] + 90]))
    assert found.new > 45
    assert (found.revised, found.model_change) == (0.0, 0.0)
    assert (found.periods, found.came) == (1, wandering[-1] + 90)
    assert found.expected == pytest.approx(wandering[-1], abs=30)
    assert found.before + found.new == pytest.approx(found.now)


def test_a_level_that_only_revisions_show_is_their_part():
    higher = USUAL * np.r_[np.ones(19), np.full(10, 1.3)]
    found = change(panel(USUAL, [*higher, 1300.0]))
    assert found.revised > 150
    assert abs(found.new) < found.revised / 2
    assert found.before + found.new + found.revised == pytest.approx(found.now)


def test_both_forecasts_are_of_the_week_after_the_newest_figure():
    table = panel(USUAL, [*USUAL, 1000.0])
    found = change(table, "naive", horizon=1)
    assert (found.first, found.last, found.since) == (WEEKS[29] + pd.Timedelta(days=7), found.first, WEEKS[28])
    two_ahead = model("naive").forecast(series_at_cutoff(table, "A", "new", EARLIER).series, 2)
    assert found.before == two_ahead.values[1, MEDIAN]


def test_nothing_moves_where_nothing_is_newer():
    table = panel(USUAL, USUAL)
    with pytest.raises(RequestError, match="no figures of A after 2024-07-20, so nothing moved"):
        change(table)


def test_unrevised_figures_are_those_of_then_and_new_ones_are_as_published():
    table = panel(USUAL, [*(USUAL + 50), 1234.0])
    alike = without_revisions(table, EARLIER)
    assert alike.as_of(NOW).counts("A", "new").tolist() == [*USUAL, 1234.0]
    assert alike.as_of(EARLIER).counts("A", "new").tolist() == list(USUAL)
    assert table.as_of(NOW).counts("A", "new").iloc[0] == USUAL[0] + 50  # nobody wrote into it
    without = Panel("test", table.as_of(None).table, (NEW,), table.frequencies, "nobody", "none")
    assert without_revisions(without, EARLIER) is without


def test_weights_that_have_changed_are_a_part_of_their_own():
    table = panel(USUAL, [*USUAL, 1500.0])
    alike = without_revisions(table, EARLIER)
    cuts = [series_at_cutoff(one, "A", "new", at) for one, at in ((table, EARLIER), (alike, NOW), (table, NOW))]
    task = ChangeTask(*cuts, steps=1)
    members = {name: model(name).forecast(cuts[2].series, 4) for name in ("naive", "ets")}
    before, unrevised = (replace(members["naive"], fitted={"weights": {"naive": 1.0}}) for _ in range(2))
    before = replace(before, origin=cuts[0].series.origin)
    now = replace(members["ets"], fitted={"weights": {"naive": 0.0, "ets": 1.0}})
    found = task.change(before, unrevised, now, members, vintages=True)
    assert found.model_change == pytest.approx(members["ets"].values[0, MEDIAN] - members["naive"].values[0, MEDIAN])
    assert found.revised == 0.0


CAUSES = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.floats(0, 1e6), CAUSES, CAUSES, CAUSES, st.sampled_from([0, 1, 3]))
def test_rounded_parts_add_up_to_the_digit(before, new, revised, model_change, decimals):
    now = before + new + revised + model_change
    week = WEEKS[0]
    found = ForecastChange("A", "ets", week, week, week, before, now, new, revised, model_change, 1, 0.0, 0.0, True)
    parts = found.rounded_parts(decimals)
    assert sum(parts.values()) == pytest.approx(round(now, decimals) - round(before, decimals), abs=1e-6)
    assert all(abs(part - found.parts[name]) < 3 * 10.0**-decimals for name, part in parts.items())
