"""The parts of the page Your data, from top to bottom."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.export import file_formats
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.table_summary import reading_sentence
from forecasting.views import preview_chart, reproduce
from ui.components import chart
from ui.shell import navigation, polling, runtime, tab_storage, uploads, url_state
from ui.shell.markdown import escape_markdown
from ui.shell.uploads import Upload, UploadResult
from ui.your_data import mapping_controls, ways_in
from ui.your_data.ways_in import NEWEST

#: Seconds a run waits for a file before it says that it is being read.
PATIENCE = 0.4
#: Seconds between two looks after that.
INTERVAL = 0.5
#: Pixels of the preview chart.
CHART_HEIGHT = 260
#: Names in the session's state.
_CHOSEN = "your file"
_LEAVES = "your data leaves"


def take_leave_request() -> bool:
    """Whether the visitor has just asked to see the forecast of a file that has figures, or soon may have.

    To be asked after `draw`: a choice of columns that came with the same click must count.
    """
    return st.session_state.pop(_LEAVES, None) in uploads.selectable()


def draw() -> None:
    """The whole page."""
    navigation.name_tab("Your data")
    st.title("Your data", anchor=False)
    st.caption("Bring a table of figures by date: you see at once what will be forecast, and every page works on it.")
    above = st.container()
    file = _chosen_upload()
    if file is None:
        ways_in.draw_ways_in()
        st.caption(_what_becomes_of_it())
        ways_in.draw_examples()
    else:
        _draw_upload(file)
        with st.expander(f"Bring another table. {ways_in.how_many_more()}", expanded=file.is_no_table):
            ways_in.draw_ways_in()
        st.caption(_what_becomes_of_it())
    if url_state.postponed_source():  # said last, when what is shown of the file has been read
        above.info(escape_markdown(_postponed_link_text()), icon=":material/link:")


def _what_becomes_of_it() -> str:
    return (
        "What you bring stays between you and this server: nobody else sees it. The server keeps it in memory for this visit, "
        "and writes it to no disk; this tab of your browser keeps a copy, so that a reload loses nothing. Remove a table, and "
        "both are deleted; close the tab, and its copy goes. Forecasts are kept, but without the table's name or anything else "
        "that says whose they are."
    )


def _postponed_link_text() -> str:
    source = url_state.postponed_source() or ""
    if name := uploads.lost_name(source):
        return f"Your file “{name}” was too large to be kept over a reload: bring the same file again, and you are back at the same view."
    if file := uploads.files().get(source):
        link_is_followed = url_state.postponed_value(uploads.LINKED) and (read := file.read()) and not read.note
        how = ", and its columns are read as the link says" if link_is_followed else ""
        return f"This is the file that the link you opened shows{how}: see the forecast to get the same view."
    other = " None of the files here is that one: with one sign changed it is another." if uploads.files() else ""
    return (
        f"You opened a link to somebody's own file. The link holds its fingerprint ({uploads.fingerprint(source)}), neither "
        f"the file nor its name: give the same file here, unchanged and under any name, and the link can be followed.{other}"
    )


def _chosen_upload() -> Upload | None:
    """The file that is looked at: the newest, unless the visitor chooses another."""
    files = uploads.files()
    if not files:
        return None
    newest = st.session_state.pop(NEWEST, None)
    if newest in files:
        st.session_state[_CHOSEN] = newest
    if st.session_state.get(_CHOSEN) not in files:
        st.session_state[_CHOSEN] = list(files)[-1]
    if len(files) > 1:
        st.selectbox("Your tables", list(files), format_func=lambda source: files[source].name, key=_CHOSEN)
    return files[st.session_state[_CHOSEN]]


def _draw_upload(file: Upload) -> None:
    with st.container(border=True):
        with runtime.script_turns.released():
            read = file.read(PATIENCE)
        if read is None:
            st.markdown(f"## {escape_markdown(file.name)}")
            st.info("Reading the file …", icon=":material/hourglass_top:")
            _poll_reading(file)
        else:
            _draw_result(file, read)
    if tab_storage.is_too_large(file.source):
        st.caption(
            "This table is too large for the tab to keep a copy: after a reload bring the same file again, and you are back at "
            "the same view."
        )
    if read and read.report:
        _draw_problems(read.report.problems)


@st.fragment(run_every=INTERVAL)
def _poll_reading(file: Upload) -> None:
    if file.read() is not None:
        polling.rerun_page()


def _draw_result(file: Upload, read: UploadResult) -> None:
    """Draw what will be forecast, or what went wrong; how it was read, what is odd, the figures, and the way on."""
    report = read.report
    if read.panel and report:
        st.caption("What will be forecast")
        st.markdown(f"## {escape_markdown(report.summary.removesuffix('.'))}")
        st.caption(escape_markdown(f"{file.name}. {report.sentences[0]}"))
    else:
        st.markdown(f"## {escape_markdown(file.name)}")
    if read.note:
        st.info(f"{escape_markdown(read.note)} It was read as is proposed here.", icon=":material/link_off:")
    _read_again_if_changed(file, read, mapping_controls.draw_questions(file, read))
    if read.error and not mapping_controls.must_answer_first(read):
        st.error(escape_markdown(read.error), icon=":material/error:")
    if read.panel and report and read.mapping:
        st.markdown(escape_markdown(reading_sentence(read.mapping, report.number_examples)))
    if read.looked:
        with st.expander(
            "Change how it is read", icon=":material/tune:", expanded=not read.panel, key=f"how {file.source}"
        ):
            _draw_mapping(file, read)
    if read.panel and report:
        _read_again_if_changed(file, read, mapping_controls.draw_total_switch(file, read))
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in report.sentences[1:]))
        _draw_chart(file, read)
    with st.container(horizontal=True):
        if read.panel:
            st.button(
                "See the forecast",
                type="primary",
                icon=":material/query_stats:",
                on_click=_explore_upload,
                args=(file.source,),
            )
        st.button("Remove this table", icon=":material/delete:", on_click=uploads.forget, args=(file.source,))


def _draw_chart(file: Upload, read: UploadResult) -> None:
    """Draw the figures as they were read."""
    panel = read.panel
    if panel is None:
        return
    theme = runtime.theme()
    figure = chart.cached_figure("preview", (panel,), lambda: preview_chart.preview_chart(panel, theme))
    description = preview_chart.preview_description(panel)
    chart.draw(
        figure, theme, key="preview", view=file.source, name="figures", description=description, height=CHART_HEIGHT
    )
    if len(panel.regions()) > preview_chart.MOST_REGIONS:
        st.caption(f"The first {preview_chart.MOST_REGIONS} of {len(panel.regions()):,} regions.")


def _explore_upload(source: str) -> None:
    """Make a file the chosen data of every page and go to Explore; a link that waited for it is followed."""
    url_state.forget_notes()
    if url_state.postponed_source() == source:
        url_state.follow_postponed_link()
    else:
        st.session_state["source"] = source
    st.session_state[_LEAVES] = source


def _draw_mapping(file: Upload, read: UploadResult) -> None:
    """Which column is what, beside the first rows."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
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
    with right:
        st.markdown("**The first rows**")
        mapping_controls.draw_preview(read)


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
