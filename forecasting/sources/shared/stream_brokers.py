"""Brokers: how messages are read from a Redis stream, a Kafka topic or a Pub/Sub subscription, and confirmed once stored.

All servers with the same group share a stream: the broker gives each message to one of them, and to another one if it was not
confirmed. The clients are imported where an address asks for one. No sentence tells an address.
"""

from __future__ import annotations

import os
import re
import socket
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from forecasting.sources.shared.stream_messages import Message
from forecasting.support import settings
from forecasting.support.errors import RequestError
from forecasting.support.settings import NamedStream

#: Seconds to wait for a broker to answer.
TIMEOUT = 5.0
#: Seconds after which a message that another consumer has not confirmed is taken over, and how often that is looked for.
TAKE_OVER_AFTER, LOOK_EVERY = 5.0, 2.0
#: Seconds that librdkafka waits for a whole batch, however many messages it has by then.
FULL_BATCH_PATIENCE = 0.2
#: Messages that a Pub/Sub server hands over at once, at most.
PULLED_AT_ONCE = 1_000
#: Hosts that need no network.
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
#: Names under which an entry of a Redis stream holds a whole message.
_WHOLE = ("data", "message", "payload", "value", "json", "body")


class BrokerError(Exception):
    """The error raised where a broker cannot be used at present: how a sentence goes on after its name."""


class Broker(ABC):
    """A connection to one stream. For one thread.

    Attributes:
        label: what the broker is called in sentences.
        is_up_to_date: whether all that was there when it was opened has been read.
    """

    label: str
    is_up_to_date = False

    @abstractmethod
    def read(self, most: int, patience: float) -> list[Message]:
        """The next messages, `most` at most; waits up to `patience` seconds for the first. Raises `BrokerError`."""

    @abstractmethod
    def confirm(self) -> None:
        """Tell the broker that all that was read has been stored. Raises `BrokerError`."""

    @abstractmethod
    def close(self) -> None:
        """Leave; what was not confirmed is handed to others."""


def check_address(setting: NamedStream) -> Callable[[], Broker]:
    """What opens a connection to a stream. Raises `RequestError` for an address that is none, or a package that is missing."""
    parts = urlsplit(setting.address) if "://" in setting.address else SplitResult("", "", "", "", "")
    kinds: dict[str, tuple[Callable[[NamedStream, SplitResult], Broker], str, str]] = {
        "redis": (RedisBroker, "redis", "redis"),
        "rediss": (RedisBroker, "redis", "redis"),
        "kafka": (KafkaBroker, "confluent_kafka", "confluent-kafka"),
        "pubsub": (PubSubBroker, "google.cloud.pubsub_v1", "google-cloud-pubsub"),
    }
    if parts.scheme not in kinds or not parts.netloc or not parts.path.strip("/"):
        raise RequestError(
            f"{setting.variable} is not an address; write it as redis://host:6379/stream, kafka://host:9092/topic or "
            "pubsub://project/subscription."
        )
    make, module, package = kinds[parts.scheme]
    if settings.offline() and not _is_local(parts):
        raise RequestError(f"'{setting.name}' is on the network, and this installation is set to work without it.")
    try:
        import_module(module)
    except ImportError:
        raise RequestError(
            f"{setting.variable} needs the package '{package}': pip install -r requirements-stream.txt."
        ) from None
    return lambda: make(setting, parts)


def _is_local(parts: SplitResult) -> bool:
    if parts.scheme == "pubsub":
        address = os.environ.get("PUBSUB_EMULATOR_HOST", "")
        return address.rpartition(":")[0].strip("[]") in _LOCAL_HOSTS
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return all(re.sub(r":\d+$", "", host).strip("[]").lower() in _LOCAL_HOSTS for host in hosts)


class RedisBroker(Broker):
    """A Redis stream, read as one consumer of a group; entries that a consumer left behind are taken over."""

    label = "Redis"

    def __init__(self, setting: NamedStream, parts: SplitResult) -> None:
        import redis

        *numbers, stream = [unquote(part) for part in parts.path.strip("/").split("/")]
        self._stream, self._group = stream, setting.group
        self._consumer = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        address = urlunsplit((parts.scheme, parts.netloc, "/".join(numbers), parts.query, ""))
        self._unconfirmed: list[bytes] = []
        self._claims_from: bytes = b"0-0"
        self._claimed = -LOOK_EVERY
        try:
            self._client: Any = redis.Redis.from_url(
                address, socket_connect_timeout=TIMEOUT, socket_timeout=2 * TIMEOUT, decode_responses=False
            )
            self._make_group()
        except ValueError:
            raise BrokerError("has an address that is none; check it.") from None
        except self._errors as error:
            raise self._failure(error) from None

    def _make_group(self) -> None:
        import redis

        try:
            self._client.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def read(self, most: int, patience: float) -> list[Message]:
        """Entries that others left behind, else new ones."""
        try:
            entries = self._taken_over(most)
            if not entries:
                wait = max(int(1000 * patience), 1)
                answer = self._client.xreadgroup(self._group, self._consumer, {self._stream: ">"}, most, wait)
                entries = _entries(answer, self._stream)
        except self._errors as error:
            raise self._failure(error) from None
        self.is_up_to_date = self.is_up_to_date or not entries
        self._unconfirmed += [position for position, _ in entries]
        return [_redis_message(position, fields) for position, fields in entries if fields]

    def _taken_over(self, most: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        now = time.monotonic()
        if now - self._claimed < LOOK_EVERY:
            return []
        idle = int(1000 * TAKE_OVER_AFTER)
        answer = self._client.xautoclaim(
            self._stream, self._group, self._consumer, idle, start_id=self._claims_from, count=min(most, 1000)
        )
        self._claims_from = answer[0]
        if self._claims_from in (b"0-0", "0-0"):
            self._claimed = now
        return [(position, fields) for position, fields in answer[1] if fields is not None]

    def confirm(self) -> None:
        """Acknowledge the entries."""
        try:
            for first in range(0, len(self._unconfirmed), 1000):
                self._client.xack(self._stream, self._group, *self._unconfirmed[first : first + 1000])
        except self._errors as error:
            raise self._failure(error) from None
        self._unconfirmed.clear()

    def close(self) -> None:
        """Leave the group, unless something is left to be taken over."""
        try:
            if not self._unconfirmed:
                mine = self._client.xpending_range(self._stream, self._group, "-", "+", 1, self._consumer)
                if not mine:
                    self._client.xgroup_delconsumer(self._stream, self._group, self._consumer)
        except self._errors:
            pass
        finally:
            self._client.close()

    def _failure(self, error: Exception) -> BrokerError:
        import redis

        if isinstance(error, redis.AuthenticationError) or any(
            word in str(error) for word in ("NOAUTH", "WRONGPASS", "NOPERM")
        ):
            return BrokerError("does not let us in; check user and password.")
        if "WRONGTYPE" in str(error):
            return BrokerError("has something else than a stream under this name.")
        if "unknown command" in str(error):
            return BrokerError("is too old for streams; version 6.2 or newer is needed.")
        if "NOGROUP" in str(error):
            return BrokerError("has lost the stream or its group, which is made anew.")
        return BrokerError("does not answer.")


def _entries(answer: Any, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of an answer to XREADGROUP, which is a list or a mapping by stream (RESP2, RESP3)."""
    if not answer:
        return []
    if isinstance(answer, dict):
        found = next(iter(answer.values()))
        return list(found[0]) if found and isinstance(found[0], list) else list(found)
    return list(answer[0][1])


def _redis_message(position: bytes, fields: dict[bytes, bytes]) -> Message:
    """An entry that is a message in one field, or whose fields are those of a record."""
    where = position.decode()
    moment = 1000 * int(where.partition("-")[0])
    if len(fields) == 1:
        ((name, content),) = fields.items()
        if name.decode("utf-8", "replace").lower() in _WHOLE:
            return Message(where, moment, content)
    cells = {name.decode("utf-8", "replace"): cell.decode("utf-8", "replace") for name, cell in fields.items()}
    return Message(where, moment, dict(cells))


class KafkaBroker(Broker):
    """A Kafka topic, read as a member of a consumer group; options of librdkafka may follow the topic as a query."""

    label = "Kafka"

    def __init__(self, setting: NamedStream, parts: SplitResult) -> None:
        import confluent_kafka as kafka

        self._kafka: Any = kafka
        user, at, hosts = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        if at:
            options = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"} | options
            options |= {"sasl.username": unquote(name), "sasl.password": unquote(password)}
        fixed = {
            "bootstrap.servers": hosts,
            "group.id": setting.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
        }
        usual = {
            "auto.offset.reset": "earliest",
            "socket.timeout.ms": int(1000 * TIMEOUT),
            "session.timeout.ms": 10_000,
            # Memory is bounded by what waits here, whatever the topic's rate.
            "queued.max.messages.kbytes": 32_768,
            "fetch.message.max.bytes": 2_097_152,
        }
        self._down = ""
        self._read_at = 0.0
        self._offsets: dict[tuple[str, int], int] = {}
        self._ended: set[tuple[str, int]] = set()
        self._assigned: set[tuple[str, int]] | None = None
        try:
            self._consumer: Any = kafka.Consumer(
                {**usual, **options, **fixed, "error_cb": self._on_error, "logger": _silent_logger()}
            )
        except kafka.KafkaException:
            raise BrokerError("does not take the options of the address; check them.") from None
        self._topic = unquote(parts.path.strip("/"))
        self._consumer.subscribe([self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke)
        self._opened = time.monotonic()

    def read(self, most: int, patience: float) -> list[Message]:
        """The next messages of the partitions that this member has."""
        kafka, found = self._kafka, []
        try:
            answers = self._consumer.consume(most, min(patience, FULL_BATCH_PATIENCE))
        except kafka.KafkaException:
            raise BrokerError("does not answer.") from None
        for one in answers:
            error = one.error()
            if error is None:
                where = one.topic(), one.partition()
                self._offsets[where] = max(self._offsets.get(where, 0), one.offset() + 1)
                kind, moment = one.timestamp()
                moment = moment if kind != kafka.TIMESTAMP_NOT_AVAILABLE else 0
                found.append(Message(f"{where[1]}/{one.offset()}", 1000 * moment, one.value() or b""))
            elif error.code() == kafka.KafkaError._PARTITION_EOF:
                self._ended.add((one.topic(), one.partition()))
            else:
                self._on_error(error)
        if answers:
            self._down = ""
        elif self._down:
            raise BrokerError(self._down)
        if self._assigned is not None and self._assigned <= self._ended:
            self.is_up_to_date = True
        return found

    def confirm(self) -> None:
        """Commit the offsets of what was read."""
        kafka = self._kafka
        offsets = [kafka.TopicPartition(topic, number, at) for (topic, number), at in self._offsets.items()]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except kafka.KafkaException as error:
            # After a rebalance others have the partition, and read again what was not committed.
            fatal = error.args[0].code() in (kafka.KafkaError._ALL_BROKERS_DOWN, kafka.KafkaError._TRANSPORT)
            if fatal:
                raise BrokerError("does not answer.") from None
        self._offsets.clear()

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _on_assign(self, _: Any, partitions: Any) -> None:
        self._assigned = {(one.topic, one.partition) for one in partitions}
        self._ended.clear()

    def _on_revoke(self, _: Any, partitions: Any) -> None:
        for one in partitions:
            self._offsets.pop((one.topic, one.partition), None)

    def _on_error(self, error: Any) -> None:
        codes = self._kafka.KafkaError
        if error.code() == codes._ALL_BROKERS_DOWN:
            self._down = "does not answer."
        elif error.code() in (
            codes._AUTHENTICATION,
            codes.TOPIC_AUTHORIZATION_FAILED,
            codes.GROUP_AUTHORIZATION_FAILED,
        ):
            self._down = "does not let us in; check user, password and rights."
        elif error.code() in (codes.UNKNOWN_TOPIC_OR_PART, codes._UNKNOWN_TOPIC):
            self._down = "has no topic of this name yet."


def _silent_logger() -> Any:
    """A logger that keeps librdkafka's lines, which name hosts, from stderr."""
    import logging

    logger = logging.getLogger("forecasting.kafka_client")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


class PubSubBroker(Broker):
    """A Pub/Sub subscription, pulled; credentials are Google's usual ones, or none for its emulator."""

    label = "Pub/Sub"

    def __init__(self, setting: NamedStream, parts: SplitResult) -> None:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import pubsub_v1

        self._errors: tuple[type[Exception], ...] = (exceptions.GoogleAPIError, GoogleAuthError, OSError)
        self._exceptions: Any = exceptions
        self._unconfirmed: list[str] = []
        try:
            self._client: Any = pubsub_v1.SubscriberClient()
        except self._errors:
            raise BrokerError("does not let us in; check the credentials.") from None
        self._subscription = self._client.subscription_path(parts.netloc, quote(parts.path.strip("/"), safe="-_.~+%"))

    def read(self, most: int, patience: float) -> list[Message]:
        """The next messages that the server hands over."""
        asked = {"subscription": self._subscription, "max_messages": min(most, PULLED_AT_ONCE)}
        try:
            answer = self._client.pull(request=asked, timeout=max(patience, 0.2), retry=None)
            received = list(answer.received_messages)
        except self._exceptions.DeadlineExceeded:  # which a server without messages lets pass
            received = []
        except self._errors as error:
            raise self._failure(error) from None
        self.is_up_to_date = self.is_up_to_date or not received
        self._unconfirmed += [one.ack_id for one in received]
        return [
            Message(one.message.message_id, int(one.message.publish_time.timestamp() * 1e6), one.message.data)
            for one in received
        ]

    def confirm(self) -> None:
        """Acknowledge the messages."""
        try:
            for first in range(0, len(self._unconfirmed), 1000):
                ids = self._unconfirmed[first : first + 1000]
                asked = {"subscription": self._subscription, "ack_ids": ids}
                self._client.acknowledge(request=asked, timeout=TIMEOUT, retry=None)
        except self._errors as error:
            raise self._failure(error) from None
        self._unconfirmed.clear()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _failure(self, error: Exception) -> BrokerError:
        if isinstance(error, self._exceptions.NotFound):
            return BrokerError("has no subscription of this name.")
        if isinstance(error, self._exceptions.PermissionDenied | self._exceptions.Unauthenticated):
            return BrokerError("does not let us in; check the credentials and their rights.")
        return BrokerError("does not answer.")
