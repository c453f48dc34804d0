"""Data for components, numbered in their order.

Streamlit hands a component its data without waiting for the last ones to arrive: on a busy machine older data can come
after newer, and would stay. A component therefore ignores what has a smaller number than what it shows.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import streamlit as st

_NUMBERS = "component numbers"


def numbered(data: dict[str, Any], key: str) -> dict[str, Any]:
    """`data` with a ``number`` that is larger than those before; the same data again keep theirs, and are not sent."""
    numbers: dict[str, tuple[bytes, int]] = st.session_state.setdefault(_NUMBERS, {})
    digest = hashlib.sha256(json.dumps(data).encode()).digest()
    before, number = numbers.get(key, (b"", 0))
    if digest != before:  # by the clock, for a tab that is connected again goes on with what another session has shown
        number = max(number + 1, time.time_ns() // 1_000_000)
        numbers[key] = digest, number
    return {**data, "number": number}
