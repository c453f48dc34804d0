"""Where figures come from: one file a source. The registry finds every `Source` in this folder.

A reader's own file is not a source: `forecasting.sources.file.read_panel` turns it into a `Panel`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

from forecasting.errors import RequestError
from forecasting.sources.base import Source

__all__ = ["Source", "source", "sources"]


@cache
def sources() -> dict[str, Source]:
    """Every source by name, in the order lists show them. Nothing is read or downloaded yet."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    # Only this package's own: a test may define another Source without becoming part of every list.
    found = [kind() for kind in _concrete(Source) if kind.__module__.startswith(__name__)]
    return {s.name: s for s in sorted(found, key=lambda s: (s.order, s.name))}


def source(name: str) -> Source:
    """The source called `name`; raises `RequestError` if there is none."""
    try:
        return sources()[name]
    except KeyError:
        raise RequestError(f"There is no source '{name}'; there are {', '.join(sources())}.") from None


def _concrete(kind: type[Any]) -> Iterator[type[Source]]:
    for child in kind.__subclasses__():
        if not inspect.isabstract(child):
            yield child
        yield from _concrete(child)
