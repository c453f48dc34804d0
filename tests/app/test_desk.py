"""The Desk and its pins, by Streamlit's own harness."""

import pytest
from visiting import new_visitor, settled

from forecasting.evaluation.events import EventKind, EventQuestion
from forecasting.monitoring.event_alerts import EventRule
from ui.shell import pins, runtime
from ui.shell.pins import Pin

ITALY = Pin("bundled", "new_cases", "Italy", "naive", 14)
KEPT = {"source": "bundled", "statistic": "new_cases", "region": "Italy", "model": "naive", "horizon": 14}


def desk(*pinned, **state):
    page = new_visitor("pages/desk.py")
    page.session_state[pins._PINS] = [*pinned]
    return settled(page.run())


def said(page):
    texts = [text.value for text in [*page.markdown, *page.caption, *page.info, *page.subheader]]
    return "\n".join(texts).replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def test_a_card_says_what_is_expected_why_that_moved_and_how_far_off_the_last_forecast_was(service):
    page = desk(ITALY)
    assert not page.exception
    text = said(page)
    assert "Italy: new cases" in text
    assert "**About 49.3 k in the 7 days to 23 May 2021, slightly more than the 47.9 k of the 7 days before.**" in text
    assert "- 49,291 expected in the 7 days to 23 May 2021; with figures to 9 May 2021 it was 69,794" in text
    assert "- The forecast before was 41 % off." in text


def test_an_alert_of_the_same_figures_is_on_the_card(service):
    kept = runtime.event_alerts().add(
        EventRule("bundled", "Italy", "new_cases", "naive", EventQuestion(EventKind.below, 5000.0, 7), 0.2)
    )
    runtime.kept_event_alerts.clear()
    try:
        assert "below 5,000 within 7 periods, told above 20 %: not looked at yet." in said(desk(ITALY)).lower()
    finally:
        runtime.remove_event_alert(kept.id)
        runtime.kept_event_alerts.clear()


def test_a_pin_whose_figures_are_gone_says_so_and_the_others_are_there(service):
    page = desk(Pin("bundled", "new_cases", "Atlantis", "naive", 14), Pin("nothing", "x", "y", "naive", 1), ITALY)
    assert not page.exception
    text = said(page)
    assert "has no region 'Atlantis'" in text
    assert "nothing" in text
    assert "The forecast before was" in text


def test_without_pins_it_says_how_to_pin(service):
    assert "Nothing is pinned yet" in said(desk())


def test_unpinning_leaves_the_others_and_explore_opens_on_the_pin(service):
    spain = Pin("bundled", "new_cases", "Spain", "naive", 9)
    page = desk(ITALY, spain)
    page.button(key="unpin 0").click().run()
    assert page.session_state[pins._PINS] == [spain]
    assert page.session_state[pins._CHANGES] == [{"pin": KEPT, "on": False}]


def test_explore_pins_what_is_on_the_screen_and_takes_it_back(service):
    page = new_visitor("pages/explore.py")
    page.session_state[pins._PINS] = []
    for name, value in {
        "source": "bundled",
        "region": "Italy",
        "statistic": "new_cases",
        "models": "naive",
        "horizon": "14",
    }.items():
        page.query_params[name] = value
    page = settled(page.run())
    page.button(key="pin view").click().run()
    assert page.session_state[pins._PINS] == [ITALY]
    assert page.button(key="pin view").label == "Unpin"
    page.button(key="pin view").click().run()
    assert page.session_state[pins._PINS] == []


@pytest.mark.parametrize(
    "kept",
    [
        *(None, "x", [], {}),
        *(
            KEPT | {name: value}
            for name, value in {"source": 3, "region": "x" * 201, "model": "oracle", "horizon": "14"}.items()
        ),
        *(KEPT | {"horizon": horizon} for horizon in (0, 401, 1.5, None)),
    ],
)
def test_what_is_no_pin_is_left_out(kept):
    assert Pin.of(kept) is None


def test_a_pin_is_what_was_kept():
    assert Pin.of(KEPT) == ITALY
