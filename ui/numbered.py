"""Data for components, numbered in their order.

Streamlit hands a component its data without waiting for the last ones to arrive: on a busy machine older data can come
after newer, and would stay. A component therefore ignores what has a smaller number than what it shows of the same visit.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import streamlit as st

_NUMBERS, _VISIT = "component numbers", "component visit"


def numbered(data: dict[str, Any], key: str) -> dict[str, Any]:
    """`data` with a ``number`` that is larger than those before in this ``visit``; the same data keep theirs, and are not sent."""
    numbers: dict[str, tuple[bytes, int]] = st.session_state.setdefault(_NUMBERS, {})
    digest = hashlib.sha256(json.dumps(data).encode()).digest()
    before, number = numbers.get(key, (b"", 0))
    if digest != before:
        number += 1
        numbers[key] = digest, number
    # A tab that is connected again may be in another visit, and goes on with what the last one has shown.
    return {**data, "visit": st.session_state.setdefault(_VISIT, uuid.uuid4().hex), "number": number}
