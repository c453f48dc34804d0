"""Unpack gzip files and zip archives of one table in memory, bounded before anything is unpacked.

Refusing an archive takes hardly any memory, however much it would unpack to.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from forecasting.support.errors import DataError
from forecasting.tables.cells.limits import (
    MAX_BYTES,
    MAX_COLUMNS,
    error_text,
    format_megabytes,
    too_large_error,
    unpacked_limit,
)
from forecasting.tables.cells.other_files import refuse_other_documents

#: Bytes that are unpacked at a time.
_PIECE_BYTES = 1_000_000
#: What stands before each file in a zip archive's table of contents.
_ENTRY = b"PK\x01\x02"
#: Ends of the names of tables.
_TABLE_KINDS = (".csv", ".tsv", ".txt", ".tab", ".json", ".jsonl", ".parquet", ".xlsx", ".dat", ".psv")


def unpack_archive(content: bytes, name: str) -> bytes:
    """The table in a gzip file or in a zip archive of one table; other content as it is.

    Raises `DataError` for several tables, a nested archive, and for too much.
    """
    if content.startswith(b"\x1f\x8b"):
        content = _gunzipped(content, name)
    elif content.startswith(b"PK\x03\x04"):
        if _is_crowded(content):
            raise DataError(
                f"{name}: there are more than {MAX_COLUMNS:,} files in the archive; put exactly one CSV in it."
            )
        refuse_other_documents(content, name)
        inside = _member(content, name)
        if inside is None:
            return content
        content = inside
    elif len(content) > MAX_BYTES:
        raise DataError(f"{name}: it has more than {format_megabytes(MAX_BYTES)}; split it into smaller files.")
    else:
        return content
    nested = content.startswith((b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"\xfd7zXZ", b"Rar!"))
    if nested or (content.startswith(b"PK") and (_is_crowded(content) or not _is_workbook(content))):
        raise DataError(f"{name}: there is an archive in the archive; unpack it and give the table itself.")
    return content


def _gunzipped(content: bytes, name: str) -> bytes:
    limit = unpacked_limit(content)
    try:
        return _bounded(lambda: gzip.open(io.BytesIO(content)), limit, name)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is damaged ({error_text(error)}); compress it again.") from None


def _member(content: bytes, name: str) -> bytes | None:
    """The one table in a zip archive; None of a workbook, which is such an archive itself."""
    limit = unpacked_limit(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist()[:MAX_COLUMNS] if not entry.is_dir()]
            check_compression(archive, name)
            if any(entry.filename in ("[Content_Types].xml", "xl/workbook.xml") for entry in entries):
                return None
            tables = [entry for entry in entries if _may_be_table(entry.filename)]
            if not tables and len(entries) == 1:
                tables = entries
            if len(tables) != 1:
                count = f"are {len(tables)} tables" if tables else "is no table"
                raise DataError(f"{name}: there {count} in the archive; put exactly one CSV in it.")
            if tables[0].file_size > limit:
                raise too_large_error(name, limit)
            return _bounded(lambda: archive.open(tables[0]), limit, name)
    except DataError:
        raise
    except RuntimeError:
        raise DataError(f"{name}: the archive is locked by a password; give the table without one.") from None
    except Exception as error:  # zipfile raises many kinds for damaged archives
        # A workbook is such an archive, too, and most often it is one.
        raise DataError(f"{name}: it cannot be read as XLSX or ZIP ({error_text(error)}); save it as CSV.") from None


def _bounded(opened: Callable[[], IO[bytes] | gzip.GzipFile], limit: int, name: str) -> bytes:
    """All that a stream holds; it is read twice, as nothing else says reliably whether that is more than `limit`."""
    with opened() as stream:
        size = sum(map(len, _pieces(stream, limit + 1)))
    if size > limit:
        raise too_large_error(name, limit)
    kept = io.BytesIO()
    with opened() as stream:
        kept.writelines(_pieces(stream, limit))
    return kept.getvalue()


def _pieces(stream: IO[bytes] | gzip.GzipFile, most: int) -> Iterator[bytes]:
    while most > 0 and (piece := stream.read(min(_PIECE_BYTES, most))):
        most -= len(piece)
        yield piece


def check_compression(archive: zipfile.ZipFile, name: str) -> None:
    """Raises `DataError` for a packing of which Python unpacks more at a time than it is asked for."""
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in archive.infolist()):
        raise DataError(f"{name}: the archive is packed in an unusual way; pack it as ZIP with the usual settings.")


def _may_be_table(path: str) -> bool:
    last = path.rsplit("/", 1)[-1].lower()
    packed = last.endswith((".zip", ".gz", ".bz2", ".xz", ".7z", ".rar"))
    return (packed or last.endswith(_TABLE_KINDS)) and not path.startswith("__MACOSX/") and "readme" not in last


def _is_crowded(content: bytes) -> bool:
    """Whether there are so many files in an archive that their names alone take much memory when it is opened."""
    return content.count(_ENTRY) > MAX_COLUMNS


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except Exception:  # as in `_member`
        return False
