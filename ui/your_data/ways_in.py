"""The three ways to bring a table: drag a file, paste rows, try a sample; and what a table may look like."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from forecasting import sources
from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.export import file_formats
from forecasting.tables.table_summary import number_word
from ui.shell import polling, uploads
from ui.shell.markdown import escape_markdown
from ui.shell.uploads import MOST, NAME_LETTERS

#: The name of the sample.
SAMPLE = "sample.csv"
#: The regions of the sample.
SAMPLE_REGIONS = ("California", "Florida", "Illinois", "New York", "Pennsylvania", "Texas")
#: Regions in the examples of how a table may look.
SHAPE_REGIONS = ("California", "Florida")
#: Dates in those examples.
SHAPE_ROWS = 3
#: Pixels of the box for pasted rows.
PASTE_HEIGHT = 110
#: Name in the session's state: the table that was brought last, until it is looked at.
NEWEST = "your newest file"
_ROUND = "your uploads"


def draw_ways_in() -> None:
    """Draw the three ways side by side, or below each other where there is no room."""
    full = len(uploads.tables()) >= MOST
    if full:
        _draw_removals()
    ways = [column.container(border=True, height="stretch") for column in st.columns(3)]
    with ways[0]:
        _draw_uploader(full)
    with ways[1]:
        _draw_paste(full)
    with ways[2]:
        _draw_sample(full)


def how_many_more() -> str:
    """How many more tables may be brought, in a sentence."""
    left = MOST - len(uploads.tables())
    if not left:
        return f"{number_word(MOST).capitalize()} tables are kept, which is the most: remove one to bring another."
    return f"{number_word(left).capitalize()} more {'table' if left == 1 else 'tables'} can be kept beside."


def draw_examples() -> None:
    """Draw what a table may look like, for who has not brought one yet."""
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


@st.cache_data(show_spinner=False)
def sample_file() -> bytes:
    """A small table of several regions, as somebody might bring it: weekly admissions of six states."""
    return file_formats.to_csv(_sample_table())


def _draw_uploader(full: bool) -> None:
    st.markdown("## Drag or choose a file")
    most = int(st.get_option("server.maxUploadSize"))
    st.caption(
        f"CSV, Excel (XLSX), Parquet or JSON, also zipped, of up to {most} MB. A larger one is marked red and not taken: zip "
        "it, or leave out columns that are not needed."
    )
    given = st.file_uploader(
        "A file: CSV, Excel (XLSX), Parquet or JSON, also zipped",
        key=f"upload {_round()}",
        disabled=full,
        label_visibility="collapsed",
    )
    if given is not None:
        _take(given.getvalue(), given.name)


def _draw_paste(full: bool) -> None:
    st.markdown("## Paste a table")
    st.caption("Rows with their header, as copied from a spreadsheet.")
    with st.form(f"paste {_round()}", border=False):  # its text is sent with the click, not after it
        text = st.text_area(
            "Rows, as copied from a spreadsheet or a CSV",
            height=PASTE_HEIGHT,
            max_chars=1_000_000 * int(st.get_option("server.maxUploadSize")),
            label_visibility="collapsed",
            placeholder="month\tshop\tsales\n2026-01\tAirport\t1200\n…",
            disabled=full,
            key=f"pasted {_round()}",
        )
        used = st.form_submit_button("Use this table", disabled=full, icon=":material/content_paste:")
    if used and text.strip():
        _take(text.encode(errors="replace"), "pasted table")
    if used:
        st.warning("Nothing was pasted: copy the rows with their header, and paste them above.")


def _draw_sample(full: bool) -> None:
    st.markdown("## Try a sample")
    st.caption("Weekly hospital admissions of six US states, as somebody might bring them.")
    if st.button("Try a sample", icon=":material/science:", disabled=full):
        _take(sample_file(), SAMPLE)


def _draw_removals() -> None:
    """Offer to remove any of the tables, where no more can be kept."""
    with st.container(horizontal=True):
        for source, file in uploads.tables().items():
            st.button(
                f"Remove {escape_markdown(file.name)}",
                icon=":material/delete:",
                key=f"remove {source}",
                on_click=uploads.forget,
                args=(source,),
            )


def _take(content: bytes, name: str) -> None:
    """Keep a table and look at it; the controls that it came by are empty afterwards."""
    called = "".join(sign for sign in Path(name).name if sign.isprintable())[-NAME_LETTERS:]
    st.session_state[NEWEST] = uploads.add(content, called).source
    st.session_state[_ROUND] = _round() + 1
    polling.rerun_page()


def _round() -> int:
    """How many tables were brought so far."""
    return int(st.session_state.get(_ROUND, 0))


def _sample_table() -> pd.DataFrame:
    panel = sources.source("bundled").panel()
    rows = panel.table[(panel.table[STATISTIC] == "admissions") & panel.table[REGION].isin(SAMPLE_REGIONS)]
    return (
        rows[[DATE, REGION, VALUE]]
        .dropna()
        .astype({VALUE: int})
        .rename(columns={DATE: "week_ending", REGION: "state", VALUE: "admissions"})
    )
