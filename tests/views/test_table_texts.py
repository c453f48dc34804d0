"""Tables say numbers as sentences do, and stay tables of numbers."""

import pandas as pd

from forecasting.data.formatting import format_plain, format_signed_percent
from forecasting.views import headline
from forecasting.views.table_texts import figure_text, percent_text, share_text, with_texts


def test_a_percentage_has_one_sign_everywhere():
    assert [format_signed_percent(value) for value in (-50.2, 3.0, 0.2, -0.2)] == ["−50 %", "+3 %", "±0 %", "±0 %"]
    assert format_signed_percent(-0.04, 1) == "±0.0 %"
    assert format_plain(-1234.5) == "−1,234.5"


def test_a_table_shows_a_minus_sign_and_keeps_numbers_for_downloads():
    table = pd.DataFrame({"Region": ["A-B", "C"], "Change": [-50.2, float("nan")], "Now": [-3.25, 1234.0]})
    shown = with_texts(table, {"Change": percent_text(0), "Now": figure_text(1), "Bias": percent_text(0)})
    cells = [
        [cell["display_value"] for cell in row if cell["type"] == "td"] for row in shown._translate(True, True)["body"]
    ]
    assert cells == [["A-B", "−50 %", "−3.2"], ["C", "", "1,234.0"]]
    assert shown.data is table
    assert table["Change"][0] == -50.2


def test_a_share_is_rounded_alike_in_tables_of_every_page():
    assert share_text(100 * 20 / 32) == headline.format_percent(20, 32) == "62 %"
