"""Files that a visitor has uploaded: read in the background, and kept in this session and nowhere else.

Nothing here is in a cache of the process or on the disk: another visitor, even one who knows a file's name, finds nothing.
"""

from __future__ import annotations

import hashlib
import logging
import re
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

import streamlit as st

from forecasting.data.panel import Panel
from forecasting.support.errors import DataError, ForecastingError
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.read_report import ReadReport
from forecasting.tables.table_preview import UNCLEAR, TablePreview, preview_table
from ui.shell import runtime, url_state
from ui.shell.packing import pack

log = logging.getLogger(__name__)

#: Files kept at a time.
MOST = 5
#: Letters of a file's name that are shown.
NAME_LETTERS = 60
#: What the name of every file as a source begins with; the first letters of its content's digest follow.
PREFIX = "yours-"
#: What links call which column is what.
LINKED = "mapping"
#: Letters that a link spends on which column is what.
MOST_LETTERS = 2_000
_FILES = "your files"
_LOST = "your lost files"


@dataclass(frozen=True)
class UploadResult:
    """What reading a file has given.

    Attributes:
        looked: the first look at it; None where it is no table.
        mapping: which column is what, as it was read.
        panel, report: its figures and what was read; None where that failed.
        error: why it failed, in a sentence.
        note: how it was not read as a link asked for, in a sentence.
    """

    looked: TablePreview | None
    mapping: ColumnMapping | None = None
    panel: Panel | None = None
    report: ReadReport | None = None
    error: str = ""
    note: str = ""

    @property
    def for_links(self) -> str:
        """What a link says of which column is what, for whoever has the file; nothing of what is proposed anyway.

        The other reads it with `ColumnMapping.from_json`, given what is proposed there.
        """
        if self.looked is None or self.mapping is None or self.mapping == self.looked.base_mapping:
            return ""
        return self.mapping.to_json(self.looked.base_mapping)


@dataclass(frozen=True)
class Upload:
    """A file that the visitor has uploaded.

    Attributes:
        source: what links and the sidebar call it.
        name: what the visitor calls it.
        content: as it was given.
        reading: what becomes of it, once it is known.
        packing: its content for the tab's storage, once it is packed.
    """

    source: str
    name: str
    content: bytes
    reading: Future[UploadResult]
    packing: Future[str]

    @property
    def label(self) -> str:
        """Its name in lists of sources."""
        return f"Yours: {self.name}"

    def read(self, patience: float = 0) -> UploadResult | None:
        """The result of reading it; None when it is still being read after `patience` seconds."""
        wait([self.reading], patience)
        return self.reading.result() if self.reading.done() else None

    @property
    def is_no_table(self) -> bool:
        """Whether it was looked at and holds no table at all, as a picture does: there is nothing to correct."""
        read = self.read()
        return read is not None and read.looked is None

    def packed(self) -> str:
        """Its content for the tab's storage; empty where it is too large, or not packed yet."""
        return self.packing.result() if self.packing.done() else ""


def files() -> dict[str, Upload]:
    """This visitor's files by source, oldest first."""
    kept: dict[str, Upload] = st.session_state.setdefault(_FILES, {})
    return kept


def tables() -> dict[str, Upload]:
    """This visitor's files that are tables, or may turn out to be: those that count, and that the tab keeps."""
    return {source: file for source, file in files().items() if not file.is_no_table}


def selectable() -> dict[str, Upload]:
    """This visitor's files with figures to choose, or with figures on their way."""
    return {source: file for source, file in files().items() if (read := file.read()) is None or read.panel}


def is_upload(source: str) -> bool:
    """Whether a source is a visitor's file, this visitor's or another's."""
    return re.fullmatch(PREFIX + "[0-9a-f]{8}", source) is not None


def fingerprint(source: str) -> str:
    """The first letters of the digest of a file's content, which is all that a link has of it."""
    return source.removeprefix(PREFIX)


def is_missing_upload(source: str) -> bool:
    """Whether a source is a visitor's file, but none of this visitor's."""
    return is_upload(source) and source not in files()


def note_lost(source: str, name: str) -> None:
    """Remember the name of a file of this visitor's that a reload has lost, because it was too large to be kept."""
    st.session_state.setdefault(_LOST, {})[source] = name


def lost_name(source: str) -> str:
    """The name of a file that a reload has lost; empty for any other."""
    return str(st.session_state.get(_LOST, {}).get(source, ""))


def add(content: bytes, name: str, wish: str = "") -> Upload:
    """Take a file and begin to read it; the same content is the same file.

    The one that a link waits for is read as the link says; any other as `wish` says (`UploadResult.for_links`), if given.
    Files that were no tables are forgotten.
    """
    for other in files().keys() - tables().keys():
        forget(other)
    source = PREFIX + hashlib.sha256(content).hexdigest()[:8]
    packing = runtime.file_readers().submit(pack, content)
    if url_state.postponed_source() == source:
        wish = url_state.postponed_value(LINKED) or wish or "{}"
    if wish:
        reading = runtime.file_readers().submit(_read_as_linked, content, name, source, wish)
    else:
        reading = runtime.file_readers().submit(_look_and_read, content, name, source)
    files()[source] = Upload(source, name, content, reading, packing)
    return files()[source]


def address_fields(source: str) -> dict[str, str]:
    """What the address says of a file beside its name as a source: which column is what, if that is short enough."""
    read = file.read() if (file := files().get(source)) else None
    mapping_text = read.for_links if read else ""
    return {LINKED: mapping_text} if mapping_text and len(mapping_text) <= MOST_LETTERS else {}


def link_requirements(source: str) -> str:
    """A sentence on what whoever is sent a link to a file needs beside it to see the same; empty where nothing is."""
    if (file := files().get(source)) is None:
        return ""
    read = file.read()
    sentence = (
        "The other person needs the file that you gave, and gives it on Your data, unchanged and under any name: the link "
        f"knows it by its fingerprint ({fingerprint(source)}) and holds neither the file nor its name."
    )
    if read and len(read.for_links) > MOST_LETTERS:
        return f"{sentence} Which column is what is too long for a link: it has to be chosen there as you did."
    return sentence


def read_again(file: Upload, read: UploadResult, mapping: ColumnMapping) -> None:
    """Read a file anew with other columns; another sheet is looked at first, as it has columns of its own."""
    _forget_in_service(read)
    before = read.mapping.sheet if read.mapping else None
    if read.looked is None or mapping.sheet != before:
        work = (file.content, file.name, file.source, mapping.sheet, read.looked)
        reading = runtime.file_readers().submit(_look_and_read, *work)
    else:
        reading = runtime.file_readers().submit(_read, file.content, file.name, file.source, read.looked, mapping)
    files()[file.source] = replace(file, reading=reading)


def forget(source: str) -> None:
    """Remove a file, and what was read of it, from the session, and what pages have kept in memory of its figures."""
    if (file := files().pop(source, None)) is None or file.reading.cancel() or not file.reading.done():
        return
    _forget_in_service(file.reading.result())


def _forget_in_service(read: UploadResult) -> None:
    """Have the service hold nothing of what was read; whatever pages worked out of it goes with the panel."""
    if read.panel is not None:
        runtime.service().forget(read.panel)


def _look_and_read(
    content: bytes, name: str, source: str, sheet: str | None = None, before: TablePreview | None = None
) -> UploadResult:
    """`before` is what another sheet looked like: it has the names of all, should this one be no table."""
    try:
        looked = preview_table(content, name, sheet)
    except Exception as error:
        return UploadResult(before, ColumnMapping(sheet=sheet), error=_sentence(error, name))
    proposed = looked.mapping
    if sheet is not None:
        proposed = replace(proposed or ColumnMapping(), sheet=sheet)
    return _read(content, name, source, looked, proposed)


def _read_as_linked(content: bytes, name: str, source: str, wish: str) -> UploadResult:
    """Read as the link wishes; where that cannot be, as proposed, with a sentence that says why."""
    try:
        if len(wish) > MOST_LETTERS:
            raise DataError(f"it has more than {MOST_LETTERS:,} letters.")
        looked = preview_table(content, name, ColumnMapping.from_json(wish).sheet)
        mapping = ColumnMapping.from_json(wish, looked.base_mapping)
        if looked.mapping is None and mapping == looked.base_mapping:
            return _read(content, name, source, looked, None)
        if looked.mapping is None and looked.kind != UNCLEAR:
            raise DataError(f"a table of the {looked.kind} kind is known without it.")
        panel, report = read_mapped_table(content, name, mapping)
        return UploadResult(looked, mapping, replace(panel, source=source), report)
    except Exception as error:
        read = _look_and_read(content, name, source)
        if wish == "{}":  # the link says nothing of it
            return read
        why = str(error) if isinstance(error, ForecastingError) else "it cannot be read so."
        return replace(read, note=f"The link says which column is what, but not so that it can be used: {why[:300]}")


def _read(content: bytes, name: str, source: str, looked: TablePreview, mapping: ColumnMapping | None) -> UploadResult:
    try:
        panel, report = read_mapped_table(content, name, mapping)
    except Exception as error:
        return UploadResult(looked, mapping, error=_sentence(error, name))
    return UploadResult(looked, mapping, replace(panel, source=source), report)


def _sentence(error: Exception, name: str) -> str:
    """What the visitor is told; a file of which nobody has thought may break a reader in any way."""
    if isinstance(error, ForecastingError):
        return str(error)
    log.error("A visitor's file could not be read: %s", type(error).__name__)  # no word of what is in it
    return f"{name}: it cannot be read; save the table anew as CSV."
