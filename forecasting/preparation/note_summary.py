"""Summary of notes: what was done to many series, one sentence a kind with the number of series and their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forecasting.preparation.messages import ZEROS_QUESTION

#: Names that a sentence lists, at most.
MOST_NAMES = 6
#: A note on one series -> the same of many, without its own figures and dates. Notes of no such kind are told by an example.
KINDS = tuple(
    (re.compile(pattern), general)
    for pattern, general in (
        (r"[\d,]+ (negative correction)s? (spread over the .+ before) \(.*\)\.", r"\1s \2"),
        (
            r"[\d,]+ piles? after a silence spread over .+ \(.*\)\.",
            "piles after a silence spread over the silent periods",
        ),
        (r"[\d,]+ (late dump)s? (of old counts spread over the .+ before) \(.*\)\.", r"\1s \2"),
        (r".+ without a figure filled in from those around \(.*\)\.", "gaps filled in from the figures around"),
        (
            r"What came after .+ without a report was shared evenly with them\.",
            "what came after periods without a report was shared evenly with them",
        ),
        (
            r"Reporting stopped on .+; the series is used until then\.",
            "reporting has stopped; the series are used until then",
        ),
        (
            r"Nothing was reported for the last .+; the series is used until then\.",
            "nothing was reported for the last periods; the series are used until then",
        ),
        (
            rf"(?:Reporting stopped|Nothing was reported) .+ {re.escape(ZEROS_QUESTION)}",
            "nothing was reported at the end; the series are used until then, unless you set zeros-at-end to true",
        ),
        (
            r"The figures end on .+ before those of most regions; the forecast begins there\.",
            "the figures end long before those of most regions; each forecast begins where its region ends",
        ),
        (r"The zeros? at the end.* taken as true\.", "the zeros at the end are taken as true"),
        (r"The last .+ looks? incomplete\b.*\.", "the last figures look incomplete; they are shown but not used"),
        (
            r"The .+ (raised|lowered|changed) by .+ figures are usually revised, as .+ show\.",
            r"the last figures are \1 by as much as such figures are usually revised",
        ),
        (
            r"The .+ was published as .+ and is taken as .+\.",
            "the last figure is raised, for such figures are revised upwards later",
        ),
        (
            r"The .+ is an unusually deep fall and may be incomplete; the bands are wider for it\.",
            "the last figure is an unusually deep fall and may be incomplete; the bands are wider for it",
        ),
        (r"Nothing is reported on .+\.", "nothing is reported on some weekdays"),
        (r"A week's counts are reported on .+\.", "a week's counts are reported on one day"),
    )
)
#: What differs between notes of the same kind: figures, dates and quoted names.
_DIFFERENT = re.compile(
    r"'[^']*'|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}(?: \d\d:\d\d)?|[\d][\d.,:\-]*"
)


@dataclass
class _Kind:
    """Notes of one kind: the distinct sentences, and the series that have them."""

    general: str
    sentences: dict[str, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)


def summarise_notes(notes: Mapping[str, Sequence[str]], noun: str = "regions") -> list[str]:
    """Summarise the notes of many series, by name, to one sentence a kind; of a single series they are returned as they are.

    ``"3 of 53 regions: negative corrections spread over the days before (Alabama, Ohio, Utah)."`` A sentence that all series
    share is returned as it is. `noun` says what the names are.
    """
    if len(notes) == 1:
        return list(dict.fromkeys(note for some in notes.values() for note in some))
    kinds: dict[str, _Kind] = {}
    for name, some in notes.items():
        for note in some:
            kind = kinds.setdefault(note_kind(note), _Kind(_general(note)))
            kind.sentences[note] = None
            kind.names[name] = None
    return [_sentence(kind, len(notes), noun) for kind in kinds.values()]


def note_kind(note: str) -> str:
    """What notes of one kind have in common, whatever their figures and dates."""
    return _general(note) or _DIFFERENT.sub("#", note)


def _general(note: str) -> str:
    """The note as it is said of many series; empty for one of no known kind."""
    for pattern, general in KINDS:
        if found := pattern.fullmatch(note):
            return found.expand(general)
    return ""


def _sentence(kind: _Kind, count: int, noun: str) -> str:
    first, names = next(iter(kind.sentences)), list(kind.names)
    if len(kind.sentences) == 1:
        if len(names) == count:
            return first
        if len(names) > 1 and not (kind.general and first.endswith(").")):
            return f"{len(names):,} of {count:,} {noun}: {first.rstrip('.')} ({_first_few(names)})."
    if len(names) == 1:
        return f"{names[0]}: {' '.join(kind.sentences)}"
    if kind.general:
        return f"{len(names):,} of {count:,} {noun}: {kind.general} ({_first_few(names)})."
    return f"{len(names):,} of {count:,} {noun} ({_first_few(names)}), as in {names[0]}: {first}"


def _first_few(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
