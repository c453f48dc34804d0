"""What models are let learn from: further columns of a table, and a country's holidays."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from visiting import PATIENCE, SCRIPT, settled

from forecasting.jobs.request import Request
from ui.shell import uploads

WEEKS = pd.date_range("2021-01-02", periods=60, freq="W-SAT")
TABLE = pd.DataFrame(
    {
        "date": [*WEEKS, *WEEKS],
        "region": ["Here"] * 60 + ["There"] * 60,
        "value": [100 + place % 10 for place in range(120)],
        "tests": [1000 + 7 * (place % 9) for place in range(120)],
    }
)


def picker(page, key):
    return next((one for one in [*page.multiselect, *page.selectbox] if one.key == key), None)


@pytest.fixture
def exploring(service):
    """A visitor on Explore with a table of her own that has a further column."""
    page = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE).run()
    page.switch_page("pages/your_data.py").run()
    page.file_uploader[0].upload("mine.csv", TABLE.to_csv(index=False).encode()).run()
    for _ in range(100):
        if not any(info.value.startswith("Reading") for info in page.info):
            break
        page.run()
    next(button for button in page.button if button.label == "See the forecast").click().run()
    page.switch_page("pages/explore.py").run()
    assert not page.exception
    return page


def test_further_columns_are_offered_to_models_that_use_them(exploring):
    page = exploring
    page.button_group(key="models").set_value(["pooled", "ets"]).run()
    assert picker(page, "covariates").options == ["tests"]
    assert "covariates" not in page.query_params
    picker(page, "covariates").set_value(["tests"]).run()
    assert not page.exception
    assert page.query_params["covariates"] in ("tests", ["tests"])
    page.button_group(key="models").set_value(["ets"]).run()
    assert picker(page, "covariates") is None
    assert "covariates" not in page.query_params


def test_a_chosen_column_is_what_the_forecast_has_learned_from(exploring, service, monkeypatch):
    asked, submit = [], service.submit
    monkeypatch.setattr(
        service, "submit", lambda requests, **how: submit(asked.append(list(requests)) or asked[-1], **how)
    )
    page = exploring
    page.button_group(key="models").set_value(["pooled"]).run()
    asked.clear()
    picker(page, "covariates").set_value(["tests"]).run()
    pools = [one.series.pool for requests in asked for one in requests if isinstance(one, Request)]
    assert pools
    assert {pool.covariates for pool in pools} == {("tests",)}
    assert uploads.is_upload(pools[0].panel.source)


def test_holidays_are_chosen_and_in_the_link(visit):
    page = visit(region="Italy", models="pooled,ets", holidays="it")
    assert picker(page, "holidays").value == "IT"
    assert page.query_params["holidays"] in ("IT", ["IT"])
    picker(page, "holidays").set_value("").run()
    assert not page.exception
    assert "holidays" not in page.query_params


def test_holidays_of_a_part_of_a_country_come_by_link(visit):
    assert picker(visit(region="United States", models="pooled", holidays="US-CA"), "holidays").value == "US-CA"


@pytest.mark.parametrize("wish", ["Atlantis", "XX", "US-XX", "<b>"])
def test_holidays_that_nobody_knows_are_said(visit, wish):
    page = visit(region="Italy", models="pooled", holidays=wish)
    assert picker(page, "holidays").value == ""
    assert any("which is not here" in info.value for info in page.info)


def test_weekly_counts_and_other_models_have_no_holidays(visit):
    assert picker(visit(region="Ohio", statistic="new_admissions", models="pooled"), "holidays") is None
    assert picker(visit(region="Italy", models="ets"), "holidays") is None
    assert not settled(visit(region="Ohio", statistic="new_admissions", models="pooled", holidays="US")).exception
