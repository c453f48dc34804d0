"""Where a line may not end: between a number and its unit, and within a date."""

from __future__ import annotations

import re

_STEPS = "minutes?|hours?|days?|weekdays?|working days?|weeks?|months?|quarters?|years?|dates?|times?|steps?|regions?"
_SIZES = "s|ms|min|h|kB|MB|GB|k|M|B|T"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: Spaces that hold together what stands beside them, as a regular expression that Python and JavaScript read alike.
HOLDING_SPACE = (
    rf"(?<=\d) (?=%|×|(?:{_STEPS}|{_SIZES}|{'|'.join(_MONTHS)})(?![\w-]))"
    rf"|(?<={'|'.join(_MONTHS)}) (?=\d{{4}}(?!\d))"
    r"| (?=· )"
)
_HOLDING_SPACE = re.compile(HOLDING_SPACE)
NO_BREAK_SPACE = "\u00a0"


def keep_together(text: str) -> str:
    """`text` with spaces at which no line ends after numbers that have a unit, within dates, and before a dot between parts."""
    return _HOLDING_SPACE.sub(NO_BREAK_SPACE, text)
