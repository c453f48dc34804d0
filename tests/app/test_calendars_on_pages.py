"""Files of every calendar on the pages: read without a question, counted in their own words, drawn on every page."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from visiting import PATIENCE, SCRIPT

from forecasting.data.frequency import frequency_of_alias

PAGE = "pages/your_data.py"
#: Alias -> the first date, how many there are, and what the page says of them.
CALENDARS = {
    "15min": ("2024-01-01", 300, "Quarter-hours", "Shop, counts every 15 minutes, 300 quarter-hours"),
    "DAYS-1111100": ("2023-01-02", 200, "Business days", "Shop, daily counts on Mondays to Fridays, 200 business days"),
    "28D": ("2018-01-07", 52, "28-day periods", "Shop, counts every four weeks, 52 periods of 28 days"),
    "1M15": ("2016-01-15", 49, "Months", "Shop, monthly counts, 49 months, to 15 January 2020"),
    "12M31": ("1980-12-31", 41, "Years", "Shop, yearly counts, 41 years, to 2020"),
}


def figures(alias, region="Shop"):
    first, count, _, _ = CALENDARS[alias]
    dates = frequency_of_alias(alias).grid(pd.Timestamp(first), count)
    values = 200 + np.arange(count) * 3 % 17
    return pd.DataFrame({"region": region, "date": dates, "value": values})


def read(page):
    for _ in range(100):
        if not any(info.value.startswith("Reading") for info in page.info):
            break
        page.run()
    assert not page.exception
    assert not page.error
    return page


def explored(content):
    """Explore with a file that was given on Your data, and what that page said of it."""
    page = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE)
    page.query_params["models"] = "naive"
    page.run()
    page.switch_page(PAGE).run()
    page.file_uploader[0].upload("shop.csv", content).run()
    read(page)
    said = next(one.value.removeprefix("## ") for one in page.markdown if one.value.startswith("## "))
    next(button for button in page.button if button.label == "See the forecast").click()
    return read(page.run()), said


@pytest.mark.sweep
@pytest.mark.parametrize("alias", CALENDARS)
@pytest.mark.parametrize("other", ["regions", "compare", "time_machine"])
def test_a_file_of_a_calendar_is_on_every_page(service, alias, other):
    page, said = explored(figures(alias).to_csv(index=False).encode())
    _, _, steps, sentence = CALENDARS[alias]
    assert said.startswith(sentence)
    assert any(slider.label == f"Horizon ({steps[0].lower()}{steps[1:]})" for slider in page.sidebar.slider)
    for script in (other, "explore"):
        page.switch_page(f"pages/{script}.py").run()
        assert not page.exception


def test_regions_of_several_calendars_are_drawn_each_in_its_own_steps(service):
    tables = [figures(alias, alias) for alias in ("DAYS-1111100", "28D", "1M15")]
    page, said = explored(pd.concat(tables).to_csv(index=False).encode())
    assert "(spaced otherwise in two of them)" in said
    labels = []
    page.switch_page("pages/explore.py").run()
    for region in page.sidebar.selectbox(key="region").options:
        page.sidebar.selectbox(key="region").set_value(region).run()
        assert not page.exception
        labels += [slider.label for slider in page.sidebar.slider if slider.label.startswith("Horizon")]
    assert sorted(labels) == ["Horizon (28-day periods)", "Horizon (business days)", "Horizon (months)"]
    for other in ("regions", "compare", "time_machine"):
        page.switch_page(f"pages/{other}.py").run()
        assert not page.exception
