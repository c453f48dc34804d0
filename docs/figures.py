"""`python -m docs.figures`: writes the README's table of figures from what the benchmarks printed into `benchmarks/results`."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- figures: written from benchmarks/results by `python -m docs.figures` -->", "<!-- end of figures -->"

#: What the README shows: the line of a benchmark, what it says, whether it is a value or a ratio, and what was wanted.
SHOWN = (
    (
        "us_december_2020/United States/sarima/cumulative",
        "US, SARIMA, 30 Nov to 1 Jan: total right to",
        "value",
        "≥ 0.99",
    ),
    ("us_december_2020/United States/sarima/growth", "the same, growth alone", "value", "≥ 0.97"),
    ("us_december_2020/United Kingdom/sarima/growth", "the same for the UK, where a new variant came", "value", "–"),
    (
        "first_forecast/page_load",
        "page with its first forecast, over a bare Streamlit page with a chart",
        "ratio",
        "≤ 1.3",
    ),
    ("first_forecast/new_region", "new region to its first forecast, over a click on the bare page", "ratio", "≤ 2"),
    ("first_forecast/stored_forecast", "a stored forecast, time on the server", "value", "≤ 0.3 s"),
    ("first_forecast/sarima_and_prophet", "SARIMA and Prophet of a daily series drawn", "value", "≤ 5 s"),
    ("responsiveness/p95", "p95 of a page while four searches run, over idle", "ratio", "≤ 1.5"),
    ("memory/peak", "the whole process tree after every model has run", "value", "< 1000 MB"),
    ("cold_start/first_chart", "from the command to the first chart, over the bare page", "ratio", "≤ 1.5"),
)


def rows() -> dict[str, dict[str, object]]:
    """Every line that is kept in `benchmarks/results`, by its name."""
    lines = [line for path in sorted(RESULTS.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return {row["name"]: row for row in map(json.loads, filter(str.strip, lines))}


def table() -> str:
    """The Markdown table of `SHOWN`."""
    known = rows()
    lines = ["| command | what | figure | wanted |", "|---|---|---|---|"]
    for name, what, kind, wanted in SHOWN:
        row = known[name]
        unit = {"bytes": " bytes", "seconds": " s", "s": " s", "MB": " MB"}.get(str(row["unit"]), "")
        text = f"{row['ratio']}×" if kind == "ratio" else f"{row['value']}{unit}"
        lines.append(f"| `python -m benchmarks {name.split('/')[0]}` | {what} | {text} | {wanted} |")
    return "\n".join(lines)


def written(readme: str) -> str:
    """The README with the table as it should be."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
