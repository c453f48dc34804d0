"""Forecasts of a few regions: the first answer at once, the chosen model's when it is there, and what cannot be forecast."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.jobs import QueueFull
from forecasting.services.region_forecasts import RegionsQuestion, request_regions

WEEKS = pd.date_range("2024-01-06", periods=40, freq="W-SAT")
NAMES = ["North", "South", "Empty"]


@pytest.fixture(scope="module")
def panel():
    values = np.random.default_rng(5).poisson(80, len(NAMES) * len(WEEKS)).astype(float)
    table = pd.DataFrame(
        {
            "region": np.repeat(NAMES, len(WEEKS)),
            "statistic": "cases",
            "date": np.tile(WEEKS, len(NAMES)),
            "value": values,
        }
    )
    table.loc[table["region"] == "Empty", "value"] = np.nan
    return Panel("few", table, (Statistic("new", "New", "cases", "cases"),), {"cases": weekly("SAT")}, "", "")


def asked(panel, model, regions=("South", "North")):
    return RegionsQuestion(panel, "new", tuple(regions), model, 4)


def test_an_instant_model_answers_at_once_in_the_order_that_was_asked_for(service, panel):
    found = request_regions(service, asked(panel, "naive"))
    assert [one.region for one in found.ready] == ["South", "North"]
    assert all(one.final and one.forecast.model == "naive" for one in found.ready)
    assert not found.waiting


def test_nobody_waits_for_a_fit_and_the_first_answer_gives_way_to_the_model(service, panel):
    first = request_regions(service, asked(panel, "theta"))
    assert all(one.forecast is not None for one in first.ready)
    for one in first.ready:
        assert one.final == (one.forecast.model == "theta")
    service.queue.wait([one.key for one in first.ready])
    found = request_regions(service, asked(panel, "theta"))
    assert [one.forecast.model for one in found.ready] == ["theta", "theta"]
    assert not found.waiting


def test_a_region_without_figures_is_named_with_its_reason_and_the_others_are_drawn(service, panel):
    found = request_regions(service, asked(panel, "naive", ["Empty", "North", "Nowhere"]))
    assert [one.region for one in found.ready] == ["North"]
    assert [region for region, _ in found.failed] == ["Empty", "Nowhere"]
    assert all(why for _, why in found.failed)


def test_without_patience_the_first_region_is_drawn_and_the_others_follow(service, panel):
    found = request_regions(service, asked(panel, "naive"), patience=-1)
    assert ([one.region for one in found.ready], found.to_prepare) == (["South"], 1)
    assert found.waiting


def test_a_full_queue_is_said_and_leaves_the_first_answer(service, panel, monkeypatch):
    def refuse(requests, retry=False):
        raise QueueFull("Too many fits wait.")

    monkeypatch.setattr(service, "submit", refuse)
    found = request_regions(service, asked(panel, "ets"))
    assert found.full == "Too many fits wait."
    assert len(found.ready) == 2
    assert found.waiting
