"""What `monitor` does: the tables of the Monitor page, for a terminal or another program."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pandas as pd
import typer

from forecasting.cli.app import AsJson, app
from forecasting.support.errors import RequestError

#: Rows of the slowest series.
SLOWEST = 10
#: Titles of the tables, by their names in JSON; where one is empty.
TITLES = {
    "latency": "How long answers took: milliseconds; percent refused and failed",
    "failures": "What failed",
    "fits_by_model": "How fits ended; seconds of those done",
    "slowest": "Slowest series, in seconds",
    "picks": "Which model is picked",
    "alerts": "Open alerts, what has drifted too",
    "upkeep": "The last upkeep of each source",
}
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@app.command("monitor")
def monitor(
    since: Annotated[str, typer.Option(help="How far back: 12h, 7d or 4w.")] = "7d",
    as_json: AsJson = False,
) -> None:
    """Print how the service has done, as the Monitor page shows it."""
    found = tables(datetime.now(UTC) - _span(since))
    if as_json:
        typer.echo(json.dumps({name: _records(table) for name, table in found.items()}, indent=2, ensure_ascii=False))
        return
    typer.echo("\n\n".join(f"{TITLES[name]}\n{_written(table)}" for name, table in found.items()))


def tables(since: datetime) -> dict[str, pd.DataFrame]:
    """What is in the database that the settings name, by the names of `TITLES`."""
    from forecasting.monitoring import model_picks, summaries
    from forecasting.monitoring.alerts import Alerts
    from forecasting.monitoring.history import History
    from forecasting.monitoring.runs import Runs

    history, alerts, runs = History(every=None), Alerts(webhook=""), Runs()
    try:
        answers, fits = history.answers(since), history.fits(since)
        return {
            "latency": summaries.latency(answers, "route"),
            "failures": summaries.failures(answers, fits),
            "fits_by_model": summaries.fits_by_model(fits),
            "slowest": summaries.slowest(fits, SLOWEST),
            "picks": model_picks.counts(history.picks()),
            "alerts": alerts.open().drop(columns=["opened", "seen"]),
            "upkeep": runs.table().drop(columns=["began", "digest"]),
        }
    finally:
        for one in (history, alerts, runs):
            one.close()


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,3})([hdw])", text.strip())
    if not found:
        raise RequestError(f"--since is '{text}'; give hours, days or weeks as 12h, 7d or 4w.")
    return int(found[1]) * _UNITS[found[2]]


def _written(table: pd.DataFrame) -> str:
    """Lines whose columns are aligned, words on the left and numbers on the right."""
    if table.empty:
        return "nothing"
    columns = []
    for name in table:
        cells = [str(name), *map(_cell, table[name])]
        width, side = max(map(len, cells)), ">" if pd.api.types.is_numeric_dtype(table[name]) else "<"
        columns.append([f"{cell:{side}{width}}" for cell in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _cell(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.2f}" if value == value else "–"


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    text = table.to_json(orient="records", date_format="iso", double_precision=6)
    records: list[dict[str, object]] = json.loads(text)
    return records
