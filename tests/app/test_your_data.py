"""A visitor's own table, from the file to the forecast, by Streamlit's own harness."""

import contextlib
import hashlib
import io
import json
import re
import runpy
import shlex
import threading

import pandas as pd
import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest
from sweeps import only_whole
from visiting import PATIENCE, SCRIPT, settled

from forecasting.cli.main import main
from forecasting.services.service import forecasts_table
from forecasting.tables.column_mapping import ColumnMapping
from ui.shell import uploads
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import ELSEWHERE
from ui.your_data.ways_in import SHAPE_REGIONS, example_tables, sample_file

PAGE = "pages/your_data.py"


def table(level=100, regions=("Here", "There")):
    """Two years of weeks in two places."""
    weeks = pd.date_range("2021-01-02", periods=104, freq="W-SAT")
    rows = [
        {"date": week, "region": region, "value": level + i % 10 + 5 * place}
        for place, region in enumerate(regions)
        for i, week in enumerate(weeks)
    ]
    return pd.DataFrame(rows).to_csv(index=False, date_format="%Y-%m-%d").encode()


def source_of(content):
    return uploads.PREFIX + hashlib.sha256(content).hexdigest()[:8]


@pytest.fixture
def visitor(service):
    """``visitor(source="…")`` is a new visitor on Your data, having opened the link on Explore if there is one."""

    def visitor(**link):
        page = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE)
        for name, value in link.items():
            page.query_params[name] = str(value)
        page.session_state["downloads"] = page.session_state["share"] = True
        if link:
            page.run()
        return page.switch_page(PAGE).run()

    return visitor


def read(page):
    """The page when nothing is being read any more."""
    for _ in range(100):
        if not any(info.value.startswith("Reading") for info in page.info):
            break
        page.run()
    assert not page.exception
    return page


def upload(page, content, name="mine.csv"):
    page.file_uploader[0].upload(name, content).run()
    return read(page)


def press(page, label):
    next(button for button in page.button if button.label == label).click()
    return read(page.run())


def summary(page):
    """What the page says will be forecast; empty where nothing was read."""
    if "What will be forecast" not in [one.value for one in page.caption]:
        return ""
    return next(one.value.removeprefix("## ") for one in page.markdown if one.value.startswith("## ")).replace("\\", "")


def explore(page):
    return press(page, "See the forecast")


def test_a_dropped_file_is_understood_and_explored(visitor):
    page = upload(visitor(), table())
    assert not page.error
    assert summary(page) == "Two regions, weekly counts, 104 weeks, to 24 December 2022"
    assert any(one.value.startswith("mine.csv. 208 lines") for one in page.caption)
    explore(page)
    assert [heading.value for heading in page.subheader] == ["Here: counts"]
    data = page.sidebar.selectbox(key="source")
    assert data.value == source_of(table())
    assert data.options[-1] == "Yours: mine.csv"
    assert page.sidebar.selectbox(key="region").options == ["Here", "There"]
    assert page.query_params["source"] in (source_of(table()), [source_of(table())])


def test_the_sample_leads_to_explore_with_two_clicks(visitor):
    page = explore(press(visitor(), "Try a sample"))
    assert not page.error
    assert page.sidebar.selectbox(key="source").options[-1] == "Yours: sample.csv"
    assert (
        len(page.sidebar.selectbox(key="region").options) == pd.read_csv(io.BytesIO(sample_file()))["state"].nunique()
    )


def test_the_shapes_shown_are_tables_that_could_be_given(visitor):
    page = visitor()
    shown = [element.value for element in page.table]
    assert [list(table.columns) for table in shown] == [list(table.columns) for table in example_tables().values()]
    found = []
    for table in shown:
        page = explore(upload(visitor(), table.to_csv(index=False).encode()))
        assert not page.error
        found.append((page.sidebar.selectbox(key="region").options, page.main.subheader[0].value.split(":")[0]))
    assert found == [(list(SHAPE_REGIONS), SHAPE_REGIONS[0])] * 2
    assert not upload(visitor(), table.to_csv(index=False).encode()).table


def test_there_are_three_equal_ways_in_and_an_empty_paste_says_what_is_missing(visitor):
    page = visitor()
    ways = ["Drag or choose a file", "Paste a table", "Try a sample"]
    assert [one.value.removeprefix("## ") for one in page.markdown if one.value.startswith("## ")] == ways
    press(page, "Use this table")
    assert [one.value for one in page.warning] == [
        "Nothing was pasted: copy the rows with their header, and paste them above."
    ]


def test_a_pasted_table_is_a_file_like_any_other(visitor):
    page = visitor()
    page.text_area[0].set_value(table().decode())
    press(page, "Use this table")
    assert summary(page).startswith("Two regions")
    assert explore(page).sidebar.selectbox(key="source").options[-1] == "Yours: pasted table"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"one,two\n", b"PK\x03\x04 no archive", b"date,value\nx,y\n"]
)
def test_what_is_no_table_is_one_sentence_and_can_be_forgotten(visitor, content):
    page = upload(visitor(), content)
    (error,) = page.error
    assert "\n" not in error.value
    assert "Traceback" not in error.value
    assert "See the forecast" not in [button.label for button in page.button]
    press(page, "Remove this table")
    assert not page.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,size\nx,1\ny,2\n", "the columns are 'name', 'size'; give the columns region, date and value"),
        (b"date,comment\n2021-03-01,a\n2021-03-02,b\n", "Which column holds the counts? Choose it below."),
        (b"date,value\n2021-03-01,1\n2021-03-02,2\n\ndate,costs\n2021-03-01,1\n", "a second table begins in line 5"),
    ],
)
def test_what_is_missing_is_said_once(visitor, content, said):
    page = upload(visitor(), content)
    (sentence,) = [one.value for one in [*page.error, *page.info]]
    assert escape_markdown(said) in sentence


def test_a_file_that_breaks_the_reader_is_one_sentence_too(visitor, monkeypatch):
    monkeypatch.setattr("ui.shell.uploads.read_mapped_table", lambda *_: 1 / 0)
    page = upload(visitor(), table())
    assert [error.value for error in page.error] == [
        escape_markdown("mine.csv: it cannot be read; save the table anew as CSV.")
    ]


def with_dates(written, more=""):
    """Twelve months on which day and month cannot be told apart, each date as `written`."""
    days = pd.date_range("2021-01-01", periods=24, freq="MS")
    return "\n".join(
        ["when,cases", *(f"{day.strftime(written)},{100 + i}{more}" for i, day in enumerate(days))]
    ).encode()


def test_dates_that_can_be_read_in_two_ways_are_asked_about_first(visitor):
    page = upload(visitor(), with_dates("%d/%m/%Y"))
    assert not page.error
    assert not summary(page)
    assert [one for one in page.markdown if "is that" in one.value]
    (answers,) = [one for one in page.button_group if one.label.endswith("?") and "is that" in one.label]
    answers.set_value(True).run()
    read(page)
    assert summary(page) == "Monthly cases (counts), 24 months, to December 2022"
    assert "See the forecast" in [button.label for button in page.button]


def test_numbers_that_may_be_thousands_are_asked_about_with_what_each_format_makes_of_one(visitor):
    days = pd.date_range("2021-01-01", periods=60)
    rows = "\n".join(f"{day:%d.%m.%Y};{1 + i % 5}.{120 + 10 * i}" for i, day in enumerate(days))
    page = upload(visitor(), f"Datum;Umsatz\n{rows}".encode())
    assert not page.error
    assert not summary(page)
    (answers,) = [one for one in page.button_group if one.label.startswith("1.120: is that")]
    assert answers.options == ["1.12, written as 1,234.5", "1,120, written as 1.234,5"]
    answers.set_value("1.234,5").run()
    read(page)
    assert "60 lines" in "".join(one.value for one in page.caption)
    formats = next(box for box in page.selectbox if box.label == "Numbers are written")
    assert formats.value == "1.234,5"
    explore(page)
    assert "28.8 k" in page.title[0].value


def test_several_rows_a_period_are_summed_or_averaged_as_the_visitor_says(visitor):
    content = table(regions=("Here",)) + table(regions=("Here",)).split(b"\n", 1)[1]
    page = upload(visitor(), content)
    assert not summary(page)
    (answers,) = [one for one in page.button_group if one.label.endswith("summed or averaged?")]
    answers.set_value("sum").run()
    read(page)
    assert "208 lines" in "".join(one.value for one in page.caption)
    explore(page)
    assert "206" in page.title[0].value


def test_columns_that_never_fall_are_asked_about_as_everywhere(visitor):
    days = pd.date_range("2021-01-01", periods=60)
    frame = pd.DataFrame(
        {"date": days, "A": [9 * i + i % 4 for i in range(60)], "B": [5 * i + i % 3 for i in range(60)]}
    )
    page = upload(visitor(), frame.to_csv(index=False).encode())
    (answers,) = [one for one in page.button_group if one.label == "'A' and 'B' never fall: are these running totals?"]
    answers.set_value(True).run()
    explore(read(page))
    last = re.search(r"the ([\d,]+) of the 7 days before", page.title[0].value)[1]
    assert float(last) == pytest.approx(7 * 9, abs=7)


def test_a_year_beside_months_is_one_series_and_the_page_says_so(visitor):
    months = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec"
    rows = "".join(f"{year},{','.join(str(50 + month) for month in range(12))}\n" for year in range(2010, 2016))
    page = upload(visitor(), f"year,{months}\n{rows}".encode())
    assert summary(page) == "Monthly counts, 72 months, to December 2015"
    assert any("read as the months of one series" in one.value for one in [*page.markdown, *page.caption])


def test_another_column_can_be_the_counts(visitor):
    rows = pd.read_csv(io.BytesIO(table()), dtype=str).assign(beds=range(7000, 7208))
    page = upload(visitor(), rows.to_csv(index=False).encode())
    counts = next(box for box in page.selectbox if box.label == "Figures")
    assert counts.options[counts.index] == "value"
    counts.select("beds").run()
    explore(read(page))
    assert [heading.value for heading in page.subheader] == ["Here: beds"]


def test_a_column_that_is_no_longer_on_offer_is_taken_out_of_the_extra_columns_without_a_warning(
    visitor, caplog, monkeypatch
):
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)  # it is given once a process
    page = upload(visitor(), with_beds())
    extra = next(box for box in page.multiselect if box.label == "Extra columns to use")
    assert extra.value == ["beds"]
    next(box for box in page.selectbox if box.label == "Figures").select("beds").run()
    extra = next(box for box in read(page).multiselect if box.label == "Extra columns to use")
    assert (extra.options, extra.value) == (["value"], [])
    assert "The widget with key" not in caplog.text


def test_a_choice_counts_that_is_made_just_before_the_figures_are_explored(visitor):
    """On a busy server both clicks come in one run; the first must not be lost."""
    page = upload(visitor(), with_beds())
    next(box for box in page.selectbox if box.label == "Figures").select("beds")
    explore(page)
    assert [heading.value for heading in page.subheader] == ["Here: beds"]


def test_two_visitors_who_read_one_file_differently_each_see_their_own_figures(visitor):
    rows = pd.read_csv(io.BytesIO(table()), dtype=str).assign(beds=range(7000, 7208))
    mine, other = (upload(visitor(), rows.to_csv(index=False).encode()) for _ in range(2))
    next(box for box in other.selectbox if box.label == "Figures").select("beds").run()
    explore(read(other))
    assert "103" in explore(mine).title[0].value
    for page, last in ((other, "7,103"), (mine, "103")):
        assert last in page.switch_page("pages/explore.py").run().title[0].value


def test_a_workbook_is_read_from_the_sheet_that_is_chosen(visitor):
    book = io.BytesIO()
    with pd.ExcelWriter(book) as writer:
        pd.DataFrame({"note": ["nothing here"]}).to_excel(writer, sheet_name="About", index=False)
        pd.read_csv(io.BytesIO(table())).to_excel(writer, sheet_name="Figures", index=False)
    page = upload(visitor(), book.getvalue(), "book.xlsx")
    next(box for box in page.selectbox if box.label == "Sheet").select("Figures").run()
    assert summary(read(page)).startswith("Two regions")
    next(box for box in page.selectbox if box.label == "Sheet").select("About").run()
    assert not summary(read(page))


def test_problems_are_listed_by_line_and_column_with_what_to_do(visitor):
    page = upload(visitor(), table().replace(b",Here,103\n", b",Here,many\n", 1))
    assert not page.error
    problems = page.dataframe[-1].value
    assert list(problems.columns) == ["Line", "Column", "Cell", "What is there", "What to do"]
    assert problems.iloc[0].tolist()[:3] == [5, "value", "many"]
    assert any("taken as missing" in one.value for one in page.markdown)


def test_a_table_with_a_column_a_region_is_understood(visitor):
    wide = pd.read_csv(io.BytesIO(table())).pivot(index="date", columns="region", values="value")
    page = upload(visitor(), wide.to_csv().encode())
    assert summary(page) == "Here and There, weekly counts, 104 weeks, to 24 December 2022"
    assert next(box for box in page.multiselect if box.label == "Regions").value == ["Here", "There"]


def test_a_file_is_on_every_page_until_it_is_forgotten(visitor):
    page = explore(upload(visitor(), table()))
    for name in ("regions", "compare", "time_machine", "explore"):
        page.switch_page(f"pages/{name}.py").run()
        assert not page.exception
        assert page.sidebar.selectbox(key="source").value == source_of(table())
    page.switch_page(PAGE).run()
    press(page, "Remove this table")
    page.switch_page("pages/explore.py").run()
    assert page.sidebar.selectbox(key="source").value == "bundled"
    assert not any("Yours" in option for option in page.sidebar.selectbox(key="source").options)


def test_several_files_are_kept_and_no_more_than_five_and_a_picture_is_none_of_them(visitor):
    page = visitor()
    upload(page, b"\x89PNG\r\n\x1a\n\x00\x01\x02", "photo.csv")
    assert any("Five more tables can be kept beside." in one.label for one in page.expander)
    (error,) = page.error
    assert "photo" in error.value
    for level in range(5):
        upload(page, table(level=100 + level), f"file {level}.csv")
        assert not page.error
    assert [one.label.split(". ")[1] for one in page.expander if one.label.startswith("Bring")] == [
        "Five tables are kept, which is the most: remove one to bring another."
    ]
    assert page.file_uploader[0].proto.disabled
    assert page.selectbox(key="your file").options == [f"file {level}.csv" for level in range(5)]
    press(page, "Remove file 4.csv")
    assert not page.file_uploader[0].proto.disabled
    assert any("One more table can be kept beside." in one.label for one in page.expander)
    assert page.selectbox(key="your file").options == [f"file {level}.csv" for level in range(4)]


def test_other_visitors_neither_see_the_file_nor_get_its_figures(visitor):
    explore(upload(visitor(), table()))
    other = visitor(source=source_of(table()), region="There", models="ets")
    other.switch_page("pages/explore.py").run()
    assert other.sidebar.selectbox(key="source").value == "bundled"
    assert not any("Yours" in option for option in other.sidebar.selectbox(key="source").options)


@pytest.mark.parametrize("name", ["explore", "regions", "compare", "time_machine"])
def test_a_link_to_a_file_that_is_not_here_says_what_it_needs_once_and_shows_the_bundled_figures(service, name):
    page = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE)
    page.switch_page(f"pages/{name}.py")
    for what, value in {"source": "yours-0123abcd", "region": "There", "horizon": "9999", "date": "2022-01-01"}.items():
        page.query_params[what] = value
    settled(page.run())
    assert not page.exception
    assert [info.value for info in page.info if "This link" in info.value] == [escape_markdown(ELSEWHERE)]
    assert page.sidebar.selectbox(key="source").value == "bundled"


def test_whoever_gives_the_file_that_a_link_shows_gets_the_view_of_the_link(visitor):
    page = visitor(source=source_of(table()), statistic="value", region="There", models="ets,theta", horizon="7")
    assert any("link" in info.value for info in page.info)
    explore(upload(page, table(), "the same under another name.csv"))
    assert [heading.value for heading in page.subheader] == ["There: counts"]
    assert page.session_state["models"] == ["ets", "theta"]
    assert page.sidebar.slider(key="horizon_weekly").value == 7
    assert not any("This link" in info.value for info in page.info)


def test_marks_in_a_name_are_shown_as_text(visitor):
    page = upload(
        visitor(), table(regions=("![](http://example.org/a.png)", "B")), "a ![](http://example.org/b.png).csv"
    )
    explore(page)
    shown = "\n".join(one.value for one in [*page.subheader, *page.caption, *page.markdown])
    assert "![](" not in shown


# A mapping by hand: in links, in what can be run elsewhere, and as a file


def with_beds():
    """The table with a second column of counts."""
    return pd.read_csv(io.BytesIO(table()), dtype=str).assign(beds=range(7000, 7208)).to_csv(index=False).encode()


def of_beds(page, name="mine.csv"):
    """Give it, have the beds forecast, and explore them."""
    upload(page, with_beds(), name)
    next(box for box in page.selectbox if box.label == "Figures").select("beds").run()
    return explore(read(page))


def link_of(page):
    """What the address says."""
    return {name: values[0] if isinstance(values, list) else values for name, values in page.query_params.items()}


def infos(page):
    return [info.value for info in page.info]


def test_a_link_says_which_column_is_what_where_that_was_changed(visitor):
    sender = of_beds(visitor())
    link = link_of(sender)
    assert json.loads(link["mapping"]) == {"value": "beds", "covariates": []}
    assert not any("mine" in value for value in link.values())
    page = visitor(**link)
    assert escape_markdown("The link holds its fingerprint (") in infos(page)[0]
    upload(page, with_beds(), "another name.csv")
    assert any("its columns are read as the link says" in info for info in infos(page))
    assert next(box for box in page.selectbox if box.label == "Figures").value is not None
    explore(page)
    assert [heading.value for heading in page.subheader] == ["Here: beds"]
    for one in (sender, page):  # one may have the forecast of the network still
        assert "7,103 the week before." in one.title[0].value
    assert link_of(page) == link


def test_a_link_s_file_that_is_read_at_the_last_moment_is_told_to_be_read_as_the_link_says(visitor, monkeypatch):
    """What is said of the link and what is shown of the file are of the same moment."""
    page = visitor(**link_of(of_beds(visitor())))
    shown, look = threading.Event(), uploads.preview_table
    monkeypatch.setattr(uploads, "preview_table", lambda *given: shown.wait(PATIENCE) and look(*given))

    @contextlib.contextmanager
    def aside():  # the page waits for what it shows of a file
        shown.set()
        yield

    monkeypatch.setattr("ui.shell.runtime.script_turns.released", aside)
    monkeypatch.setattr("ui.your_data.page.PATIENCE", PATIENCE)
    page.file_uploader[0].upload("mine.csv", with_beds()).run(timeout=2 * PATIENCE)
    assert not any(info.startswith("Reading") for info in infos(page))
    assert any("its columns are read as the link says" in info for info in infos(page))


def test_a_link_says_nothing_of_what_is_proposed_anyway(visitor):
    assert "mapping" not in link_of(explore(upload(visitor(), table())))


def test_a_link_to_a_file_called_cumulative_is_read_the_same_under_another_name(visitor):
    sender = explore(upload(visitor(), table(), "cumulative.csv"))
    link = link_of(sender)
    assert json.loads(link["mapping"]) == {"cumulative": True}
    page = explore(upload(visitor(**link), table(), "mine.csv"))
    for one in (sender, page):
        assert " 1 the week before." in one.title[0].value, "the counts of each week, not the totals"
    link = link_of(explore(upload(visitor(), table(), "mine.csv")))
    page = explore(upload(visitor(**link), table(), "cumulative.csv"))
    assert "103" in page.title[0].value


def test_a_link_has_the_sheet_that_was_chosen(visitor):
    book = io.BytesIO()
    with pd.ExcelWriter(book) as writer:
        pd.DataFrame({"note": ["nothing here"]}).to_excel(writer, sheet_name="About", index=False)
        pd.read_csv(io.BytesIO(table())).to_excel(writer, sheet_name="Figures", index=False)
    sender = upload(visitor(), book.getvalue(), "book.xlsx")
    next(box for box in sender.selectbox if box.label == "Sheet").select("Figures").run()
    link = link_of(explore(read(sender)))
    assert json.loads(link["mapping"]) == {"sheet": "Figures"}
    page = explore(upload(visitor(**link), book.getvalue(), "other.xlsx"))
    assert "103" in page.title[0].value


HOSTILE = [
    "", "{", "[]", "x" * 5000, '{"value":' * 100, '{"value":5}', '{"value":"nothing"}', '{"date":"value"}', '{"sheet":"2","wide":[]}',
    '{"value":"![](http://example.org/a.png)"}', '{"value":"date"}', '{"combine":"rm"}', '{"date":null}', '{"region":"\\ud800"}',
    '{"__init__":1}', '{"wide":["value"]}',
]  # fmt: skip


#: Those whose like is among the others; what is said of each is asked of the mapping itself (`tests/tables`).
ALIKE = ("[]", '{"value":' * 100, '{"date":"value"}', '{"combine":"rm"}', '{"__init__":1}', '{"wide":["value"]}')


@pytest.mark.parametrize("wish", only_whole(HOSTILE, *ALIKE))
def test_a_broken_mapping_in_a_link_is_one_sentence_and_the_file_is_read_as_proposed(visitor, wish):
    link = {"source": source_of(table()), "statistic": "value", "region": "There", "mapping": wish}
    page = upload(visitor(**link), table())
    said = [info for info in infos(page) if info.startswith("The link says which column is what, but not so that")]
    if wish not in ("", '{"sheet":"2","wide":[]}'):  # a table that is no workbook has no sheets to choose from
        assert len(said) == 1
        assert len(said[0]) < 600
        assert said[0].endswith("It was read as is proposed here.")
        assert "![](" not in said[0]
        assert "\n" not in said[0]
    assert not page.error
    assert summary(page).startswith("Two regions")
    explore(page)
    assert [heading.value for heading in page.subheader] == ["There: counts"]
    assert "108" in page.title[0].value


def test_a_mapping_too_long_for_a_link_is_not_in_it_and_the_page_says_so(visitor, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_LETTERS", 20)
    page = of_beds(visitor())
    assert "mapping" not in link_of(page)
    (shared,) = [one.value for one in page.caption if one.value.startswith("This link opens")]
    assert shared.endswith("Which column is what is too long for a link\\: it has to be chosen there as you did.")


def test_what_a_file_of_one_series_is_called_is_not_in_its_link(visitor):
    content = table(regions=("",)).replace(b",,", b",").replace(b"date,region,value", b"date,value")
    sender = explore(upload(visitor(), content, "secret name.csv"))
    assert [heading.value for heading in sender.subheader] == ["secret name: counts"]
    link = link_of(sender)
    assert "secret" not in json.dumps(link)
    page = explore(upload(visitor(**link), content, "other.csv"))
    assert [heading.value for heading in page.subheader] == ["other: counts"]
    assert not any("This link" in info for info in infos(page))


def test_the_page_tells_both_sides_of_a_link_what_the_other_person_needs(visitor):
    sender = explore(upload(visitor(), table(), "private.csv"))
    fingerprint = source_of(table()).removeprefix("yours-")
    (shared,) = [one.value for one in sender.caption if one.value.startswith("This link opens")]
    assert shared == escape_markdown(
        "This link opens the same view elsewhere. The other person needs the file that you gave, and gives it on Your data, "
        f"unchanged and under any name: the link knows it by its fingerprint ({fingerprint}) and holds neither the file nor "
        "its name."
    )
    opened = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE)
    for name, value in link_of(sender).items():
        opened.query_params[name] = value
    settled(opened.run())
    (met,) = [info for info in infos(opened) if "This link" in info]
    for word in ("a fingerprint of it, neither the file nor its name", "unchanged and under any name, on Your data"):
        assert word in met
    page = opened.switch_page(PAGE).run()
    assert infos(page)[0] == escape_markdown(
        f"You opened a link to somebody's own file. The link holds its fingerprint ({fingerprint}), neither the file nor its "
        "name: give the same file here, unchanged and under any name, and the link can be followed."
    )
    upload(page, table(level=101), "private.csv")
    assert infos(page)[0].endswith(
        escape_markdown("None of the files here is that one: with one sign changed it is another.")
    )
    upload(page, table(), "called otherwise.csv")
    assert infos(page)[0] == escape_markdown(
        "This is the file that the link you opened shows: see the forecast to get the same view."
    )
    shown = "".join([*infos(opened), *infos(page), *link_of(sender).values()])
    assert "private" not in shown


def test_what_the_page_says_to_run_elsewhere_gives_its_figures(visitor, service, tmp_path, monkeypatch):
    page = of_beds(visitor(), "the beds.csv")
    panel = page.session_state["your files"][source_of(with_beds())].read().panel
    series = service.series(panel, "Here", "beds")
    models = link_of(page)["models"].split(",")
    horizon = int(link_of(page)["horizon"])
    line = next(code.value for code in page.code if "--input" in code.value)
    script = next(code.value for code in page.code if "read_mapped_file(" in code.value)
    few = line.replace(f"--models {','.join(models)}", "--models ets,theta")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    (tmp_path / "the beds.csv").write_bytes(with_beds())
    (tmp_path / "again.py").write_text(script.replace(repr(tuple(models)), "('ets', 'theta')"))
    forecasts = [service.forecast(series, name, horizon) for name in ("ets", "theta")]
    wanted = forecasts_table("Here", series, forecasts)
    words = shlex.split("\n".join(row for row in few.splitlines() if not row.startswith("#")).replace("\\\n", " "))
    for run in (lambda: main(words[3:]), lambda: runpy.run_path("again.py")):
        (tmp_path / "forecasts.csv").unlink(missing_ok=True)
        run()
        found = pd.read_csv("forecasts.csv", parse_dates=["origin", "date"])
        pd.testing.assert_frame_equal(found, wanted, check_exact=True, check_dtype=False)


def test_a_mapping_can_be_taken_away(visitor, monkeypatch):
    given = {}
    page = visitor()
    assert not page.get("download_button")
    monkeypatch.setattr(
        "ui.your_data.page.st.download_button", lambda label, data, name, *_, **__: given.update({name: data})
    )
    upload(page, with_beds())
    assert ColumnMapping.from_json(given["mapping.json"]()) == ColumnMapping(
        "date", "value", "region", covariates=("beds",)
    )


def readings():
    """Temperatures of 60 days, half of them below zero."""
    days = pd.date_range("2024-01-01", periods=60)
    return pd.DataFrame({"date": days, "value": [(i % 7) - 3.5 for i in range(60)]}).to_csv(index=False).encode()


def test_figures_below_zero_are_measurements_with_the_reason_shown_and_have_means_on_explore(visitor):
    page = upload(visitor(), readings(), "readings.csv")
    (kind,) = [one for one in page.button_group if one.label == "What the figures are"]
    assert kind.value == ["measurement"] or kind.value == "measurement"
    assert any("some are below zero, down to -3.5" in caption.value for caption in page.caption)
    assert not any("correction" in text.value for text in page.markdown)
    explore(page)
    assert page.subheader[0].value == "readings: measurements"
    assert "−0.5" in page.title[0].value
    assert any("mean, " in one.value for one in page.markdown)


def test_what_the_figures_are_is_changed_in_one_click_and_kept_for_the_link(visitor):
    page = upload(visitor(), table())
    (kind,) = [one for one in page.button_group if one.label == "What the figures are"]
    kind.set_value("amount").run()
    explore(read(page))
    assert page.subheader[0].value == "Here: amounts"
    assert "amount" in str(page.query_params.to_dict() if hasattr(page.query_params, "to_dict") else page.query_params)


def stopped():
    """Three hundred a week for a year, and twelve weeks of zeros at the end."""
    weeks = pd.date_range("2024-01-06", periods=64, freq="W-SAT")
    values = [300 + i * 7 % 11 if i < 52 else 0 for i in range(64)]
    return pd.DataFrame({"date": weeks, "value": values}).to_csv(index=False, date_format="%Y-%m-%d").encode()


def test_zeros_at_the_end_are_taken_the_other_way_in_one_click_and_back(visitor):
    page = explore(upload(visitor(), stopped())).switch_page("pages/explore.py").run()
    asked = "Reporting stopped on 28 Dec 2024; the series is used until then. If these zeros are true, set zeros-at-end to true."
    assert any(asked in text.value for text in page.markdown)
    press(page, "The zeros at the end are true")
    taken = "The zeros at the end, 12 weeks from 4 Jan 2025, are taken as true."
    assert any(taken in text.value for text in page.markdown)
    assert ColumnMapping.from_json(link_of(page)["mapping"]).zeros_at_end == "true"
    press(page, "The zeros at the end are not reported yet")
    assert any(
        "Reporting stopped on 28 Dec 2024; the series is used until then." in text.value for text in page.markdown
    )
    assert not any("zeros-at-end" in text.value for text in page.markdown)


def test_a_kind_that_the_figures_do_not_allow_is_one_sentence_and_can_be_taken_back(visitor):
    page = upload(visitor(), table())
    choose_kind(page, "share")
    (error,) = page.error
    assert "109 is no share" in error.value.replace("\\", "") or "is no share" in error.value
    choose_kind(page, "amount")
    assert not page.error
    assert summary(page) == "Two regions, weekly amounts, 104 weeks, to 24 December 2022"


def choose_kind(page, name):
    (kind,) = [one for one in page.button_group if one.label == "What the figures are"]
    kind.set_value(name).run()
    read(page)


def test_another_number_format_shows_at_once_and_is_in_the_link(visitor):
    days = pd.date_range("2021-01-01", periods=60)
    rows = "\n".join(f"{day:%Y-%m-%d};{100 + i},5" for i, day in enumerate(days))
    page = upload(visitor(), f"day;visits\n{rows}".encode())
    assert any("“100,5” is 100.5" in one.value for one in page.markdown)
    next(box for box in page.selectbox if box.label == "Numbers are written").select("1,234.5").run()
    assert any("taken as missing" in one.value for one in read(page).markdown) or page.error
    next(box for box in page.selectbox if box.label == "Numbers are written").select("1.234,5").run()
    assert any("“100,5” is 100.5" in one.value for one in read(page).markdown)
    explore(page)
    assert json.loads(link_of(page)["mapping"]) == {"number_format": "1.234,5"}


def test_a_total_over_all_shops_is_a_region_like_others_and_in_the_link(visitor):
    content = table().replace(b"region", b"shop")
    page = upload(visitor(), content)
    (total,) = [one for one in page.toggle if one.label == "Add “All shops”, the sum over all shops"]
    total.set_value(True).run()
    assert summary(read(page)) == "Two shops and their total, weekly counts, 104 weeks, to 24 December 2022"
    explore(page)
    assert page.sidebar.selectbox(key="region").options == ["All shops", "Here", "There"]
    assert page.subheader[0].value == "All shops: counts"
    link = link_of(page)
    assert json.loads(link["mapping"]) == {"total": True}
    other = explore(upload(visitor(**link), content, "other.csv"))
    assert other.title[0].value == page.title[0].value
