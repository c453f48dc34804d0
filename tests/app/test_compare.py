import pandas as pd
import pytest
from visiting import new_visitor

from forecasting.models import model
from forecasting.views.comparison import DEFAULT_REGIONS

PAGE = "pages/compare.py"
PUERTO_RICO = {"region": "Puerto Rico", "statistic": "new_admissions"}
SMALL = {"statistic": "new_admissions", "compare": "regions", "model": "theta"}


@pytest.fixture
def compare(service):
    def open_compare(**link):
        page = new_visitor(PAGE)
        for name, value in link.items():
            page.query_params[name] = value
        page.session_state["pairs"] = page.session_state["share"] = True
        return page.run()

    return open_compare


@pytest.fixture
def finished(service):
    """``finished("Puerto Rico", "new_admissions", ["ets"])`` is the look back when all of it is done."""

    def finished(region, statistic, names, origins=8):
        panel = service.panel("bundled")
        service.wait(service.track_records.track_record(panel, region, statistic, names, origins=origins).jobs)
        return service.track_records.track_record(panel, region, statistic, names, origins=origins)

    return finished


def judged(page):
    """The page of look backs that were all made, when it has come to the last of them."""
    for _ in range(100):
        if not page.get("progress"):
            return page
        page.run()
    raise AssertionError("the page did not come to an end")


def address(page):
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def said(page):
    return "\n".join(text.value for text in [*page.markdown, *page.caption])


def test_compare_scores_every_chosen_model_in_numbers_that_a_click_sorts(compare, finished):
    past = finished("Puerto Rico", "new_admissions", ["ets", "theta"])
    page = compare(**PUERTO_RICO, models="ets,theta")
    assert not page.exception
    assert page.title[0].value == "Compare: Puerto Rico, new hospital admissions"
    table = page.dataframe[0].value
    assert table["Model"].tolist() == [model(score.model).label for score in past.scores]
    assert table["Error vs no change"].tolist() == pytest.approx([score.relative_wis for score in past.scores])
    assert table["Median vs no change"].tolist() == pytest.approx([score.relative_error for score in past.scores])
    assert list(table.columns[:3]) == ["Model", "Error vs no change", "80 % held"], "a phone shows these"


def test_the_best_of_a_column_is_tinted(compare, finished):
    finished("Puerto Rico", "new_admissions", ["ets", "theta"])
    page = compare(**PUERTO_RICO, models="ets,theta")
    styles = page.dataframe[0].proto.arrow_data.styler.styles
    assert "row0_col1" in styles
    assert "row2_col1" not in styles


def test_compare_says_what_the_distance_between_the_first_two_means(compare, finished):
    finished("Puerto Rico", "new_admissions", ["ets", "theta"])
    assert "of 8 dates" in said(compare(**PUERTO_RICO, models="ets,theta"))


def test_the_number_of_dates_is_in_the_address(compare):
    page = compare(**PUERTO_RICO, models="theta")
    page.segmented_control(key="origins").set_value("4").run()
    assert not page.exception
    assert address(page)["origins"] == "4"


def test_too_little_history_is_one_sentence(compare, service, monkeypatch):
    panel = service.panel("bundled").as_of(pd.Timestamp("2020-03-10"))
    monkeypatch.setattr(service, "panel", lambda source, patience=None: panel)
    page = compare(region="Italy", models="theta")
    assert not page.exception
    assert any("too few to look back" in info.value for info in page.info)


def test_one_model_is_compared_on_the_sidebar_s_region_and_the_largest_others(compare):
    page = compare(**SMALL, region="Vermont")
    assert not page.exception
    regions = address(page)["regions"].split(";")
    assert regions[0] == "Vermont"
    assert len(regions) == DEFAULT_REGIONS < page.multiselect(key="regions").proto.max_selections
    assert "United States" not in regions, "Vermont is part of it"
    assert page.title[0].value == "Compare: Theta on 3 regions, new hospital admissions"


def test_a_link_brings_regions_in_any_case_and_says_which_is_not_there(compare, finished):
    for region in ("Vermont", "Maine"):
        finished(region, "new_admissions", ["theta"])
    page = judged(compare(**SMALL, region="Vermont", regions="vermont;Maine;Guam"))
    assert not page.exception
    assert page.multiselect(key="regions").value == ["Vermont", "Maine"]
    assert any("guam" in info.value for info in page.info)
    table = page.dataframe[0].value
    assert set(table["Region"]) == {"Maine", "Vermont"}
    assert "**Theta** beat no change" in said(page) or "none of 2" in said(page)


def test_the_usual_regions_follow_the_sidebar_and_chosen_ones_take_its_region_in(compare):
    page = compare(**SMALL, region="Vermont")
    page.sidebar.selectbox(key="region").set_value("Maine").run()
    assert page.multiselect(key="regions").value[0] == "Maine"
    assert "Vermont" not in page.multiselect(key="regions").value
    page.multiselect(key="regions").set_value(["Ohio"]).run()
    page.sidebar.selectbox(key="region").set_value("Vermont").run()
    assert page.multiselect(key="regions").value == ["Vermont", "Ohio"]
    page.sidebar.selectbox(key="statistic").set_value("new_cases").run()
    assert not page.exception
    assert "France" in page.multiselect(key="regions").value, "none of those is there: the usual ones"


def test_no_region_at_all_is_one_sentence(compare):
    page = compare(**SMALL, region="Vermont", regions="none")
    assert not page.exception
    assert any("Choose at least one region" in info.value for info in page.info)


def test_the_layout_and_the_chart_behind_the_scores_are_in_the_address(compare, finished):
    finished("Puerto Rico", "new_admissions", ["theta"])
    page = compare(**PUERTO_RICO, models="theta")
    assert not {"layout", "detail"} & set(address(page))
    page.segmented_control(key="layout").set_value("overlaid").run()
    page.segmented_control(key="detail").set_value("fell").run()
    page.segmented_control(key="scale").set_value("log").run()
    assert not page.exception
    assert [address(page)[name] for name in ("layout", "detail", "scale")] == ["overlaid", "fell", "log"]
    assert "scale=log" in page.code[0].value, "Share has it too"
    assert "of outcomes" in said(page)
    assert page.select_slider(key="overlaid from").value == page.select_slider(key="overlaid from").options[-1]


@pytest.mark.sweep
@pytest.mark.parametrize("comparison", [PUERTO_RICO | {"models": "theta"}, SMALL | {"regions": "Maine;Vermont"}])
@pytest.mark.parametrize("detail", ["error", "held", "fell"])
def test_every_chart_of_either_comparison_is_drawn(compare, finished, comparison, detail):
    for region in ("Puerto Rico", "Maine", "Vermont"):
        finished(region, "new_admissions", ["theta"])
    for layout in ("side", "overlaid"):
        page = judged(compare(**comparison, detail=detail, layout=layout))
        assert not page.exception
        assert len(page.dataframe) >= 1


def test_models_in_pairs_come_with_the_meaning_of_relative_skill(compare, finished):
    finished("Puerto Rico", "new_admissions", ["ets", "theta"])
    page = compare(**PUERTO_RICO, models="ets,theta")
    assert "**Relative skill** is" in said(page)
    assert page.dataframe[1].value.columns[1] == "Relative skill"


def test_a_comparison_can_be_cancelled_and_goes_on_when_asked(compare, service):
    page = compare(region="Germany", models="auto_arima", origins="12")
    page.button(key="cancel comparison").click().run()
    assert not page.exception
    assert "**Cancelled.**" in said(page)
    panel = service.panel("bundled")
    past = service.track_records.track_record(panel, "Germany", "new_cases", ["auto_arima"], origins=12)
    assert not past.waiting
    page.button(key="go on").click().run()
    assert not page.exception
    assert "Cancelled" not in said(page)
    page.button(key="cancel comparison").click().run()
    assert not service.track_records.track_record(panel, "Germany", "new_cases", ["auto_arima"], origins=12).waiting


TOGETHER = {"statistic": "new_admissions", "compare": "together", "model": "theta", "regions": "Maine;Vermont;Ohio"}


def test_several_regions_stand_on_one_chart_with_the_sidebar_s_region_first(compare):
    page = compare(**TOGETHER, region="Vermont")
    assert not page.exception
    assert page.title[0].value == "Compare: new hospital admissions in 3 regions"
    table = page.dataframe[0].value
    assert table["Region"].tolist() == ["Vermont", "Maine", "Ohio"]
    assert (table["80 % from"] <= table["Expected"]).all()
    assert "largest rise first" in said(page)
    assert {"compare": "together", "regions": "Maine;Vermont;Ohio"}.items() <= address(page).items()
    assert not {"unit", "lines", "start", "origins"} & set(address(page))


def test_the_unit_its_start_and_the_mean_of_the_others_are_in_the_address(compare):
    page = compare(**TOGETHER, region="Ohio")
    page.segmented_control(key="unit").set_value("indexed").run()
    assert not page.exception
    assert address(page)["unit"] == "indexed"
    page.date_input(key="start").set_value(pd.Timestamp("2025-03-01").date()).run()
    page.segmented_control(key="lines").set_value("mean").run()
    assert not page.exception
    assert {"start": "2025-03-01", "lines": "mean"}.items() <= address(page).items()
    assert page.dataframe[0].value["Region"].tolist() == ["Ohio", "Mean of the others"]
    assert "Ohio stands at" in said(page)


def test_a_link_opens_the_index_at_its_start_and_says_what_is_not_possible(compare):
    page = compare(**TOGETHER | {"unit": "indexed", "start": "2025-03-01"}, region="Ohio")
    assert page.date_input(key="start").value == pd.Timestamp("2025-03-01").date()
    page = compare(**TOGETHER | {"unit": "indexed", "start": "yesterday"}, region="Ohio")
    assert not page.exception
    assert any("yesterday" in info.value for info in page.info)


def test_explore_leads_to_the_region_beside_the_largest_others(service):
    page = new_visitor("pages/explore.py")
    page.query_params["statistic"], page.query_params["region"] = "new_admissions", "Vermont"
    page.run()
    page.button(key="compare regions").click().run()
    assert not page.exception
    assert page.session_state["compare"] == "together"
