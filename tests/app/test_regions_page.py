"""Regions, by Streamlit's own harness."""

import json
import time

import pandas as pd
import pytest
from visiting import new_visitor

from forecasting.data.panel import Panel
from forecasting.models import models
from forecasting.services.bulk import BulkForecast
from ui.regions import page as page_of_regions

PAGE = "pages/regions.py"
STATES = {"statistic": "new_admissions"}


@pytest.fixture
def regions(service):
    service.panel("bundled").cache.clear(page_of_regions._ALL_REGIONS)

    def open_regions(**link):
        page = new_visitor(PAGE)
        for name, value in link.items():
            page.query_params[name] = value
        return page.run()

    return open_regions


def address(page):
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def said(page):
    return "\n".join(text.value for text in [*page.markdown, *page.caption])


def shown(page):
    """What the list was given."""
    (element,) = [element for element in page.get("bidi_component") if "regions list" in element.proto.id]
    return json.loads(element.proto.json)


def finished(page):
    """The page when every region is forecast."""
    for _ in range(120):
        if not shown(page)["busy"]:
            return page
        time.sleep(0.5)
        page.run()
    raise AssertionError("the page did not come to an end")


def test_every_region_has_a_row_and_every_state_a_tile(regions):
    page = finished(regions(**STATES))
    assert not page.exception
    assert page.title[0].value == "Regions: new hospital admissions"
    data = shown(page)
    assert {row["state"] for row in data["rows"]} == {"ready"}
    assert len(data["rows"]) == len(data["order"]) == len(data["tiles"]) == 53
    assert "of 53 regions" in said(page)
    ohio = next(row for row in data["rows"] if row["region"] == "Ohio")
    assert ohio["change"].endswith("%")
    assert ohio["expected"].replace(",", "").isdigit()
    assert "–" in ohio["range"]
    assert " to " in ohio["band"]
    assert ohio["spark"]["middle"]
    assert ohio["address"].startswith("./?source=bundled&statistic=new_admissions&region=Ohio&models=")


def test_countries_are_a_ranked_list_without_a_map(regions):
    page = finished(regions(statistic="new_cases"))
    assert not page.exception
    data = shown(page)
    assert data["tiles"] == []
    assert data["heads"]["latest"] == "Last 7 days, vs before"
    levels = {row["region"]: row["level"] for row in data["rows"]}
    ranked = [levels[region] for region in data["order"]]
    assert ranked == sorted(ranked, reverse=True), "the largest expected rise is first"


def test_few_regions_have_the_ensemble_unless_another_model_is_chosen(regions):
    assert address(regions(**STATES))["model"] == "ensemble"
    assert address(regions(**STATES, model="ets"))["model"] == "ets"


def test_running_totals_are_shown_as_new_counts_and_that_is_said(regions):
    totals, new = (
        finished(regions(**link, model="naive"))
        for link in ({"statistic": "cumulative_cases"}, {"statistic": "new_cases"})
    )
    assert "running totals can only rise" in said(totals)
    assert [row["latest"] for row in shown(totals)["rows"]] == [row["latest"] for row in shown(new)["rows"]]


@pytest.mark.parametrize("name", ["theta", "naive"])
def test_any_model_can_be_chosen_and_is_in_the_address(regions, name):
    page = regions(**STATES)
    page.selectbox(key="model").set_value(name).run()
    page = finished(page)
    assert not page.exception
    assert address(page)["model"] == name
    assert page.selectbox(key="model").options == [model.label for model in models().values()]


def test_search_filter_and_order_are_in_the_address_and_come_back_with_it(regions):
    page = finished(regions(**STATES, model="theta"))
    page.text_input(key="search").set_value("new ").run()
    page.segmented_control(key="only").set_value("unsure").run()
    assert not page.exception
    assert {name: address(page)[name] for name in ("search", "only")} == {"search": "new", "only": "unsure"}
    again = finished(regions(**STATES, model="theta", search="new", only="unsure", sort="-name"))
    assert shown(again)["order"] == ["New York", "New Mexico", "New Jersey", "New Hampshire"]
    assert len(shown(again)["rows"]) == 53, "the map shows all"


def test_links_that_cannot_be_honoured_are_said(regions):
    page = regions(**STATES, model="oracle", sort="height", only="sideways")
    assert not page.exception
    told = "\n".join(info.value for info in page.info)
    assert all(name in told for name in ("oracle", "height", "sideways"))
    assert shown(page)["sort"] == "change"


def test_nothing_found_is_one_sentence(regions):
    page = finished(regions(**STATES, model="theta", search="atlantis"))
    assert not page.exception
    assert any("No region matches" in info.value for info in page.info)


def test_all_regions_are_judged_when_asked_and_only_then(regions, service):
    page = finished(regions(model="theta", window="90"))
    assert {row["record"] for row in shown(page)["rows"]} == {""}
    page.button(key="judge regions").click().run()
    page = finished(page)
    assert not page.exception
    assert all(row["record"].endswith((" % below", " % above", "the same")) for row in shown(page)["rows"])
    assert all("in the 80 % range" in row["held"] for row in shown(page)["rows"])
    assert "judge regions" not in {button.key for button in page.button}


def test_forecasts_and_judging_can_be_cancelled_and_go_on(regions):
    page = regions(**STATES, model="prophet", horizon="7")
    page.button(key="cancel regions").click().run()
    assert not page.exception
    assert "**Cancelled.**" in said(page)
    page = finished(page)
    page.button(key="go on regions").click().run()
    assert not page.exception
    assert "Cancelled" not in said(page)
    page.button(key="cancel regions").click().run()
    page = finished(page)
    page.selectbox(key="model").set_value("ets").run()
    page = finished(page)
    page.button(key="judge regions").click().run()
    if "cancel judging" in {button.key for button in page.button}:
        page.button(key="cancel judging").click().run()
    assert not page.exception
    assert not shown(finished(page))["busy"]


def test_of_thousands_of_regions_200_are_shown_and_any_is_found(regions, service, monkeypatch):
    bundled = service.panel("bundled")
    dates = pd.date_range("2024-01-06", periods=10, freq="7D")
    names = [f"County {i:05d}" for i in range(3000)]
    table = pd.DataFrame({"region": names}).merge(pd.DataFrame({"date": dates}), how="cross")
    table = table.assign(statistic="admissions", value=5.0)[["region", "statistic", "date", "value"]]
    statistics = tuple(one for one in bundled.statistics if one.name == "new_admissions")
    panel = Panel("bundled", table, statistics, bundled.frequencies, "nobody", "none")
    monkeypatch.setattr(service, "panel", lambda source, patience=None: panel)
    page = regions(**STATES)
    assert address(page)["model"] == "pooled", "one fit forecasts them all"
    page.button(key="cancel regions").click().run()  # nobody waits for it
    page = finished(regions(**STATES, model="naive"))
    assert not page.exception
    assert len(shown(page)["rows"]) == 200
    assert "There are 3,000 regions. Shown are the 200 largest; search for any other." in said(page)
    page.text_input(key="search").set_value("02999").run()
    assert shown(page)["order"] == ["County 02999"]
    assert "Shown are the 1 that the search finds." in said(page)


def test_every_region_is_forecast_into_one_table(regions, monkeypatch):
    runs = []
    monkeypatch.setattr("ui.regions.bulk.BulkForecast", lambda *asked: runs.append(BulkForecast(*asked)) or runs[-1])
    page = finished(regions(**STATES, model="theta", horizon="3"))
    page.button(key="forecast all").click().run()
    (run,) = runs
    run.wait(120)
    page.run()
    assert not page.exception
    assert run.table()["region"].nunique() == run.of == 53
    assert any("53 of 53 regions" in element.proto.text for element in page.get("progress"))
    labels = [one.proto.label for one in page.get("download_button")]
    assert labels[-2:] == ["All forecasts, CSV", "All forecasts, Parquet"]
