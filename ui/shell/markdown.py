"""Escaping of Markdown in strangers' words: from a link, or out of somebody's file."""

from __future__ import annotations

import re

#: The marks of Markdown.
_MARK = re.compile(r"([\\`*_\[\]<>!#$~|&:])")
#: Where Streamlit's Markdown begins to see an address in text that is already read: no mark of Markdown stops that.
_ADDRESS = re.compile(r"(https?://|www(?=\.)|@)", re.IGNORECASE)
#: Joins what it stands between, and is seen by nobody.
_JOINER = "\u2060"


def escape_markdown(text: str) -> str:
    """The text so that Markdown shows it as it is: nothing in it may become a picture, a link or a colour."""
    return _MARK.sub(r"\\\1", _ADDRESS.sub(rf"\1{_JOINER}", text))
