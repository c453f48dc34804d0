"""The parts of the page Your data, from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from forecasting import sources
from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import format_date
from forecasting.data.panel import Panel
from forecasting.export import file_formats
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.read_report import ReadReport
from forecasting.views import reproduce
from ui.shell import navigation, polling, runtime, uploads, url_state
from ui.shell.markdown import escape_markdown
from ui.shell.uploads import MOST, Upload, UploadResult
from ui.your_data import mapping_controls

#: Seconds a run waits for a file before it says that it is being read.
PATIENCE = 0.4
#: Seconds between two looks after that.
INTERVAL = 0.5
#: The name of the sample.
SAMPLE = "sample.csv"
#: The regions of the sample.
SAMPLE_REGIONS = ("California", "Florida", "Illinois", "New York", "Pennsylvania", "Texas")
#: Regions in the examples of how a table may look.
SHAPE_REGIONS = ("California", "Florida")
#: Dates in those examples.
SHAPE_ROWS = 3
#: Letters of a file's name that are shown.
NAME_LETTERS = 60
#: Names in the session's state.
_LEAVES = "your data leaves"
_CHOSEN = "your file"
_ROUND = "your uploads"


def take_leave_request() -> bool:
    """Whether the visitor has just asked to explore a file that has figures, or soon may have.

    To be asked after `draw`: a choice of columns that came with the same click must count.
    """
    return st.session_state.pop(_LEAVES, None) in uploads.selectable()


def draw() -> None:
    """The whole page."""
    navigation.name_tab("Your data")
    st.title("Your data", anchor=False)
    st.caption(
        "Give a table of figures by date, and everything here works on it. It stays in this visit: nobody else sees it, and "
        "it is not written to a disk. Deleted when you remove it, reload or close the tab. Forecasts of it are kept, but "
        "without its name or anything else that says whose they are."
    )
    above = st.container()
    _draw_upload_controls()
    if file := _chosen_upload():
        _draw_upload(file)
    else:
        _draw_examples()
    if url_state.postponed_source():  # said last, when what is shown of the file has been read
        above.info(escape_markdown(_postponed_link_text()), icon=":material/link:")


def _postponed_link_text() -> str:
    source = url_state.postponed_source() or ""
    if file := uploads.files().get(source):
        link_is_followed = url_state.postponed_value(uploads.LINKED) and (read := file.read()) and not read.note
        how = ", and its columns are read as the link says" if link_is_followed else ""
        return f"This is the file that the link you opened shows{how}: explore it to see the same view."
    other = " None of the files here is that one: with one sign changed it is another." if uploads.files() else ""
    return (
        f"You opened a link to somebody's own file. The link holds its fingerprint ({uploads.fingerprint(source)}), neither "
        f"the file nor its name: give the same file here, unchanged and under any name, and the link can be followed.{other}"
    )


def _draw_upload_controls() -> None:
    """Draw the ways to give a table: upload, paste, sample."""
    if len(uploads.files()) >= MOST:
        st.info(f"{MOST} files are kept at a time; remove one to give another.", icon=":material/inventory_2:")
        return
    again = st.session_state.get(_ROUND, 0)  # a new uploader is empty: what was given is kept here alone
    given = st.file_uploader("A file: CSV, Excel (XLSX), Parquet or JSON, also zipped", key=f"upload {again}")
    if given is not None:
        _add_upload(given.getvalue(), given.name)
        polling.rerun_page()
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Paste a table", icon=":material/content_paste:", width="content"):
            most = 1_000_000 * int(st.get_option("server.maxUploadSize"))
            text = st.text_area(
                "Rows, as copied from a spreadsheet or a CSV", height=180, max_chars=most, key=f"pasted {again}"
            )
            if st.button("Use this table", disabled=not text.strip(), key="use pasted"):
                _add_upload(text.encode(errors="replace"), "pasted table")
                polling.rerun_page()
        if st.button("Try a sample", icon=":material/science:", width="content"):
            _add_upload(sample_file(), SAMPLE)
            polling.rerun_page()


def _draw_examples() -> None:
    """What a table may look like, for who has not given one yet."""
    st.caption(
        "Either shape will do, as a file or pasted. Names of columns, kinds of dates, running totals and missing rows are "
        "worked out and shown to you, and you can correct them."
    )
    for cell, (title, table) in zip(st.columns(2), example_tables().items(), strict=True):
        with cell.container(border=True):
            st.markdown(f"**{title}**")
            st.table(table, border="horizontal", hide_index=True)


@st.cache_data(show_spinner=False)
def example_tables() -> dict[str, pd.DataFrame]:
    """The newest rows of the sample in both shapes, as text; each is a table that could be given here."""
    rows = _sample_table()[lambda table: table["state"].isin(SHAPE_REGIONS)].sort_values(["week_ending", "state"])
    tidy = rows.tail(SHAPE_ROWS * len(SHAPE_REGIONS)).astype(str).reset_index(drop=True)
    wide = tidy.pivot(index="week_ending", columns="state", values="admissions").rename_axis(columns=None).reset_index()
    return {"One row per date and region": tidy, "One row per date, one column per region": wide}


def _add_upload(content: bytes, name: str) -> None:
    called = "".join(sign for sign in Path(name).name if sign.isprintable())[-NAME_LETTERS:]
    st.session_state[_CHOSEN] = uploads.add(content, called).source
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


@st.cache_data(show_spinner=False)
def sample_file() -> bytes:
    """A small table of several regions, as somebody might bring it: weekly admissions of six states."""
    return file_formats.to_csv(_sample_table())


def _sample_table() -> pd.DataFrame:
    panel = sources.source("bundled").panel()
    rows = panel.table[(panel.table[STATISTIC] == "admissions") & panel.table[REGION].isin(SAMPLE_REGIONS)]
    return (
        rows[[DATE, REGION, VALUE]]
        .dropna()
        .astype({VALUE: int})
        .rename(columns={DATE: "week_ending", REGION: "state", VALUE: "admissions"})
    )


def _chosen_upload() -> Upload | None:
    """The file that is looked at: the newest, unless the visitor chooses another."""
    files = uploads.files()
    if not files:
        return None
    if st.session_state.get(_CHOSEN) not in files:
        st.session_state[_CHOSEN] = list(files)[-1]
    if len(files) > 1:
        st.selectbox("Your files", list(files), format_func=lambda source: files[source].name, key=_CHOSEN)
    return files[st.session_state[_CHOSEN]]


def _draw_upload(file: Upload) -> None:
    with st.container(border=True):
        st.markdown(f"## {escape_markdown(file.name)}")
        with runtime.script_turns.released():
            read = file.read(PATIENCE)
        if read is None:
            st.info("Reading the file …", icon=":material/hourglass_top:")
            _poll_reading(file)
        else:
            _draw_next_steps(file, read)
    if read and read.looked:
        _draw_mapping(file, read)


@st.fragment(run_every=INTERVAL)
def _poll_reading(file: Upload) -> None:
    if file.read() is not None:
        polling.rerun_page()


def _draw_next_steps(file: Upload, read: UploadResult) -> None:
    """Draw the open questions, what went wrong, or what was understood; and the ways on from here."""
    if read.note:
        st.info(f"{escape_markdown(read.note)} It was read as is proposed here.", icon=":material/link_off:")
    _read_again_if_changed(file, read, mapping_controls.draw_questions(file, read))
    if read.error and not mapping_controls.must_answer_first(read):
        st.error(escape_markdown(read.error), icon=":material/error:")
    if read.panel and read.report:
        _draw_counts(read.panel, read.report)
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in read.report.sentences))
    with st.container(horizontal=True):
        if read.panel:
            st.button(
                "Explore these figures",
                type="primary",
                icon=":material/query_stats:",
                on_click=_explore_upload,
                args=(file.source,),
            )
        st.button("Remove this file", icon=":material/delete:", on_click=uploads.forget, args=(file.source,))


def _draw_counts(panel: Panel, report: ReadReport) -> None:
    """How much there is, and how far apart its dates are."""
    frequency = panel.frequencies[panel.statistics[0].column]
    missing = report.blanks + report.not_numbers
    left, right = st.columns(2)
    cells = [*left.columns(2, wrap=False), *right.columns(2, wrap=False)]
    shown = [
        ("Rows", f"{report.rows:,}", f"{missing:,} without a figure" if missing else "all with figures"),
        ("Regions", f"{report.regions:,}", f"{report.gaps:,} gaps" if report.gaps else "no gaps"),
        (f"{frequency.step.capitalize()}s", f"{panel.table[DATE].nunique():,}", f"to {format_date(report.last)}"),
        (
            "Spacing",
            "several ways" if panel.calendars else frequency.name,
            f"season: {frequency.steps(frequency.season)}" if frequency.season > 1 else "no season",
        ),
    ]
    for cell, (label, value, detail) in zip(cells, shown, strict=True):
        cell.metric(label, value, detail, delta_color="off", delta_arrow="off", border=True)


def _explore_upload(source: str) -> None:
    """Make a file the chosen data of every page and go to Explore; a link that waited for it is followed."""
    url_state.forget_notes()
    if url_state.postponed_source() == source:
        url_state.follow_postponed_link()
    else:
        st.session_state["source"] = source
    st.session_state[_LEAVES] = source


def _draw_mapping(file: Upload, read: UploadResult) -> None:
    """Which column is what, beside the first rows; and what is wrong where."""
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(border=True):
        st.markdown("## Which column is what")
        _read_again_if_changed(file, read, mapping_controls.draw_mapping_controls(file, read))
        if read.panel and read.mapping:
            st.download_button(
                "This mapping, JSON",
                read.mapping.to_json,  # when asked for: a file that is made now may be gone before the browser looks
                reproduce.MAPPING_FILE,
                "application/json",
                key="download mapping",
                on_click="ignore",
                icon=":material/download:",
                help="Which column is what, for `python -m forecasting forecast --input FILE --mapping mapping.json`.",
            )
    with right, st.container(border=True):
        st.markdown("## The first rows")
        mapping_controls.draw_preview(read)
    if read.report:
        _draw_problems(read.report.problems)


def _read_again_if_changed(file: Upload, read: UploadResult, chosen: ColumnMapping | None) -> None:
    if chosen is not None and chosen != read.mapping:
        uploads.read_again(file, read, chosen)
        polling.rerun_page()


def _draw_problems(problems: pd.DataFrame) -> None:
    if problems.empty:
        return
    with st.container(border=True):
        st.markdown(f"## {len(problems):,} {'place' if len(problems) == 1 else 'places'} to look at")
        titles = {"line": "Line", "column": "Column", "cell": "Cell", "what": "What is there", "remedy": "What to do"}
        st.dataframe(problems.rename(columns=titles), hide_index=True, width="stretch")
        st.download_button(
            "These places, CSV",
            lambda: file_formats.to_csv(problems),
            "to_look_at.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
