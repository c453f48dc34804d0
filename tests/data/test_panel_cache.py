"""What is worked out of a panel's table is kept with the panel, once, and goes with it."""

import gc
import weakref
from dataclasses import replace

import pandas as pd
import pytest

from forecasting.data.frequency import DAILY
from forecasting.data.panel import Panel, Statistic
from forecasting.data.panel_cache import MOST_VINTAGES, PerPanel


class Result:
    """Something worked out of a table."""


def panel(table=None):
    days = pd.date_range("2021-01-01", periods=3)
    made = pd.DataFrame({"region": "A", "statistic": "new", "date": days, "value": 1.0})
    table = made if table is None else table
    return Panel("test", table, (Statistic("new", "New", "cases", "new"),), {"new": DAILY}, "", "")


@pytest.fixture
def kind():
    return PerPanel(2)


def test_a_result_is_worked_out_once_for_all_panels_of_a_table(kind):
    first = panel()
    result = kind.get(first, "name", Result)
    assert kind.get(first, "name", Result) is result
    assert kind.get(replace(first, notes=("another note",)), "name", Result) is result
    assert kind.get(first, "another name", Result) is not result
    assert PerPanel(2).get(first, "name", Result) is not result


def test_another_table_has_results_of_its_own(kind):
    first = panel()
    result = kind.get(first, "name", Result)
    assert kind.get(replace(first, table=first.table.copy()), "name", Result) is not result
    assert kind.get(panel(first.table), "name", Result) is not result


def test_no_more_are_kept_than_that_and_the_least_used_go_first(kind):
    asked = panel()
    for name in ("a", "b", "a", "c"):
        kind.get(asked, name, lambda name=name: name)
    assert kind.get(asked, "a", lambda: "anew") == "a"
    assert kind.get(asked, "b", lambda: "anew") == "anew"


def test_results_go_with_the_panel_even_where_they_refer_to_it(kind):
    asked = panel()
    result = kind.get(asked, "name", Result)
    result.panel = asked  # as a series refers to the panel through its pool
    table, result = weakref.ref(asked.table), weakref.ref(result)
    del asked
    gc.collect()
    assert table() is None
    assert result() is None


def test_results_go_with_the_one_who_wanted_them_kept():
    asked, kind = panel(), PerPanel(2)
    result = weakref.ref(kind.get(asked, "name", Result))
    del kind
    gc.collect()
    assert result() is None


def test_a_vintage_is_cut_once_and_keeps_what_was_worked_out_of_it(kind):
    table = pd.concat(
        [panel().table.assign(as_of=pd.Timestamp("2021-01-05") + pd.Timedelta(days=d)) for d in range(40)]
    )
    asked = panel(table.reset_index(drop=True))
    newest = asked.as_of(None)
    result = kind.get(newest, "name", Result)
    assert kind.get(asked.as_of(None), "name", Result) is result
    assert asked.as_of(None).table is newest.table
    assert kind.get(asked, "name", Result) is not result
    for date in asked.vintages():
        asked.as_of(date + pd.Timedelta(hours=1))
    assert len(asked.cache._cut) == MOST_VINTAGES
