"""Words of strangers: from a link, or out of somebody's file."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    """The text so that Markdown shows it as it is: no mark in it may become a picture, a link or a colour."""
    return re.sub(r"([\\`*_\[\]<>!#$~|&:]|(?<=www)\.)", r"\\\1", text)
