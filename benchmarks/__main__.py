"""`python -m benchmarks NAME [options]`: one JSON object a line. Without a name: what there is.

Every file beside this one whose name does not start with an underscore is a benchmark; adding one is adding a file.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
from pathlib import Path

from forecasting.support.errors import ForecastingError

FOLDER = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def describe(name: str) -> str:
    """The first line of its docstring, read without importing what it measures."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")))
    return (text or "").partition("\n")[0]


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, names()))
        print("python -m benchmarks NAME, with NAME one of")
        for name in names():
            print(f"  {name:{width}}  {describe(name)}")
        return 0
    name, *options = arguments
    if name not in names():
        print(f"There is no benchmark '{name}'; there are {', '.join(names())}.", file=sys.stderr)
        return 2
    run = importlib.import_module(f"benchmarks.{name}").run
    if options and not inspect.signature(run).parameters:
        print(f"The benchmark '{name}' takes no options, but '{options[0]}' was given.", file=sys.stderr)
        return 2
    try:
        for figure in run(options) if inspect.signature(run).parameters else run():
            print(json.dumps(figure), flush=True)
    except ForecastingError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
