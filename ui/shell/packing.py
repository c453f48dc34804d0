"""Packed files: a file's content as text that fits into a browser's storage, and back, within limits."""

from __future__ import annotations

import base64
import binascii
import zlib

#: Letters of all packed tables in a tab's storage; browsers allow some five million bytes, two a letter.
MAX_LETTERS = 2_000_000
#: Bytes of a file that is packed at all.
MAX_PACKED_BYTES = 20_000_000


def pack(content: bytes) -> str:
    """The content as text; empty where that would be too long."""
    if len(content) > MAX_PACKED_BYTES:
        return ""
    text = base64.b64encode(zlib.compress(content, 6)).decode("ascii")
    return text if len(text) <= MAX_LETTERS else ""


def unpack(text: str) -> bytes:
    """The content that `pack` made `text` of. Raises `ValueError` for any other text, and for more than is packed."""
    if not text or len(text) > MAX_LETTERS:
        raise ValueError("not a packed file")
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(base64.b64decode(text, validate=True), MAX_PACKED_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("not a packed file") from error
    if not reader.eof:
        raise ValueError("not a whole packed file")
    return content
