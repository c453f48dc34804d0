"""The interface of a data source: one class that yields a `Panel`.

To add a source, write one file here with one `Source` subclass; the registry finds it. A source that downloads
derives from `forecasting.sources.shared.live_source.LiveSource` instead, and only says what to download and how to read
it. A forecast hub more is an entry more in `forecasting.sources.shared.hubs`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta

from forecasting.data.panel import Panel, Statistic


class Source(ABC):
    """A source of figures: a publisher, a database, a data set, or a simulation.

    Attributes, of the class (of the instance where one class is several sources):
        name: what requests, links and the command line call it.
        label: what a page calls it.
        short_label: the same where there is little room; empty for `label`.
        summary: one paragraph for a page: what is counted, where, from when to when.
        home: the publisher's page.
        attribution: whom to credit, in one line.
        licence: under what terms, in a few words.
        live: whether it is downloaded.
        streams: whether new figures come by themselves; `has_moved` then tells.
        order: where it stands in lists.
    """

    name: str
    label: str
    short_label: str = ""
    summary: str
    home: str
    attribution: str
    licence: str
    live: bool = False
    streams: bool = False
    order: int = 100

    @classmethod
    def registered(cls) -> Sequence[Source]:
        """The sources of this class that the registry lists: one; none of a class that the configuration names."""
        return [cls()] if hasattr(cls, "name") else []

    @abstractmethod
    def panel(self) -> Panel:
        """The figures, cheap to ask for again. Raises `SourceError` when there are none, with what to do."""

    @abstractmethod
    def statistics(self) -> tuple[Statistic, ...]:
        """What may be asked of it, the first being the default; none before the first reading of a configured table.

        Reads nothing.
        """

    def age(self) -> timedelta | None:
        """How long ago the publisher last confirmed the figures; None where there is nothing to ask for, or no copy yet."""
        return None

    def has_moved(self, panel: Panel, region: str | None = None, statistic: str | None = None) -> bool:
        """Whether `panel()` would give other figures of a region and statistic (of any, without them) than `panel` has. Cheap."""
        return False

    def version(self) -> int:
        """A number that grows with every change of what has come by itself. Cheap."""
        return 0

    def state(self) -> str:
        """Why nothing comes by itself at present, in a sentence; empty while all is well."""
        return ""

    def state_told(self, panel: Panel) -> str:
        """What `state` was when `panel` was given, as its notes say."""
        return ""

    def start(self) -> None:  # noqa: B027 - to most nothing comes by itself
        """Begin to take what comes by itself, in the background; more than once does no harm."""

    def close(self) -> None:  # noqa: B027 - the same
        """End what `start` began."""

    def fetch(self, accept: bool = False) -> str:
        """Update the local copy now; one sentence saying from when the figures are.

        With `accept`, what a publisher sends is taken even where it would not be believed. Raises `SourceError` when there is no local copy and none can be had.
        """
        return f"'{self.label}' comes with the program; there is nothing to fetch."
