"""Files that are no tables, known by their first bytes: a PDF, an image, an old workbook, a page of the web."""

from __future__ import annotations

import io
import re
import zipfile

from forecasting.support.errors import DataError

#: First bytes -> what such a file is.
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"BM", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of the old kind (XLS)"),
    (b"{\\rtf", "a text document"),
    (b"SQLite format 3\x00", "a database"),
)
#: How each kind's table becomes one that can be read; of any other kind the last.
_REMEDIES = {
    "a workbook of the old kind (XLS)": "save it as XLSX or CSV.",
    "a spreadsheet of OpenDocument (ODS)": "save it as XLSX or CSV.",
    "an image": "type its figures into a spreadsheet and save that as XLSX or CSV.",
    "a page of the web": "copy its table into a spreadsheet and save that as XLSX or CSV.",
    "a database": "give its table as CSV, or read it with --sql.",
}
_OTHER_REMEDY = "copy its table into a spreadsheet and save that as XLSX or CSV."
_WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html|<head|<body|<table)", re.IGNORECASE)
#: A file in a zip archive -> what such an archive is.
_DOCUMENTS = {
    "word/document.xml": "a text document",
    "ppt/presentation.xml": "a presentation",
    "content.xml": "a spreadsheet of OpenDocument (ODS)",
}


def refuse_other_files(content: bytes, name: str) -> None:
    """Raises `DataError` for a file that is certainly no CSV, JSON, Parquet or XLSX."""
    kind = next((kind for start, kind in _SIGNATURES if content.startswith(start)), None)
    if kind == "an image" and content.startswith(b"BM") and b"\x00" not in content[:30]:
        kind = None  # a column called BM…
    if kind is None and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "an image"
    if kind is None and _WEB_PAGE.match(content[:2000]):
        kind = "a page of the web"
    if kind is not None:
        raise DataError(f"{name}: this is {kind}, not a table; {_REMEDIES.get(kind, _OTHER_REMEDY)}")


def refuse_other_documents(content: bytes, name: str) -> None:
    """Raises `DataError` for a zip archive that is another document than a workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return
    kind = next((kind for inside, kind in _DOCUMENTS.items() if inside in names), None)
    if kind is not None:
        raise DataError(f"{name}: this is {kind}, not a table; {_REMEDIES.get(kind, _OTHER_REMEDY)}")
