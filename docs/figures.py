"""Writes the tables of README.md and docs/benchmarks.md from `benchmarks/results`: `python -m docs.figures`.

A test runs the same code and compares, so no figure in a document is typed by hand.
"""

from __future__ import annotations

import json
from pathlib import Path

from docs.targets import DRIFTS, REASONS, TARGETS, Target
from forecasting.models import models

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
MONITORING = ROOT / "docs" / "monitoring.md"

#: The models of the tables, and what each does in a line. One that is missing here is listed once it has scores.
MODELS = {
    "ensemble": "The default: the quantiles of Pooled (70 %), the network (20 %) and ETS, averaged, by day a third each; without Pooled, of network, ETS and SARIMA.",
    "pooled": "All regions and statistics at once: trees and regressions on figures as published then, and experts.",
    "pretrained": "A small network that was trained once, on made-up series; no fit.",
    "sarima": "Seasonal ARIMA: of eight orders, the average of those that erred least at similar moments.",
    "ets": "Exponential smoothing, with or without a damped trend and a season; chosen by AICc.",
    "theta": "Exponential smoothing with half of the long-run slope as a drift.",
    "prophet": "Piecewise linear trend plus weekly and yearly waves.",
    "auto_arima": "Seasonal ARIMA, by pmdarima's stepwise search.",
    "naive": "Repeats the last season: the yardstick.",
    "CovidHub-ensemble": "For comparison: the US hub's own ensemble of all its teams.",
}
#: Columns of scores: the heading, and the results that a cell shows, separated by slashes.
SCORES = {
    "hub, log1p": ("hub_dev/{}/log1p", "hub_dev/{}/log1p with half a year"),
    "hub, counts": ("hub_dev/{}/natural", "hub_dev/{}/natural with half a year"),
    "Europe, days": ("models_europe/europe daily/{}/wis",),
    "Europe, weeks": ("models_europe/europe weekly/{}/wis",),
}
#: Those of the README.
SHORT_SCORES = {
    "11 sets": ("accuracy/mean of 11 sets/{}/error",),
    "US hub": ("hub_dev/{}/log1p",),
    "Europe": ("models_europe/europe daily/{}/wis",),
}
UNITS = {"bytes": " bytes", "seconds": " s", "s": " s", "MB": " MB"}

Results = dict[str, dict[str, object]]


def read_results() -> Results:
    """Every result in `benchmarks/results`, by name."""
    lines = [line for path in sorted(RESULTS.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return {row["name"]: row for row in map(json.loads, filter(str.strip, lines))}


def figure_of(target: Target, results: Results) -> float:
    """The number that a target is compared with."""
    return float(str(results[target.name][target.kind]))


def missed_targets(results: Results) -> list[Target]:
    """The targets that the results do not meet."""
    return [target for target in TARGETS if not target.is_met(figure_of(target, results))]


def figures_table(results: Results) -> str:
    """The Markdown table of `TARGETS`; figures that miss their target are bold."""
    lines = ["| command | what | figure | wanted |", "|---|---|---|---|"]
    missed = missed_targets(results)
    for target in TARGETS:
        row = results[target.name]
        text = f"{row['ratio']}×" if target.kind == "ratio" else f"{row['value']}{UNITS.get(str(row['unit']), '')}"
        shown = f"**{text}**" if target in missed else text
        command = f"`python -m benchmarks {target.name.split('/')[0]}`"
        lines.append(f"| {command} | {target.what} | {shown} | {target.wanted} |")
    return "\n".join(lines)


def missed_list(results: Results) -> str:
    """A Markdown list of the missed targets, with the reason for each."""
    lines = []
    for target in missed_targets(results):
        reason = REASONS.get((target.name, target.kind), "The reason is not known yet.")
        lines.append(f"- **{target.what}** (`{target.name}`, wanted {target.wanted}). {reason}")
    return "\n".join(lines) or "None."


def listed_models(results: Results) -> dict[str, str]:
    """What each model of the tables does: those of `MODELS`, and every other model that a benchmark has scored."""
    patterns = [pattern for cell in SCORES.values() for pattern in cell]
    others = {name: one for name, one in models().items() if name not in MODELS}
    scored = [name for name in others if any(pattern.format(name) in results for pattern in patterns)]
    return MODELS | {name: f"{others[name].summary.split('. ')[0].rstrip('.')}." for name in scored}


def models_table(results: Results, scores: dict[str, tuple[str, ...]]) -> str:
    """The Markdown table of `listed_models` with the given columns of `scores`; a dash where a benchmark leaves one out."""
    lines = [f"| model | what | {' | '.join(scores)} |", "|---|---|" + "---|" * len(scores)]
    for name, what in listed_models(results).items():
        cells = [[results.get(pattern.format(name)) for pattern in patterns] for patterns in scores.values()]
        texts = [" / ".join(f"{row['value']:.3f}" for row in cell if row) or "–" for cell in cells]
        lines.append(f"| `{name}` | {what} | {' | '.join(texts)} |")
    return "\n".join(lines)


def accuracy_table(results: Results, family: str = "accuracy") -> str:
    """The Markdown table of `accuracy`, or of its `--every-date`: a row a model, a column a set, and their geometric mean; best models first.

    A cell has the error over the reference, and what the bands of 50 % and 95 % held, in percent.
    """
    found = [name.split("/")[1:] for name in results if name.startswith(f"{family}/")]
    sets = list(dict.fromkeys(parts[0] for parts in found if parts[-1] == "wis_log"))
    whole = {parts[1]: results[f"{family}/{parts[0]}/{parts[1]}/error"] for parts in found if parts[-1] == "error"}
    lines = [f"| model | geometric mean | {' | '.join(sets)} |", "|---|---|" + "---|" * len(sets)]
    for name in sorted(whole, key=lambda one: float(str(whole[one]["value"]))):
        cells = [_accuracy_cell(results, f"{family}/{one}/{name}") for one in sets]
        mean = f"{whole[name]['value']:.3f}" if cells.count("–") == 0 else "–"
        lines.append(f"| `{name}` | {mean} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _accuracy_cell(results: Results, of: str) -> str:
    error = results.get(f"{of}/mase", results.get(f"{of}/wis_log"))
    if error is None:
        return "–"
    held = [f"{100 * float(str(results[f'{of}/held_{percent}']['value'])):.0f}" for percent in (50, 95)]
    return f"{float(str(error['ratio'])):.2f} ({' / '.join(held)})"


def drifts_table(results: Results) -> str:
    """The Markdown table of `DRIFTS`: the share found within eight weeks, and the median days where half were found."""
    lines = ["| drift | result | found within 8 weeks | median days |", "|---|---|---|---|"]
    for name, what in DRIFTS.items():
        found, days = results[f"{name}/found within 8 weeks"]["value"], results.get(f"{name}/days")
        shown = f"{days['value']:g}" if days else "–"
        lines.append(f"| {what} | `{name}` | {100 * float(str(found)):.0f} % | {shown} |")
    return "\n".join(lines)


def false_alarms_table(results: Results) -> str:
    """The Markdown table of false alarms a year of a series, with 95 % limits."""
    lines = ["| series | false alarms a year | 95 % limits | series-years watched |", "|---|---|---|---|"]
    for kind in ("daily", "weekly"):
        ends = ("", "/low", "/high")
        alarms, low, high = (f"{results[f'drift/{kind}/false alarms{end}']['value']:.2f}" for end in ends)
        years = f"{results[f'drift/{kind}/series-years']['value']:.0f}"
        lines.append(f"| {kind} | {alarms} | {low} to {high} | {years} |")
    return "\n".join(lines)


def with_tables(document: str, tables: dict[str, str]) -> str:
    """The Markdown `document` with each of the `tables` between the two comments that bear its name."""
    for name, table in tables.items():
        begin = f"<!-- {name}: written from benchmarks/results by `python -m docs.figures` -->"
        end = f"<!-- end of {name} -->"
        before, rest = document.split(begin)
        document = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return document


def updated_documents() -> dict[Path, str]:
    """Each document with tables of figures, as it should be."""
    results = read_results()
    tables = {
        README: {"models": models_table(results, SHORT_SCORES)},
        BENCHMARKS: {
            "figures": figures_table(results),
            "missed targets": missed_list(results),
            "models": models_table(results, SCORES),
            "accuracy": accuracy_table(results),
            "every date": accuracy_table(results, "accuracy_every_date"),
        },
        MONITORING: {"false alarms": false_alarms_table(results), "drifts": drifts_table(results)},
    }
    return {path: with_tables(path.read_text(), made) for path, made in tables.items()}


if __name__ == "__main__":
    for path, text in updated_documents().items():
        path.write_text(text)
