"""The bundled figures and the real files: nothing fails, totals are kept, and what is said is right."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.preparation.prepare import prepare

DATA = Path(__file__).parents[2] / "data"


def panel(table: pd.DataFrame, frequency, cumulative: bool = False) -> Panel:
    tidy = table.assign(statistic="counts", value=table["value"].astype(float))
    tidy = tidy[["region", "statistic", "date", "value"]].sort_values(["region", "date"], ignore_index=True)
    statistic = Statistic("counts", "Counts", "counts", "counts", cumulative, cumulative)
    return Panel("real", tidy, (statistic,), {"counts": frequency}, "", "")


def wide(name: str, date: str) -> pd.DataFrame:
    table = pd.read_csv(DATA / name, parse_dates=[date])
    return table.melt(date, var_name="region").rename(columns={date: "date"})


@pytest.fixture(scope="module")
def admissions() -> Panel:
    return panel(wide("cdc_hospital_admissions_weekly.csv", "week_ending"), weekly())


@pytest.fixture(scope="module")
def cases() -> Panel:
    return panel(wide("jhu_cumulative_cases_daily.csv", "date"), DAILY, cumulative=True)


@pytest.fixture(scope="module", params=["cases", "deaths"])
def europe(shared: Path, request) -> Panel:
    table = pd.read_csv(shared / "real" / f"jhu_europe_incident_{request.param}.csv.gz", parse_dates=["date"])
    return panel(table.rename(columns={"location": "region"}), DAILY)


def assert_prepared(panel: Panel, region: str) -> None:
    """What holds of every prepared series: regular, complete, not negative, its total kept, readable notes."""
    raw, series = panel.counts(region), prepare(panel, region)
    published = raw.iloc[-1] if panel.statistics[0].reported_cumulative else raw.sum()
    provisional = 0.0 if series.provisional is None else series.provisional.sum()
    assert series.total + provisional == pytest.approx(published)
    assert np.isfinite(series.values).all()
    assert series.values.min() >= 0
    assert all(re.fullmatch(r"[A-Z0-9][^\n_{}]{10,160}\.", note) for note in series.notes), series.notes


def test_the_bundled_series_are_prepared_with_their_totals_kept(admissions, cases):
    for bundled in (admissions, cases):
        for region in bundled.regions():
            assert_prepared(bundled, region)


def test_the_last_bundled_week_is_provisional_in_every_region(admissions):
    for region in admissions.regions():
        series = prepare(admissions, region)
        assert series.origin == pd.Timestamp("2026-03-21")
        assert list(series.provisional.index) == [pd.Timestamp("2026-03-28")]
    assert prepare(admissions, "US").notes == (
        "The last week (28 Mar 2026) looks incomplete: 1,965 after 3,899; it is shown but not used.",
    )


def test_no_earlier_bundled_week_is_doubted_as_a_whole(admissions):
    weeks = admissions.table["date"].unique()
    for week in weeks[weeks <= pd.Timestamp("2025-06-28")][2:]:
        assert prepare(admissions.as_of(pd.Timestamp(week)), "US").provisional is None


def test_spain_keeps_its_weekends_and_says_so(cases):
    series = prepare(cases, "Spain")
    assert "Nothing is reported on Saturdays and Sundays; Mondays carry their counts." in series.notes
    assert "3 negative corrections spread over the days before (the last on 2 Mar 2021)." in series.notes
    lately = pd.Series(series.values, series.dates)["2021-03-15":]
    assert (lately[lately.index.day_of_week >= 5] == 0).all()


def test_the_british_correction_of_april_2021_leaves_an_ordinary_day(cases):
    series = prepare(cases, "United Kingdom")
    assert series.notes == ("1 negative correction spread over the days before (on 9 Apr 2021).",)
    day = pd.Series(series.values, series.dates)
    assert day["2021-04-09"] == pytest.approx(day["2021-04-01":"2021-04-20"].mean(), rel=0.4)


@pytest.mark.shared
def test_every_european_series_is_prepared_with_its_total_kept(europe):
    assert len(europe.regions()) == 32
    for region in europe.regions():
        assert_prepared(europe, region)


@pytest.mark.shared
def test_a_british_dump_of_reinfections_is_spread_and_a_shifted_weekly_report_is_not(shared):
    table = pd.read_csv(shared / "real" / "jhu_europe_incident_cases.csv.gz", parse_dates=["date"])
    europe = panel(table.rename(columns={"location": "region"}), DAILY)
    britain = prepare(europe, "GB")
    assert pd.Series(britain.values, britain.dates)["2022-01-31"] < 120_000  # 847,371 were published
    assert not [note for note in prepare(europe, "PT").notes if "dump" in note]


@pytest.mark.shared
def test_falls_of_european_figures_are_seldom_doubted(europe):
    doubted = asked = 0
    for date in pd.date_range("2020-05-01", "2023-03-01", freq="58D"):
        then = europe.as_of(date)
        for region in then.regions():
            tail = prepare(then, region).provisional
            asked += 1
            doubted += tail is not None and bool(tail.sum() > 0)
    assert doubted <= 0.01 * asked


@pytest.mark.shared
def test_admissions_that_are_doubted_were_truly_far_too_low(shared):
    vintages = pd.read_csv(shared / "hub-dev" / "vintages.csv.gz", parse_dates=["as_of", "date"])
    truth = pd.read_csv(shared / "hub-dev" / "truth.csv.gz", parse_dates=["date"])
    final = truth.set_index(["region", "date"])["value"]
    shares = []
    for _, table in vintages.groupby("as_of"):
        then = panel(table, weekly())
        for region in then.regions():
            tail = prepare(then, region).provisional
            if tail is not None and (region, tail.index[-1]) in final.index:
                shares.append(tail.iloc[-1] / max(final[region, tail.index[-1]], 1))
    assert 15 <= len(shares) <= 60
    assert np.median(shares) < 0.5
    assert np.mean(np.array(shares) < 0.7) > 0.85
