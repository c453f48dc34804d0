"""Strangers' words in Streamlit's Markdown, in Plotly's labels, and in what a page says while it waits."""

import pytest
from streamlit.testing.v1 import AppTest

from forecasting.views import charts
from forecasting.views.palette import LIGHT
from ui.shell.markdown import escape_markdown


@pytest.mark.parametrize("mark", list("\\`*_[]<>!#$~|&:"))
def test_every_mark_of_markdown_is_taken_as_it_is(mark):
    assert escape_markdown(f"a{mark}b") == f"a\\{mark}b"


@pytest.mark.parametrize(
    "address", ["http://evil.test", "HTTPS://evil.test", "www.evil.test", "me@evil.test", "(http://evil.test)"]
)
def test_an_address_is_parted_by_what_nobody_sees(address):
    said = escape_markdown(address).replace("\\", "")
    assert said != address
    assert said.replace("\u2060", "") == address
    for begun in ("://evil", "www.", "@evil"):
        assert begun not in said


def test_plotly_makes_no_link_of_a_name():
    link = '<a href="http://evil.test">n</a>'
    assert "<" not in charts.base_layout(None, LIGHT, link)["yaxis"]["title"]["text"]
    assert "<" not in charts.line_trace([], charts.np.array([]), link, "red", 1, link)["name"]


def waiting(name):
    from ui.shell import page_errors

    page_errors.loading(name)


def test_what_is_being_fetched_is_called_by_its_name_only():
    hostile = "the earlier dates of ![p](http://evil.test/p.png)"
    page = AppTest.from_function(waiting, args=(hostile,)).run()
    (info,) = page.info
    assert escape_markdown(hostile) in info.value
