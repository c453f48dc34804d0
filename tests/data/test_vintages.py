"""What a panel with vintages says of today and of then."""

import gc
import tracemalloc
import weakref

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.revisions import expected_revisions, revisions
from forecasting.preparation.prepare import prepare
from forecasting.support.errors import RequestError

ROWS = """as_of,region,date,value
2025-01-08,A,2025-01-04,10
2025-01-08,B,2025-01-04,5
2025-01-15,A,2025-01-04,12
2025-01-15,A,2025-01-11,8
2025-01-15,B,2025-01-04,5
2025-01-22,A,2025-01-04,13
2025-01-22,A,2025-01-11,9
2025-01-22,A,2025-01-18,7
"""


def day(text):
    return pd.Timestamp(text)


def panel_of(table, frequency=None):
    statistic = Statistic("new_cases", "New cases", "cases", "cases")
    return Panel("test", table, (statistic,), {"cases": frequency or weekly("SAT")}, "", "")


@pytest.fixture
def panel():
    rows = [line.split(",") for line in ROWS.split()[1:]]
    table = pd.DataFrame(rows, columns=["as_of", "region", "date", "value"]).astype({"value": float, "region": "str"})
    table = table.astype({"as_of": "datetime64[us]", "date": "datetime64[us]"})
    table["statistic"] = pd.Series(["cases"] * len(table), dtype="str")
    return panel_of(table.sort_values(["region", "date", "as_of"], ignore_index=True))


@pytest.fixture(scope="module")
def million():
    """80 vintages of 53 regions over 250 weeks, names as categories, as a hub's table is."""
    regions, weeks, published = 53, pd.date_range("2020-01-04", periods=250, freq="W-SAT"), 80
    region, week, as_of = (grid.ravel() for grid in np.meshgrid(range(regions), range(250), range(published)))
    order = np.lexsort((as_of, week, region))
    names = [f"Region {i:02}" for i in range(regions)]
    table = pd.DataFrame(
        {
            "region": pd.Categorical.from_codes(region[order], names),
            "statistic": pd.Categorical.from_codes(np.zeros(len(order), dtype=int), ["cases"]),
            "date": weeks.to_numpy()[week[order]],
            "value": (100.0 + week + as_of)[order],
            "as_of": (day("2025-01-01") + pd.to_timedelta(7 * as_of[order], "D")).to_numpy(),
        }
    )
    return panel_of(table)


def test_vintages_are_the_dates_of_publishing_oldest_first(panel):
    assert panel.vintages() == [day("2025-01-08"), day("2025-01-15"), day("2025-01-22")]
    assert panel.as_of(None).vintages() == []


def test_regions_and_counts_are_those_of_the_newest_vintage(panel):
    assert panel.counts("A").tolist() == [13, 9, 7]
    assert panel.regions() == ["A"]
    with pytest.raises(RequestError, match="no region 'B'"):
        panel.counts("B")


def test_what_is_prepared_agrees_with_the_counts(panel):
    assert prepare(panel, "A").values.tolist() == panel.counts("A").tolist()
    with pytest.raises(RequestError, match="no region 'B'"):
        prepare(panel, "B")


def test_as_of_takes_the_newest_vintage_strictly_before_the_date(panel):
    assert panel.as_of(day("2025-01-22")).counts("A").tolist() == [12, 8]
    assert panel.as_of(day("2025-01-23")).counts("A").tolist() == [13, 9, 7]
    with pytest.raises(RequestError, match="'test' has no vintage before 2025-01-08"):
        panel.as_of(day("2025-01-08"))


def test_a_cut_vintage_has_plain_names_and_no_as_of(million):
    table = million.as_of(None).table
    assert list(table.columns) == ["region", "statistic", "date", "value"]
    assert table["region"].dtype == "str"


def test_revisions_show_each_figure_as_it_was_published_and_as_it_is(panel):
    table = revisions(panel, "A")
    assert list(table.columns) == ["date", "as_of", "age", "value", "final"]
    first = table[table["date"] == day("2025-01-04")]
    assert first["value"].tolist() == [10, 12, 13]
    assert first["age"].tolist() == [0, 1, 2]
    assert first["final"].tolist() == [13, 13, 13]
    assert table.groupby("date").tail(1).eval("value == final").all()


def test_a_figure_that_was_withdrawn_has_no_final_value(panel):
    assert revisions(panel, "B")["final"].isna().all()


def test_ages_of_daily_figures_count_days():
    table = pd.DataFrame({"region": "A", "statistic": "cases", "date": [day("2021-03-01")] * 2, "value": [1.0, 2.0]})
    table["as_of"] = [day("2021-03-01"), day("2021-03-05")]
    assert revisions(panel_of(table, DAILY), "A")["age"].tolist() == [0, 4]


def test_revisions_need_vintages_and_a_known_region(panel):
    with pytest.raises(RequestError, match="does not tell what was published when"):
        revisions(panel.as_of(None), "A")
    with pytest.raises(RequestError, match="no region 'Atlantis'"):
        revisions(panel, "Atlantis")


def test_after_the_first_call_none_looks_at_a_million_rows(million):
    """A look at each row takes a byte a row, at the least."""
    date = day("2026-01-01")
    calls = (
        million.vintages,
        million.regions,
        lambda: million.counts("Region 07"),
        lambda: million.as_of(None),
        lambda: million.as_of(date),
        lambda: prepare(million, "Region 07"),
    )
    for call in calls:
        call()
        tracemalloc.start()
        try:
            call()
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert taken < len(million.table) / 4


def test_what_was_cut_from_a_table_goes_with_it(panel):
    cut = weakref.ref(panel_of(panel.table.copy()).as_of(None).table)
    gc.collect()
    assert cut() is None


def growing(regions: int = 1, weeks: int = 16) -> Panel:
    """Weekly vintages in which a week's figure is four fifths of what it is a week later, for good."""
    ends = pd.date_range("2025-01-04", periods=weeks, freq="W-SAT")
    rows = [
        (ends[last] + pd.Timedelta(days=4), ends[week], 80.0 if week == last else 100.0)
        for last in range(weeks)
        for week in range(last + 1)
    ]
    table = pd.DataFrame(rows, columns=["as_of", "date", "value"]).assign(region="A", statistic="new")
    return Panel("test", table, (Statistic("new", "New", "cases", "new"),), {"new": weekly()}, "", "")


def test_what_the_last_figures_usually_become_is_learned_from_settled_ones():
    (one,) = expected_revisions(growing(), "A")
    assert (one.date, one.value) == (pd.Timestamp("2025-04-19"), 80.0)
    assert (one.low, one.median, one.high) == pytest.approx((1.25, 1.25, 1.25))
    assert one.count == 12  # of the 16 weeks the last four are not settled


def test_a_few_settled_figures_say_nothing_and_a_source_without_vintages_less():
    assert expected_revisions(growing(weeks=8), "A") == ()
    plain = growing()
    assert expected_revisions(plain.as_of(None), "A") == ()
