"""The snippet that shows a chart in another page."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from forecasting.views.embed_snippet import THEMES, iframe_snippet


def frame(snippet):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    Reader().feed(snippet)
    ((tag, attributes),) = found
    assert tag == "iframe"
    return attributes


@pytest.mark.parametrize("theme", THEMES)
def test_the_frame_opens_the_same_view_alone_and_in_its_theme(theme):
    attributes = frame(iframe_snippet("https://example.org/?region=C%C3%B4te&horizon=4", "Côte", theme))
    address = urlsplit(attributes["src"])
    assert (address.netloc, address.path) == ("example.org", "/")
    assert parse_qs(address.query) == {
        "region": ["Côte"],
        "horizon": ["4"],
        "embed": ["true"],
        "embed_options": [f"{theme}_theme"],
    }


def test_a_name_cannot_break_out_of_the_snippet():
    attributes = frame(iframe_snippet("https://example.org/", '"><script>alert(1)</script>', "light"))
    assert attributes["title"] == '"><script>alert(1)</script>'
