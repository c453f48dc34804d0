"""What is in an archive of one table, bounded before it is unpacked. Nothing is written to disk."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

from forecasting.errors import DataError
from forecasting.sources._limits import MAX_BYTES, MAX_COLUMNS, megabytes, one_line, too_large, unpacked_limit

_TABLE_KINDS = (".csv", ".tsv", ".txt", ".tab", ".json", ".jsonl", ".parquet", ".xlsx", ".dat", ".psv")


def unpacked(content: bytes, name: str) -> bytes:
    """What is in a gzip file or in a zip archive of one table; other content as it is."""
    if content.startswith(b"\x1f\x8b"):
        content = _gunzipped(content, name)
    elif content.startswith(b"PK\x03\x04"):
        inside = _member(content, name)
        if inside is None:
            return content
        content = inside
    elif len(content) > MAX_BYTES:
        raise DataError(f"{name}: it has more than {megabytes(MAX_BYTES)}; split it into smaller files.")
    else:
        return content
    nested = content.startswith((b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"\xfd7zXZ", b"Rar!"))
    if nested or (content.startswith(b"PK") and not _is_workbook(content)):
        raise DataError(f"{name}: there is an archive in the archive; unpack it and give the table itself.")
    return content


def _gunzipped(content: bytes, name: str) -> bytes:
    limit = unpacked_limit(content)
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            unpacked = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is damaged ({one_line(error)}); compress it again.") from None
    if len(unpacked) > limit:
        raise too_large(name, limit)
    return unpacked


def _member(content: bytes, name: str) -> bytes | None:
    """The one table in a zip archive; None of a workbook, which is such an archive itself."""
    limit = unpacked_limit(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist()[:MAX_COLUMNS] if not entry.is_dir()]
            if any(entry.filename in ("[Content_Types].xml", "xl/workbook.xml") for entry in entries):
                return None
            tables = [entry for entry in entries if _may_be_table(entry.filename)]
            if not tables and len(entries) == 1:
                tables = entries
            if len(tables) != 1:
                found = f"{len(tables)} tables" if tables else "no table"
                raise DataError(f"{name}: there is {found} in the archive; put exactly one CSV in it.")
            if tables[0].file_size > limit:
                raise too_large(name, limit)
            with archive.open(tables[0]) as stream:
                unpacked = stream.read(limit + 1)
    except DataError:
        raise
    except RuntimeError:
        raise DataError(f"{name}: the archive is locked by a password; give the table without one.") from None
    except Exception as error:  # zipfile raises many kinds for damaged archives
        # A workbook is such an archive, too, and most often it is one.
        raise DataError(f"{name}: it cannot be read as XLSX or ZIP ({one_line(error)}); save it as CSV.") from None
    if len(unpacked) > limit:
        raise too_large(name, limit)
    return unpacked


def _may_be_table(path: str) -> bool:
    last = path.rsplit("/", 1)[-1].lower()
    packed = last.endswith((".zip", ".gz", ".bz2", ".xz", ".7z", ".rar"))
    return (packed or last.endswith(_TABLE_KINDS)) and not path.startswith("__MACOSX/") and "readme" not in last


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except Exception:  # as in `_member`
        return False
