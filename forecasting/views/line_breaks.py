"""Where a line may not end: between a number and its unit, and within a date or a range."""

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
    r"|(?<=\d) (?=– [−\d])|(?<=\d –) (?=[−\d])"
)
_HOLDING_SPACE = re.compile(HOLDING_SPACE)
NO_BREAK_SPACE = "\u00a0"
#: Dashes within a range of numbers and hyphens within an ISO date, after which a line would end.
HOLDING_DASH = r"(?<=[\dkMBT%])–(?=[−\d])|(?<=\d{4})-(?=\d\d(?!\d))|(?<=\d{4}-\d\d)-(?=\d\d(?!\d))"
_HOLDING_DASH = re.compile(HOLDING_DASH)
#: Seen by nobody; what it stands between stays on one line.
WORD_JOINER = "\u2060"


def keep_together(text: str) -> str:
    """`text` in which no line ends after numbers that have a unit, within dates and ranges, and before a dot between parts."""
    return _HOLDING_DASH.sub(rf"\g<0>{WORD_JOINER}", _HOLDING_SPACE.sub(NO_BREAK_SPACE, text))
