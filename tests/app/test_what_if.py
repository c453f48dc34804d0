"""What if on Compare, by Streamlit's own harness."""

import pytest
from visiting import new_visitor

from forecasting.evaluation.shocks import shocks
from forecasting.evaluation.stress_tests import apply_shock
from forecasting.models import model
from forecasting.services.stress_test import request_stress_test
from forecasting.views import what_if

PAGE = "pages/compare.py"
WHERE = {"region": "Puerto Rico", "statistic": "new_admissions"}


@pytest.fixture
def compare(service):
    def open_compare(**link):
        page = new_visitor(PAGE)
        for name, value in (WHERE | link).items():
            page.query_params[name] = value
        return page.run()

    return open_compare


def address(page):
    value = page.query_params.get("whatif")
    return value[0] if isinstance(value, list) else value


def texts(page):
    return [text.value for text in (*page.markdown, *page.caption)]


def answered(service, shock, names, horizon=4):
    """Wait for what the page asks for."""
    struck = apply_shock(service.panel("bundled"), *WHERE.values(), shocks()[shock])
    asked = request_stress_test(service, struck, names, horizon)
    service.wait([job for both in asked.jobs.values() for job in both])
    return request_stress_test(service, struck, names, horizon), struck


def test_nothing_is_asked_until_a_shock_is_chosen(compare):
    page = compare(models="theta")
    assert not page.exception
    assert page.session_state["whatif"] is None
    assert address(page) is None
    assert "## What if …" in texts(page)
    assert not any("over the next" in text for text in texts(page))


def test_every_chosen_model_says_in_a_sentence_what_it_did(compare, service):
    asked, struck = answered(service, "level", ["ets", "theta"])
    page = compare(models="ets,theta", whatif="level")
    assert not page.exception
    assert address(page) == "level"
    for name in ("ets", "theta"):
        before, after = (job.forecast for job in asked.jobs[name])
        said = what_if.reaction_sentence(what_if.WhatIfChart(struck, before, after, smooth=False))
        assert said in texts(page)
        assert said.startswith(f"**{model(name).label}** followed: +")


def test_choosing_puts_the_shock_in_the_address_and_choosing_none_takes_it_out(compare, service):
    answered(service, "spike", ["theta"])
    page = compare(models="theta")
    page.session_state["whatif"] = "spike"
    page.run()
    assert not page.exception
    assert address(page) == "spike"
    page.session_state["whatif"] = None
    page.run()
    assert address(page) is None


def test_an_unknown_shock_in_a_link_is_none(compare):
    page = compare(models="theta", whatif="asteroid")
    assert not page.exception
    assert address(page) is None


def test_a_shock_that_these_counts_cannot_suffer_is_let_go(compare):
    page = compare(models="theta", whatif="weekday")
    assert not page.exception
    assert page.session_state["whatif"] is None


def test_a_model_that_is_not_done_yet_does_not_hold_up_the_page(compare):
    page = compare(models="prophet", whatif="level", region="Wyoming", horizon="7")
    assert not page.exception
    assert any(text.startswith(("Prophet: being asked", "**Prophet**")) for text in texts(page))


def test_without_a_model_it_says_so(compare):
    page = compare(models="none", whatif="level")
    assert not page.exception
    assert "Choose a model in the sidebar." in texts(page)
