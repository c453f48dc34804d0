"""Rules are checked against the figures of now: told once, said why where they cannot be, and judged on earlier dates."""

import json
from dataclasses import replace

import pytest

from forecasting.evaluation.events import EventKind, EventQuestion
from forecasting.models import model
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.event_alerts import EventAlerts, EventRule
from forecasting.operations.check_event_alerts import SLACK, check_event_alerts, check_rule
from forecasting.operations.nightly_update import NightlyUpdate

ITALY = EventRule("bundled", "Italy", "new_cases", "naive", EventQuestion(EventKind.below, 5000.0, 7), 0.3)


@pytest.fixture
def kept(tmp_path):
    one = EventAlerts(f"sqlite:///{tmp_path / 'alerts.sqlite'}")
    yield one
    one.close()


@pytest.fixture
def alerts(tmp_path):
    one = Alerts(f"sqlite:///{tmp_path / 'alerts.sqlite'}", webhook="")
    yield one
    one.close()


def test_a_rule_is_told_once_with_how_it_would_have_done(service, kept, alerts):
    added = kept.add(ITALY)
    for _ in range(2):
        (found,) = check_event_alerts(service, kept, alerts)
    assert found.probability > 0.3
    assert found.sentence.startswith("Italy, new cases: the chance of a day below 5,000 by 23 May 2021 is ")
    assert found.record.dates + found.record.already == 26
    told = alerts.open()
    assert told["kind"].tolist() == [added.name]
    assert told["sentence"][0] == f"{found.sentence} You asked to be told above 30 %. By {model('naive').label}."
    (stored,) = kept.all()
    assert (stored.probability, stored.record) == (found.probability, found.record)


def test_an_alert_is_over_only_when_the_chance_is_clearly_lower(service):
    chance = check_rule(service, ITALY)[0].probability
    above = replace(ITALY, chance=chance + SLACK / 2)
    assert check_rule(service, above, told=False)[1].sentence == ""
    assert check_rule(service, above, told=True)[1].sentence != ""
    assert check_rule(service, replace(ITALY, chance=chance + 2 * SLACK), told=True)[1].sentence == ""


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ({"region": "Atlantis"}, "'bundled' has no region 'Atlantis' for new_cases any more."),
        ({"source": "nowhere"}, "There is no source 'nowhere'"),
        ({"statistic": "cats"}, "cats"),
        ({"model": "oracle"}, "There is no model 'oracle'"),
    ],
)
def test_what_is_gone_is_one_sentence_and_costs_other_rules_nothing(gone, sentence, service, kept, alerts):
    kept.add(replace(ITALY, **gone))
    kept.add(ITALY)
    first, second = check_event_alerts(service, kept, alerts)
    assert sentence in first.trouble
    assert (first.probability, second.trouble) == (None, "")
    assert len(alerts.open()) == 1


def test_rules_of_sources_that_are_not_updated_are_checked_beside_them(service, kept, alerts):
    update = NightlyUpdate(service, None, None, alerts, ["naive"], kept)
    kept.add(ITALY)
    update.check_event_alerts(but=["bundled"])
    assert kept.all()[0].checked is None
    update.check_event_alerts(but=["jhu"])
    assert kept.all()[0].checked is not None
    json.dumps(kept.all()[0].to_json())
