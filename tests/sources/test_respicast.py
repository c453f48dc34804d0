"""The ECDC's hubs, from files in the columns and the order in which they publish them."""

import pandas as pd
import pytest

from forecasting.data.kind import AMOUNT, COUNT
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from forecasting.sources.respicast import EuropeanHubSource
from forecasting.sources.shared.european_hubs import EUROPEAN_HUBS, PLACES
from forecasting.support.errors import SourceError

ILI, ARI = EUROPEAN_HUBS["respicast_syndromic"].files
(ADMITTED,) = EUROPEAN_HUBS["respicast_covid"].files
HEADER = "target,location,truth_date,year_week,value,data_source\n"


def rows(target, place, values, publisher="ERVISS", last="2025-12-07", newest_first=True):
    weeks = pd.date_range(end=last, periods=len(values), freq="W-SUN")
    lines = [
        f"{target},{place},{week:%Y-%m-%d},{week:%G-W%V},{value},{publisher}\n"
        for week, value in zip(weeks, values, strict=True)
    ]
    return "".join(reversed(lines) if newest_first else lines)


@pytest.fixture
def syndromic(publisher, clock):
    fluid = rows("ILI incidence", "GB-ENG", [3.2376473, 0.0], "FluID", newest_first=False)
    publisher.write(ILI, HEADER + rows("ILI incidence", "AT", [1850.3, 2357.8, 2719.9, 2597.5]) + fluid)
    publisher.write(ARI, HEADER + rows("ARI incidence", "NL", [393.4, 547.0, 467.6]))
    return EuropeanHubSource(EUROPEAN_HUBS["respicast_syndromic"], publisher.url, now=clock)


@pytest.fixture
def covid(publisher, clock):
    publisher.write(ADMITTED, HEADER + rows("hospital admissions", "CY", [16, 21, 18]))
    return EuropeanHubSource(EUROPEAN_HUBS["respicast_covid"], publisher.url, now=clock)


def test_the_addresses_are_the_hubs_own():
    hubs = [source(name) for name in ("respicast_syndromic", "respicast_covid")]
    base = "https://raw.githubusercontent.com/european-modelling-hubs"
    assert [one.base + file for one in hubs for file in one.files] == [
        f"{base}/RespiCast-SyndromicIndicators/main/target-data/latest-ILI_incidence.csv",
        f"{base}/RespiCast-SyndromicIndicators/main/target-data/latest-ARI_incidence.csv",
        f"{base}/RespiCast-Covid19/main/target-data/latest-hospital_admissions.csv",
    ]


def test_rates_of_two_illnesses_stand_beside_each_other_by_country(syndromic):
    panel = syndromic.panel()
    assert panel.regions("ili_rate") == ["Austria", "England"]
    assert panel.regions("ari_rate") == ["Netherlands"]
    assert panel.counts("Austria", "ili_rate").tolist() == [1850.3, 2357.8, 2719.9, 2597.5]
    assert panel.counts("England", "ili_rate").tolist() == [3.2376473, 0.0]
    assert panel.frequencies["ili_rate"].alias == "W-SUN"
    assert [one.kind for one in panel.statistics] == [AMOUNT, AMOUNT]
    assert not panel.has_vintages()


def test_admissions_are_counts_by_the_week_to_sunday(covid):
    panel = covid.panel()
    assert panel.statistic().kind is COUNT
    assert panel.counts("Cyprus").to_dict() == {
        pd.Timestamp("2025-11-23"): 16,
        pd.Timestamp("2025-11-30"): 21,
        pd.Timestamp("2025-12-07"): 18,
    }
    assert prepare(panel, "Cyprus").frequency.alias == "W-SUN"


def test_of_a_week_that_is_there_twice_the_later_row_counts_and_unknown_codes_are_named(covid, publisher):
    publisher.write(
        ADMITTED,
        HEADER
        + rows("hospital admissions", "CY", [16, 21, 18])
        + rows("hospital admissions", "CY", [19])
        + rows("hospital admissions", "XX", [1]),
    )
    panel = covid.panel()
    assert panel.counts("Cyprus").tolist() == [16, 21, 19]
    assert panel.notes[1] == "Left out, because the codes are of no known place: XX."


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("truth_date", "date"), "the header lacks the column 'truth_date'"),
        (("hospital admissions", "ICU admissions"), "there is no row of the target 'hospital admissions'"),
        (("2025-12-07", "2025-12-06"), "2025-12-06 in the column 'truth_date' is no Sunday"),
        (("CY", "United States"), "'United States' in the column 'location' is no code of a place"),
        ((",18,", ",-18,"), "sent figures that cannot be (as −18)"),
    ],
)
def test_what_is_not_as_usual_is_named_and_the_last_copy_stays(covid, publisher, change, why):
    before = covid.panel().table
    publisher.write(ADMITTED, (HEADER + rows("hospital admissions", "CY", [16, 21, 18])).replace(*change))
    assert why in covid.fetch()
    assert covid.panel().table is before


def test_where_one_file_is_missing_there_is_no_half_a_panel(syndromic, publisher):
    (publisher.folder / ARI).unlink()
    with pytest.raises(SourceError, match="RespiCast could not be reached"):
        syndromic.panel()


def test_every_place_has_a_name_of_its_own():
    assert len(set(PLACES.values())) == len(PLACES)
