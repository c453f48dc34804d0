import shutil
from datetime import timedelta

import pandas as pd
import pytest

from forecasting.sources.jhu import JohnsHopkins
from forecasting.sources.oxcgrt import Oxford
from forecasting.sources.shared.http import DownloadLimits
from forecasting.support.errors import SourceError

QUICK = DownloadLimits(stall=0.2, total=60)
CONFIRMED, DEATHS = JohnsHopkins.files
NATIONAL, SUBNATIONAL = Oxford.files
WORLD = """Province/State,Country/Region,Lat,Long,1/22/20,1/23/20,1/24/20
,Austria,47.5,14.5,0,1,3
Tasmania,Australia,,,1,1,2
Victoria,Australia,-37.8,144.9,4,5,
,France,46.2,2.2,10,12,11
Reunion,France,-21.1,55.2,1,1,1
,Diamond Princess,,,700,705,712
Diamond Princess,Canada,0,0,0,1,1
Recovered,Canada,0,0,1,1,1
Ontario,Canada,51.2,-85.3,2,3,5
,"Korea, South",36,128,1,1,2
"""
TRACKER = """CountryName,CountryCode,RegionName,RegionCode,Jurisdiction,Date,C1M_School closing,ConfirmedCases,ConfirmedDeaths
Georgia,GEO,,,NAT_TOTAL,20200101,0.00,,
Georgia,GEO,,,NAT_TOTAL,20200102,0.00,5,1
United States,USA,,,NAT_TOTAL,20200101,0.00,7,0
United States,USA,,,NAT_TOTAL,20200102,0.00,9,0
"""
STATES = """CountryName,CountryCode,RegionName,RegionCode,CityName,CityCode,Jurisdiction,Date,ConfirmedCases,ConfirmedDeaths
United States,USA,,,,,NAT_TOTAL,20200101,7,0
United States,USA,,,,,NAT_TOTAL,20200102,9,0
United States,USA,Georgia,US_GA,,,STATE_TOTAL,20200101,1,0
United States,USA,Georgia,US_GA,,,STATE_TOTAL,20200102,2,0
United States,USA,Ohio,US_OH,,,STATE_WIDE,20200102,4,0
United States,USA,Ohio,US_OH,,,STATE_TOTAL,20200102,4,0
Brazil,BRA,Acre,BR_AC,,,STATE_TOTAL,20200102,3,0
Brazil,BRA,Acre,BR_AC,Rio Branco,BR_120040,CITY_TOTAL,20200102,2,0
"""


@pytest.fixture
def hopkins(publisher, clock):
    publisher.write(CONFIRMED, WORLD)
    publisher.write(DEATHS, WORLD)
    return JohnsHopkins(publisher.url, now=clock)


@pytest.fixture
def oxford(publisher, clock):
    publisher.write(NATIONAL, TRACKER)
    publisher.write(SUBNATIONAL, STATES)
    return Oxford(publisher.url, now=clock)


def test_countries_and_provinces_are_regions_with_names_of_their_own(hopkins):
    regions = hopkins.panel().regions()
    assert regions == sorted(set(regions))
    assert {"Austria", "Australia, Victoria", "France", "France, Reunion", "Korea, South"} <= set(regions)


def test_a_country_row_stays_itself_and_a_country_of_provinces_gets_their_sum(hopkins):
    panel = hopkins.panel()
    assert panel.counts("France").tolist() == [10, 12, 11]
    assert panel.counts("Canada").tolist() == [3, 5, 7]


def test_a_day_that_one_province_lacks_has_no_total(hopkins):
    australia = hopkins.panel().counts("Australia")
    assert australia.iloc[:2].tolist() == [5, 6]
    assert pd.isna(australia.iloc[2])


def test_rows_that_are_no_place_are_no_region_and_ships_are(hopkins):
    regions = hopkins.panel().regions()
    assert "Canada, Recovered" not in regions
    assert {"Diamond Princess", "Canada, Diamond Princess"} <= set(regions)


def test_provinces_have_their_country_as_parent(hopkins):
    parents = hopkins.panel().parents
    assert parents["Australia, Tasmania"] == "Australia"
    assert "Korea, South" not in parents
    assert "Canada, Recovered" not in parents


def test_new_and_cumulative_cases_and_deaths_are_offered(hopkins, oxford):
    names = ["new_cases", "cumulative_cases", "new_deaths", "cumulative_deaths"]
    for source in (hopkins, oxford):
        assert [s.name for s in source.panel().statistics] == names
        assert source.panel().frequencies["deaths"].alias == "D"


def test_a_year_mistyped_in_the_header_is_mended_and_said(hopkins, publisher):
    publisher.write(CONFIRMED, WORLD.replace("1/24/20", "1/24/21"))
    panel = hopkins.panel()
    assert panel.counts("Austria").index[-1] == pd.Timestamp("2020-01-24")
    assert panel.notes[1] == ("The column 1/24/21 carries a wrong year; it was read as 24 Jan 2020.")


def test_the_note_says_how_old_the_figures_are(hopkins, clock):
    assert hopkins.panel().notes == ("These figures of Johns Hopkins are from just now.",)
    clock.pass_(hours=5)
    assert hopkins.panel().notes == ("These figures of Johns Hopkins are from 5 hours ago.",)


def test_when_the_publisher_is_silent_the_note_says_why_the_figures_are_old(hopkins, publisher, clock):
    hopkins.panel()
    publisher.failure = "silent"
    hopkins.downloads.limits = QUICK
    clock.pass_(days=3)
    panel = hopkins.panel()
    assert panel.notes[0] == (
        "Johns Hopkins could not be reached (no answer within 0.2 s); these figures are from 3 days ago."
    )
    assert panel.counts("France").tolist() == [10, 12, 11]


def test_a_changed_header_is_named_as_the_publisher_names_the_file(hopkins, publisher):
    hopkins.panel()
    publisher.write(CONFIRMED, WORLD.replace("Country/Region", "Country_Region"))
    assert hopkins.fetch() == (
        "Johns Hopkins sent something else than usual (time_series_covid19_confirmed_global.csv: the header lacks the "
        "column 'Country/Region'); these figures are from just now."
    )


def test_an_error_page_instead_of_the_figures_is_refused(hopkins, publisher):
    publisher.write(DEATHS, "<!DOCTYPE html>\n<p>Too many requests</p>\n")
    with pytest.raises(SourceError, match="Johns Hopkins sent something else than usual"):
        hopkins.panel()


def test_without_a_copy_and_without_the_publisher_the_bundled_figures_are_recommended(hopkins, publisher):
    publisher.failure = "missing"
    with pytest.raises(SourceError, match="choose the bundled figures meanwhile"):
        hopkins.panel()


def test_fetch_says_from_when_the_figures_are(hopkins, publisher, clock):
    assert hopkins.fetch() == "These figures of Johns Hopkins are from just now."
    publisher.failure = "missing"
    clock.pass_(hours=30)
    assert hopkins.fetch() == (
        "Johns Hopkins could not be reached (it answered 404 Not Found); these figures are from 30 hours ago."
    )


def test_asking_again_reads_nothing(hopkins, publisher, monkeypatch):
    table, asked = hopkins.panel().table, len(publisher.asked)
    monkeypatch.setattr(hopkins, "read", None)
    assert hopkins.panel().table is table
    assert len(publisher.asked) == asked


def test_a_second_start_reads_the_parsed_table_and_not_the_files(oxford, publisher, clock, monkeypatch):
    first = oxford.panel()
    again = Oxford(publisher.url, now=clock)
    monkeypatch.setattr(again, "read", None)
    second = again.panel()
    pd.testing.assert_frame_equal(first.table, second.table)
    assert (first.parents, first.notes) == (second.parents, second.notes)
    assert len(publisher.asked) == 2


def test_a_damaged_parsed_table_is_made_anew(oxford, publisher, clock, home):
    first = oxford.panel()
    (parsed,) = (home / "sources").glob("*.parquet")
    parsed.write_bytes(b"PAR1 nonsense")
    pd.testing.assert_frame_equal(Oxford(publisher.url, now=clock).panel().table, first.table)


def test_new_figures_replace_the_parsed_ones(oxford, publisher, clock, home):
    oxford.panel()
    publisher.write(NATIONAL, TRACKER.replace(",9,0", ",90,0"))
    publisher.write(SUBNATIONAL, STATES.replace(",9,0", ",90,0"))
    clock.pass_(days=2)
    assert oxford.panel().counts("United States").iloc[-1] == 90
    assert len(list((home / "sources").glob("*.parquet"))) == 1


def test_a_state_named_like_a_country_carries_its_country(oxford):
    panel = oxford.panel()
    assert panel.regions() == [
        "Acre",
        "Rio Branco",
        "Georgia",
        "United States",
        "United States, Georgia",
        "Ohio",
    ]
    assert panel.counts("Georgia").tolist()[1:] == [5]
    assert panel.counts("United States, Georgia").tolist() == [1, 2]


def test_states_and_cities_know_what_they_lie_in(oxford):
    assert oxford.panel().parents == {
        "Acre": "Brazil",
        "Rio Branco": "Acre",
        "United States, Georgia": "United States",
        "Ohio": "United States",
    }


def test_a_place_that_is_there_twice_is_taken_once(oxford):
    panel = oxford.panel()
    assert not panel.table.duplicated(["region", "statistic", "date"]).any()
    assert panel.counts("United States").tolist() == [7, 9]
    assert panel.counts("Ohio").tolist() == [4]


def test_offline_old_figures_are_used_and_the_note_says_so(oxford, clock, monkeypatch):
    oxford.panel()
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    clock.pass_(days=9)
    assert oxford.panel().notes == (
        "The Oxford tracker was not asked, as this installation is set to work without a network; these figures are from 9 days ago.",
    )


def test_the_real_files_of_johns_hopkins_are_understood(shared, publisher, clock):
    for name in JohnsHopkins.files:
        shutil.copy(shared / "real" / name, publisher.folder)
    panel = JohnsHopkins(publisher.url, now=clock).panel()
    assert len(panel.regions()) == 247
    assert panel.counts("US").iloc[-1] == 65778
    assert panel.counts("Diamond Princess", "new_deaths").iloc[-1] == 10
    assert panel.counts("Australia")["2020-03-24"] == 2044
    assert panel.table["date"].max() - panel.table["date"].min() == timedelta(days=63)


def test_the_real_file_of_the_oxford_tracker_is_understood(shared):
    table = Oxford().read([shared / "real" / "OxCGRT_raw_GBR_v1.csv.gz"]).table
    assert list(table["region"].unique()) == ["United Kingdom", "England", "Northern Ireland", "Scotland", "Wales"]
    highest = table.groupby(["region", "statistic"])["value"].max()
    assert highest["United Kingdom", "cases"] == 24135080
    assert highest["Scotland", "deaths"] == 12389
    assert len(table) == 5 * 2 * 1096
