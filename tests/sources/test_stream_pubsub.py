"""Points that come in on a Pub/Sub subscription, whose gRPC interface is served by the test: pull, acknowledge, deliver again."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pandas as pd
import pytest
from conditions import PATIENCE, until

from forecasting.sources.shared import stream_consumer
from forecasting.sources.stream import StreamSource
from forecasting.support import settings
from forecasting.support.errors import RequestError, SourceError

pytest.importorskip("google.cloud.pubsub_v1")
grpc = pytest.importorskip("grpc")

DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()
SUBSCRIPTION = "projects/health/subscriptions/cases"


class Subscriber:
    """google.pubsub.v1.Subscriber: what is pulled and not acknowledged is delivered again when `redeliver` says so."""

    def __init__(self) -> None:
        self.waiting: dict[str, bytes] = {}
        self.delivered: dict[str, bytes] = {}
        self.acknowledged: list[str] = []
        self.failure = None
        self._lock = threading.Lock()

    def publish(self, *contents: bytes) -> None:
        with self._lock:
            for content in contents:
                number = len(self.waiting) + len(self.delivered) + len(self.acknowledged)
                self.waiting[f"m{number}"] = content

    def redeliver(self) -> None:
        with self._lock:
            self.waiting |= self.delivered
            self.delivered.clear()

    def pull(self, request, context):
        from google.pubsub_v1.types import PubsubMessage, PullResponse, ReceivedMessage

        if self.failure is not None:
            context.abort(self.failure, "no")
        if request.subscription != SUBSCRIPTION:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such subscription")
        with self._lock:
            taken = list(self.waiting)[: request.max_messages]
            moment = datetime(2024, 3, 1, tzinfo=UTC)
            received = [
                ReceivedMessage(
                    ack_id=name, message=PubsubMessage(data=self.waiting[name], message_id=name, publish_time=moment)
                )
                for name in taken
            ]
            for name in taken:
                self.delivered[name] = self.waiting.pop(name)
        return PullResponse(received_messages=received)

    def acknowledge(self, request, context):
        from google.protobuf.empty_pb2 import Empty

        with self._lock:
            for name in request.ack_ids:
                if self.delivered.pop(name, None) is not None:
                    self.acknowledged.append(name)
        return Empty()


@pytest.fixture
def subscriber(monkeypatch, tmp_path) -> Iterator[Subscriber]:
    """The service on loopback, which the source `stream-cases` reads."""
    from google.protobuf.empty_pb2 import Empty
    from google.pubsub_v1.types import AcknowledgeRequest, PullRequest, PullResponse

    service = Subscriber()
    methods = {
        "Pull": grpc.unary_unary_rpc_method_handler(service.pull, PullRequest.deserialize, PullResponse.serialize),
        "Acknowledge": grpc.unary_unary_rpc_method_handler(
            service.acknowledge, AcknowledgeRequest.deserialize, Empty.SerializeToString
        ),
    }
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", methods)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
        monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
        monkeypatch.setenv("FORECAST_OFFLINE", "1")
        monkeypatch.delenv("FORECAST_DB_URL", raising=False)
        monkeypatch.setenv("FORECAST_STREAM_CASES", "pubsub://health/cases")
        monkeypatch.setattr("forecasting.sources.stream.LOOK_EVERY", 0.0)
        monkeypatch.setattr("forecasting.sources.stream.KEPT_LEAST", 0.0)
        monkeypatch.setattr("forecasting.sources.stream.KEPT_FACTOR", 0.0)
        yield service
        server.stop(0).wait()


@pytest.fixture
def opened(subscriber) -> Iterator[Callable[[], StreamSource]]:
    made = []

    def open_source() -> StreamSource:
        made.append(StreamSource(settings.streams()["cases"]))
        return made[-1]

    yield open_source
    for one in made:
        one.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream ")]


def point(day: str, value: float) -> bytes:
    return json.dumps({"region": "Italy", "date": day, "value": value}).encode()


def count(source: StreamSource) -> int:
    return len(source.panel().counts("Italy")) if source.version() else 0


def test_messages_are_the_figures_of_a_source_and_are_acknowledged(subscriber, opened):
    subscriber.publish(*(point(day, i) for i, day in enumerate(DAYS)), b"poison")
    source = opened()
    until(lambda: count(source) == len(DAYS))
    until(lambda: len(subscriber.acknowledged) == 61)
    assert source.panel().counts("Italy").tolist() == list(range(60))
    assert "Message m60 is no JSON." in source.fetch()


def test_what_was_not_stored_is_not_acknowledged_and_comes_again(subscriber, opened, monkeypatch):
    append, refused = stream_consumer.StreamLog.append, threading.Event()

    def refuse(log, *args):
        refused.set()
        return False

    monkeypatch.setattr(stream_consumer.StreamLog, "append", refuse)
    subscriber.publish(*(point(day, i) for i, day in enumerate(DAYS)))
    killed = opened()
    killed.start()
    assert refused.wait(PATIENCE)
    killed.close()
    assert subscriber.acknowledged == []
    monkeypatch.setattr(stream_consumer.StreamLog, "append", append)
    subscriber.redeliver()
    source = opened()
    until(lambda: count(source) == len(DAYS))
    until(lambda: len(subscriber.acknowledged) == len(DAYS))


def test_what_is_delivered_twice_counts_once(subscriber, opened):
    subscriber.publish(*(point(day, i) for i, day in enumerate(DAYS)), *(point(day, i) for i, day in enumerate(DAYS)))
    source = opened()
    source.start()
    until(lambda: len(subscriber.acknowledged) == 120)
    until(lambda: count(source) == len(DAYS))
    assert source.fetch().startswith("60 points")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("UNAVAILABLE", "Pub/Sub does not answer."),
        ("PERMISSION_DENIED", "Pub/Sub does not let us in; check the credentials and their rights."),
        ("NOT_FOUND", "Pub/Sub has no subscription of this name."),
    ],
)
def test_a_server_that_fails_is_a_state_and_then_it_goes_on(subscriber, opened, monkeypatch, code, sentence):
    monkeypatch.setattr(stream_consumer, "RETRY_MOST", 0.2)
    subscriber.failure = grpc.StatusCode[code]
    source = opened()
    source.start()
    until(lambda: source.state() == sentence)
    with pytest.raises(SourceError, match="has no points yet: Pub/Sub"):
        source.panel()
    subscriber.failure = None
    subscriber.publish(*(point(day, i) for i, day in enumerate(DAYS)))
    until(lambda: count(source) == len(DAYS))
    until(lambda: source.state() == "")


def test_a_package_that_is_missing_is_one_sentence(opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub_v1", None)
    with pytest.raises(RequestError, match="needs the package 'google-cloud-pubsub'"):
        opened().panel()


def test_offline_only_the_emulator_is_asked(opened, monkeypatch):
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST")
    with pytest.raises(
        RequestError, match="'cases' is on the network, and this installation is set to work without it"
    ):
        opened().panel()
