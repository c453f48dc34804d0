import numpy as np
import pandas as pd
import pytest

from forecasting import Panel, Statistic
from forecasting.data.frequency import weekly
from forecasting.evaluation.backtest import (
    rolling_origins,
    series_at_cutoff,
    series_at_cutoffs,
    stack_cutoffs,
    truth_table,
)
from forecasting.models import model
from forecasting.support.errors import DataError

WEEKS = pd.date_range("2024-01-06", periods=40, freq="W-SAT")
NEW = Statistic("new", "New", "people", "new")


def panel(tables) -> Panel:
    table = pd.concat(tables, ignore_index=True).assign(statistic="new")
    return Panel("test", table, (NEW,), {"new": weekly("SAT")}, "nobody", "none")


def vintage(as_of, weeks, level) -> pd.DataFrame:
    return pd.DataFrame({"region": "A", "date": WEEKS[:weeks], "value": float(level), "as_of": pd.Timestamp(as_of)})


@pytest.fixture
def vintages() -> Panel:
    return panel([vintage(WEEKS[n - 1] + pd.Timedelta(days=4), n, 100 + n) for n in range(20, 41)])


def test_the_newest_vintage_before_the_date_is_what_was_known(vintages):
    at = WEEKS[24] + pd.Timedelta(days=5)
    known = series_at_cutoff(vintages, "A", "new", at)
    assert known.origin == WEEKS[24]
    assert set(known.series.published) == {125.0}


def test_a_vintage_of_the_same_day_is_not_yet_known(vintages):
    at = WEEKS[24] + pd.Timedelta(days=4)
    assert series_at_cutoff(vintages, "A", "new", at).origin == WEEKS[23]


def test_poisoning_every_later_vintage_changes_no_request(vintages):
    at = WEEKS[24] + pd.Timedelta(days=5)
    table = vintages.table.copy()
    table.loc[table["as_of"] >= at, "value"] = 1e9
    poisoned = Panel("test", table, (NEW,), vintages.frequencies, "nobody", "none")
    assert (
        series_at_cutoff(vintages, "A", "new", at).request("ets", 4).key
        == series_at_cutoff(poisoned, "A", "new", at).request("ets", 4).key
    )


def test_horizons_count_from_the_last_published_date_even_where_it_was_not_believed():
    values = np.r_[np.full(39, 1000.0), 120.0]
    known = series_at_cutoff(
        panel([pd.DataFrame({"region": "A", "date": WEEKS, "value": values})]), "A", "new", WEEKS[-1]
    )
    assert known.series.origin == WEEKS[-2]
    assert (known.origin, known.gap) == (WEEKS[-1], 1)
    request = known.request("naive", 3)
    table = known.table(model("naive").forecast(request.series, request.horizon))
    assert sorted(table["horizon"].unique()) == [1, 2, 3]
    assert (table["origin"] == WEEKS[-1]).all()
    assert (table["date"] == table["origin"] + pd.to_timedelta(7 * table["horizon"], unit="D")).all()


def test_many_cutoffs_are_tabled_as_each_is_alone():
    fallen, steady = np.r_[np.full(39, 1000.0), 120.0], np.full(40, 50.0)
    tables = [
        pd.DataFrame({"region": name, "date": WEEKS, "value": value}) for name, value in (("A", fallen), ("B", steady))
    ]
    found = [series_at_cutoff(panel(tables), name, "new", at) for at in (WEEKS[-1], WEEKS[30]) for name in ("A", "B")]
    assert [cutoff.gap for cutoff in found] == [1, 0, 0, 0]
    requests = [(cutoff, cutoff.request("naive", 3)) for cutoff in found]
    made = [(cutoff, model("naive").forecast(one.series, one.horizon)) for cutoff, one in requests]
    expected = pd.concat([cutoff.table(forecast) for cutoff, forecast in made], ignore_index=True)
    pd.testing.assert_frame_equal(stack_cutoffs(made), expected)
    assert list(stack_cutoffs([]).columns) == list(expected.columns)


def test_rolling_origins_are_the_last_whose_horizon_has_come():
    figures = panel([pd.DataFrame({"region": "A", "date": WEEKS, "value": 50.0})])
    assert rolling_origins(figures, "A", "new", horizon=4, count=3, step=2) == [WEEKS[31], WEEKS[33], WEEKS[35]]


def test_too_little_history_for_any_origin_is_said():
    figures = panel([pd.DataFrame({"region": "A", "date": WEEKS[:6], "value": 50.0})])
    with pytest.raises(DataError, match="too few to look back"):
        rolling_origins(figures, "A", "new", horizon=4, count=3)


def test_a_region_that_had_nothing_then_is_an_error_in_its_place_and_the_others_go_on():
    late = pd.DataFrame({"region": "B", "date": WEEKS[30:], "value": 50.0})
    figures = panel([pd.DataFrame({"region": "A", "date": WEEKS, "value": 50.0}), late])
    found = list(series_at_cutoffs(figures, ["A", "B"], "new", [WEEKS[10]]))
    assert found[0].region == "A"
    assert isinstance(found[1], DataError)
    assert "B at 2024-03-16" in str(found[1])


def test_a_date_before_all_vintages_is_an_error_for_every_region(vintages):
    found = list(series_at_cutoffs(vintages, ["A", "B"], "new", [WEEKS[0]]))
    assert [str(error).split(":")[0] for error in found] == ["A at 2024-01-06", "B at 2024-01-06"]


def test_many_regions_and_dates_at_once_are_what_each_is_alone():
    levels = [pd.DataFrame({"region": name, "date": WEEKS, "value": 50.0 * (1 + i)}) for i, name in enumerate("AB")]
    figures = panel(levels)
    dates = [WEEKS[20], WEEKS[10]]
    keys = [known.request("naive", 2).key for known in series_at_cutoffs(figures, "AB", "new", dates)]
    assert keys == [series_at_cutoff(figures, name, "new", at).request("naive", 2).key for at in dates for name in "AB"]


def test_truth_is_what_is_known_now(vintages):
    assert set(truth_table(vintages, ["A"], "new")["value"]) == {140.0}
