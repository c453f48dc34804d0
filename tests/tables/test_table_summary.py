"""What will be forecast of a table, in one sentence, on tables of all kinds; and how it was read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import frequency_of_alias
from forecasting.tables.column_nouns import noun_and_unit, plural_noun, unit_of_cells
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.table_preview import preview_table
from forecasting.tables.table_summary import period_in_words, reading_sentence, with_spacing

CASES = Path(__file__).parent / "cases"
MONTHS = pd.date_range("2023-04-01", periods=36, freq="MS")


def brought(content, name="mine.csv", **chosen):
    """The panel, the report and the mapping of a table that is read as proposed, but for what is `chosen`."""
    content = content.encode() if isinstance(content, str) else content
    proposed = preview_table(content, name).mapping
    mapping = proposed and replace(proposed, **chosen)
    return *read_mapped_table(content, name, mapping), mapping


def shops(names=("Airport", "Centre"), columns=("Month", "Shop", "Sales"), written="${:,.2f}", **csv):
    """Three years of months in some shops."""
    rows = [
        (f"{month:%Y-%m}", shop, written.format(1000.4 * (1 + place) + 7 * (i % 5) + i))
        for place, shop in enumerate(names)
        for i, month in enumerate(MONTHS)
    ]
    return pd.DataFrame(rows, columns=list(columns)).to_csv(index=False, **csv)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("closing_prices_business_days.csv", "Daily measurements on Mondays to Fridays, 260 business days, to 31 December 2021."),
        ("daily_and_weekly_regions.csv", "Two regions, daily counts (weekly in one of them), 200 days, to 19 July 2022."),
        ("four_weekly.csv", "Counts every four weeks, 52 periods of 28 days, to 5 December 2021."),
        ("hourly_offsets_autumn.csv", "Hourly amounts, 506 hours, to 9 November 2021, 23:00."),
        ("monthly_on_the_15th.csv", "Monthly amounts, 49 months, to 15 January 2020."),
        ("pandas_split_epoch.json", "Daily counts, 60 days, to 29 February 2024."),
        ("positivity_rate.csv", "Daily shares, 200 days, to 19 July 2022."),
        ("quarter_hours.csv", "Counts every 15 minutes, 96 quarter-hours, to 1 January 2024, 23:45."),
        ("regions_of_other_lengths.csv", "Three regions, daily counts, up to 200 days, to 19 July 2023."),
        ("running_totals_unsaid.csv", "X, daily counts, 120 days, to 30 April 2021."),
        ("two_digit_years.csv", "Monthly amounts, 96 months, to December 2003."),
        ("weeks_end_on_other_days.csv", "Two regions, weekly counts, 80 weeks, to 11 July 2022."),
        ("yearly.csv", "Yearly counts, 41 years, to 2020."),
    ],
)  # fmt: skip
def test_a_table_is_summed_up_in_one_sentence(file, sentence):
    _, report, _ = brought((CASES / file).read_bytes(), file)
    assert report.summary == sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (shops(), "Two shops, monthly sales in dollars, 36 months, to March 2026."),
        (shops(written="{:.2f}"), "Two shops, monthly sales (amounts), 36 months, to March 2026."),
        (
            shops(columns=("MONTH", "STORE_ID", "NET_SALES_USD"), written="{:.2f}"),
            "Two stores, monthly net sales in US dollars, 36 months, to March 2026.",
        ),
        (
            shops(columns=("Monat", "Filiale", "Umsatz (EUR)"), written="{:.2f}", sep=";", decimal=","),
            "Two branches, monthly umsatz in euros, 36 months, to March 2026.",
        ),
        (
            shops(columns=("Monat", "Farbe", "Absatz"), written="{:.2f}"),
            "Two series (by Farbe), monthly absatz (amounts), 36 months, to March 2026.",
        ),
        (shops(("Airport",)), "Airport, monthly sales in dollars, 36 months, to March 2026."),
        (
            shops([f"Shop {i}" for i in range(40)]),
            "40 shops, monthly sales in dollars, 36 months, to March 2026.",
        ),
        (
            pd.DataFrame({"month": MONTHS, "energy_kwh": range(36)}).to_csv(index=False),
            "Monthly energy in kWh, 36 months, to March 2026.",
        ),
        (
            pd.DataFrame({"month": MONTHS, "North": range(5, 41), "South": range(9, 45)}).to_csv(index=False),
            "North and South, monthly counts, 36 months, to March 2026.",
        ),
        (
            pd.DataFrame({"quarter": [f"{2015 + i // 4}-Q{1 + i % 4}" for i in range(40)], "GDP": range(40)}).to_csv(index=False),
            "Quarterly GDP (counts), 40 quarters, to the fourth quarter of 2024.",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_what_people_call_their_places_and_figures(content, sentence):
    assert brought(content)[1].summary == sentence


def test_several_statistics_are_named_and_of_many_the_first():
    parts = [
        pd.DataFrame(
            {"week": pd.date_range("2022-01-01", periods=60, freq="W-SAT"), "measure": name, "value": range(60)}
        )
        for name in ("visits", "ICU beds", "deaths", "tests", "calls")
    ]
    ending = "60 weeks, to 18 February 2023."
    two, five = (brought(pd.concat(parts[:count]).to_csv(index=False))[1].summary for count in (2, 5))
    assert two == f"Weekly ICU beds and visits, {ending}"
    assert five == f"Weekly ICU beds, calls, deaths and two more, {ending}"


def test_running_totals_are_said_to_be_such():
    table = pd.DataFrame({"day": pd.date_range("2022-01-01", periods=60), "cases": np.arange(60) ** 2})
    _, report, _ = brought(table.to_csv(index=False), cumulative=True)
    assert report.summary == "Daily new cases (counts) from running totals, 60 days, to 1 March 2022."


@pytest.mark.parametrize(
    ("alias", "phrase"),
    [
        ("h", "hourly sales"), ("4h", "sales every four hours"), ("15min", "sales every 15 minutes"), ("D", "daily sales"),
        ("DAYS-1111110", "daily sales on Mondays to Saturdays"), ("DAYS-1010100", "daily sales on Mondays, Wednesdays and Fridays"),
        ("W-MON", "weekly sales"), ("10D", "sales every ten days"), ("14D", "sales every two weeks"), ("MS", "monthly sales"),
        ("2M31", "sales every two months"), ("QS", "quarterly sales"), ("6M31", "half-yearly sales"), ("12M31", "yearly sales"),
        ("120M1", "sales every ten years"),
    ],
)  # fmt: skip
def test_every_spacing_has_plain_words(alias, phrase):
    assert with_spacing("sales", frequency_of_alias(alias)) == phrase


@pytest.mark.parametrize(
    ("alias", "date", "words"),
    [
        ("h", "2026-03-07 14:00", "7 March 2026, 14:00"), ("D", "2026-03-01", "1 March 2026"), ("W-SAT", "2026-03-07", "7 March 2026"),
        ("MS", "2026-03-01", "March 2026"), ("ME", "2026-03-31", "March 2026"), ("1M15", "2026-03-15", "15 March 2026"),
        ("BME", "2026-02-27", "February 2026"), ("QS", "2026-04-01", "the second quarter of 2026"),
        ("QE-DEC", "2026-06-30", "the second quarter of 2026"), ("QS-NOV", "2026-02-01", "February 2026"),
        ("6M1", "2026-07-01", "the second half of 2026"), ("6M31", "2026-06-30", "the first half of 2026"),
        ("12M1", "2026-01-01", "2026"), ("12M31", "2025-12-31", "2025"), ("12M31", "2026-06-30", "June 2026"),
        ("12M15", "2026-06-15", "15 June 2026"),
    ],
)  # fmt: skip
def test_the_last_period_is_said_as_one_says_it(alias, date, words):
    assert period_in_words(pd.Timestamp(date), frequency_of_alias(alias)) == words


@pytest.mark.parametrize(
    ("column", "noun", "unit"),
    [
        ("sales_usd", "sales", "US dollars"), ("Sales [$]", "sales", "dollars"), ("Revenue in EUR", "revenue", "euros"),
        ("TOTAL_ENERGY_KWH", "total energy", "kWh"), ("ICU beds", "ICU beds", ""), ("GDP", "GDP", ""), ("value", "", ""),
        ("newCases", "new cases", ""), ("Temperature (°C)", "temperature", "°C"), ("Rain (mm)", "rain", "mm"),
        ("usd", "", "US dollars"), ("Incidence (7d)", "incidence (7d)", ""), ("column 3", "", ""), ("share (%)", "", "percent"),
    ],
)  # fmt: skip
def test_a_column_s_name_tells_what_is_measured_and_in_which_unit(column, noun, unit):
    assert noun_and_unit(column) == (noun, unit)


@pytest.mark.parametrize(
    ("column", "plural"),
    [
        ("Shop", "shops"), ("store_id", "stores"), ("Store Name", "stores"), ("Filiale", "branches"), ("Pays", "countries"),
        ("unique_id", "series"), ("location_name", "locations"), ("Farbe", None), ("", None),
    ],
)  # fmt: skip
def test_a_column_of_names_tells_what_they_are(column, plural):
    assert plural_noun(column) == plural


def test_a_unit_is_taken_from_most_cells_and_from_no_single_one():
    assert unit_of_cells(["$1,200.50", "-$3", "$ 4"]) == "dollars"
    assert unit_of_cells(["12 %", "3,5 %"]) == "percent"
    assert unit_of_cells(["12", "3", "$4"]) == ""
    assert unit_of_cells(["12k", "3k"]) == unit_of_cells([]) == ""


def test_how_a_table_was_read_is_one_sentence_with_a_figure_that_leaves_a_choice():
    _, report, mapping = brought(shops())
    assert reading_sentence(mapping, report.number_examples) == (
        "Dates from “Month”; figures from “Sales” (“$1,000.40” is 1,000.4); shops from “Shop”."
    )
    _, report, mapping = brought(shops(written="{:.2f}"))
    assert (
        reading_sentence(mapping, report.number_examples)
        == "Dates from “Month”; figures from “Sales”; shops from “Shop”."
    )


def test_another_number_format_shows_at_once_in_the_figures_read():
    content = "day;visits\n" + "".join(
        f"{day:%Y-%m-%d};1.{200 + i}\n" for i, day in enumerate(pd.date_range("2024-01-01", periods=40))
    )
    for written, value in (("1,234.5", 1.2), ("1.234,5", 1200.0)):
        _, report, _ = brought(content, number_format=written)
        assert report.number_examples[0] == ("1.200", value)


def test_the_report_writes_dates_as_every_page_does():
    rows = "\n".join(f"{day:%Y-%m-%d},{i}" for i, day in enumerate(pd.date_range("2024-11-09", periods=9)))
    assert "from 9 Nov 2024 to 17 Nov 2024" in brought(f"date,cases\n{rows}\n")[1].sentences[0]
