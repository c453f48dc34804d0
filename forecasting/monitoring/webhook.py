"""Webhook: post alerts to an address, which is a secret and appears in no log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import httpx

#: Seconds to wait for an answer of the webhook.
TIMEOUT = 10.0
#: Loggers whose lines would contain the address.
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


@dataclass(frozen=True)
class AlertMessage:
    """One alert as it is logged and posted: its `state` is ``"open"`` or ``"over"``; times are in ISO 8601."""

    state: str
    kind: str
    source: str
    region: str
    statistic: str
    model: str
    since: str
    opened: str
    sentence: str


def post_alerts(address: str, alerts: Sequence[AlertMessage]) -> str:
    """Post ``{"text": …, "alerts": [{…}]}``; returns why that failed, without the address, or an empty text.

    Chat programs such as Slack show the ``text``. Redirects are not followed.
    """
    content = {
        "text": "\n".join(_escaped(alert_line(alert)) for alert in alerts),
        "alerts": [asdict(alert) for alert in alerts],
    }
    try:
        with _silent(), httpx.Client(timeout=TIMEOUT) as client, client.stream("POST", address, json=content) as answer:
            return "" if answer.is_success else f"it answered {answer.status_code}"
    except httpx.TimeoutException:
        return f"no answer within {TIMEOUT:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):  # ValueError: an address that no socket takes
        return "no connection"


def alert_line(alert: AlertMessage) -> str:
    """One alert as a line of text."""
    return f"Over: {alert.sentence}" if alert.state == "over" else alert.sentence


def _escaped(text: str) -> str:
    """`text` with the three characters escaped that chat programs interpret."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextmanager
def _silent() -> Iterator[None]:
    """Silence the HTTP libraries' loggers for this thread until the block ends."""
    thread = threading.get_ident()

    def of_another_thread(record: logging.LogRecord) -> bool:
        return record.thread != thread

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(of_another_thread)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(of_another_thread)
