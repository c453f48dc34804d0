"""No line ends between a number and its unit, or within a date."""

import pytest

from forecasting.views.line_breaks import keep_together


@pytest.mark.parametrize(
    "text",
    [
        "80_% range 96 to 164_· falling by 18_Apr with a chance of 82_%",
        "error 0.61_× no change, 28_days ahead, from 4_dates to 18_Apr_2021",
        "In 3 Mayfair houses, 5 months-old 12 sleep; May 7 and 1.31_M, 52.3_k",
        "the last 8 such forecasts; 0.1_s; 7 Marches, 3_weeks",
    ],
)
def test_units_stay_with_their_number_and_dates_whole(text):
    assert keep_together(text.replace("_", " ")) == text.replace("_", "\u00a0")


def test_a_range_and_a_date_with_hyphens_are_whole_and_words_are_not_joined():
    text = "941–|1,204, 1.05–|1.31_M, 12_–_15, −5_–_−2, 2024-|11-|09, two-week, well–known, 1234-5678"
    plain = text.replace("|", "").replace("_", " ")
    joined = text.replace("|", "\u2060").replace("_", "\u00a0")
    assert keep_together(plain) == joined
    assert keep_together(joined) == joined
