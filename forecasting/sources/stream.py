"""Streams as sources: the points that came in on a Redis stream, Kafka topic or Pub/Sub subscription (`FORECAST_STREAM_<NAME>`).

A thread stores what comes (`shared.stream_consumer`), in this process or at another server; every process follows what is stored. So
a page shows the same points as the command line, and all of them while the broker is away.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel, Statistic
from forecasting.data.panel_cache import PanelCache
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.download import format_age, utc_now
from forecasting.sources.shared.stream_brokers import Broker, check_address
from forecasting.sources.shared.stream_consumer import StreamConsumer
from forecasting.sources.shared.stream_messages import MessageParser
from forecasting.sources.shared.stream_points import StreamPoints
from forecasting.storage.stream_log import StreamLog
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, SourceError
from forecasting.support.settings import NamedStream
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import TidyTable
from forecasting.tables.interpret_table import InterpretedTable, statistics_of_table
from forecasting.tables.panel_file import build_panel

#: What follows the reason why nothing comes, in a panel's notes.
ONLY_STORED = " These are the points that are stored."
#: Seconds that the first reader of a stream waits for what is there to be stored.
FIRST_PATIENCE = 5.0
#: Seconds that `fetch` waits for it.
FETCH_PATIENCE = 120.0
#: Seconds between two questions to the database whether another server has stored something.
LOOK_EVERY = 0.25
#: Seconds for which a panel is kept, at least, whatever comes; ...
KEPT_LEAST = 1.0
#: ... and so many times as long as it took to be made.
KEPT_FACTOR = 4.0


class StreamSource(Source):
    """The points of one stream, with those before them; their versions are vintages where messages say when they were published.

    Args:
        setting: the stream.
        now: the clock.
    """

    live = True
    streams = True
    home = ""
    licence = "as its owner says"

    def __init__(self, setting: NamedStream, now: Callable[[], datetime] = utc_now) -> None:
        self.name, self.label = f"stream-{setting.name}", f"{setting.name} (stream)"
        self.summary = f"What comes in on {setting.variable}, as it comes; kept in the store."
        self.attribution = f"Figures from {self.name}"
        self._setting, self._now = setting, now
        self._lock, self._starting = threading.RLock(), threading.Lock()
        self._log: StreamLog | None = None
        self._parser: MessageParser | None = None
        self._connect: Callable[[], Broker] | None = None
        self._consumer: StreamConsumer | None = None
        self._points = StreamPoints(settings.max_rows())
        self._read_to = 0
        self._looked_at = -LOOK_EVERY
        self._built: tuple[int, Panel] | None = None
        self._built_at, self._took, self._failed = 0.0, 0.0, 0
        self._building = threading.Lock()
        self._generations: WeakKeyDictionary[PanelCache, int] = WeakKeyDictionary()

    def start(self) -> None:
        """Begin to take what comes, in the background. Raises `RequestError` for settings that are wrong."""
        with self._starting:
            if self._consumer is None:
                parser, connect = MessageParser(self._setting), check_address(self._setting)
                self._parser = parser
                label = {"k": "Kafka", "p": "Pub/Sub"}.get(self._setting.address[0], "Redis")
                self._consumer = StreamConsumer(connect, parser, self._stored, label)
                self._consumer.start()
                atexit.register(self.close)

    def close(self) -> None:
        """Leave the broker; what is stored stays."""
        with self._starting:
            consumer, self._consumer = self._consumer, None
        if consumer:
            consumer.close()
            atexit.unregister(self.close)

    def panel(self) -> Panel:
        """The points that are stored now. Where nothing new has come it is the same as before; many a second are one change.

        Raises `SourceError` while there is none, with the reason, `RequestError` for settings that are wrong, and `DataError` for
        points of which no series can be made.
        """
        consumer = self._running()
        consumer.wait_until_looked(FIRST_PATIENCE)
        self._follow(at_once=self._built is None)
        if self._built is None:
            with self._building:
                if self._built is None:
                    self._build()
        elif self._is_due() and self._building.acquire(blocking=False):
            try:
                self._build()
            finally:
                self._building.release()
        assert self._built is not None  # `_build` has raised otherwise
        panel = self._built[1]
        trouble = consumer.trouble
        return _with_notes(panel, (trouble + ONLY_STORED,) if trouble else ())

    def statistics(self) -> tuple[Statistic, ...]:
        """Those of what was read last; none before that."""
        return self._built[1].statistics if self._built else ()

    def has_moved(self, panel: Panel, region: str | None = None, statistic: str | None = None) -> bool:
        """Whether `panel()` gives other figures of a region and statistic (of any, without them) than `panel` has, at once.

        Where it could, they are made in the background.
        """
        self._running()
        self._follow()
        known = self._generations.get(panel.cache, -1)
        column = None if statistic is None else panel.statistic(statistic).column
        changed = self._points.changed_at(region, column)
        if changed <= known:
            return False
        # Of a series that has changed since, what was made by now may lack that very change: then it is run once too often.
        if self._failed > known or (self._built is not None and self._built[0] > known):
            return True
        self._build_in_background()
        return False

    def version(self) -> int:
        """A number that grows with every change of the stored points; 0 while there is none."""
        self._running()
        self._follow()
        return self._points.changed

    def state(self) -> str:
        """Why nothing comes at present, in a sentence; empty while all is well."""
        return self._consumer.trouble if self._consumer else ""

    def state_told(self, panel: Panel) -> str:
        """What `state` was when `panel` was given: it may have changed while a page was drawn from it."""
        return next((note.removesuffix(ONLY_STORED) for note in panel.notes if note.endswith(ONLY_STORED)), "")

    def age(self) -> timedelta | None:
        """How long ago the broker answered; None if it never has since the start."""
        silence = self._consumer.silence() if self._consumer else None
        return None if silence is None else timedelta(seconds=silence)

    def fetch(self, accept: bool = False) -> str:
        """Wait until all that is there has been stored; one sentence on what is stored now, and why no more.

        Raises `SourceError` while nothing is stored.
        """
        consumer = self._running()
        in_time = consumer.catch_up(FETCH_PATIENCE)
        self._follow(at_once=True)
        count = self._points.count() + self._points.left_out
        if not count:
            raise SourceError(self._nothing())
        last = self._stored.last_stored()
        when = "" if last is None else f", the last {format_age(self._now() - last).replace('now', 'just now')}"
        more = consumer.trouble or ("" if in_time else "More are on their way.")
        rejected = _rejects_note(self._stored)
        return " ".join(filter(None, [f"{count:,} points of '{self.label}' are stored{when}.", more, *rejected]))

    @property
    def _stored(self) -> StreamLog:
        if self._log is None:
            self._log = StreamLog(self._setting.name[:64])
        return self._log

    def _running(self) -> StreamConsumer:
        self.start()
        consumer = self._consumer
        assert consumer is not None  # `start` has made it, or raised
        return consumer

    def _is_due(self) -> bool:
        """Whether another panel may be made: many points a second are shown together, the more so the longer one takes."""
        is_newer = self._built is None or self._points.changed > self._built[0]
        return is_newer and time.monotonic() - self._built_at >= max(KEPT_LEAST, KEPT_FACTOR * self._took)

    def _build(self) -> None:
        """Make the panel of what there is now; the caller holds `_building`. Raises as `panel` does."""
        began, changed = time.monotonic(), self._points.changed
        try:
            generation, panel = self._made()
        except ForecastingError:
            self._failed = changed
            raise
        finally:
            self._built_at = time.monotonic()
            self._took = self._built_at - began
        self._generations[panel.cache] = generation
        self._built = generation, panel

    def _build_in_background(self) -> None:
        """Have a thread make the panel, unless it is too early or one does."""
        if not self._is_due() or not self._building.acquire(blocking=False):
            return

        def build() -> None:
            with suppress(ForecastingError):  # whoever asks for the panel is told
                try:
                    self._build()
                finally:
                    self._building.release()

        threading.Thread(target=build, name=f"panel of {self.name}", daemon=True).start()

    def _follow(self, at_once: bool = False) -> None:
        """Take in what has been stored since the last look, by whichever server; `at_once`: however short that was ago."""
        with self._lock:
            if not at_once and time.monotonic() - self._looked_at < LOOK_EVERY:
                return
            newest = self._stored.newest()
            while newest is not None and self._read_to < newest:
                batches = self._stored.read(self._read_to)
                if not batches:
                    break
                for number, points in batches:
                    self._points.add(points)
                    self._read_to = number
            self._looked_at = time.monotonic()

    def _nothing(self) -> str:
        """Why there is no point."""
        trouble = self._consumer.trouble if self._consumer else ""
        if trouble:
            return f"'{self.label}' has no points yet: {trouble}"
        if rejected := _rejects_note(self._stored):
            return f"'{self.label}' has no points yet. {rejected[0]}"
        return f"No message has come on '{self.label}' yet; the figures appear here with the first ones."

    def _made(self) -> tuple[int, Panel]:
        if not len(self._points):
            raise SourceError(self._nothing())
        assert self._parser is not None  # it is running
        mapping = self._parser.mapping
        read = self._points.newest_table if mapping.as_of is None else self._points.vintage_table
        table, generation = read()
        raw = RawTable(self.name, pd.DataFrame(), np.empty(0, dtype=int), "point")
        statistics = statistics_of_table(table, mapping.cumulative, self.name)
        panel = build_panel(raw, InterpretedTable(TidyTable(table), statistics, self.attribution), True)
        panel = panel if mapping.kind is None else panel.with_kind(mapping.kind)
        panel = panel if mapping.zeros_at_end is None else panel.with_zeros_at_end(mapping.zeros_at_end)
        left = self._points.left_out
        dropped = (
            (f"{left:,} older figures are in the store only; raise FORECAST_MAX_ROWS to use them.",) if left else ()
        )
        return generation, _with_notes(panel, (*dropped, *_rejects_note(self._stored)))


def _rejects_note(points: StreamLog) -> tuple[str, ...]:
    """A sentence on messages that are set aside, if there are."""
    count = points.count_rejects()
    if not count.messages:
        return ()
    what = "1 message is" if count.messages == 1 else f"{count.messages:,} messages are"
    return (f"{what} set aside, which could not be read; the last: {count.reason}",)


def _with_notes(panel: Panel, notes: tuple[str, ...]) -> Panel:
    return replace(panel, notes=(*notes, *panel.notes)) if notes else panel
