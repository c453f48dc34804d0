"""The examples of docs/export.md, as they are printed there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

DOCUMENT = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


def example(heading: str) -> str:
    """The Python example under a heading."""
    found = re.search(rf"^### {re.escape(heading)}\n.*?```python\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def run_example(heading: str, folder: Path, file_name: str, content: bytes, **given: Any) -> dict[str, Any]:
    """Run an example in a folder with an exported file in it, and return its variables; `given` are some that it starts with."""
    (folder / file_name).write_bytes(content)
    names, before = dict(given), Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(example(heading), heading, "exec"), names)
    finally:
        os.chdir(before)
    return names
