import pandas as pd
import pytest

from forecasting.sources.shared.http import DownloadLimits
from forecasting.sources.shared.hub_forecasts import HubForecasts
from forecasting.sources.shared.hubs import HUBS
from forecasting.support.errors import RequestError, SourceError

WEEK = pd.Timestamp("2025-03-15")
TEAM = "CovidHub-ensemble"
HEADER = "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n"


def model_output(target="wk inc covid hosp"):
    """What a team publishes: four weeks and the one before, quantiles and a chance, of the nation and a state."""
    rows = [
        f"2025-03-15,{target},{h},{WEEK + pd.Timedelta(weeks=h):%Y-%m-%d},{place},quantile,{level},{1000 + 100 * level}"
        for place in ("US", "48")
        for h in range(-1, 4)
        for level in (0.1, 0.5, 0.9)
    ]
    rows.append("2025-03-15,wk inc covid prop ed visits,0,2025-03-15,US,quantile,0.5,0.01")
    rows.append("2025-03-15,peak week inc hosp,NA,NA,US,pmf,2025-03-15,0.5")
    return HEADER + "\n".join(row for row in rows if ",NA,NA," not in row) + "\n"


@pytest.fixture
def hub(publisher, clock):
    publisher.write(f"2025-03-15-{TEAM}.csv", model_output())
    return HubForecasts("cdc_covid", publisher.url, now=clock)


def test_the_real_addresses_are_the_hubs_own():
    assert (
        HUBS["cdc_covid"].model_output
        == "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/model-output/"
    )
    assert (
        HUBS["flusight"].model_output
        == "https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/model-output/"
    )


def test_a_team_s_forecasts_are_tabled_like_any_others(hub, publisher):
    table = hub.table(TEAM, WEEK)
    assert publisher.asked[0][0] == f"/{TEAM}/2025-03-15-{TEAM}.csv"
    assert set(table["model"]) == {TEAM}
    assert set(table["region"]) == {"United States", "Texas"}
    assert sorted(table["horizon"].unique()) == [1, 2, 3, 4]
    assert set(table["origin"]) == {pd.Timestamp("2025-03-08")}
    assert table["value"].min() > 1000


def test_a_file_is_fetched_once_and_its_copy_serves_another_start(hub, publisher, clock):
    assert hub.cached_table(TEAM, WEEK) is None
    table = hub.table(TEAM, WEEK)
    assert hub.table(TEAM, WEEK) is hub.cached_table(TEAM, WEEK) is table
    again = HubForecasts("cdc_covid", publisher.url, now=clock).table(TEAM, WEEK)
    assert len(publisher.asked) == 1
    pd.testing.assert_frame_equal(again, table)


def test_a_week_without_a_forecast_is_one_sentence_and_is_not_asked_for_again_at_once(hub, publisher, clock):
    other = WEEK + pd.Timedelta(weeks=1)
    said = r"^The COVID-19 Forecast Hub has no forecast of 'CovidHub-ensemble' for the week to 22 Mar 2025\.$"
    for _ in range(3):
        with pytest.raises(SourceError, match=said):
            hub.table(TEAM, other)
    with pytest.raises(SourceError, match=said):
        hub.cached_table(TEAM, other)
    assert len(publisher.asked) == 1
    clock.pass_(minutes=11)
    publisher.write(f"2025-03-22-{TEAM}.csv", model_output())
    assert len(hub.table(TEAM, other))


@pytest.mark.parametrize(("failure", "why"), [("truncated", "broke off before"), ("silent", "no answer within 0.5 s")])
def test_a_failed_download_is_one_sentence(hub, publisher, failure, why):
    if failure == "silent":
        hub.downloads.limits = DownloadLimits(stall=0.5, total=60)
    publisher.failure = failure
    with pytest.raises(
        SourceError, match=f"^The COVID-19 Forecast Hub .*{why}.*; the forecast of '{TEAM}'.* not drawn"
    ):
        hub.table(TEAM, WEEK)


def test_offline_it_says_so(hub, monkeypatch):
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    with pytest.raises(
        SourceError, match=r"was not asked, as this installation is set to work without a network; the forecast of"
    ):
        hub.table(TEAM, WEEK)


def test_a_file_about_something_else_is_refused(publisher, clock):
    publisher.write(f"2025-03-15-{TEAM}.csv", model_output("wk inc flu hosp"))
    with pytest.raises(SourceError, match="no row is of the target 'wk inc covid hosp'"):
        HubForecasts("cdc_covid", publisher.url, now=clock).table(TEAM, WEEK)


@pytest.mark.parametrize("team", ["../secrets", "a b", "", "x" * 90, "a/b", "..", "é"])
def test_what_is_no_team_s_name_never_gets_into_an_address(hub, publisher, team):
    with pytest.raises(RequestError, match="is no team's name"):
        hub.table(team, WEEK)
    assert not publisher.asked
