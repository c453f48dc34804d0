from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from forecasting.models import model

PAGE = Path(__file__).parents[2] / "ui" / "pages" / "compare.py"


@pytest.fixture
def compare(service):
    def open_compare(**link):
        page = AppTest.from_file(str(PAGE), default_timeout=60)
        for name, value in link.items():
            page.query_params[name] = value
        return page.run()

    return open_compare


def finished(service, region, statistic, names, origins=8):
    panel = service.panel("bundled")
    service.wait(service.look_back(panel, region, statistic, names, origins=origins).jobs)
    return service.look_back(panel, region, statistic, names, origins=origins)


def test_compare_scores_every_chosen_model_and_stars_the_best_of_each_column(compare, service):
    past = finished(service, "Puerto Rico", "new_admissions", ["ets", "theta"])
    page = compare(region="Puerto Rico", statistic="new_admissions", models="ets,theta")
    assert not page.exception
    assert page.subheader[0].value == "Compare: Puerto Rico, new hospital admissions"
    table = page.dataframe[0].value
    assert table["Model"].tolist() == [model(score.model).label for score in past.scores]
    assert table["Mean error"].iloc[0].endswith("★")
    assert not table["Mean error"].iloc[-1].endswith("★")


def test_compare_says_what_the_distance_between_the_first_two_means(compare, service):
    finished(service, "Puerto Rico", "new_admissions", ["ets", "theta"])
    page = compare(region="Puerto Rico", statistic="new_admissions", models="ets,theta")
    assert any("of 8 dates" in text.value for text in page.markdown)


def test_the_number_of_dates_is_in_the_address(compare):
    page = compare(region="Puerto Rico", statistic="new_admissions", models="theta")
    page.segmented_control(key="origins").set_value("4").run()
    assert not page.exception
    assert page.query_params["origins"] in ("4", ["4"])


def test_too_little_history_is_one_sentence(compare, service, monkeypatch):
    import pandas as pd

    panel = service.panel("bundled").as_of(pd.Timestamp("2020-03-10"))
    monkeypatch.setattr(service, "panel", lambda source, patience=None: panel)
    page = compare(region="Italy", models="theta")
    assert not page.exception
    assert any("too few to look back" in info.value for info in page.info)
