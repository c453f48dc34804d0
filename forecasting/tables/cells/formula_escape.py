"""Escape text that a spreadsheet would run as a formula (CSV injection) with an apostrophe, and undo that."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What makes a cell a formula when it stands at its beginning (OWASP, CSV Injection; ASVS 5.0, 1.2.10).
_FORMULA = r"[ ']*[=+\-@＝＋－＠\t\r\n\x00]"
#: Where a cell may begin: at the start, and wherever another program may part the line.
_BEGIN = r"(?:^|(?<=[,;|\"\t\r\n]))"
_TO_DEFUSE = re.compile(f"{_BEGIN}(?={_FORMULA})")
_DEFUSED = re.compile(f"{_BEGIN}'(?={_FORMULA})")


def escape_formulas(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin a formula (OWASP's remedy for CSV injection).

    That is at its start, and after separators and quotes, for a program may part lines elsewhere than we do. Most names
    stay as they are, ``'s-Hertogenbosch`` too. `unescape_formulas` is the inverse, for every text.
    """
    return _TO_DEFUSE.sub("'", text)


def unescape_formulas(text: str) -> str:
    """What `escape_formulas` was given; a text that it never gives stays as it is."""
    if "'" not in text:
        return text
    given = _DEFUSED.sub("", text)
    return given if escape_formulas(given) == text else text


def unescape_all_formulas(texts: Sequence[str]) -> list[str]:
    """The names of one table, `unescape_formulas`; as they are where one of them shows that `escape_formulas` has not written them.

    So two names never become one: among texts of `escape_formulas` no two come from the same.
    """
    given = [unescape_formulas(text) for text in texts]
    return given if all(escape_formulas(name) == text for name, text in zip(given, texts, strict=True)) else list(texts)
