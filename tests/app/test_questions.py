"""Questions about the future on Explore, and what is told on Monitor, by Streamlit's own harness."""

import pytest
from visiting import new_visitor, settled

from ui.monitor import page as page_of_monitor
from ui.shell import runtime

PLACE = "bundled/new_cases/Italy/14"


@pytest.fixture
def explore(service):
    """A visitor who has opened the questions about Italy, with a model that needs no fit."""

    def opened():
        page = new_visitor("pages/explore.py")
        page.session_state["questions"] = True
        link = {"source": "bundled", "statistic": "new_cases", "region": "Italy", "models": "naive", "horizon": "14"}
        for name, value in link.items():
            page.query_params[name] = value
        return settled(page.run())

    return opened


@pytest.fixture
def monitor(service):
    def opened(before=None):
        for cache in (page_of_monitor.current_status, page_of_monitor.open_alerts, runtime.kept_event_alerts):
            cache.clear()
        page = new_visitor("pages/monitor.py")
        if before is not None:
            page.session_state[runtime.ADDED_ALERTS] = before
        return page.run()

    return opened


@pytest.fixture(autouse=True)
def _no_rules_stay(service):
    yield
    for one in runtime.event_alerts().all():
        runtime.remove_event_alert(one.id)


def said(page):
    return "\n".join(text.value for text in [*page.markdown, *page.caption, *page.success, *page.error, *page.warning])


def test_a_level_is_asked_for_and_answered_in_words(explore):
    page = explore()
    assert not page.exception
    page.number_input(key=f"ask level {PLACE}").set_value(5000.0).run()
    page.number_input(key=f"ask within {PLACE}").set_value(7).run()
    page.segmented_control(key=f"ask side {PLACE}").set_value("below").run()
    assert "**The chance of a day below 5,000 by 23 May 2021 is " in said(page)
    assert "the peak is past" in said(page)
    assert "The total of 17 May to 23 May 2021 is expected to be " in said(page)


def test_a_rule_is_added_and_monitor_lists_it_and_lets_only_who_added_it_remove_it(explore, monitor):
    page = explore()
    assert "earlier dates" in said(page)
    page.number_input(key=f"tell chance {PLACE}").set_value(20).run()
    page.button(key="tell me").click().run()
    assert not page.exception
    assert "once its chance is above 20 %" in said(page)
    (kept,) = runtime.event_alerts().all()
    assert (kept.rule.region, kept.rule.model, kept.rule.chance) == ("Italy", "naive", 0.2)
    stranger = monitor()
    assert "What people asked to be told of" in said(stranger)
    assert "within 14 periods, told above 20 %" in said(stranger)
    assert "Not looked at yet" in said(stranger)
    assert not [one for one in stranger.button if one.label == "Tell me no more"]
    own = monitor({kept.id})
    own.button(key=f"no more {kept.id}").click().run()
    assert not own.exception
    assert runtime.event_alerts().all() == []
    assert "What people asked to be told of" not in said(own)


def test_methods_shows_how_often_what_is_likely_comes(service):
    page = new_visitor("pages/methods.py").run()
    assert not page.exception
    assert "Whether what is likely comes" in said(page)
    assert "points off on average" in said(page)
    page.selectbox(key="event kind").set_value("peak").run()
    assert not page.exception
