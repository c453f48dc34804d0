"""An address that is no page's says so and offers the pages, and one that is written in another way leads there."""

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from visiting import PATIENCE, SCRIPT

from ui.shell import streamlit_internals


@pytest.fixture
def opened(service, monkeypatch):
    """``opened("nowhere")`` is what a visitor sees who opens that address."""

    def opened(address, **link):
        page = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE)
        monkeypatch.setattr(streamlit_internals, "asked_page", lambda: address)
        page._page_hash = calc_hash(address)  # the harness has no addresses
        for name, value in link.items():
            page.query_params[name] = value
        return page.run()

    return opened


def test_an_unknown_address_says_so_and_offers_every_page(opened):
    page = opened("no%20*where*")
    assert not page.exception
    assert page.title[0].value == "Page not found"
    assert "There is no page **no \\*where\\*** here" in page.markdown[0].value
    offered = [element.proto.page for element in page.main if element.type == "page_link"]
    assert offered == ["", "regions", "compare", "time_machine", "desk", "your_data", "monitor", "methods"]


@pytest.mark.parametrize(
    ("address", "title"), [("explore", "Italy: new cases"), ("Time-Machine", "Time machine: Italy, new cases")]
)
def test_an_address_that_is_written_in_another_way_leads_to_its_page_with_its_choices(opened, address, title):
    page = opened(address, region="Italy", statistic="new_cases", models="naive")
    assert not page.exception
    assert title in [element.value for element in (*page.title, *page.subheader)]
