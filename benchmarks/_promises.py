"""What must be true of the program whatever happens to it: promises, and whether they were kept."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from benchmarks._figure import Figure, figure


@dataclass(frozen=True)
class Promise:
    """One that was put to the test.

    Attributes:
        what: the promise, as a sentence.
        cases: how often it was looked at.
        broken: what was seen instead, a sentence a case.
    """

    what: str
    cases: int
    broken: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Also when there was nothing to look at, which is a fault of the test."""
        return bool(self.cases) and not self.broken


def promise(what: str, broken: Collection[str], cases: int) -> Promise:
    return Promise(what, cases, tuple(broken))


def held(what: str, true: bool, otherwise: str = "") -> Promise:
    """One that was looked at once."""
    return Promise(what, 1, () if true else (otherwise or "It was not so.",))


def kept(name: str, promises: Iterable[Promise]) -> Figure:
    """How many of them were kept, of all; what was seen instead of the others goes to standard error."""
    promises = list(promises)
    for one in promises:
        if not one.kept:
            print(f"{name}: {account(one)}", file=sys.stderr)
    return figure(name, sum(one.kept for one in promises), "promises kept", len(promises))


def account(one: Promise) -> str:
    """A promise with what was seen of it, for a person."""
    seen = "; ".join(one.broken[:5]) or ("nothing was looked at" if not one.cases else "kept")
    return f"{one.what} [{len(one.broken)} of {one.cases} not] {seen}"
