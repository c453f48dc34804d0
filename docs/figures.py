"""`python -m docs.figures`: writes the README's tables of figures and models from what is in `benchmarks/results`."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"

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
    ("backtest/four_models", "12 origins of four models on a daily series", "value", "≤ 10 s"),
    ("backtest/weekly_ets", "ETS of 53 regions from 8 weekly origins", "value", "≤ 60 s"),
    ("backtest/over_statsforecast", "the same, over statsforecast's cross-validation", "ratio", "≤ 1.5"),
    ("score_file/csv/seconds", "scoring a forecasts file of 609,500 rows", "value", "≤ 5 s"),
    ("score_file/csv/peak", "its memory", "value", "< 1000 MB"),
    (
        "coverage/hub weekly/ets/50",
        "the hub's vintages, four weeks ahead: in the 50 % band of ETS",
        "value",
        "0.45–0.55",
    ),
    ("coverage/hub weekly/ets/95", "in its 95 % band", "value", "0.92–0.97"),
    (
        "coverage/simulated daily/sarima/50",
        "simulated epidemics, 28 days: in the 50 % band of SARIMA",
        "value",
        "0.45–0.55",
    ),
    ("coverage/simulated daily/sarima/95", "in its 95 % band", "value", "0.92–0.97"),
    (
        "calibrate/elsewhere/europe daily/ets/95",
        "Europe by day, scale learned elsewhere: in the 95 % band of ETS",
        "value",
        "0.92–0.97",
    ),
    (
        "sarima_search/times_faster_than_pmdarima",
        "choosing a SARIMA, times faster than pmdarima, median",
        "value",
        "≥ 20",
    ),
    ("sarima_search/mase_mean_beside_pmdarima", "its mean MASE, over pmdarima's", "ratio", "≤ 1"),
    ("sarima_search/mase_mean_beside_statsforecast", "over statsforecast's", "ratio", "≤ 1"),
    ("hub_dev/ensemble/log1p", "the hub's task, Ensemble: WIS on log1p over the hub's baseline", "value", "≤ 0.74"),
    ("hub_dev/ensemble/natural", "the same on counts", "value", "≤ 0.95"),
    ("hub_dev/ensemble/held 50 %", "in its 50 % band", "value", "0.45–0.55"),
    ("hub_dev/ensemble/held 95 %", "in its 95 % band", "value", "0.92–0.97"),
    ("horizon/sarima/28/extend", "SARIMA carried on over five new days, over its fit, 28 days ahead", "ratio", "≤ 0.1"),
    ("horizon/ets/28/extend", "the same for ETS", "ratio", "≤ 0.1"),
    ("horizon/ets/365/extend", "the same for ETS, a year ahead", "ratio", "≤ 0.1"),
    ("horizon/sarima/365/fit", "SARIMA for a year ahead, over one for 7 days", "ratio", "–"),
    ("load/csv/seconds", "1,000,000 rows of CSV read and ready to pick", "value", "≤ 5 s"),
    ("load/csv/seconds", "the same, over plain `pandas.read_csv`", "ratio", "≤ 1.5"),
    ("load/csv/memory", "its memory", "value", "≤ 500 MB"),
    ("load/parquet/seconds", "the same as Parquet", "value", "≤ 2 s"),
    ("many/ets/10000", "ETS of 10,000 series, over ten times what 1,000 take", "ratio", "–"),
    ("many/pooled/10000", "Pooled of 10,000 series, over ten times what 1,000 take", "ratio", "–"),
    ("many/ets/10000/again", "the same command again, over the first time", "ratio", "–"),
    ("pooled/53x90", "Pooled on 53 regions of 90 weeks with 26 earlier vintages", "value", "≤ 2 s"),
    ("pooled/1000x365", "Pooled on 1,000 regions of 365 days", "value", "≤ 30 s"),
    ("api/p95", "stored forecasts through the API while fits run, 100 requests a second: p95, in ms", "value", "≤ 20"),
    ("pretrain/efficiency", "two Dask workers on two cores: seconds of one over twice those of two", "value", "≥ 0.9"),
    (
        "pretrain/side_by_side",
        "processor seconds of the fits on two cores, over those on one: the machine's own loss",
        "ratio",
        "–",
    ),
    ("pretrain/linear", "seconds of all regions, over twice those of half of them", "ratio", "~ 1"),
    ("drift/daily/false alarms", "false alarms of all drift tests, a year of a daily series", "value", "≤ 1"),
    ("drift/weekly/false alarms", "the same of a weekly one", "value", "≤ 1"),
    (
        "soak/visitors/loaded",
        "200 visitors at once while fits run: runs of pages that ended well, of all",
        "ratio",
        "1",
    ),
    ("soak/visitors/p95", "their p95 from a click to the first chart, over that of a bare page", "ratio", "≤ 2"),
    ("soak/visitors/median", "the median, in seconds", "value", "–"),
    ("soak/visits/loaded", "4,000 visits one after the other: runs of pages that ended well, of all", "ratio", "1"),
    ("soak/visits/slope", "memory that the server gained per 1,000 of them over the last 2,000, in MB", "value", "~ 0"),
    ("soak/kills/processes", "workers and servers killed at random under load", "value", "200"),
    ("soak/kills", "what was promised of results, answers and processes and was kept, of all promises", "ratio", "1"),
    ("regions/stored", "53 regions on the screen from the store", "value", "≤ 2 s"),
    ("cold_start/first_chart", "from the command to the first chart, over the bare page", "ratio", "≤ 1.5"),
)

#: The README's models: their names, and what each does in a line.
MODELS = (
    (
        "ensemble",
        "The default. Quantiles of Pooled, ETS and SARIMA, averaged by what Pooled has earned on these regions.",
    ),
    (
        "pooled",
        "All regions at once: shared trend, season and autoregression, weighed by how each did so far. One job.",
    ),
    (
        "sarima",
        "Seasonal ARIMA: of eight orders, the average of those that erred least at earlier moments like the present.",
    ),
    ("ets", "Exponential smoothing, with or without a damped trend and a season; chosen by AICc."),
    ("theta", "Exponential smoothing with half of the long-run slope as a drift."),
    ("prophet", "Straight pieces of trend plus weekly and yearly waves."),
    ("auto_arima", "Seasonal ARIMA, by pmdarima's stepwise search."),
    ("naive", "Repeats the last season: the yardstick."),
    ("CovidHub-ensemble", "For comparison: the US hub's own ensemble of all its teams."),
)
#: Their columns: what is said of it, and the lines whose values stand in it, one after the other.
SCORES = (
    ("hub, log1p", ("hub_dev/{}/log1p", "hub_dev/{}/log1p with half a year")),
    ("hub, counts", ("hub_dev/{}/natural", "hub_dev/{}/natural with half a year")),
    ("Europe, days", ("models_europe/europe daily/{}/wis",)),
    ("Europe, weeks", ("models_europe/europe weekly/{}/wis",)),
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


def models_table() -> str:
    """The Markdown table of `MODELS`; a dash where a benchmark leaves one out."""
    known = rows()
    lines = [f"| model | what | {' | '.join(title for title, _ in SCORES)} |", "|---|---|" + "---|" * len(SCORES)]
    for name, what in MODELS:
        found = [[known.get(line.format(name)) for line in of] for _, of in SCORES]
        cells = [" / ".join(f"{row['value']:.3f}" for row in cell if row) or "–" for cell in found]
        lines.append(f"| `{name}` | {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def written(readme: str) -> str:
    """The README with its tables as they should be."""
    for name, made in (("figures", table), ("models", models_table)):
        begin, end = (
            f"<!-- {name}: written from benchmarks/results by `python -m docs.figures` -->",
            f"<!-- end of {name} -->",
        )
        before, rest = readme.split(begin)
        readme = f"{before}{begin}\n{made()}\n{end}{rest.split(end)[1]}"
    return readme


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
