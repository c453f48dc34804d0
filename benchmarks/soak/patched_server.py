"""`serve` with some constants of the program changed: `python -m benchmarks.soak.patched_server PORT CHANGES`.

`CHANGES` is a JSON object, ``{"module:NAME": value}`` or ``{"module:Class.name": value}``; where the constant is a duration,
the value is its seconds. So a day in which a publisher is down passes in a second, in the program as it is served.
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import timedelta
from functools import reduce
from typing import Any


def change(where: str, value: Any) -> None:
    """Set the constant at ``module:NAME`` to another value. Raises `AttributeError` if there is none."""
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner = reduce(getattr, owners, importlib.import_module(module))
    present = getattr(owner, name)
    setattr(owner, name, timedelta(seconds=value) if isinstance(present, timedelta) else value)


def main(port: str, changes: str) -> int:
    for where, value in json.loads(changes).items():
        change(where, value)
    from forecasting.cli.main import main as command_line

    return command_line(["serve", "--port", port])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
