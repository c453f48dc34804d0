"""The commands `sources`, `models` and `regions`, which list what there is, and `fetch`, which updates a source."""

from __future__ import annotations

from typing import Annotated

import typer

from forecasting.cli.options import AsJson, SourceName
from forecasting.cli.output import print_names
from forecasting.models import models
from forecasting.sources import source, sources


def list_sources(as_json: AsJson = False) -> None:
    """List where figures can come from, one a line."""
    print_names(
        [{"name": s.name, "label": s.label, "live": s.live, "licence": s.licence} for s in sources().values()], as_json
    )


def list_models(as_json: AsJson = False) -> None:
    """List the models, one a line."""
    print_names([{"name": m.name, "label": m.label, "reference": m.reference} for m in models().values()], as_json)


def list_regions(
    source_name: SourceName,
    statistic: Annotated[str | None, typer.Option(help="Only regions that have it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the regions of a source, one a line."""
    panel = source(source_name).panel()
    wanted = [panel.statistic(statistic)] if statistic else list(panel.statistics)
    having: dict[str, list[str]] = {}
    for one in wanted:
        for region in panel.regions(one.name):
            having.setdefault(region, []).append(one.name)
    print_names([{"name": region, "statistics": names} for region, names in having.items()], as_json)


def fetch(
    source_name: SourceName,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take what is sent though it holds less than before, or what cannot be.")
    ] = False,
) -> None:
    """Update the local copy of a source, and say from when it is."""
    typer.echo(source(source_name).fetch(accept))
