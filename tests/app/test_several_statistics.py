"""Pages on a source of several diseases: each statistic has its own regions, vintages and hub."""

import pandas as pd
import pytest
from visiting import new_visitor, settled

from forecasting.data.panel import Panel
from forecasting.data.us_states import FIPS
from forecasting.sources.forecast_hubs import HubSource
from forecasting.sources.shared.hub_statistics import read_hub_statistics
from forecasting.sources.shared.hubs import HUBS
from forecasting.sources.us_respiratory import UsRespiratory

WEEKS = pd.date_range("2024-08-03", periods=60, freq="W-SAT")
CODES = {postal: code for code, postal in FIPS.items()}
HUBS_THERE = ("cdc_covid", "flusight")


def published(target, delay, level, places):
    rows = [
        (WEEKS[last] + pd.Timedelta(days=delay), target, WEEKS[week], code, level * (1 + week % 13 + i))
        for last in range(40, 60)
        for week in range(last + 1)
        for i, code in enumerate(places)
    ]
    return pd.DataFrame(rows, columns=["as_of", "target", "target_end_date", "location", "observation"])


@pytest.fixture
def respiratory(service, monkeypatch, tmp_path):
    """Influenza is published two days after COVID-19; the RSV hub could not be had."""
    files = {}
    for name, delay, level in zip(HUBS_THERE, (4, 6), (100, 1000), strict=True):
        hub, files[name] = HUBS[name], tmp_path / f"{name}.csv"
        places = [CODES["PR"], CODES["OH"], "US"]
        rows = published(hub.target, delay, level, places), published(hub.share_target, delay, level / 1e6, places[1:])
        pd.concat(rows).to_csv(files[name], index=False)
    tidy, source = read_hub_statistics(files, list(HUBS.values())), UsRespiratory()
    there = tuple(one for one in source.statistics() if "rsv" not in one.name)
    frequencies = {one.column: HubSource.frequency for one in there}
    absent = {"new_rsv_admissions": "The RSV Forecast Hub could not be reached."}
    panel = Panel(source.name, tidy.table, there, frequencies, "nobody", "none", absent=absent)
    monkeypatch.setattr(service, "panel", lambda source, patience=None: panel)
    return panel


def visit(page, **link):
    visitor = new_visitor(f"pages/{page}.py")
    for name, value in {"source": "us_respiratory", "models": "naive", **link}.items():
        visitor.query_params[name] = value
    return settled(visitor.run())


def option(page, key):
    return next(one for one in page.selectbox if one.key == key)


@pytest.mark.parametrize("page", ["explore", "regions", "compare", "time_machine"])
def test_every_page_shows_a_share_with_its_own_places(respiratory, page):
    seen = visit(page, statistic="flu_ed_share", region="Ohio")
    assert not seen.exception
    assert option(seen, "statistic").value == "flu_ed_share"
    assert option(seen, "statistic").options == [one.label for one in respiratory.statistics]


def test_a_link_to_a_statistic_that_could_not_be_had_leads_to_another_that_is_named(respiratory):
    seen = visit("explore", statistic="new_rsv_admissions", region="Puerto Rico")
    assert not seen.exception
    assert option(seen, "statistic").value == "new_covid_admissions"


def test_the_time_machine_stops_where_the_statistic_was_published_and_asks_its_hub(respiratory):
    seen = visit("time_machine", statistic="new_flu_admissions", region="Ohio")
    assert not seen.exception
    shown = pd.Timestamp(seen.session_state["date"])
    assert shown in respiratory.vintages_of("new_flu_admissions")
    assert shown not in respiratory.vintages_of("new_covid_admissions")
    assert seen.text_input(key="team flusight").value == "FluSight-ensemble"


def test_of_shares_no_forecasts_of_a_hub_are_offered(respiratory):
    seen = visit("time_machine", statistic="flu_ed_share", region="Ohio")
    assert not [one.key for one in seen.text_input if one.key.startswith("team ")]
