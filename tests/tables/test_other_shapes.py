"""Tables whose dates stand in several columns, or in the header: one series with the right dates, and a sentence that says so."""

import datetime as dt

import pandas as pd
import pytest

from forecasting.support.errors import DataError
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel, read_raw_table
from forecasting.tables.table_preview import preview_table
from forecasting.tables.unmapped_table import read_unmapped_table

ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
FRENCH = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
DAY_HOURS = [f"{hour:02d}" for hour in range(1, 25)]
DIGITS = [f"{month:02d}" for month in range(1, 13)]


def read(text, name="x.csv"):
    """What the command line reads of a text, in the order of regions and dates."""
    panel, notes = read_unmapped_table(read_raw_table(text.encode(), name))
    return panel.table, (*notes, *panel.notes)


def by_month(names, before="", start=2010):
    """Twelve years of months whose figures count on from 0."""
    head = f"{before and 'Ort,'}year,{','.join(names)}\n"
    return head + "".join(
        f"{before and before + ','}{start + y},{','.join(str(12 * y + m) for m in range(12))}\n" for y in range(12)
    )


@pytest.mark.parametrize("names", [ENGLISH, GERMAN, FRENCH, DIGITS])
def test_a_row_a_year_with_a_column_a_month_is_one_monthly_series(names):
    table, notes = read(by_month(names))
    assert table["date"].tolist() == pd.date_range("2010-01-01", periods=144, freq="MS").tolist()
    assert table["value"].tolist() == list(range(144))
    assert any(f"'{names[0]}' to '{names[-1]}', are read as the months of one series" in note for note in notes)


def test_so_it_is_in_python_on_the_page_and_by_a_mapping_of_its_own_columns():
    content = by_month(ENGLISH).encode()
    assert read_panel(content, "x.csv", cumulative=False).table["value"].tolist() == list(range(144))
    looked = preview_table(content, "x.csv")
    panel, report = read_mapped_table(content, "x.csv", looked.mapping)
    assert panel.table["value"].tolist() == list(range(144))
    assert any("the months of one series" in sentence for sentence in report.sentences)
    wished = ColumnMapping(date="year", wide=("Jan", "Feb"))
    assert read_mapped_table(content, "x.csv", wished)[0].regions() == ["Jan", "Feb"]


def test_places_beside_the_months_stay_places():
    text = by_month(ENGLISH, "Bern") + by_month(ENGLISH, "Basel").split("\n", 1)[1]
    table, _ = read(text)
    assert table["region"].value_counts().to_dict() == {"Bern": 144, "Basel": 144}


def test_a_total_beside_the_months_is_left_out_and_so_are_months_to_come():
    lines = by_month(ENGLISH).splitlines()
    lines = [lines[0] + ",Total", *(line + ",999" for line in lines[1:-1]), "2021,132,133,,,,,,,,,,,265"]
    table, notes = read("\n".join(lines))
    assert table["date"].max() == pd.Timestamp("2021-02-01")
    assert table["value"].max() == 133
    assert any("Left out beside them: 'Total'" in note for note in notes)


def test_a_year_that_begins_in_july_ends_in_the_next_one():
    table, notes = read(by_month(ENGLISH[6:] + ENGLISH[:6]))
    assert table["date"].tolist() == pd.date_range("2010-07-01", periods=144, freq="MS").tolist()
    assert any("taken as that of 'Jul', so that 'Jun' is in the next one" in note for note in notes)


@pytest.mark.parametrize("names", ["Q1,Q2,Q3,Q4", "T1,T2,T3,T4", "1. Quartal,2. Quartal,3. Quartal,4. Quartal"])
def test_quarters_beside_a_year_are_quarters(names):
    table, _ = read(f"year,{names}\n" + "".join(f"{year},5,6,3,4\n" for year in range(2010, 2020)))
    assert table["date"].tolist() == pd.date_range("2010-01-01", periods=40, freq="QS").tolist()


def test_days_beside_a_year_and_a_month_are_days():
    days = ",".join(map(str, range(1, 32)))
    lines = []
    for month in pd.period_range("2019-01", "2020-12", freq="M"):
        cells = [str(100 + day) if day <= month.days_in_month else "" for day in range(1, 32)]
        lines.append(f"{month.year},{month.month},{','.join(cells)}\n")
    table, _ = read(f"year,month,{days}\n" + "".join(lines))
    assert table["date"].tolist() == pd.date_range("2019-01-01", "2020-12-31").tolist()
    assert (table["value"] == 100 + table["date"].dt.day).all()


@pytest.mark.parametrize("names", [range(24), DAY_HOURS, [f"H{i}" for i in range(1, 25)]])
def test_hours_beside_a_day_are_hours(names):
    text = "date," + ",".join(map(str, names)) + "\n"
    text += "".join(f"2024-01-{day:02d},{','.join(str(50 + i) for i in range(24))}\n" for day in range(1, 15))
    table, _ = read(text)
    assert table["date"].tolist() == pd.date_range("2024-01-01", periods=336, freq="h").tolist()


STAMPS = pd.date_range("2020-01-01", periods=24 * 14, freq="h")


@pytest.mark.parametrize(
    ("head", "written"),
    [
        ("date,time,value", "{0:%Y-%m-%d},{0:%H:%M}"),
        ("Datum,Uhrzeit,Wert", "{0:%d.%m.%Y},{0:%H:%M:%S}"),
        ("Date,Time,kWh", "{0:%Y-%m-%d},{0:%I:%M %p}"),
        ("day,hour,value", "{0:%Y-%m-%d},{0.hour}"),
        ("date,hhmm,value", "{0:%Y%m%d},{0.hour}00"),
    ],
)
def test_times_in_a_column_of_their_own_belong_to_the_days(head, written):
    text = f"{head}\n" + "".join(f"{written.format(stamp)},{50 + stamp.hour}\n" for stamp in STAMPS)
    table, notes = read(text)
    assert table["date"].tolist() == STAMPS.tolist()
    assert (table["value"] == 50 + table["date"].dt.hour).all()
    assert any("are put together" in note for note in notes)


def test_hour_1_of_24_begins_at_midnight():
    text = "day,hour,value\n" + "".join(f"{stamp:%Y-%m-%d},{stamp.hour + 1},{50 + stamp.hour}\n" for stamp in STAMPS)
    table, notes = read(text)
    assert table["date"].tolist() == STAMPS.tolist()
    assert any("hour 1 begins at 00:00" in note for note in notes)


def test_half_hours_that_are_numbered_are_half_hours():
    text = "SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND\n" + "".join(
        f"2024-01-{1 + i // 48:02d},{i % 48 + 1},{900 + i % 48}\n" for i in range(480)
    )
    assert read(text)[0]["date"].tolist() == pd.date_range("2024-01-01", periods=480, freq="30min").tolist()


def test_an_hour_beside_days_that_are_there_once_is_a_further_figure():
    text = "date,hour,value\n" + "".join(f"2024-01-{day:02d},{7 + day % 3},{day}\n" for day in range(1, 31))
    assert read(text)[0]["date"].tolist() == pd.date_range("2024-01-01", periods=30).tolist()


def mmwr_weeks(first, last):
    """Year, week and Saturday of the MMWR weeks of some years, told by counting on from a known Saturday."""
    saturday, year, week = dt.date(2017, 1, 7), 2017, 1
    while year <= last:
        if year >= first:
            yield year, week, saturday
        saturday += dt.timedelta(days=7)
        # A week belongs to the year that has its Wednesday.
        week = week + 1 if (saturday - dt.timedelta(days=3)).year == year else 1
        year = (saturday - dt.timedelta(days=3)).year


@pytest.mark.parametrize(
    ("head", "written"),
    [
        ("epiweek", "{0}{1:02d}"),
        ("mmwr_week", "{0}{1:02d}"),
        ("epi_week", "{0}{1:02d}"),
        ("MMWR year/week", "{0}{1:02d}"),
        ("epiweek", "{0}-W{1:02d}"),
        ("MMWR Year,MMWR Week", "{0},{1}"),
        ("year,epiweek", "{0},{1}"),
    ],
)
def test_weeks_of_epidemiologists_end_on_saturdays(head, written):
    weeks = list(mmwr_weeks(2019, 2021))
    assert (2020, 1, dt.date(2020, 1, 4)) in weeks
    assert (2020, 53, dt.date(2021, 1, 2)) in weeks
    text = f"{head},cases\n" + "".join(f"{written.format(*week)},{50 + week[1] % 9}\n" for week in weeks)
    table, notes = read(text)
    assert table["date"].dt.date.tolist() == [saturday for _, _, saturday in weeks]
    assert any("MMWR weeks (Sunday to Saturday)" in note for note in notes)


@pytest.mark.parametrize(
    ("head", "written"),
    [("iso_week", "{0}{1:02d}"), ("week", "{0}{1:02d}"), ("week", "{0}-W{1:02d}"), ("year,week", "{0},{1}")],
)
def test_other_weeks_are_iso_weeks(head, written):
    days = [dt.date(2020, 1, 5) + dt.timedelta(days=7 * i) for i in range(100)]
    weeks = [written.format(*day.isocalendar()[:2]) for day in days]
    table, notes = read(f"{head},cases\n" + "".join(f"{week},{50 + i % 9}\n" for i, week in enumerate(weeks)))
    assert table["date"].dt.date.tolist() == days
    assert "W" in written or any("ISO weeks" in note for note in notes)


@pytest.mark.parametrize(
    ("periods", "dates", "said"),
    [
        (
            [f"{day:%Y-%m-%d}/{day + pd.Timedelta(days=6):%Y-%m-%d}" for day in pd.date_range("2020-01-06", periods=30, freq="7D")],
            pd.date_range("2020-01-06", periods=30, freq="7D"),
            "Intervals such as '2020-01-06/2020-01-12' are dated by their beginning.",
        ),
        (
            [f"{day:%d/%m/%Y} - {day + pd.Timedelta(days=6):%d/%m/%Y}" for day in pd.date_range("2020-01-06", periods=30, freq="7D")],
            pd.date_range("2020-01-06", periods=30, freq="7D"),
            "dated by their beginning",
        ),
        (
            [f"{year}/{(year + 1) % 100:02d}" for year in range(1994, 2015)],
            pd.date_range("1994-01-01", periods=21, freq="YS"),
            "Seasons such as '1994/95' are dated by 1 January of their first year.",
        ),
        (
            [f"{year}/{(year + 1) % 100:02d}" for year in range(2002, 2012)],
            pd.date_range("2002-01-01", periods=10, freq="YS"),
            "Seasons such as '2002/03'",
        ),
        ([f"FY{year}" for year in range(2000, 2020)], pd.date_range("2000-01-01", periods=20, freq="YS"), "Fiscal years"),
        ([f"FY{year:02d}" for year in range(10, 24)], pd.date_range("2010-01-01", periods=14, freq="YS"), "Fiscal years"),
        ([f"{2000 + i // 2}H{i % 2 + 1}" for i in range(20)], pd.date_range("2000-01-01", periods=20, freq="6MS"), "Half-years"),
        ([f"H{i % 2 + 1} {2000 + i // 2}" for i in range(20)], pd.date_range("2000-01-01", periods=20, freq="6MS"), "Half-years"),
        ([f"FY21 Q{i}" for i in range(1, 5)], pd.date_range("2021-01-01", periods=4, freq="QS"), "Fiscal quarters"),
        ([f"FY21 M{i:02d}" for i in range(1, 13)], pd.date_range("2021-01-01", periods=12, freq="MS"), "Fiscal periods"),
        ([f"FY2021 P{i:02d}" for i in range(1, 13)], pd.date_range("2021-01-01", periods=12, freq="MS"), "Fiscal periods"),
    ],
)  # fmt: skip
def test_periods_that_are_no_dates_have_one_and_it_is_said_which(periods, dates, said):
    table, notes = read("period,cases\n" + "".join(f"{period},{50 + i % 9}\n" for i, period in enumerate(periods)))
    assert table["date"].tolist() == dates.tolist()
    assert any(said in note for note in notes)


def test_months_with_a_slash_stay_months():
    months = pd.date_range("2009-10-01", periods=24, freq="MS")
    table, _ = read("month,cases\n" + "".join(f"{month:%Y/%m},{50 + month.month}\n" for month in months))
    assert table["date"].tolist() == months.tolist()


def half_hours(meter):
    lines = [f"{meter},2024-01-{day:02d},{','.join(str(i % 9) for i in range(48))}\n" for day in range(1, 15)]
    return "".join(lines)


def test_half_hours_of_several_meters_are_told_apart_by_their_numbers():
    head = "MPAN,Date," + ",".join(f"{i // 2:02d}:{i % 2 * 30:02d}" for i in range(48)) + "\n"
    table, notes = read(head + half_hours(1234) + half_hours(5678))
    assert table.groupby("region").size().to_dict() == {"1234": 672, "5678": 672}
    assert any("are read as the times of day of one series, with the day in 'Date'" in note for note in notes)


def test_figures_of_several_months_beside_the_months_are_left_out():
    lines = by_month(ENGLISH).splitlines()
    text = "\n".join([f"{lines[0]},J-D,DJF", *(f"{line},.5,***" for line in lines[1:])])
    table, notes = read("Land and ocean: global means\n" + text)
    assert table["value"].tolist() == list(range(144))
    assert any("Left out beside them: 'J-D', 'DJF'" in note for note in notes)


def test_a_time_of_begin_beside_one_of_end_is_the_time():
    text = "Datum;Anfang;Ende;Gesamt [MWh]\n" + "".join(
        f"{stamp:%d.%m.%Y};{stamp:%H:%M};{stamp + pd.Timedelta(hours=1):%H:%M};{50 + stamp.hour},25\n"
        for stamp in STAMPS
    )
    table, notes = read(text)
    assert table["date"].tolist() == STAMPS.tolist()
    assert any("Other times are left out: 'Ende'" in note for note in notes)


def test_intervals_of_times_begin_with_the_first():
    text = "Time (CET/CEST),Load\n" + "".join(
        f"{stamp:%d.%m.%Y %H:%M} - {stamp + pd.Timedelta(hours=1):%d.%m.%Y %H:%M},{stamp.hour}\n" for stamp in STAMPS
    )
    assert read(text)[0]["date"].tolist() == STAMPS.tolist()


def test_hours_with_a_word_before_them_are_hours():
    text = "Date,Hour,MW\n" + "".join(f"{stamp:%Y-%m-%d},HE {stamp.hour + 1:02d},{stamp.hour}\n" for stamp in STAMPS)
    assert read(text)[0]["date"].tolist() == STAMPS.tolist()


def across(header, rows=("France", "Spain")):
    """A row a place with a column a date, each figure a number of its own."""
    lines = [f"{row},{','.join(str(10 * place + i % 7) for i in range(len(header)))}" for place, row in enumerate(rows)]
    return "\n".join([f"Country,{','.join(header)}", *lines, ""])


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ([str(year) for year in range(1990, 2021)], "1990-12-31", "2020-12-31"),
        ([f"{year} [YR{year}]" for year in range(1990, 2021)], "1990-12-31", "2020-12-31"),
        ([f"{month} {year}" for year in (2021, 2022) for month in ENGLISH], "2021-01-01", "2022-12-01"),
        ([f"{day:%Y-%m-%d 00:00:00}" for day in pd.date_range("2021-01-01", periods=9)], "2021-01-01", "2021-01-09"),
        ([f"{day:%d.%m.%Y}" for day in pd.date_range("2021-01-01", periods=40)], "2021-01-01", "2021-02-09"),
        ([f"Q{quarter} {year}" for year in (2021, 2022) for quarter in (1, 2, 3, 4)], "2021-01-01", "2022-10-01"),
    ],
)
def test_dates_in_the_header_are_rows_of_each_place(header, first, last):
    table, notes = read(across(header))
    assert table["region"].unique().tolist() == ["France", "Spain"]
    dates = table.loc[table["region"] == "France", "date"]
    assert len(dates) == len(header)
    assert {dates.iloc[0].year, dates.iloc[-1].year} == {pd.Timestamp(first).year, pd.Timestamp(last).year}
    if len(header) != 31:
        assert (dates.iloc[0], dates.iloc[-1]) == (pd.Timestamp(first), pd.Timestamp(last))
    assert table.loc[table["region"] == "Spain", "value"].tolist()[:8] == [10, 11, 12, 13, 14, 15, 16, 10]
    assert f"{len(header)} columns, '{header[0]}' to '{header[-1]}', are read as dates, a row each." in notes


def test_years_above_months_are_the_months_of_these_years():
    text = "Month,2021,2022,2023\n" + "".join(f"{name},{i},{i + 20},{i + 40}\n" for i, name in enumerate(ENGLISH))
    for table, notes in (read(text), read(text + "Total,66,306,546\n")):
        assert table["date"].tolist() == pd.date_range("2021-01-01", periods=36, freq="MS").tolist()
        assert table["value"].tolist() == [*range(12), *range(20, 32), *range(40, 52)]
        assert any("are read as the years of the months in 'Month'" in note for note in notes)


@pytest.mark.parametrize(
    "text",
    [
        "date,2019,2020,2021\n" + "".join(f"2024-01-{day:02d},{day},{day + 1},7\n" for day in range(1, 20)),
        "date,value,2019\n" + "".join(f"2024-01-{day:02d},{day % 7},{day}\n" for day in range(1, 20)),
    ],
)
def test_columns_called_as_years_beside_dates_stay_columns(text):
    assert read(text)[0]["date"].nunique() == 19


def test_prices_beside_days_are_no_times_of_day():
    text = "date,shop,price\n" + "".join(f"2024-01-{d:02d},{s},{d % 9}.{10 + d}\n" for d in range(1, 29) for s in "AB")
    panel, _ = read_mapped_table(text.encode(), "x.csv", preview_table(text.encode(), "x.csv").mapping)
    assert panel.counts("A").tolist()[:3] == [1.11, 2.12, 3.13]


def test_a_second_table_below_is_refused_and_a_repeated_header_is_not():
    first = "Month,Sales\n" + "".join(f"2024-{month:02d},{month + 5}\n" for month in range(1, 13))
    more = first.replace("2024", "2025")
    with pytest.raises(
        DataError, match=r"x: a second table begins in line 16 \(its columns are called 'Month' and 'Costs'\)"
    ):
        mapped(f"{first}\n\n{more.replace('Sales', 'Costs')}")
    with pytest.raises(DataError, match="a second table begins in line 16"):
        mapped(f"{first}\n\n{first.replace('Sales', 'Costs')}")
    assert len(mapped(f"{first}\n\n{more}").table) == 24


def mapped(text):
    return read_mapped_table(text.encode(), "x", preview_table(text.encode(), "x").mapping)[0]


def test_two_tables_side_by_side_are_told_from_a_name_that_is_there_twice():
    row = "2024-01,5,,2024-01,7\n2024-02,5,,2024-02,7\n"
    with pytest.raises(DataError, match="or give one of two tables that stand side by side"):
        preview_table(f"Month,Sales,,Month,Costs\n{row}".encode(), "x")
    with pytest.raises(DataError, match=r"'Sales' twice; rename one of them\.$"):
        preview_table(b"Month,Sales,Sales\n2024-01,5,6\n", "x")


def test_a_title_with_commas_in_it_stands_above_the_header():
    table = "Month,Shop,Sales\n" + "".join(f"2024-{month:02d},Airport,{month % 7}\n" for month in range(1, 13))
    panel = mapped("Sales report, all shops\nprinted on 2026-04-01\n\n" + table)
    assert panel.counts("Airport").tolist()[:3] == [1, 2, 3]
    assert "The table begins below its title, lines 1 to 2." in panel.notes


def test_times_of_meals_beside_days_that_are_there_once_are_no_stamps():
    text = "date,lunch,value\n" + "".join(f"2024-01-{day:02d},12:{day:02d},{day % 7}\n" for day in range(1, 31))
    assert read(text)[0]["date"].tolist() == pd.date_range("2024-01-01", periods=30).tolist()


def test_columns_1_to_24_may_be_shops_and_stay_regions():
    text = "date," + ",".join(map(str, range(1, 25))) + "\n"
    text += "".join(f"2024-01-{day:02d},{','.join(str(50 + day % 7 + i) for i in range(24))}\n" for day in range(1, 31))
    assert read(text)[0]["region"].nunique() == 24


def test_days_of_the_year_are_days():
    days = pd.date_range("2019-01-01", "2020-12-31")
    text = "year,doy,temp\n" + "".join(f"{day.year},{day.day_of_year},{day.day_of_year % 9}.5\n" for day in days)
    assert read(text)[0]["date"].tolist() == days.tolist()
