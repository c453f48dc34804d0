"""The command `watch`: a line for each point that comes in on a stream, with the forecast of the next one."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import pandas as pd
import typer

from forecasting.cli.options import SourceName, Workers
from forecasting.cli.output import print_notes
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.jobs import JobQueue
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.services.service import Service
from forecasting.sources import Source, source
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import DataError, ForecastingError, RequestError, SourceError

#: Seconds between two looks.
INTERVAL = 0.25
#: The columns of what is printed. `forecast` is the median of the next period, between the bounds of its 95 % band; `method` says
#: whether parameters of an earlier fit were extended. Of points that come together the last one has a forecast.
COLUMNS = ("region", "statistic", "date", "value", "model", "next", "lower", "forecast", "upper", "method")


def watch(
    source_name: SourceName,
    regions: Annotated[list[str] | None, typer.Option("--region", help="Only this one; several times.")] = None,
    statistic: Annotated[str | None, typer.Option(help="One that the source has; its first by default.")] = None,
    model_name: Annotated[str, typer.Option("--model", help="A name that `models` lists.")] = "ets",
    points: Annotated[int | None, typer.Option(min=1, help="End after so many points; never by default.")] = None,
    workers: Workers = None,
) -> None:
    """Print a line for each new point of a stream, with the forecast of the next one, until it is interrupted."""
    watched = source(source_name)
    if not watched.streams:
        raise RequestError(f"'{source_name}' does not stream; watch takes a source that is called stream-<name>.")
    model(model_name)
    store = ForecastStore()
    service = Service(store, JobQueue(store, workers, interactive=False))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    watching = _Watch(watched, service, model_name, regions, statistic)
    try:
        panel = watching.begin()
        writer.writerow(COLUMNS)
        sys.stdout.flush()
        for number, line in enumerate(watching.lines(panel), start=1):
            writer.writerow(line)
            sys.stdout.flush()
            if number == points:
                break
    except KeyboardInterrupt:
        raise typer.Exit from None  # it has no other end
    finally:
        watched.close()
        service.close()


class _Watch:
    """What has been printed of a stream so far."""

    def __init__(
        self, watched: Source, service: Service, model_name: str, regions: list[str] | None, statistic: str | None
    ) -> None:
        self._source, self._service, self._model = watched, service, model_name
        self._regions, self._statistic = regions, statistic
        self._seen: dict[str, pd.Series] = {}
        self._state = ""

    def begin(self) -> Panel | None:
        """Fit what is there; returns its figures, None without any."""
        panel = self._panel()
        if panel is not None:
            for region in self._chosen(panel):
                self._seen[region] = panel.counts(region, self._statistic)
                self._fit(panel, region)
        return panel

    def lines(self, panel: Panel | None) -> Iterator[tuple[object, ...]]:
        """The lines of what comes after `panel`."""
        while True:
            time.sleep(INTERVAL)
            if panel is not None and not self._source.has_moved(panel):
                self._tell_state()
                continue
            panel = self._panel()
            if panel is None:
                continue
            for region in self._chosen(panel):
                yield from self._new_points(panel, region)

    def _panel(self) -> Panel | None:
        """The figures now; None while there is nothing to make a series of, with the reason on stderr."""
        try:
            return self._source.panel()
        except (SourceError, DataError) as error:
            self._tell(str(error))
            return None

    def _tell_state(self) -> None:
        self._tell(self._source.state())

    def _tell(self, sentence: str) -> None:
        if sentence and sentence != self._state:
            print_notes([sentence])
        self._state = sentence

    def _chosen(self, panel: Panel) -> list[str]:
        known = panel.regions(self._statistic)
        return known if self._regions is None else [region for region in self._regions if region in known]

    def _new_points(self, panel: Panel, region: str) -> Iterator[tuple[object, ...]]:
        now = panel.counts(region, self._statistic)
        before = self._seen.get(region, now.iloc[:0])
        self._seen[region] = now
        known = before.reindex(now.index)
        fresh = now[~((now == known) | (now.isna() & known.isna() & now.index.isin(before.index)))]
        if fresh.empty:
            return
        forecast = self._fit(panel, region)
        name = panel.statistic(self._statistic).name
        for place, (date, value) in enumerate(fresh.items(), start=1):
            last = place == len(fresh)
            yield (region, name, _text(date), "" if pd.isna(value) else f"{value:.15g}", *self._cells(forecast, last))

    def _cells(self, forecast: Forecast | None, last: bool) -> tuple[object, ...]:
        if forecast is None or not last:
            return (self._model, "", "", "", "", "")
        lower, middle, upper = (f"{forecast.values[0, place]:.6g}" for place in (1, 11, 21))
        return self._model, _text(forecast.dates[0]), lower, middle, upper, forecast.method

    def _fit(self, panel: Panel, region: str) -> Forecast | None:
        """The forecast of the next period: extended from the last fit where there is one, else after a fit; None where none is possible."""
        try:
            name = panel.statistic(self._statistic).name
            request = Request(self._service.series(panel, region, name), self._model, 1)
            (job,) = self._service.stream_fits.submit((panel.source, name, region), [request]).values()
            if job.forecast is None and job.draft is None:
                (job,) = self._service.wait([job])
        except ForecastingError as error:
            self._tell(f"{region}: {error}")
            return None
        if job.forecast is None and job.draft is None:
            self._tell(f"{region}: {job.error or job.state}")
        return job.forecast or job.draft


def _text(date: pd.Timestamp) -> str:
    return f"{date:%Y-%m-%d}" if date == date.normalize() else date.isoformat()
