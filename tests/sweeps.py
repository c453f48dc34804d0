"""A fixed, representative sample of every sweep, and all of it under ``pytest --whole``.

A sweep is a test whose cases are a product (models x kinds x shapes) or that draws many examples. In the sample every
value of every parameter still occurs; what is left out are combinations of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import pytest

#: Share of the examples of a property that are tried without ``--whole``, and the fewest that are.
SHARE, FEWEST = 0.25, 10
#: A parameter, and which object its value is, as values of all kinds are, arrays included.
Value = tuple[str, int]

_whole = False


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that leaves nothing out."""
    parser.addoption("--whole", action="store_true", help="run every case of every sweep, not a sample")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark means, and remember the option before any test file is read."""
    global _whole
    _whole = config.getoption("--whole")
    config.addinivalue_line(
        "markers",
        "sweep(each=1, always=()): of its cases a sample is run in which each value of each parameter occurs `each` times,"
        " and every case that has the values of one of `always`; `--whole` runs them all",
    )
    config.addinivalue_line("markers", "whole: a case that is run with `--whole` only, as others stand for it")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the sample of its sweep, as far as it was asked for at all."""
    if _whole:
        return
    sweeps: dict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("sweep"):
            sweeps[item.nodeid.partition("[")[0]].append(item)
    left = {item.nodeid for cases in sweeps.values() for item in left_out(cases)}
    left |= {item.nodeid for item in items if item.get_closest_marker("whole")}
    left -= {node for node in left if any(argument.endswith(Path(node).name) for argument in config.args)}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left])
    items[:] = [item for item in items if item.nodeid not in left]


def left_out(cases: Sequence[pytest.Function]) -> list[pytest.Function]:
    """Those of a sweep's cases that are run only with ``--whole``."""
    mark = cases[0].get_closest_marker("sweep")
    assert mark is not None
    always = [
        place
        for place, case in enumerate(cases)
        if any(one.items() <= case.callspec.params.items() for one in mark.kwargs.get("always", ()))
    ]
    values = [[(name, id(value)) for name, value in case.callspec.params.items()] for case in cases]
    kept = sample(values, mark.kwargs.get("each", 1), always)
    return [case for place, case in enumerate(cases) if place not in kept]


def sample(cases: Sequence[Sequence[Value]], each: int = 1, always: Iterable[int] = ()) -> set[int]:
    """The places of few cases in which each value occurs `each` times, if it does at all, in pairs as different as can be."""
    missing = Counter(value for case in cases for value in case)
    missing = Counter({value: min(count, each) for value, count in missing.items()})
    kept: set[int] = set()
    pairs: set[tuple[Value, ...]] = set()

    def keep(place: int) -> None:
        kept.add(place)
        missing.subtract(value for value in cases[place] if missing[value])
        pairs.update(combinations(cases[place], 2))

    def gain(place: int) -> tuple[int, int]:
        needed = sum(missing[value] > 0 for value in cases[place])
        return needed, sum(pair not in pairs for pair in combinations(cases[place], 2))

    for place in always:
        keep(place)
    while any(missing.values()):
        keep(max((place for place in range(len(cases)) if place not in kept), key=gain))
    return kept


def only_whole(values: Iterable[object], *left: object) -> list[object]:
    """Values of a parameter, of which those `left` out are tried with ``--whole`` only."""
    return [pytest.param(value, marks=pytest.mark.whole) if value in left else value for value in values]


def examples(count: int, fewest: int = FEWEST, share: float = SHARE) -> int:
    """How many examples of a property are tried, of `count` in the whole sweep."""
    return count if _whole else min(count, max(fewest, round(share * count)))
