"""The command `monitor`: the tables of the Monitor page, as text or JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pandas as pd
import typer

from forecasting.cli.options import AsJson
from forecasting.support.errors import RequestError

#: Rows of the table of the slowest series.
SLOWEST = 10
#: Titles of the tables, by their names in JSON.
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


def monitor(
    since: Annotated[str, typer.Option(help="How far back: 12h, 7d or 4w.")] = "7d",
    as_json: AsJson = False,
) -> None:
    """Print how the service has done, as the Monitor page shows it."""
    tables = monitor_tables(datetime.now(UTC) - _parse_span(since))
    if as_json:
        typer.echo(json.dumps({name: _records(table) for name, table in tables.items()}, indent=2, ensure_ascii=False))
        return
    typer.echo("\n\n".join(f"{TITLES[name]}\n{_format_table(table)}" for name, table in tables.items()))


def monitor_tables(since: datetime) -> dict[str, pd.DataFrame]:
    """Read the tables from the database of the settings, by the names of `TITLES`."""
    from forecasting.monitoring import model_picks, summaries
    from forecasting.monitoring.alerts import Alerts
    from forecasting.monitoring.history import History
    from forecasting.monitoring.update_runs import UpdateRuns

    history, alerts, runs = History(every=None), Alerts(webhook=""), UpdateRuns()
    try:
        counts, fits = history.route_counts(since), history.fits(since)
        return {
            "latency": summaries.latency(counts, "route"),
            "failures": summaries.failures(counts, fits),
            "fits_by_model": summaries.fits_by_model(fits),
            "slowest": summaries.slowest_series(fits, SLOWEST),
            "picks": model_picks.pick_counts(history.picks()),
            "alerts": alerts.open().drop(columns=["opened", "seen"]),
            "upkeep": runs.table().drop(columns=["began", "digest"]),
        }
    finally:
        for opened in (history, alerts, runs):
            opened.close()


def _parse_span(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9]\d{0,3})([hdw])", text.strip())
    if not match:
        raise RequestError(f"--since is '{text}'; give hours, days or weeks as 12h, 7d or 4w.")
    return int(match[1]) * _UNITS[match[2]]


def _format_table(table: pd.DataFrame) -> str:
    """Format a table as lines with aligned columns, words on the left and numbers on the right."""
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
