"""Points that come in on a Kafka topic, from librdkafka's own mock cluster: a broker that speaks the protocol, in this process."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pandas as pd
import pytest
from conditions import PATIENCE, until

from forecasting.sources.shared import stream_brokers, stream_consumer
from forecasting.sources.stream import StreamSource
from forecasting.support import settings
from forecasting.support.errors import RequestError, SourceError

kafka = pytest.importorskip("confluent_kafka")

DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A producer whose cluster of one broker ends with it."""
    producer = kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    yield producer
    producer.flush(5)
    del producer


@pytest.fixture
def topic(cluster, request, monkeypatch, tmp_path) -> str:
    """The name of a topic that nobody else has, which the source `stream-cases` reads."""
    (broker,) = cluster.list_topics(timeout=PATIENCE).brokers.values()
    name = f"t{abs(hash(request.node.nodeid))}"
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.delenv("FORECAST_DB_URL", raising=False)
    monkeypatch.setenv("FORECAST_STREAM_CASES", f"kafka://127.0.0.1:{broker.port}/{name}")
    monkeypatch.setattr("forecasting.sources.stream.LOOK_EVERY", 0.0)
    monkeypatch.setattr("forecasting.sources.stream.KEPT_LEAST", 0.0)
    monkeypatch.setattr("forecasting.sources.stream.KEPT_FACTOR", 0.0)
    return name


@pytest.fixture
def opened() -> Iterator[Callable[[], StreamSource]]:
    """Opens sources as another process would, and ends what they began."""
    made = []

    def open_source() -> StreamSource:
        made.append(StreamSource(settings.streams()["cases"]))
        return made[-1]

    yield open_source
    for one in made:
        one.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream ")]


def send(cluster, topic: str, *contents: bytes) -> None:
    for number, content in enumerate(contents):
        cluster.produce(topic, content, partition=number % 2)
    assert cluster.flush(PATIENCE) == 0


def point(day: str, value: float, region: str = "Italy") -> bytes:
    return json.dumps({"region": region, "date": day, "value": value}).encode()


def committed(topic: str) -> int:
    """How many messages of the topic are committed for the group."""
    hosts = urlsplit(settings.streams()["cases"].address).netloc
    asked = kafka.Consumer({"bootstrap.servers": hosts, "group.id": "forecast-explorer", "log_level": 0})
    try:
        places = asked.committed([kafka.TopicPartition(topic, number) for number in range(2)], timeout=PATIENCE)
        return sum(max(place.offset, 0) for place in places)
    finally:
        asked.close()


def count(source: StreamSource, region: str = "Italy") -> int:
    return len(source.panel().counts(region)) if source.version() else 0


def test_messages_of_all_partitions_are_the_figures_of_a_source(cluster, topic, opened):
    send(cluster, topic, *(point(day, i) for i, day in enumerate(DAYS)), b"no JSON")
    source = opened()
    until(lambda: count(source) == len(DAYS))
    assert source.panel().counts("Italy").tolist() == list(range(60))
    assert source.fetch().startswith("60 points of 'cases (stream)' are stored")
    assert "1 message is set aside, which could not be read; the last: Message 0/30 is no JSON." in source.fetch()
    until(lambda: committed(topic) == 61)


def test_offsets_are_committed_after_the_points_are_stored_and_a_restart_goes_on(cluster, topic, opened, monkeypatch):
    append, refused = stream_consumer.StreamLog.append, threading.Event()

    def refuse(log, *args):
        refused.set()
        return False

    monkeypatch.setattr(stream_consumer.StreamLog, "append", refuse)
    send(cluster, topic, *(point(day, i) for i, day in enumerate(DAYS[:40])))
    first = opened()
    first.start()
    assert refused.wait(PATIENCE)
    assert committed(topic) == 0
    first.close()
    monkeypatch.setattr(stream_consumer.StreamLog, "append", append)
    second = opened()
    until(lambda: count(second) == 40)
    until(lambda: committed(topic) == 40)
    second.close()
    send(cluster, topic, *(point(day, i) for i, day in enumerate(DAYS) if i >= 40))
    third = opened()
    until(lambda: count(third) == len(DAYS))


def test_new_messages_come_by_themselves(cluster, topic, opened):
    send(cluster, topic, *(point(day, i) for i, day in enumerate(DAYS)))
    source = opened()
    until(lambda: count(source) == len(DAYS))
    seen = source.panel()
    send(cluster, topic, point("2024-03-01", 60))
    until(lambda: source.has_moved(seen, "Italy", "value"))
    assert source.panel().counts("Italy").iloc[-1] == 60


def test_a_topic_without_messages_is_one_sentence(cluster, topic, opened):
    cluster.list_topics(topic, timeout=PATIENCE)  # which makes it
    source = opened()
    with pytest.raises(SourceError, match="No message has come on 'cases"):
        source.panel()


def test_a_broker_that_is_away_is_a_state_without_its_address(topic, opened, monkeypatch, caplog, capfd):
    monkeypatch.setenv(
        "FORECAST_STREAM_CASES", f"kafka://somebody:secret-word@127.0.0.1:9/{topic}?security.protocol=SASL_PLAINTEXT"
    )
    source = opened()
    source.start()
    until(source.state)
    with pytest.raises(SourceError, match=r"'cases \(stream\)' has no points yet: Kafka does not answer\."):
        source.panel()
    said = f"{source.state()} {caplog.text} {capfd.readouterr()}"
    assert "secret-word" not in said
    assert "127.0.0.1" not in said


def test_options_of_the_address_that_kafka_does_not_know_are_one_sentence(topic, opened, monkeypatch):
    monkeypatch.setenv("FORECAST_STREAM_CASES", f"kafka://127.0.0.1:9/{topic}?no.such.option=1")
    source = opened()
    source.start()
    until(lambda: "does not take the options of the address" in source.state())


def test_a_package_that_is_missing_is_one_sentence(topic, opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(RequestError, match="needs the package 'confluent-kafka'"):
        opened().panel()


def test_the_client_keeps_no_more_than_it_is_told(topic, opened):
    """What librdkafka has read ahead is bounded, whatever the topic's rate."""
    broker = stream_brokers.check_address(settings.streams()["cases"])()
    try:
        assert broker.read(1, 0.0) == []
    finally:
        broker.close()
