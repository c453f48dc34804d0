"""Which column of a visitor's file is what: the proposal, its reasons, and the controls to choose otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from forecasting.data.formatting import format_plain
from forecasting.data.kind import PERCENT
from forecasting.tables.cells.number_format import NumberFormat
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_questions import ColumnQuestion, QuestionKind
from forecasting.tables.table_preview import TablePreview
from forecasting.tables.table_summary import regions_noun
from forecasting.tables.total_region import TOTAL
from ui.shell.markdown import escape_markdown
from ui.shell.uploads import Upload, UploadResult

#: Columns of the preview, and columns that a list offers beside those that are chosen.
SHOWN = 40
OFFERED = 300
#: Rows of the preview that need no scrolling.
FEW_ROWS = 8
NONE = "none"
#: What the columns are for: name in a `ColumnMapping` -> label.
ROLES = {
    "date": "Date",
    "value": "Figures",
    "region": "Region",
    "statistic": "What is counted or measured",
    "as_of": "Published on",
}
ORDERS = {None: "as the dates tell", True: "the day first (31/12)", False: "the month first (12/31)"}
NUMBERS: dict[str | None, str] = {
    None: "as the cells tell",
    str(NumberFormat.COMMA_POINT): "1,234.5 (decimal point)",
    str(NumberFormat.POINT_COMMA): "1.234,5 (decimal comma)",
    str(NumberFormat.SPACE_COMMA): "1 234,5 (decimal comma, spaces)",
    str(NumberFormat.APOSTROPHE_POINT): "1'234.5 (decimal point, apostrophes)",
}
KINDS = {
    "count": "Counts",
    "amount": "Amounts",
    "measurement": "Measurements",
    "share": "Shares",
}
#: What each kind means, for a reader who has to choose.
KINDS_HELP = (
    "Counts are whole events a period: corrections are repaired, sums make sense. Amounts, such as sales or rainfall, are never "
    "below zero and add up. Measurements, such as temperatures or prices, may be any number, and their mean is what makes "
    "sense. Shares stay between 0 and 1, or 0 and 100 %."
)
COMBINED = {None: "are a mistake", "sum": "are added up", "mean": "are averaged"}
#: Kinds of tables that are known by their header, so that nothing has to be chosen.
PUBLISHED = ("Oxford tracker", "Johns Hopkins")


def open_questions(result: UploadResult) -> tuple[ColumnQuestion, ...]:
    """What the first look left open."""
    return result.looked.questions if result.looked else ()


def _answers(question: ColumnQuestion) -> dict[Any, str]:
    """What may be answered: value of the `ColumnMapping`'s field -> label. None where the answer is one of the select boxes."""
    match question.kind:
        case QuestionKind.DAY_FIRST if question.days:
            return {True: question.days[0], False: question.days[1]}
        case QuestionKind.NUMBER_FORMAT:
            return {name: f"{reading}, written as {name}" for name, reading in question.numbers}
        case QuestionKind.SIX_DIGITS:
            return {"months": "A month", "weeks": "A week"}
        case QuestionKind.COMBINE:
            return {"sum": "Summed", "mean": "Averaged"}
        case QuestionKind.CUMULATIVE:
            return {True: "Yes", False: "No"}
    return {}


def must_answer_first(result: UploadResult) -> bool:
    """Whether nothing can be read before a question is answered, which then says more than the error."""
    return any(
        getattr(result.mapping, question.kind, None) is None
        if _answers(question)
        else not _error_says_it(question, result)
        for question in open_questions(result)
    )


def _error_says_it(question: ColumnQuestion, result: UploadResult) -> bool:
    """Whether the error says more than the question: without dates what such a table looks like, after a choice what is missing."""
    chosen = result.mapping is not None and result.mapping != ColumnMapping(sheet=result.mapping.sheet)
    return bool(result.error) and (question.kind is QuestionKind.DATES or chosen)


def draw_questions(file: Upload, result: UploadResult) -> ColumnMapping | None:
    """Draw the questions; gives the mapping with their answers, None where nothing is answered."""
    mapping = result.mapping
    for question in open_questions(result):
        answers = _answers(question)
        if not answers or mapping is None:
            if not _error_says_it(question, result):
                st.info(f"{escape_markdown(question.text)} Choose it below.", icon=":material/help:")
            continue
        now = getattr(mapping, question.kind)
        with st.container(border=True):
            st.markdown(f":material/help: {escape_markdown(question.text)}")
            chosen = st.segmented_control(
                question.text,
                list(answers),
                format_func=answers.__getitem__,
                # An unticked box counts as unanswered.
                default=now or None if question.kind is QuestionKind.CUMULATIVE else now,
                key=f"answer {file.source} {question.kind} {now}",
                label_visibility="collapsed",
            )
        if chosen is not None:
            mapping = replace(mapping, **{question.kind.value: chosen})
    return mapping


def draw_mapping_controls(file: Upload, result: UploadResult) -> ColumnMapping | None:
    """Draw the controls, which show what was read; gives what they say. None where there is nothing to choose."""
    preview, now = result.looked, result.mapping
    if preview is None:
        return None
    if preview.kind in PUBLISHED:
        st.caption(f"This is a table of the {preview.kind} kind, which is known here: nothing has to be chosen.")
        return None
    blank = ColumnMapping(sheet=now.sheet if now else None)
    now = now or blank
    key = f"{file.source} {now.sheet}"
    sheet = _sheet(preview, now, key)
    if sheet != now.sheet:
        return ColumnMapping(sheet=sheet)
    every = [column.name for column in preview.columns]
    taken = {now.date, now.value, now.region, now.statistic, now.as_of, *now.covariates}
    names = [name for place, name in enumerate(every) if place < OFFERED or name in taken]
    mapping = replace(now, date=_column("date", names, now, preview, key))
    wide = st.toggle("Every region has a column of its own", bool(now.wide), key=f"is wide {key}")
    if wide:
        kept = _regions(every, mapping.date, now, key)
        mapping = replace(mapping, wide=kept, value=None, region=None, statistic=None, as_of=None, covariates=())
    else:
        value, region, statistic = (
            _column(role, names, now, preview, key) for role in ("value", "region", "statistic")
        )
        mapping = replace(mapping, wide=(), value=value, region=region, statistic=statistic)
    mapping = replace(mapping, kind=_kind(result, now, key), number_format=_number_format(result, now, key))
    with st.popover("More", width="stretch"):
        mapping = _more(mapping, names, now, preview, key)
    return None if mapping == blank else mapping


def _kind(result: UploadResult, now: ColumnMapping, key: str) -> str | None:
    """What the figures are: as proposed, with the reason below, unless somebody chooses otherwise.

    A choice that the figures do not allow can be taken back.
    """
    first = result.panel.statistics[0] if result.panel else None
    if first is None and now.kind is None:
        return None
    present = now.kind if first is None else "share" if first.kind is PERCENT else first.kind.name
    chosen = st.pills(
        "What the figures are",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default=present,
        key=f"kind {key} {now.kind} {present}",
        help=KINDS_HELP,
        wrap=True,
    )
    if first is not None and now.kind is None and first.kind_reason:
        st.caption(f"Proposed: {escape_markdown(first.kind_reason)}")
    return now.kind if chosen in (None, present) else chosen


def _number_format(result: UploadResult, now: ColumnMapping, key: str) -> str | None:
    """How numbers are written: as the cells tell, unless somebody chooses otherwise; below it what that makes of some."""
    chosen: str | None = _choice(
        "Numbers are written", NUMBERS, now.number_format, f"numbers {key} {now.number_format}"
    )
    examples = result.report.number_examples if result.report else ()
    if examples:
        st.caption("; ".join(f"{escape_markdown(text)} is {format_plain(value)}" for text, value in examples))
    return chosen


def draw_total_switch(file: Upload, result: UploadResult) -> ColumnMapping | None:
    """Draw the switch that adds the total over all regions, where there can be one; gives the mapping that it says."""
    name, now = result.report.total if result.report else "", result.mapping
    if now is None or not (name or now.total):
        return None
    label = f"Add “{escape_markdown(name or TOTAL)}”, the sum over all {regions_noun(now)}"
    total = st.toggle(label, now.total, key=f"total {file.source} {now.total} {name}")
    return replace(now, total=total)


def _sheet(preview: TablePreview, now: ColumnMapping, key: str) -> str | None:
    if len(preview.sheets) < 2:
        return now.sheet
    place = preview.sheets.index(now.sheet) if now.sheet in preview.sheets else 0
    sheet = st.selectbox("Sheet", preview.sheets, place, key=f"sheet {key}")
    return now.sheet if sheet == (now.sheet or preview.sheets[0]) else sheet


def _column(role: str, names: list[str], now: ColumnMapping, preview: TablePreview, key: str) -> str | None:
    """The column that has a role, or none; below it why it was proposed."""
    options = [NONE, *names]  # by place, as a column may be called anything
    before, proposed = getattr(now, role), getattr(preview.mapping, role, None)
    place = 1 + names.index(before) if before in names else 0
    column = st.selectbox(ROLES[role], range(len(options)), place, options.__getitem__, key=f"{role} {key}")
    chosen = options[column] if column else None
    reason = next((one.reason for one in preview.columns if one.name == chosen == proposed), "")
    if reason:
        st.caption(f"Proposed: {escape_markdown(reason)}")
    return chosen


def _regions(names: Sequence[str], date: str | None, now: ColumnMapping, key: str) -> tuple[str, ...]:
    """The columns of a wide table that are regions each: all but the date's, unless some are chosen."""
    others = [name for name in names if name != date]
    if len(others) > SHOWN:
        st.caption(f"All {len(others):,} other columns are regions.")
        return tuple(name for name in now.wide if name != date) or tuple(others)
    kept = [name for name in now.wide if name in others] or others
    return tuple(st.multiselect("Regions", others, kept, key=f"wide {key} {date}")) or tuple(others)


def _more(
    mapping: ColumnMapping, names: list[str], now: ColumnMapping, preview: TablePreview, key: str
) -> ColumnMapping:
    """What most tables do not need."""
    covariates, as_of = mapping.covariates, mapping.as_of
    if not mapping.wide:
        as_of = _column("as_of", names, now, preview, key)
        used = {mapping.date, mapping.value, mapping.region, mapping.statistic, as_of}
        free = [name for name in names if name not in used]
        kept = [name for name in covariates if name in free]
        # Another control where others are on offer: Streamlit takes what is not out of a control's value, and warns in the log.
        offered = "\n".join(sorted(column for column in used if column))
        covariates = tuple(st.multiselect("Extra columns to use", free, kept, key=f"more {key} {offered}"))
    cumulative = st.toggle("The figures are running totals", mapping.cumulative, key=f"totals {key} {now.cumulative}")
    order = _choice("Dates such as 03/04/2021 have", ORDERS, mapping.day_first, f"order {key} {now.day_first}")
    combine = _choice("Several rows of one region and date", COMBINED, mapping.combine, f"combine {key} {now.combine}")
    return replace(
        mapping,
        as_of=as_of,
        covariates=covariates,
        cumulative=cumulative,
        day_first=order,
        combine=combine,
    )


def _choice(label: str, options: dict[Any, str], chosen: Any, key: str) -> Any:
    """A select box of `options`, value -> what it says. None among them is empty text in the browser, where it would be no choice."""
    values = {"" if value is None else str(value): value for value in options}
    place = list(options).index(chosen)
    return values[st.selectbox(label, list(values), place, lambda name: options[values[name]], key=key)]


def draw_preview(result: UploadResult) -> None:
    """The first rows as they stand in the file, each column called by what it is taken for."""
    preview = result.looked
    if preview is None:
        return
    sample = preview.sample.iloc[:, :SHOWN]
    roles = {getattr(result.mapping, role, None): label.lower() for role, label in ROLES.items()}
    roles |= dict.fromkeys(result.mapping.covariates if result.mapping else (), "extra column")
    titles = {name: f"{name} ({roles[name]})" for name in sample if roles.get(name, name.lower()) != name.lower()}
    height: int | Literal["content"] = 330 if len(sample) > FEW_ROWS else "content"
    st.dataframe(sample.rename(columns=titles), hide_index=True, width="stretch", height=height)
    facts = [f"{preview.rows:,} rows, {len(preview.columns):,} columns"]
    if len(preview.columns) > SHOWN:
        facts.append(f"the first {SHOWN} are shown")
    st.caption("; ".join(facts) + ".")
