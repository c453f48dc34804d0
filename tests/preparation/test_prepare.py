"""Raw counts -> Series: every repair, what it keeps, and what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.data.frequency import DAILY, Frequency, frequency_of_alias, weekly
from forecasting.data.kind import AMOUNT
from forecasting.data.panel import ASSUMED_UNREPORTED, TRUE_ZEROS, UNREPORTED_ZEROS, Panel, Statistic
from forecasting.data.pool import Pool
from forecasting.preparation import incomplete_reports
from forecasting.preparation.gather_pool import gather_pool, prepared_series
from forecasting.preparation.prepare import clean_counts, clean_figures, prepare
from forecasting.support.errors import DataError, RequestError

DATA = Path(__file__).parents[2] / "data"
MONDAY = pd.Timestamp("2021-01-04")


def counted(values, start=MONDAY, frequency=DAILY) -> pd.Series:
    return pd.Series(np.asarray(values, float), pd.date_range(start, periods=len(values), freq=frequency.alias))


def noisy(days=140, level=200.0, seed=1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(level, days).astype(float)


def panel_of(table: pd.DataFrame, frequency: Frequency = DAILY, cumulative: bool = False) -> Panel:
    statistic = Statistic("new", "New", "cases", "counts", reported_cumulative=cumulative)
    tidy = table.rename_axis(index="date", columns="region").melt(ignore_index=False).reset_index()
    tidy = tidy.assign(statistic="counts")[["region", "statistic", "date", "value"]]
    tidy = tidy.sort_values(["region", "date"], ignore_index=True)
    return Panel("test", tidy, (statistic,), {"counts": frequency}, "nobody", "none")


def everything(series) -> float:
    return series.total + (0.0 if series.provisional is None else float(np.nansum(series.provisional)))


# Dates and running totals


def test_clean_counts_come_out_as_they_went_in():
    series = clean_counts(counted(noisy()), DAILY)
    np.testing.assert_array_equal(series.values, noisy())
    assert (series.start, series.before, series.provisional, series.notes) == (MONDAY, 0.0, None, ())


def test_zeros_before_the_first_count_are_trimmed():
    series = clean_counts(counted([np.nan, 0, 0, 3, 0, 2]), DAILY)
    assert series.start == MONDAY + pd.Timedelta(days=3)
    np.testing.assert_array_equal(series.values, [3, 0, 2])
    assert series.before == 0


@pytest.mark.parametrize("values", [[0, 0, 0], [7], [5] * 40, [0, np.nan, 0]])
def test_a_constant_a_single_and_an_all_zero_series_stay_as_they_are(values):
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_array_equal(series.values, np.nan_to_num(values))


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_no_figure_at_all_is_an_error_in_one_sentence(values):
    with pytest.raises(DataError, match=r"^There are no figures here .*\.$"):
        clean_counts(counted(values), DAILY)


def test_running_totals_become_new_counts_and_what_came_before():
    series = clean_counts(counted([100, 110, 125, 125, 160]), DAILY, reported_cumulative=True, shown_cumulative=True)
    np.testing.assert_array_equal(series.values, [10, 15, 0, 35])
    assert (series.before, series.total, series.cumulative) == (100, 160, True)


def test_days_without_a_report_share_the_next_difference_of_running_totals():
    series = clean_counts(counted([0, 10, np.nan, np.nan, 40, 50]), DAILY, reported_cumulative=True)
    np.testing.assert_allclose(series.values, [10, 10, 10, 10, 10])
    assert series.notes == ("What came after 2 days without a report was shared evenly with them.",)


def test_missing_dates_are_inserted_and_the_order_of_rows_does_not_matter():
    whole = counted(np.arange(100.0, 140))
    series = clean_counts(whole.drop(whole.index[[20, 21]]).sample(frac=1, random_state=1), DAILY)
    assert len(series) == 40
    np.testing.assert_allclose(series.values, whole, rtol=0.02)
    assert series.notes == ("2 days without a figure filled in from those around (the last on 25 Jan 2021).",)


@pytest.mark.parametrize(
    ("alias", "dates", "expected"),
    [
        ("W-SAT", ["2021-01-05", "2021-01-09", "2021-01-12"], ["2021-01-09", "2021-01-16"]),
        ("MS", ["2021-01-05", "2021-01-09", "2021-02-12"], ["2021-01-01", "2021-02-01"]),
        ("ME", ["2021-01-05", "2021-01-09", "2021-02-12"], ["2021-01-31", "2021-02-28"]),
        ("D", ["2021-01-05 08:00", "2021-01-05 20:00", "2021-01-06 08:00"], ["2021-01-05", "2021-01-06"]),
    ],
)
def test_dates_between_the_grid_count_for_the_period_that_holds_them(alias, dates, expected):
    series = clean_counts(pd.Series([1.0, 2.0, 4.0], pd.DatetimeIndex(dates)), frequency_of_alias(alias))
    assert list(series.dates) == list(pd.DatetimeIndex(expected))
    np.testing.assert_array_equal(series.values, [3, 4])


def test_dates_beside_the_grid_are_told():
    dates = pd.date_range("2021-01-02", periods=12, freq="7D").to_series().reset_index(drop=True)
    assert clean_counts(pd.Series(5.0, pd.DatetimeIndex(dates)), weekly("SAT")).notes == ()
    dates[4] -= pd.Timedelta(days=2)
    (note,) = clean_counts(pd.Series(5.0, pd.DatetimeIndex(dates)), weekly("SAT")).notes
    assert note == "A date beside those of the weeks is counted for the week that it belongs to (28 Jan 2021)."


# Corrections


def test_a_negative_correction_is_spread_back_and_its_day_gets_what_is_typical():
    values = noisy()
    values[100] = -300
    series = clean_counts(counted(values), DAILY)
    assert series.total == pytest.approx(values.sum())
    assert 150 < series.values[100] < 250
    changed = np.flatnonzero(series.values != values)
    assert changed.min() == 100 - 28
    assert changed.max() == 100
    np.testing.assert_allclose(series.values[72:100] / values[72:100], series.values[72] / values[72])
    assert series.notes == ("1 negative correction spread over the days before (on 14 Apr 2021).",)


def test_a_large_correction_reaches_back_until_it_moves_the_level_by_a_tenth():
    values = noisy()
    values[120] = -1500
    series = clean_counts(counted(values), DAILY)
    changed = np.flatnonzero(series.values != values)[:-1]
    assert changed.min() < 120 - 28
    assert (series.values[changed] / values[changed]).min() > 0.89


def test_a_correction_larger_than_all_before_it_is_taken_from_the_running_total_before():
    series = clean_counts(counted([100, 105, 85, 95, 105]), DAILY, reported_cumulative=True)
    assert series.before + series.values.sum() == pytest.approx(105)
    assert series.values.min() >= 0


def test_a_correction_before_any_count_is_taken_from_later_ones():
    series = clean_counts(counted([-5, 10, 10, 10]), DAILY)
    assert series.values.sum() == pytest.approx(25)
    assert series.values.min() >= 0


def test_a_series_of_corrections_only_says_that_its_total_is_lost():
    series = clean_counts(counted([-5, -10, 3]), DAILY)
    assert (series.values == 0).all()
    assert series.notes[-1] == "The corrections exceed all counts, so the series could not keep its total."


# Silences, piles, dumps, gaps


def test_a_pile_after_a_silence_is_spread_over_it():
    values = noisy()
    pile = values.copy()
    pile[101:104], pile[104] = 0, values[101:105].sum()
    series = clean_counts(counted(pile), DAILY)
    np.testing.assert_allclose(series.values[101:105], values[101:105].sum() / 4, rtol=0.1)
    assert series.total == pytest.approx(pile.sum())
    assert series.notes == ("1 pile after a silence spread over 3 days without counts (on 18 Apr 2021).",)


def test_a_missing_figure_before_a_pile_gets_its_share():
    values = noisy()
    values[101], values[102] = np.nan, 410
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_allclose(series.values[101:103], 205, atol=15)
    assert series.total == pytest.approx(np.nansum(values))


def test_regular_silent_weekends_stay_and_are_said():
    values = noisy(140)
    weekend = np.arange(140) % 7 >= 5
    values[weekend] = 0
    values[np.arange(140) % 7 == 0] *= 3
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_array_equal(series.values, values)
    assert series.notes == ("Nothing is reported on Saturdays and Sundays; Mondays carry their counts.",)


def test_weekends_without_a_figure_count_as_nothing_reported():
    values = noisy(140)
    values[np.arange(140) % 7 >= 5] = np.nan
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_array_equal(series.values, np.nan_to_num(values))
    assert series.notes == ("Nothing is reported on Saturdays and Sundays.",)


def test_a_holiday_of_a_weekday_reporter_is_repaired_and_its_weekends_are_not():
    values = noisy(140)
    values[np.arange(140) % 7 >= 5] = 0
    values[70], values[71] = 0, 420
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_allclose(series.values[70:72], 210, atol=15)
    assert (series.values[np.arange(140) % 7 >= 5] == 0).all()


def test_weekly_reports_in_daily_figures_stay_and_are_said():
    values = np.zeros(140)
    values[3::7] = noisy(20, 700)
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_array_equal(series.values, values[3:])
    assert series.notes == ("A week's counts are reported on Thursdays; nothing on other days.",)


def test_a_skipped_weekly_report_gets_half_of_the_next():
    values = np.zeros(140)
    values[3::7] = 700
    values[73], values[80] = 0, 1400
    series = clean_counts(counted(values, MONDAY), DAILY)
    np.testing.assert_allclose(series.values[[70, 77]], 700)


def test_a_weekly_report_that_comes_a_day_early_is_no_dump():
    values = np.zeros(140)
    values[3::7] = 700
    values[73], values[72] = 0, 700
    series = clean_counts(counted(values), DAILY)
    assert np.count_nonzero(series.values) == np.count_nonzero(values)
    assert not [note for note in series.notes if "dump" in note]


def test_a_dump_of_old_counts_is_spread_back():
    values = noisy()
    values[100] = 5000
    series = clean_counts(counted(values), DAILY)
    assert series.values[100] == pytest.approx(200, rel=0.15)
    assert series.total == pytest.approx(values.sum())
    assert series.values[:100].sum() > values[:100].sum()
    assert series.notes == ("1 late dump of old counts spread over the days before (on 14 Apr 2021).",)


def test_a_spike_at_the_very_end_stays_because_nobody_knows_yet_whether_the_level_returns():
    values = noisy()
    values[-1] = 5000
    np.testing.assert_array_equal(clean_counts(counted(values), DAILY).values, values)


def test_gaps_without_a_pile_are_interpolated_between_the_same_weekdays():
    values = np.tile([100.0, 90, 80, 70, 60, 20, 10], 10)
    gappy = values.copy()
    gappy[30:35] = np.nan
    series = clean_counts(counted(gappy), DAILY)
    np.testing.assert_allclose(series.values, values)
    assert series.notes == ("5 days without a figure filled in from those around (the last on 7 Feb 2021).",)


def with_true_zeros(seed: int) -> np.ndarray:
    """About twenty a day, far from evenly, with a zero on every ninth day, and a few blanks."""
    rng = np.random.default_rng(seed)
    values = rng.negative_binomial(5, 0.2, 200).astype(float)
    values[::9] = 0
    values[rng.choice(190, 5, replace=False)] = np.nan
    return values


@pytest.mark.parametrize("seed", range(5))
def test_zeros_that_no_pile_follows_are_figures(seed):
    values = with_true_zeros(seed)
    series = clean_counts(counted(values), DAILY)
    known = np.flatnonzero(np.isfinite(values))
    known = known[known >= len(values) - len(series)]
    np.testing.assert_array_equal(series.values[known - (len(values) - len(series))], values[known])
    assert series.true_zeros
    assert not [note for note in series.notes if "pile" in note]


def test_a_pile_among_zeros_that_are_figures_is_still_spread():
    values = np.nan_to_num(with_true_zeros(1), nan=20.0)
    values[101:104], values[104] = 0, 130
    series = clean_counts(counted(values), DAILY)
    assert series.notes == ("1 pile after a silence spread over 3 days without counts (on 18 Apr 2021).",)


def test_a_zero_at_the_end_is_a_figure_where_earlier_ones_were():
    values = with_true_zeros(2)[:190]
    assert values[-1] == 0
    series = clean_counts(counted(values), DAILY)
    assert series.origin == MONDAY + pd.Timedelta(days=189)
    assert (series.values[-1], series.provisional, series.doubt) == (0, None, ())
    silent = clean_counts(counted(np.append(values, [0, 0, 0])), DAILY)
    assert len(silent.provisional) == 4


def test_series_whose_silences_end_in_piles_have_no_true_zeros():
    values = noisy()
    for at in range(40, 130, 10):
        values[at + 1] += values[at]
        values[at] = 0
    series = clean_counts(counted(values), DAILY)
    assert not series.true_zeros
    assert series.values.min() > 100


# The provisional tail


def test_zeros_at_the_end_of_a_series_that_counts_plenty_are_not_used():
    values = np.append(noisy(), [0, 0])
    series = clean_counts(counted(values), DAILY)
    assert len(series) == 140
    assert list(series.provisional) == [0, 0]
    assert series.notes == (
        "Nothing was reported for the last 2 days (from 24 May 2021); the series is used until then.",
    )


def test_repeated_running_totals_at_the_end_are_zeros():
    values = np.append(noisy(), [0, 0]).cumsum()
    series = clean_counts(counted(values), DAILY, reported_cumulative=True)
    assert len(series.provisional) == 2
    assert everything(series) == pytest.approx(values[-1])


def test_a_weekend_at_the_end_of_a_weekday_reporter_is_used():
    values = noisy(140)
    values[np.arange(140) % 7 >= 5] = 0
    assert clean_counts(counted(values), DAILY).provisional is None


def test_a_long_silence_is_the_end_of_reporting():
    series = clean_counts(counted(np.append(noisy(), np.zeros(60))), DAILY)
    assert len(series) == 140
    assert series.notes == ("Reporting stopped on 23 May 2021; the series is used until then.",)
    said = clean_figures(counted(np.append(noisy(), np.zeros(60))), DAILY, AMOUNT)
    assert len(said) == 200
    assert not said.values[-60:].any()


def zero_weeks(reading: str):
    """Three hundred a week, and twelve weeks of zeros at the end."""
    values = np.append(noisy(60, 300), np.zeros(12))
    return clean_counts(counted(values, frequency=weekly()), weekly(), zeros_at_end=reading)


def test_zeros_at_the_end_that_nobody_has_spoken_of_are_left_out_with_both_readings():
    series = zero_weeks(ASSUMED_UNREPORTED)
    assert (len(series), len(series.provisional)) == (60, 12)
    assert series.notes == (
        "Reporting stopped on 26 Feb 2022; the series is used until then. If these zeros are true, set zeros-at-end to true.",
    )
    assert zero_weeks(UNREPORTED_ZEROS).notes == ("Reporting stopped on 26 Feb 2022; the series is used until then.",)


def test_zeros_at_the_end_that_are_said_to_be_true_are_used():
    series = zero_weeks(TRUE_ZEROS)
    assert (len(series), series.provisional) == (72, None)
    assert series.notes == ("The zeros at the end, 12 weeks from 5 Mar 2022, are taken as true.",)


def test_true_zeros_at_the_end_of_all_regions_are_used_in_each_and_in_their_pool():
    values = {name: np.append(noisy(50, 300, seed), [0.0, 0.0]) for seed, name in enumerate("ABCDE")}
    table = pd.DataFrame({name: counted(one, frequency=weekly()) for name, one in values.items()})
    panel = panel_of(table, weekly()).with_zeros_at_end(TRUE_ZEROS)
    series = prepare(panel, "B")
    assert (len(series), series.provisional, series.doubt) == (52, None, ())
    assert len(prepare(panel_of(table, weekly()), "B")) == 50
    assert len(prepared_series(gather_pool(series.pool))["B"]) == 52
    assert series.pool.key != prepare(panel_of(table, weekly()), "B").pool.key
    sent = Pool.from_json(gather_pool(series.pool).to_json())
    assert len(prepared_series(sent)["B"]) == 52


def test_figures_not_in_yet_are_left_out_where_zeros_before_them_are_true():
    values = np.append(noisy(60, 300), [0, 0, np.nan])
    series = clean_counts(counted(values, frequency=weekly()), weekly(), zeros_at_end=TRUE_ZEROS)
    assert (len(series), len(series.provisional)) == (62, 1)


def test_figures_not_in_yet_are_not_used_however_small_the_counts():
    series = clean_counts(counted([1, 0, 2, 1, 0, 1, np.nan]), DAILY)
    assert len(series) == 6
    assert len(series.provisional) == 1


def test_zeros_at_the_end_of_small_counts_are_used():
    values = [1, 0, 2, 0, 0, 1, 0] * 8 + [0, 0, 0]
    assert clean_counts(counted(values), DAILY).provisional is None


def test_one_region_alone_is_doubted_only_far_outside_its_own_history():
    weeks = weekly()
    quiet, wild = noisy(60, 400), noisy(60, 400) * np.random.default_rng(0).lognormal(0, 0.6, 60)
    series = clean_counts(counted(np.append(quiet, 120), frequency=weeks), weeks)
    assert series.notes == (
        f"The last week (5 Mar 2022) looks incomplete: 120 after {quiet[-1]:,.0f}; it is shown but not used.",
    )
    assert clean_counts(counted(np.append(quiet, 300), frequency=weeks), weeks).provisional is None
    assert clean_counts(counted(np.append(wild, 120), frequency=weeks), weeks).provisional is None


def test_a_week_that_collapses_everywhere_is_doubted_in_every_region():
    table = pd.DataFrame({name: counted(noisy(50, 300, i), frequency=weekly()) for i, name in enumerate("ABCDE")})
    table.iloc[-1] *= 0.5
    table.loc[table.index[-1], "E"] = 310  # this one looks fine
    panel = panel_of(table, weekly())
    for region in table:
        series = prepare(panel, region)
        assert series.origin == table.index[-2]
        assert list(series.provisional) == [table[region].iloc[-1]]


def test_one_large_region_that_falls_does_not_make_the_others_doubtful():
    table = pd.DataFrame({name: counted(noisy(50, 300, i), frequency=weekly()) for i, name in enumerate("ABCDE")})
    table["A"] *= 100
    table.loc[table.index[-1], "A"] *= 0.3
    panel = panel_of(table, weekly())
    assert prepare(panel, "A").provisional is not None
    assert prepare(panel, "B").provisional is None


def test_running_totals_of_a_panel_are_judged_by_their_differences():
    table = pd.DataFrame({name: counted(noisy(50, 300, i), frequency=weekly()) for i, name in enumerate("ABCDE")})
    table.iloc[-1] *= 0.5
    series = prepare(panel_of(table.cumsum(), weekly(), cumulative=True), "B")
    assert list(series.provisional) == [table["B"].iloc[-1]]


def test_of_many_regions_some_tell_which_days_are_late(monkeypatch):
    """With every region and with a fifth of them the same day is doubted, and none where none is late."""
    rng = np.random.default_rng(1)
    table = rng.poisson(rng.lognormal(5, 0.5, 200), (90, 200)).astype(float)
    late = table.copy()
    late[-1] *= 0.5
    for few in (200, 40):
        monkeypatch.setattr(incomplete_reports, "MOST_REGIONS", few)
        assert incomplete_reports.doubtful_together(late, 7) == 89
        assert incomplete_reports.doubtful_together(table, 7) == 90


def test_a_given_date_ends_the_series():
    series = clean_counts(counted(noisy()), DAILY, provisional_from=pd.Timestamp("2021-05-20"))
    assert series.origin == pd.Timestamp("2021-05-19")
    assert len(series.provisional) == 4


def test_of_a_panel_with_vintages_the_newest_is_prepared():
    old = panel_of(pd.DataFrame({"A": counted(noisy(50))}))
    new = old.table.assign(value=old.table["value"] + 1)
    both = pd.concat(
        [old.table.assign(as_of=pd.Timestamp("2021-03-01")), new.assign(as_of=pd.Timestamp("2021-03-08"))],
        ignore_index=True,
    )
    panel = Panel("test", both, old.statistics, old.frequencies, "", "")
    np.testing.assert_array_equal(prepare(panel, "A").values, noisy(50) + 1)


def test_a_region_that_ended_long_before_the_others_says_so():
    table = pd.DataFrame({name: counted(noisy(110, 300, i), frequency=weekly()) for i, name in enumerate("ABC")})
    panel = panel_of(table, weekly())
    gone = (panel.table["region"] == "B") & (panel.table["date"] > table.index[59])
    late = (panel.table["region"] == "C") & (panel.table["date"] > table.index[107])
    short = replace(panel, table=panel.table[~gone & ~late].reset_index(drop=True))
    series = prepare(short, "B")
    assert series.origin == table.index[59]
    assert series.notes[0] == (
        "The figures end on 26 Feb 2022, 48 weeks before those of most regions; the forecast begins there."
    )
    assert not [note for region in "AC" for note in prepare(short, region).notes if "before those" in note]
    assert not prepare(short.as_of(table.index[50]), "B").notes


def test_an_unknown_region_is_a_request_error():
    with pytest.raises(RequestError, match="Atlantis"):
        prepare(panel_of(pd.DataFrame({"A": counted(noisy(50))})), "Atlantis")


# Properties

dirty = st.lists(
    st.one_of(st.integers(0, 30), st.integers(0, 5000), st.integers(-400, -1), st.just(0)), min_size=1, max_size=150
)
seeds = st.integers(0, 10_000)


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(dirty)
def test_totals_are_kept_and_nothing_is_negative_or_missing(values):
    series = clean_counts(counted(values), DAILY)
    assert np.isfinite(series.values).all()
    assert series.values.min() >= 0
    assert len(series) >= 1
    if not any("could not keep" in note for note in series.notes):
        assert everything(series) == pytest.approx(sum(values), abs=1e-6 * (1 + np.abs(values).sum()))


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.none(), st.integers(0, 900)), min_size=2, max_size=120), st.sampled_from(["D", "W-SAT"]))
def test_running_totals_with_gaps_keep_their_last_value(steps, alias):
    totals = np.array([np.nan if step is None else step for step in steps], float)
    totals[np.isfinite(totals)] = np.cumsum(totals[np.isfinite(totals)])
    if not np.isfinite(totals).any():
        return
    frequency = frequency_of_alias(alias)
    series = clean_counts(counted(totals, frequency=frequency), frequency, reported_cumulative=True)
    assert everything(series) == pytest.approx(np.nanmax(totals))
    assert series.values.min() >= 0


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(seeds, st.floats(0.02, 3))
def test_small_poisson_counts_are_never_repaired(seed, level):
    values = np.append(1, noisy(200, level, seed))
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_array_equal(series.values, values)
    assert not series.notes


def epidemic(seed, rate):
    """Ninety days of Poisson counts that grow from one, or fade from 5,000, by a rate a day."""
    level = np.exp(rate * np.arange(90.0)) * (1 if rate > 0 else 5000)
    return np.append(1, np.random.default_rng(seed).poisson(np.minimum(level, 1e7)))


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(seeds, st.floats(-0.1, 0.2))
def test_an_epidemic_that_grows_or_fades_is_never_repaired(seed, rate):
    values = epidemic(seed, rate)
    series = clean_counts(counted(values), DAILY)
    np.testing.assert_array_equal(series.values, values[: len(series)])


def test_of_epidemics_that_grow_or_fade_one_in_a_hundred_has_last_counts_in_doubt_at_most():
    rates = np.random.default_rng(0).uniform(-0.1, 0.2, 500)
    cleaned = [clean_counts(counted(epidemic(seed, rate)), DAILY) for seed, rate in enumerate(rates)]
    assert sum(series.provisional is not None for series in cleaned) <= 5


@settings(max_examples=examples(40), deadline=None, derandomize=True)
@given(seeds)
def test_repairs_scale_with_the_counts(seed):
    rng = np.random.default_rng(seed)
    values = noisy(120, 500, seed)
    values[rng.integers(40, 70)] = -200
    quiet = rng.integers(80, 110)
    values[quiet : quiet + 2], values[quiet + 2] = 0, 1500
    np.testing.assert_allclose(
        clean_counts(counted(10 * values), DAILY).values, 10 * clean_counts(counted(values), DAILY).values
    )


@settings(max_examples=examples(30), deadline=None, derandomize=True)
@given(seeds, st.integers(60, 119))
def test_what_comes_later_never_changes_what_was_prepared_before(seed, kept):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: counted(rng.poisson(100, 120)) for name in "ABCD"})
    other = table.copy()
    other.iloc[kept:] = rng.poisson(3, (120 - kept, 4))
    date = table.index[kept - 1]
    one, two = (prepare(panel_of(t.astype(float)).as_of(date), "C") for t in (table, other))
    assert one.digest() == two.digest()
    assert one.notes == two.notes


@settings(max_examples=examples(30), deadline=None, derandomize=True)
@given(seeds)
def test_preparing_a_clean_series_again_changes_nothing(seed):
    once = clean_counts(counted(noisy(120, 50, seed)), DAILY)
    again = clean_counts(pd.Series(once.values, once.dates), DAILY)
    assert again.digest() == once.digest()


def test_the_input_is_left_as_it_is():
    counts = counted(np.append(noisy(), [-50, np.nan, 0]))
    copy = counts.copy()
    clean_counts(counts, DAILY)
    pd.testing.assert_series_equal(counts, copy)
