"""Why the forecast moved, on Explore, by Streamlit's own harness."""

from visiting import new_visitor, settled


def opened(**link):
    page = new_visitor("pages/explore.py")
    page.session_state["why"] = True
    for name, value in ({"source": "bundled", "region": "Italy", "models": "naive"} | link).items():
        page.query_params[name] = value
    return settled(page.run())


def test_the_box_says_what_was_expected_before_and_each_cause(service):
    page = opened(statistic="new_cases", horizon="14")
    assert not page.exception
    said = (
        "\n".join(text.value for text in [*page.markdown, *page.caption])
        .replace("\\", "")
        .replace("\N{NO-BREAK SPACE}", " ")
    )
    assert "49,291 expected in the 7 days to 23 May 2021; with figures to 9 May 2021 it was 69,794" in said
    assert "- −20,503 from the 7 new figures: 47,912, where " in said
    assert "the parts add up" in said
