"""What the last counts will have become: learned from vintages, doubted without."""

import time

import numpy as np
import pandas as pd
import pytest

from forecasting import model
from forecasting.data.forecast import MEDIAN
from forecasting.data.formatting import format_date
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.revisions import SETTLED_AGE, expected_revisions
from forecasting.data.series import Series
from forecasting.evaluation.backtest import series_at_cutoff, truth_table
from forecasting.preparation import revision_correction
from forecasting.preparation.messages import revision_sentences
from forecasting.preparation.prepare import prepare
from forecasting.preparation.revision_correction import LEAST_DATES, doubt_last_count, usual_revisions
from forecasting.services.service import Service
from forecasting.views import fan_chart, fan_table

WEEKS = 30


def panel_of(table: pd.DataFrame, cumulative: bool = False, frequency=None) -> Panel:
    statistic = Statistic("new", "New cases", "cases", "cases", cumulative)
    return Panel("test", table, (statistic,), {"cases": frequency or weekly()}, "", "")


def published(shares, regions=("A",), weeks: int = WEEKS, vintages: int = 12, level: float = 1000.0) -> pd.DataFrame:
    """A vintage a week, of figures of which at age 0, 1 … `shares` of the settled figure are there.

    `shares` is by region, or the same for all.
    """
    dates = pd.date_range("2024-06-01", periods=weeks, freq="W-SAT")
    rows = []
    for place, region in enumerate(regions):
        rng = np.random.default_rng(place)
        final = level * (1 + 0.3 * np.sin(np.arange(weeks) / 5)) * rng.lognormal(0, 0.05, weeks)
        of_region = shares[region] if isinstance(shares, dict) else shares
        for newest in range(weeks - vintages, weeks):
            known = final[: newest + 1].copy()
            for age, share in enumerate(of_region):
                known[newest - age] *= share
            as_of = dates[newest] + pd.Timedelta(days=4)
            rows.append(
                pd.DataFrame(
                    {
                        "region": region,
                        "statistic": "cases",
                        "date": dates[: newest + 1],
                        "value": known,
                        "as_of": as_of,
                    }
                )
            )
    table = pd.concat(rows, ignore_index=True)
    return table.sort_values(["region", "date", "as_of"], ignore_index=True)


def finals(table: pd.DataFrame, region: str, shares) -> np.ndarray:
    newest = table[(table["region"] == region) & (table["as_of"] == table["as_of"].max())]["value"].to_numpy().copy()
    for age, share in enumerate(shares):
        newest[-1 - age] /= share
    return newest


# With vintages


def test_figures_that_are_always_revised_by_a_tenth_are_raised_by_a_tenth():
    table = published([1 / 1.1])
    series = prepare(panel_of(table), "A")
    np.testing.assert_allclose(series.values, finals(table, "A", [1 / 1.1]))
    assert series.reported.to_dict() == {series.origin: pytest.approx(series.values[-1] / 1.1)}
    assert series.doubt == ()  # so it was every time
    assert series.notes[-1].startswith(f"The week to {format_date(series.origin)} is raised by 10 %: ")


def test_each_age_is_corrected_by_its_own_measure():
    table = published([0.7, 0.9])
    series = prepare(panel_of(table), "A")
    np.testing.assert_allclose(series.values, finals(table, "A", [0.7, 0.9]))
    assert list(series.reported.index) == list(series.dates[-2:])
    assert "are raised by 11 % and 43 %" in series.notes[-1]


def test_days_are_corrected_for_two_weeks():
    shares = np.linspace(0.5, 0.95, 10)
    table = published(shares, weeks=90, vintages=60)
    days = pd.Timestamp("2024-06-01") + (table["date"] - pd.Timestamp("2024-06-01")) / 7
    published_on = pd.Timestamp("2024-06-01") + (table["as_of"] - pd.Timedelta(days=4) - pd.Timestamp("2024-06-01")) / 7
    table = table.assign(date=days, as_of=published_on + pd.Timedelta(hours=12))
    series = prepare(panel_of(table, frequency=DAILY), "A")
    np.testing.assert_allclose(series.values, finals(table, "A", shares))
    assert series.notes[-1].startswith("The 10 days from 20 Aug 2024 to 29 Aug 2024 are raised by 5 % to 100 %: ")


def test_figures_that_shrink_later_are_lowered():
    series = prepare(panel_of(published([1.25])), "A")
    assert series.values[-1] == pytest.approx(0.8 * series.reported.iloc[0])
    assert "is lowered by 20 %" in series.notes[-1]


@pytest.mark.parametrize("shares", [[1.0], [0.985]])
def test_figures_that_are_never_revised_or_hardly_stay_as_they_are(shares):
    table = published(shares)
    series = prepare(panel_of(table), "A")
    np.testing.assert_array_equal(series.values, panel_of(table).counts("A").to_numpy())
    assert (series.reported, series.doubt, series.notes) == (None, (), ())


def test_what_is_learned_needs_some_settled_dates():
    few, enough = (published([0.8], vintages=LEAST_DATES + SETTLED_AGE - 1 + more) for more in (0, 1))
    assert prepare(panel_of(few), "A").reported is None
    assert prepare(panel_of(enough), "A").reported is not None


def test_a_region_with_few_figures_leans_to_the_panel_and_one_with_many_does_not():
    shares = {name: [0.8] for name in "ABCDE"} | {"Z": [0.5]}
    table = published(shares, list(shares), vintages=26)
    young = table["as_of"] >= table["as_of"].drop_duplicates().sort_values().iloc[-7]
    late = table[(table["region"] != "Z") | young]
    often, seldom = (panel_of(rows.reset_index(drop=True)).as_of(None) for rows in (table, late))
    known = [usual_revisions(panel.published, panel.statistics[0], weekly())["Z"] for panel in (often, seldom)]
    assert 1.25 < known[1].factors[0] < 1.45 < known[0].factors[0] < 2.0
    assert known[1].count < known[0].count


def test_revisions_that_went_either_way_correct_nothing_and_leave_a_doubt():
    table = published([1.0], vintages=20)
    ages = (table["as_of"] - table["date"]).dt.days // 7
    odd = (table["as_of"].dt.day_of_year // 7) % 2 == 0
    table["value"] *= np.where(ages > 0, 1.0, np.where(odd, 1.2, 1 / 1.2))
    series = prepare(panel_of(table), "A")
    assert series.reported is None
    assert len(series.doubt) == 1
    assert series.doubt[0] == pytest.approx(np.log(1.2), rel=0.2)


@pytest.mark.parametrize("later", [0.0, 1e6, np.nan])
def test_nothing_published_later_changes_what_was_known(later):
    table = published([0.8, 0.9], ["A", "B", "C"], vintages=16)
    dates = sorted(table["as_of"].unique())
    at = dates[-4] + pd.Timedelta(days=1)
    poisoned = table.assign(value=np.where(table["as_of"] >= at, later, table["value"]))
    shortened = table[table["as_of"] < at].reset_index(drop=True)
    known = [series_at_cutoff(panel_of(rows), "A", "new", at).series for rows in (table, poisoned, shortened)]
    assert known[0].reported is not None
    for series in known[1:]:
        np.testing.assert_array_equal(series.values, known[0].values)
        assert (series.doubt, series.notes) == (known[0].doubt, known[0].notes)
        pd.testing.assert_series_equal(series.reported, known[0].reported)


def test_settled_figures_of_a_vintage_cut_further_back_are_not_corrected():
    panel = panel_of(published([0.8]))
    last = panel.counts("A").index[-1]
    series = prepare(panel.as_of(None).as_of(last - pd.Timedelta(weeks=SETTLED_AGE)), "A")
    assert series.reported is None


def test_running_totals_are_not_corrected():
    table = published([0.9])
    assert (
        prepare(panel_of(table.assign(value=table.groupby(["as_of"])["value"].cumsum()), cumulative=True), "A").doubt
        == ()
    )


def test_what_nobody_publishes_any_more_does_not_break_the_rest():
    table = published([0.8], ["A", "B"])
    gone = (table["region"] == "B") & (table["as_of"] == table["as_of"].max())
    assert prepare(panel_of(table[~gone].reset_index(drop=True)), "A").reported is not None


def test_truth_is_what_was_published():
    table = published([0.8])
    came = truth_table(panel_of(table), ["A"], "new")
    np.testing.assert_allclose(came["value"], panel_of(table).counts("A"))


def test_a_corrected_last_figure_leaves_no_gap():
    table = published([0.8])
    stood = series_at_cutoff(panel_of(table), "A", "new", table["as_of"].max() + pd.Timedelta(days=1))
    assert (stood.gap, stood.origin) == (0, table["date"].max())


def test_many_regions_are_learned_in_less_than_a_second():
    regions, weeks, vintages = 1000, 60, 20
    names = [f"R{place}" for place in range(regions)]
    one = published([0.8, 0.95], ["A"], weeks, vintages)
    table = pd.concat([one] * regions, ignore_index=True)
    table["region"] = pd.Categorical.from_codes(np.repeat(np.arange(regions), len(one)), names)
    known = panel_of(table).as_of(None)
    start = time.process_time()
    found = usual_revisions(known.published, known.statistics[0], weekly())
    assert time.process_time() - start < 1.5
    assert len(found) == regions
    assert usual_revisions(known.published, known.statistics[0], weekly()) is found


# Without


def falling(level: float = 400.0, last: float = 0.5, count: int = 80, seed: int = 0) -> Series:
    values = level * np.random.default_rng(seed).lognormal(0, 0.05, count)
    values[-1] = level * last
    return Series(pd.Timestamp("2023-01-07"), weekly(), values)


def test_a_last_count_that_falls_deeper_than_ever_is_in_doubt_and_stays():
    series = doubt_last_count(falling())
    np.testing.assert_array_equal(series.values, falling().values)
    assert 0.3 < series.doubt[0] < 0.7
    assert series.reported is None
    assert "an unusually deep fall" in series.notes[-1]


def test_the_deeper_the_fall_the_greater_the_doubt_and_a_rise_is_never_doubted():
    doubts = [sum(doubt_last_count(falling(last=last)).doubt) for last in (3.0, 1.0, 0.7, 0.6, 0.5)]
    assert doubts[:2] == [0.0, 0.0]
    assert doubts == sorted(doubts)
    assert doubts[-1] > doubts[-2] > 0


def test_small_counts_short_histories_and_silent_weekends_are_not_doubted():
    assert doubt_last_count(falling(level=15)).doubt == ()
    assert doubt_last_count(falling(count=10)).doubt == ()
    weekend = np.tile([300.0, 250, 240, 260, 230, 0, 0], 20)
    for end in range(1, 8):
        series = Series(pd.Timestamp("2023-01-02"), DAILY, weekend[:-end] * 1.0)
        assert doubt_last_count(series) is series


def test_with_vintages_a_figure_that_falls_too_deep_even_when_corrected_is_raised_further():
    table = published([0.8], weeks=60, vintages=30)
    noisy = np.where(table["as_of"].dt.day_of_year % 2 == 0, 0.97, 1.03)
    age = (table["as_of"] - table["date"]).dt.days // 7
    table["value"] *= np.where(age == 0, noisy, 1.0)
    last = (table["date"] == table["date"].max()) & (table["as_of"] == table["as_of"].max())
    usual = prepare(panel_of(table), "A")
    table.loc[last, "value"] *= 0.6
    series = prepare(panel_of(table.copy()), "A")
    assert series.values[-1] > 1.3 * series.reported.iloc[-1]
    assert series.doubt[-1] > usual.doubt[-1]
    assert "an unusually deep fall" in series.notes[-1]


# What models and charts make of it


@pytest.mark.parametrize("name", ["naive", "theta", "ets"])
def test_a_doubt_widens_the_bands_and_leaves_the_median(name):
    sure = falling(last=1.0)
    unsure = Series(sure.start, sure.frequency, sure.values, doubt=(0.1, 0.4))
    sure, unsure = (model(name).forecast(Series.from_json(one.to_json()), 6) for one in (sure, unsure))
    np.testing.assert_array_equal(sure.values[:, MEDIAN], unsure.values[:, MEDIAN])
    wider = np.ptp(unsure.values, axis=1) > np.ptp(sure.values, axis=1)
    assert wider.all()


def test_what_a_doubtful_day_says_of_other_weekdays_is_not_in_doubt():
    values = np.tile([100.0, 120, 130, 125, 110, 60, 40], 12) * np.random.default_rng(0).lognormal(0, 0.1, 84)
    sure = Series(pd.Timestamp("2021-01-04"), DAILY, values)
    unsure = Series(sure.start, DAILY, values, doubt=(0.4,))
    widths = [np.ptp(model("naive").forecast(one, 7).values, axis=1) for one in (sure, unsure)]
    np.testing.assert_allclose(widths[1][:6], widths[0][:6])
    assert widths[1][6] > 1.2 * widths[0][6]


def test_a_doubt_is_seen_and_nothing_else_that_is_new():
    plain = falling()
    unsure = Series(plain.start, plain.frequency, plain.values, doubt=(0.2,))
    told = Series(plain.start, plain.frequency, plain.values, reported=pd.Series([1.0], index=[plain.origin]))
    assert plain.digest() == told.digest() != unsure.digest()
    assert plain.to_json() == told.to_json()
    assert Series.from_json(unsure.to_json()).digest() == unsure.digest()


def test_parts_of_a_series_keep_what_belongs_to_them():
    series = prepare(panel_of(published([0.7, 0.9])), "A")
    series = Series(series.start, series.frequency, series.values, reported=series.reported, doubt=(0.1, 0.2))
    assert series.tail(5).doubt == (0.1, 0.2)
    assert len(series.tail(5).reported) == 2
    assert (series.tail(1).doubt, len(series.tail(1).reported)) == ((0.2,), 1)
    assert (series.until(series.dates[-2]).doubt, len(series.until(series.dates[-2]).reported)) == ((0.1,), 1)
    before = series.until(series.dates[-3])
    assert (before.doubt, before.reported) == ((), None)
    assert series.until(series.origin).digest() == series.digest()
    np.testing.assert_array_equal(series.as_published().values, series.published)


@pytest.fixture
def fan() -> fan_chart.FanChart:
    panel = panel_of(published([0.7, 0.9], vintages=20))
    series = prepare(panel, "A")
    forecasts = {"theta": model("theta").forecast(series, 4)}
    return fan_chart.FanChart(
        series, forecasts, frozenset(), "theta", "new cases", False, expected_revisions(panel, "A")
    )


def test_corrected_points_are_drawn_beside_the_reported_ones_and_only_once(fan):
    traces = {trace["uid"]: trace for trace in fan_chart.fan_figure(fan)["data"]}
    assert traces["as reported"]["x"] == traces["history"]["x"][-2:]
    assert traces["as reported"]["y"] == pytest.approx(fan.series.reported.to_list(), abs=0.06)
    assert traces["history"]["y"][-1] > traces["as reported"]["y"][-1]
    assert traces["history"]["name"] == "End corrected"
    assert len(fan.revisions) == 2
    assert "revised" not in traces


def test_the_words_and_the_table_say_what_was_reported(fan):
    assert "reported as" in fan_table.describe_fan_chart(fan)
    table = fan_table.fan_table(fan)
    assert list(table.columns[:4]) == ["Date", "Reported", "Corrected", "Theta"]
    assert table["Reported"].notna().sum() == 2
    assert list(table["Date"]) == [*fan.series.dates[-2:], *fan.forecasts["theta"].dates]
    assert set(table["Theta, 80 %"][:2]) == {""}


def test_a_service_says_what_usually_comes_of_a_figure_only_where_it_is_not_corrected(tmp_path):
    panel = panel_of(published([0.7, 0.9], vintages=20))
    service = Service()
    try:
        assert revision_sentences(service.revisions(panel, "A", "new"), weekly()) == []
        assert len(expected_revisions(panel, "A", "new")) == 2
    finally:
        service.close()


def test_quantiles_are_numpy_s():
    values = np.random.default_rng(0).normal(size=(5, 4, 9))
    values[values > 1] = np.nan
    values[0, 0] = np.nan
    for level, found in zip((0.3, 0.5, 0.7), revision_correction._quantiles(values, (0.3, 0.5, 0.7)), strict=True):
        with np.errstate(all="ignore"):
            expected = np.nan_to_num(
                pd.DataFrame(values.reshape(20, 9)).quantile(level, axis=1).to_numpy().reshape(5, 4)
            )
        np.testing.assert_allclose(found, expected)
