import math

import pandas as pd
import pytest

from forecasting.data import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (841.4, "841"), (9_999, "9,999"), (52_340, "52.3 k"), (523_400, "523 k"), (1_312_000, "1.31 M"),
     (24_000_000, "24.0 M"), (3.2e9, "3.20 B"), (-52_340, "−52.3 k"), (math.inf, "–"), (math.nan, "–")],
)  # fmt: skip
def test_a_count_has_three_figures_and_a_unit(value, text):
    assert formatting.format_compact(value) == text


@pytest.mark.parametrize(
    ("values", "places"),
    [((5264.7, 0.31), 0), ((100,), 0), ((99.4, 3), 1), ((3.21,), 2), ((0.0321, 0.001), 4), ((1e-9,), 4), ((), 0), ((0,), 0),
     ((math.nan, math.inf, -12), 1)],
)  # fmt: skip
def test_a_column_of_numbers_has_three_figures_at_most(values, places):
    assert formatting.decimals_needed(values) == places


def test_a_range_names_a_shared_unit_once():
    assert formatting.format_interval(1_050_000, 1_310_000) == "1.05 –1.31 M".replace(" –", "–")
    assert formatting.format_interval(941, 1204) == "941–1,204"
    assert formatting.format_interval(941, 52_340) == "941–52.3 k"


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [(94, 100, "−6 %"), (106, 100, "+6 %"), (100, 100, "±0 %"), (99.9, 100, "±0 %"), (5, 0, "up from 0"),
     (0, 0, "no change"), (5000, 100, "50 times")],
)  # fmt: skip
def test_a_change_is_a_signed_percentage(now, before, text):
    assert formatting.format_change(now, before) == text


def test_a_date_reads_the_same_everywhere_and_shows_hours_only_where_there_are_any():
    assert formatting.format_date(pd.Timestamp("2020-11-30")) == "30 Nov 2020"
    assert formatting.format_date(pd.Timestamp("2020-11-30 14:00")) == "30 Nov 2020 14:00"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("−19 %", "−19 % vs the week before"),
        ("12 times", "12 times the week before"),
        ("up from 0", "up from 0 the week before"),
        ("no change", "no change from the week before"),
    ],
)
def test_a_change_says_what_it_is_a_change_on(change, text):
    assert formatting.format_versus(change, "the week before") == text


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("New cases", "new cases"),
        ("New COVID-19 hospital admissions", "new COVID-19 hospital admissions"),
        ("COVID-19 share of emergency visits", "COVID-19 share of emergency visits"),
        ("RSV", "RSV"),
        ("", ""),
    ],
)
def test_a_label_within_a_sentence_keeps_names_as_they_are_written(label, text):
    assert formatting.within_sentence(label) == text
