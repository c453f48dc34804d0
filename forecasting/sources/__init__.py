"""The registry of data sources: it finds every `Source` in this folder, one file a source.

The databases, data sets and streams that the configuration names are sources too (`sql-<name>`, `data-<name>`,
`stream-<name>`). A reader's own file is not: `forecasting.tables.panel_file.read_panel` turns it into a `Panel`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from forecasting.data.panel import Panel, Statistic
from forecasting.sources.shared.base import Source
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, RequestError
from forecasting.support.settings import NamedDatabase, NamedDataSet, NamedStream

__all__ = ["Source", "close_streams", "default_statistic", "source", "sources", "start_streams"]


def sources() -> dict[str, Source]:
    """Every source by name, in the order lists show them. Nothing is read or downloaded yet."""
    named = (settings.databases(), settings.data_sets(), settings.streams())
    configured = [_configured(setting) for settings_by_name in named for setting in settings_by_name.values()]
    return _in_this_folder() | {source.name: source for source in configured}


@cache
def _in_this_folder() -> dict[str, Source]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    # Only this package's own: a test may define another Source without becoming part of every list.
    kinds = [kind for kind in _concrete(Source) if kind.__module__.startswith(__name__)]
    found = [source for kind in kinds for source in kind.registered()]
    return {source.name: source for source in sorted(found, key=lambda source: (source.order, source.name))}


@cache
def _configured(setting: NamedDatabase | NamedDataSet | NamedStream) -> Source:
    """The source of a setting; the same object each time, so that what it has read is kept."""
    from forecasting.sources.dataset import DataSetSource
    from forecasting.sources.sql import SqlSource
    from forecasting.sources.stream import StreamSource

    if isinstance(setting, NamedStream):
        return StreamSource(setting)
    return SqlSource(setting) if isinstance(setting, NamedDatabase) else DataSetSource(setting)


def start_streams() -> None:
    """Have the points of every configured stream taken in the background. A setting that is wrong is told by its page."""
    for name in settings.streams():
        with suppress(ForecastingError):
            source(f"stream-{name}").start()


def close_streams() -> None:
    """End what `start_streams` began."""
    for name in settings.streams():
        source(f"stream-{name}").close()


def source(name: str) -> Source:
    """The source called `name`; raises `RequestError` if there is none."""
    try:
        return sources()[name]
    except KeyError:
        raise RequestError(f"There is no source '{name}'; there are {', '.join(sources())}.") from None


def default_statistic(name: str, panel: Panel) -> Statistic:
    """What is meant where nobody names a statistic of the source called `name`, whose figures are in `panel`.

    Raises `RequestError` where it could not be had: another one is no answer.
    """
    default = next(iter(source(name).statistics()), None)
    return panel.statistic(default.name if default and default.name in panel.absent else None)


def _concrete(kind: type[Any]) -> Iterator[type[Source]]:
    for child in kind.__subclasses__():
        if not inspect.isabstract(child):
            yield child
        yield from _concrete(child)
