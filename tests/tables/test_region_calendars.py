"""Regions of one table whose dates differ: each keeps its own step, weekday and phase, and pools with its like."""

import numpy as np
import pandas as pd
import pytest

from forecasting.preparation.gather_pool import gather_pool
from forecasting.preparation.prepare import prepare
from forecasting.support.errors import DataError
from forecasting.tables.panel_file import read_panel

#: Name of a region -> its dates.
REGIONS = {
    "daily": pd.date_range("2023-01-01", "2023-12-31"),
    "saturdays": pd.date_range("2023-01-07", periods=50, freq="7D"),
    "mondays": pd.date_range("2023-01-02", periods=50, freq="7D"),
    "weekdays": pd.bdate_range("2023-01-02", "2023-12-29"),
    "fortnights": pd.date_range("2023-01-04", periods=20, freq="14D"),
    "months": pd.date_range("2021-01-01", periods=30, freq="MS") + pd.Timedelta(days=14),
}
ALIASES = {
    "daily": "D",
    "saturdays": "W-SAT",
    "mondays": "W-MON",
    "weekdays": "DAYS-1111100",
    "fortnights": "14D",
    "months": "1M15",
}


def panel_of(regions, value=lambda dates: 100.0 + np.arange(len(dates))):
    tables = [pd.DataFrame({"region": name, "date": dates, "value": value(dates)}) for name, dates in regions.items()]
    return read_panel(pd.concat(tables).to_csv(index=False).encode(), "shops.csv")


def test_each_region_has_its_own_calendar():
    panel = panel_of(REGIONS)
    assert {name: panel.frequency_of(None, name).alias for name in REGIONS} == ALIASES
    for name, dates in REGIONS.items():
        series = prepare(panel, name)
        assert list(series.dates) == list(dates)
        np.testing.assert_allclose(series.published, 100.0 + np.arange(len(dates)))


def test_a_note_names_the_regions_that_differ():
    (note,) = [
        note for note in panel_of({"a": REGIONS["saturdays"], "b": REGIONS["mondays"]}).notes if "own dates" in note
    ]
    assert "of weeks that end on Saturdays" in note
    assert "b (of weeks that end on Mondays)" in note


def test_a_region_of_another_phase_keeps_it():
    odd, even = (pd.date_range(start, periods=30, freq="14D") for start in ("2023-01-04", "2023-01-11"))
    panel = panel_of({"odd": odd, "even": even})
    assert panel.frequency_of(None, "even").alias == "14D"
    assert list(prepare(panel, "even").dates) == list(even)
    assert list(prepare(panel, "odd").dates) == list(odd)


@pytest.mark.parametrize("name", ["region a", "region b"])
def test_regions_with_the_same_dates_have_no_calendar_of_their_own(name):
    panel = panel_of({"region a": REGIONS["daily"], "region b": REGIONS["daily"][40:300]})
    assert not panel.calendars
    assert panel.frequency_of(None, name).alias == "D"
    assert not panel.notes or "own dates" not in " ".join(panel.notes)


def test_gaps_are_no_calendar():
    dates = REGIONS["daily"]
    kept = dates[np.random.default_rng(0).random(len(dates)) < 0.4]
    panel = panel_of({"whole": dates, "sparse": kept})
    assert panel.frequency_of(None, "sparse").alias == "D"


def test_regions_pool_with_those_of_their_calendar_only():
    panel = panel_of({**REGIONS, "daily too": REGIONS["daily"], "mondays too": REGIONS["mondays"]})
    daily, mondays = (prepare(panel, name).around for name in ("daily", "mondays"))
    assert set(daily.regions) == {"daily", "daily too"}
    assert set(mondays.regions) == {"mondays", "mondays too"}
    assert prepare(panel, "months").around is None
    pool = gather_pool(mondays)
    assert pool.frequency.alias == "W-MON"
    assert list(pool.dates) == list(REGIONS["mondays"])
    np.testing.assert_allclose(pool.values[:, 0], 100.0 + np.arange(50))


def test_what_is_known_earlier_has_the_same_calendars():
    panel = panel_of(REGIONS).as_of(pd.Timestamp("2023-06-15"))
    assert panel.frequency_of(None, "mondays").alias == "W-MON"
    assert prepare(panel, "mondays").origin == pd.Timestamp("2023-06-12")


def test_blank_cells_of_a_wide_table_are_no_dates_of_a_weekly_region():
    dates = pd.date_range("2023-01-01", periods=200)
    weekly = np.where(dates.day_of_week == 5, 50.0, np.nan)
    wide = pd.DataFrame({"date": dates, "daily": 100 + np.arange(200) % 5, "weekly": weekly})
    panel = read_panel(wide.to_csv(index=False).encode(), "x.csv")
    series = prepare(panel, "weekly")
    assert panel.frequency_of(None, "daily").alias == "D"
    assert list(series.dates) == list(dates[dates.day_of_week == 5])
    assert series.notes == ()


def test_a_slip_in_one_date_spoils_its_own_region_only():
    days = REGIONS["daily"][:60]
    slip = pd.DatetimeIndex(["1931-01-01"]).append(days[:30])
    panel = panel_of({"good": days, "slip": slip, "mondays": REGIONS["mondays"]})
    assert prepare(panel, "good").origin == days[-1]
    assert panel.frequency_of(None, "mondays").alias == "W-MON"
    with pytest.raises(DataError, match="jump from 1931-01-01 to 2023-01-01"):
        prepare(panel, "slip")


@pytest.mark.parametrize("day", range(7))
def test_weeks_on_any_other_day_are_told_from_those_of_the_fullest_region(day):
    """By the first date too, which alone says on which day a region without gaps has its weeks."""
    mondays = pd.date_range("2024-11-11", periods=12, freq="7D")
    others = mondays - pd.Timedelta(days=8 - day)
    panel = panel_of({"a mondays": mondays, "b": others, "c": others})
    assert panel.frequency_of(None, "a mondays").alias == "W-MON"
    assert {panel.frequency_of(None, name).alias for name in "bc"} == {f"W-{others[0]:%a}".upper()}
