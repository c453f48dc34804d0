"""The encoding of a text file: UTF-8 or UTF-16 with or without a byte order mark, UTF-32 with one, else Windows-1252; all as UTF-8."""

from __future__ import annotations

import io
import re

from forecasting.support.errors import DataError

#: A line and what ends it.
_LINE = re.compile(rb"[^\r\n]*[\r\n]+|[^\r\n]+")


def to_utf8(content: bytes, name: str) -> bytes:
    """The text as UTF-8 without a byte order mark. Raises `DataError` for a zero byte in it."""
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        content = content.decode("utf-32", errors="replace").encode("utf-8", errors="replace")
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    elif (zeros := content[:2000].count(0)) and 0.4 < zeros / min(len(content), 2000) <= 0.5:
        # UTF-16 without a mark: of Latin letters every other byte is a zero.
        kind = "utf-16-be" if content[0] == 0 else "utf-16-le"
        content = content.decode(kind, errors="replace").encode("utf-8", errors="replace")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content:
        place = f"{name}, line {content[: content.index(0)].count(10) + 1}" if _is_text(content) else name
        what = "there is a zero byte" if _is_text(content) else "this is not a table that can be read"
        raise DataError(f"{place}: {what}; give CSV, JSON, Parquet or XLSX.")
    try:
        if not content.isascii():
            content.decode()
    except UnicodeDecodeError:
        # Excel on Windows still writes CSV in the Windows code page; files put together from several have both.
        kept = io.BytesIO()
        kept.writelines(_line_as_utf8(found[0]) for found in _LINE.finditer(content))
        return kept.getvalue()
    return content


def _is_text(content: bytes) -> bool:
    """Whether most of the beginning is letters, so that a stray zero byte is the only thing wrong."""
    head = content[:1000]
    return sum(byte >= 32 or byte in (9, 10, 13) for byte in head) > 0.95 * len(head)


def _line_as_utf8(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace").encode()
    return line


def replace_lone_surrogates(text: str) -> str:
    """The text with question marks for lone surrogates, which JSON and workbooks can hold, but no UTF-8."""
    return text if text.isascii() else text.encode(errors="replace").decode()
