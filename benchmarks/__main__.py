"""`python -m benchmarks NAME [options]`: one JSON object a line. Without a name: what there is.

Every module beside this one whose name does not start with an underscore is a benchmark, and so is every folder with a
`benchmark.py`; adding one is adding a file.
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


def files() -> dict[str, Path]:
    """The file of each benchmark, by its name."""
    single = {path.stem: path for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    return single | {path.parent.name: path for path in FOLDER.glob("*/benchmark.py")}


def names() -> list[str]:
    """The names of all benchmarks, sorted."""
    return sorted(files())


def describe(name: str) -> str:
    """The first line of a benchmark's docstring, read without importing what it measures."""
    text = ast.get_docstring(ast.parse(files()[name].read_text(encoding="utf-8")))
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
    module = ".".join(files()[name].relative_to(FOLDER.parent).with_suffix("").parts)
    run = importlib.import_module(module).run
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
