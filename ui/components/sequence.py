"""Sequence numbers of components' data, so that older data never replace newer.

Streamlit hands a component its data without waiting for the last ones to arrive: on a busy machine older data can come
after newer, and would stay. A component therefore ignores what has a smaller number than what it shows of the same visit.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import orjson
import streamlit as st

_NUMBERS = "component numbers"
_VISIT = "component visit"


def with_number(data: dict[str, Any], key: str) -> dict[str, Any]:
    """`data` with a ``number`` that is larger than those before in this ``visit``; the same data keep theirs, and are not sent."""
    return data | _count(orjson.dumps(data), key)


def json_with_number(data: dict[str, Any], name: str, text: bytes, key: str) -> bytes:
    """`data` with such a number as JSON, and with `text`, which is JSON already, under `name`."""
    head = orjson.dumps(data)[:-1]
    number = orjson.dumps(_count(head + text, key))[1:-1]
    return b"".join([head, b",", number, b',"', name.encode(), b'":', text, b"}"])


def _count(text: bytes, key: str) -> dict[str, Any]:
    numbers: dict[str, tuple[bytes, int]] = st.session_state.setdefault(_NUMBERS, {})
    digest = hashlib.sha256(text).digest()
    before, number = numbers.get(key, (b"", 0))
    if digest != before:
        number += 1
        numbers[key] = digest, number
    # A tab that is connected again may be in another visit, and goes on with what the last one has shown.
    return {"visit": st.session_state.setdefault(_VISIT, uuid.uuid4().hex), "number": number}
