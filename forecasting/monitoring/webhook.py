"""One POST of alerts to wherever they shall go; its address is a secret and is in no log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import httpx

#: Seconds without an answer after which it has failed.
TIMEOUT = 10.0
#: Whose lines name the address.
_TALKATIVE = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


@dataclass(frozen=True)
class Told:
    """What is told of one alert: its `state` is ``"open"`` or ``"over"``; times are in ISO 8601."""

    state: str
    kind: str
    source: str
    region: str
    statistic: str
    model: str
    since: str
    opened: str
    sentence: str


def post(address: str, alerts: Sequence[Told]) -> str:
    """Posts ``{"text": …, "alerts": [{…}]}``; why that failed, in words that do not tell the address, or nothing.

    Slack and what is like it shows the ``text``. Redirects are not followed.
    """
    content = {"text": "\n".join(map(_line, alerts)), "alerts": [asdict(alert) for alert in alerts]}
    try:
        with _silent(), httpx.Client(timeout=TIMEOUT) as client, client.stream("POST", address, json=content) as answer:
            return "" if answer.is_success else f"it answered {answer.status_code}"
    except httpx.TimeoutException:
        return f"no answer within {TIMEOUT:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):  # ValueError: an address that no socket takes
        return "no connection"


def _line(alert: Told) -> str:
    """For a channel; three characters would be commands there."""
    text = alert.sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"Over: {text}" if alert.state == "over" else text


@contextmanager
def _silent() -> Iterator[None]:
    """Meanwhile libraries log nothing of what this thread does."""
    here = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != here

    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    for logger in loggers:
        logger.addFilter(others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(others)
