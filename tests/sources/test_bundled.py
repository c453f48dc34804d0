import numpy as np
import pandas as pd
import pytest

from forecasting.preparation.prepare import prepare
from forecasting.sources import bundled, source

#: Admissions for influenza in the week with the most and the next.
INFLUENZA_PEAK = [55757, 48009]


@pytest.fixture
def panel():
    return source("bundled").panel()


def test_its_statistics_are_new_cases_first(panel):
    assert [s.name for s in panel.statistics] == [
        "new_cases",
        "cumulative_cases",
        "new_admissions",
        "new_flu_admissions",
    ]
    assert [s.label for s in panel.statistics] == [
        "New cases",
        "Cumulative cases",
        "New hospital admissions",
        "New influenza hospital admissions",
    ]
    assert [s.target for s in panel.statistics] == ["", "", "wk inc covid hosp", "wk inc flu hosp"]


def test_six_countries_have_cases_and_53_regions_have_admissions(panel):
    assert len(panel.regions("new_cases")) == 6
    assert len(panel.regions("new_admissions")) == 53
    assert panel.regions("new_admissions")[0] == "United States"
    assert panel.regions("new_flu_admissions") == panel.regions("new_admissions")


def test_the_figures_are_those_of_the_files(panel):
    cases = panel.counts("United Kingdom", "new_cases")
    assert cases["2021-05-16"] == 4466589
    admissions = panel.counts("District of Columbia", "new_admissions")
    assert admissions["2024-11-09"] == 9
    assert panel.counts("United States", "new_admissions").iloc[-2:].tolist() == [3899, 1965]
    influenza = panel.counts("United States", "new_flu_admissions")
    assert influenza["2025-02-08":"2025-02-15"].tolist() == INFLUENZA_PEAK
    assert (influenza.index[0], influenza.index[-1]) == (pd.Timestamp("2022-02-05"), pd.Timestamp("2025-07-19"))
    assert len(panel.table) == 481 * 6 + 73 * 53 + 181 * 53


def test_cases_are_daily_and_reported_as_totals_and_admissions_weekly_to_saturday(panel):
    assert panel.frequencies["cases"].alias == "D"
    assert panel.frequencies["admissions"].alias == panel.frequencies["flu_admissions"].alias == "W-SAT"
    assert [s.reported_cumulative for s in panel.statistics] == [True, True, False, False]


def test_every_state_lies_in_the_united_states_and_no_country_does(panel):
    assert panel.parents["Puerto Rico"] == "United States"
    assert len(panel.parents) == 52
    assert not set(panel.parents) & set(panel.regions("new_cases"))


def test_each_region_and_day_is_there_once_and_in_order(panel):
    assert not panel.table.duplicated(["region", "statistic", "date"]).any()
    for _, rows in panel.table.groupby(["region", "statistic"]):
        assert rows["date"].is_monotonic_increasing


def test_it_does_not_matter_where_the_program_was_started(panel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert source("bundled").panel() is panel


def test_the_bundled_files_are_the_checked_ones(shared):
    for name in (bundled.CASES, bundled.ADMISSIONS):
        assert (bundled.FOLDER / name).read_bytes() == (shared / "bundle" / name).read_bytes()


def test_influenza_is_what_it_finally_became_and_three_states_lack_weeks_of_a_summer(panel, shared):
    final = pd.read_csv(shared / "flu-dev" / "truth.csv.gz", parse_dates=["date"]).set_index(["region", "date"])[
        "value"
    ]
    rows = panel.table[(panel.table["statistic"] == "flu_admissions")]
    missing = rows[rows["value"].isna()]
    assert missing["region"].value_counts().to_dict() == {"Massachusetts": 17, "Minnesota": 14, "West Virginia": 5}
    assert missing["date"].dt.year.unique().tolist() == [2024]
    for code, name in (("US", "United States"), ("CA", "California"), ("MA", "Massachusetts"), ("PR", "Puerto Rico")):
        known = panel.counts(name, "new_flu_admissions").dropna()
        assert known.to_dict() == final[code][final[code].index.isin(known.index)].to_dict()


def test_gaps_of_influenza_are_filled_with_a_sentence(panel):
    series = prepare(panel, "Massachusetts", "new_flu_admissions")
    assert len(series.values) == 181
    assert np.isfinite(series.values).all()
    assert any("2024" in note for note in series.notes)


def test_its_note_says_where_the_figures_end(panel):
    assert panel.notes == (
        "Bundled figures: cases end on 16 May 2021, admissions with the week to 28 Mar 2026, "
        "those for influenza with the week to 19 Jul 2025.",
    )
    assert panel.table["date"].max() == pd.Timestamp("2026-03-28")


def test_its_name_says_to_which_month_each_statistic_goes(panel):
    ends = panel.table.groupby("statistic", observed=True)["date"].max()
    cases, admissions, influenza = (f"{ends[name]:%B %Y}" for name in ("cases", "admissions", "flu_admissions"))
    assert source("bundled").label == (
        f"COVID-19: cases to {cases}, US hospital admissions to {admissions}; influenza to {influenza}"
    )


def test_its_name_in_the_sidebar_is_no_wider_than_the_field():
    assert len(source("bundled").short_label) <= 30


def test_credit_and_licence_are_those_of_the_statistic(panel):
    assert panel.attribution_of("new_cases") == panel.attribution_of("cumulative_cases") == bundled.CASES_BY
    assert panel.attribution_of("new_admissions") == panel.attribution_of("new_flu_admissions") == bundled.ADMISSIONS_BY
    assert [panel.licence_of(name) for name in ("new_cases", "new_admissions")] == ["CC BY 4.0", "public domain"]
    assert all(part in panel.attribution for part in (bundled.CASES_BY, bundled.ADMISSIONS_BY))
