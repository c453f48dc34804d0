"""StreamConsumer: a thread that reads a stream's messages, stores their points, and only then confirms them.

So a message is stored once or more, never lost: what was read and not confirmed comes again, here or at another server. While the
broker or the database fails nothing is confirmed, and no more is read than one batch: memory stays as it is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pyarrow as pa

from forecasting.sources.shared.stream_brokers import Broker, BrokerError
from forecasting.sources.shared.stream_messages import Message, MessageParser
from forecasting.storage.stream_log import StreamLog

log = logging.getLogger(__name__)

#: Messages of a batch, at most, and the bytes from which on no more are added.
MOST_AT_ONCE, MOST_BYTES = 10_000, 16_000_000
#: Seconds that a batch is added to once it has a message.
LINGER = 0.25
#: Seconds to wait for a message.
PATIENCE = 0.5
#: Seconds between two attempts to reach a broker or a database: at first, and at most.
RETRY_FIRST, RETRY_MOST = 0.5, 15.0
#: Batches between two looks for small ones to be merged.
COMPACT_EVERY = 100
#: Bytes of messages set aside (compressed) beyond which nothing is read until somebody mends the mapping.
MOST_REJECTED = 256_000_000


class StreamConsumer:
    """Reads one stream in a thread of its own until it is closed.

    Args:
        connect: opens a connection; raises `BrokerError`.
        parser: reads messages.
        points: where points are stored.
        label: what the broker is called.

    Attributes:
        messages: messages that were stored or set aside since the start.
    """

    def __init__(self, connect: Callable[[], Broker], parser: MessageParser, points: StreamLog, label: str) -> None:
        self._connect, self._parser, self._log, self._label = connect, parser, points, label
        self._stopped, self._looked = threading.Event(), threading.Event()
        self._round_ended = threading.Condition()
        self._begun, self._caught_up = 0, 0
        self._trouble = ""
        self._answered = 0.0
        self._batches = 0
        self._rejected_bytes = 0
        self.messages = 0
        self._thread = threading.Thread(target=self._run, name=f"stream {label}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why nothing comes at present, as a sentence; empty while all is well."""
        return self._trouble

    def silence(self) -> float | None:
        """Seconds since the broker answered last; None if it never has."""
        return time.monotonic() - self._answered if self._answered else None

    def wait_until_looked(self, patience: float) -> bool:
        """Wait until all that was there at the start has been stored, or it is known why not; False if neither was in time."""
        return self._looked.wait(patience)

    def catch_up(self, patience: float) -> bool:
        """Wait until all that is there now has been stored, or it is known why not; False if neither was in time."""
        with self._round_ended:
            wanted = self._begun + 1  # what begins later finds all of it
            return self._round_ended.wait_for(lambda: self._caught_up >= wanted or bool(self._trouble), patience)

    def close(self) -> None:
        """End the thread; what it has read and not stored comes again."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait = RETRY_FIRST
        while not self._stopped.is_set():
            before = self.messages
            try:
                self._read_again()
                broker = self._connect()
                try:
                    self._consume(broker)
                finally:
                    broker.close()
            except BrokerError as error:
                self._report(f"{self._label} {error}")
            except Exception:  # a fault of the program or of a client; a thread that ends would go unnoticed
                log.exception("Reading a stream")
                self._report(f"Reading from {self._label} broke down; the log says more.")
            wait = RETRY_FIRST if self.messages > before else min(2 * wait, RETRY_MOST)
            self._stopped.wait(wait)

    def _consume(self, broker: Broker) -> None:
        while not self._stopped.is_set():
            if self._rejected_bytes > MOST_REJECTED:
                self._report("Too many messages are set aside, so no more are read; mend the mapping and start again.")
                self._stopped.wait(RETRY_MOST)
                continue
            with self._round_ended:
                self._begun += 1
            messages = self._gather(broker)
            self._answered = time.monotonic()
            if messages and not self._store(messages):
                return
            # Also of an entry that was deleted meanwhile nothing is left to do.
            broker.confirm()
            self.messages += len(messages)
            self._trouble = ""
            if broker.is_up_to_date:
                self._looked.set()
                if len(messages) < MOST_AT_ONCE:
                    with self._round_ended:
                        self._caught_up = self._begun
                        self._round_ended.notify_all()

    def _gather(self, broker: Broker) -> list[Message]:
        """The messages of some moments: few large batches are stored faster than many small ones."""
        found = broker.read(MOST_AT_ONCE, PATIENCE)
        until, size = time.monotonic() + LINGER, sum(map(_size, found))
        while found and len(found) < MOST_AT_ONCE and size < MOST_BYTES and not self._stopped.is_set():
            left = until - time.monotonic()
            if left <= 0:
                break
            more = broker.read(MOST_AT_ONCE - len(found), left)
            size += sum(map(_size, more))
            found += more
        return found

    def _store(self, messages: list[Message]) -> bool:
        """Store the points of messages, however long the database takes; False if the consumer was closed first."""
        parsed = self._parser.parse(messages)
        wait = RETRY_FIRST
        while not self._log.append(parsed.points, parsed.rejects, self._parser.reader, messages[-1].position):
            self._report(f"Points of the stream cannot be stored, so they wait at the broker: {self._log.trouble}.")
            if self._stopped.wait(wait):
                return False
            wait = min(2 * wait, RETRY_MOST)
        if parsed.rejects is not None:
            self._note_rejects(parsed.rejects)
        self._batches += 1
        if self._batches % COMPACT_EVERY == 0:
            self._log.compact()
        return True

    def _note_rejects(self, rejects: pa.Table) -> None:
        log.warning("%d messages set aside; the last: %s", rejects.num_rows, rejects.column("reason")[-1])
        self._rejected_bytes = self._log.count_rejects().bytes

    def _read_again(self) -> None:
        """Read messages that were set aside with another mapping, schema or version of the program."""
        after = 0
        while not self._stopped.is_set() and (found := self._log.other_rejects(self._parser.reader, after)):
            parsed = self._parser.parse_again(found.messages)
            if not self._log.replace_rejects(found.number, parsed.points, parsed.rejects, self._parser.reader):
                break
            after = found.number
        self._rejected_bytes = self._log.count_rejects().bytes

    def _report(self, sentence: str) -> None:
        if sentence != self._trouble:
            log.warning(sentence)
        with self._round_ended:
            self._trouble = sentence
            self._round_ended.notify_all()
        self._looked.set()


def _size(message: Message) -> int:
    return len(message.content) if isinstance(message.content, bytes) else 100 * len(message.content)
