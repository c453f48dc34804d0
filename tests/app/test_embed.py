"""Explore's chart inside another page: the snippet in *Share*, and the chart alone that it opens."""

import pytest

from forecasting.sources import source
from ui.explore import embed

OHIO = {"statistic": "new_admissions", "region": "Ohio", "models": "theta"}


@pytest.fixture
def embedded(monkeypatch, visit):
    def visit_embedded(**link):
        monkeypatch.setattr(embed, "is_embedded", lambda: True)
        return visit(**link)

    return visit_embedded


def said(page):
    return "\n".join(text.value for text in [*page.markdown, *page.caption])


def test_share_has_a_snippet_that_opens_the_same_view_without_the_rest(visit):
    page = visit(**OHIO)
    (snippet,) = [code.value for code in page.code if "<iframe" in code.value]
    assert "region=Ohio" in snippet
    assert "embed=true&amp;embed_options=light_theme" in snippet
    page.segmented_control(key="embed theme").set_value("dark").run()
    (snippet,) = [code.value for code in page.code if "<iframe" in code.value]
    assert "embed_options=dark_theme" in snippet
    assert "embed theme" not in page.query_params


def test_the_embedded_page_is_title_answer_chart_date_source_licence_and_a_link_and_nothing_else(embedded):
    page = embedded(**OHIO)
    assert not page.exception
    text = said(page)
    panel = source("bundled").panel()
    for part in (
        "**Ohio\\: new hospital admissions**",
        "About ",
        "80 % range",
        "Weekly figures to",
        "Open in Forecast Explorer",
    ):
        assert part in text
    assert panel.licence_of("new_admissions") in text.replace("\\", "")
    assert not page.sidebar.children
    assert not [*page.button, *page.dataframe, *page.expander, *page.selectbox, *page.slider, *page.title]
    assert page.get("bidi_component"), "the chart"


def test_an_embedded_link_that_cannot_be_honoured_says_so_below_the_answer(embedded):
    assert "Atlantis" in said(embedded(**OHIO | {"region": "Atlantis"}))


def test_an_own_file_is_one_sentence_instead(embedded):
    page = embedded(source="yours-0123abcd", region="There")
    assert [info.value for info in page.info] == [embed.OWN_FILE]
    assert not page.markdown
    assert not page.get("bidi_component")
