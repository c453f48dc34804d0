"""A promise: one invariant of the running server, how often it was checked, and what broke it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from benchmarks._figure import Figure, figure


@dataclass(frozen=True)
class Promise:
    """One invariant that was checked.

    Attributes:
        what: the invariant, as a sentence.
        cases: how often it was checked.
        broken: what was seen instead, one sentence a case.
    """

    what: str
    cases: int
    broken: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether it held in every case; without a case it counts as broken, for then the check itself is faulty."""
        return bool(self.cases) and not self.broken


def promise(what: str, broken: Collection[str], cases: int) -> Promise:
    return Promise(what, cases, tuple(broken))


def check(what: str, true: bool, otherwise: str = "") -> Promise:
    """A promise that was checked once."""
    return Promise(what, 1, () if true else (otherwise or "It was not so.",))


def promises_figure(name: str, promises: Iterable[Promise]) -> Figure:
    """The figure of how many promises were kept, of all; what broke the others is printed to standard error."""
    promises = list(promises)
    for checked in promises:
        if not checked.kept:
            print(f"{name}: {describe(checked)}", file=sys.stderr)
    return figure(name, sum(checked.kept for checked in promises), "promises kept", len(promises))


def describe(checked: Promise) -> str:
    """A sentence about a promise with at most five things that broke it."""
    seen = "; ".join(checked.broken[:5]) or ("nothing was looked at" if not checked.cases else "kept")
    return f"{checked.what} [{len(checked.broken)} of {checked.cases} not] {seen}"
