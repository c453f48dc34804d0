"""Models that need packages of `requirements-deep.txt`, which the app can do without; `.ci/run` installs them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec

import pytest

HAS_TORCH = all(find_spec(name) for name in ("torch", "onnx"))
#: Under CI they must be there, so nothing is skipped.
needs_torch = pytest.mark.skipif(
    not HAS_TORCH and not os.environ.get("CI"), reason="needs PyTorch: pip install -r requirements-deep.txt"
)


def installed(names: Iterable[str]) -> list[str]:
    """The names of those models whose packages are installed here; `test_deep.py` says how the others fail."""
    return [name for name in names if HAS_TORCH or name != "deep"]
