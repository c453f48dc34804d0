"""From a question to jobs: which regions' series are asked for, and the fits that give their forecasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from forecasting.api.job_register import Asked, Part
from forecasting.api.posted_panel import panel_of
from forecasting.api.problem_details import UNREACHABLE, Problem, Wrong
from forecasting.api.request_models import ForecastRequest
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.data.training_options import Learning
from forecasting.jobs.request import Request
from forecasting.models import Model, model, models
from forecasting.preparation.prepare import prepare
from forecasting.services.service import Service
from forecasting.support.caching import Kept
from forecasting.support.errors import DataError, RequestError

#: Forecasts that one request may ask for, and steps of all of them together: that is 10 MB of answer.
MOST = 500
MOST_STEPS = 4_000
#: Seconds that a request waits for a download to come.
PATIENCE = 2.0
#: Earlier states of panels and of their series that are kept, for many ask about the same date.
PANELS_KEPT = 8
SERIES_KEPT = 256


@dataclass(frozen=True)
class Case:
    """One region's series, or the sentence that says why there is none."""

    region: str
    statistic: Statistic
    series: Series | None
    why_not: str = ""


class Asking:
    """Takes questions to the `service`. Safe to call from many threads; nothing here waits for a fit."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._panels: Kept[Panel] = Kept(PANELS_KEPT)
        self._series: Kept[Series] = Kept(SERIES_KEPT)

    def ask(self, asked: ForecastRequest) -> Asked:
        """Has all that is asked for stored, fitted or queued, and says under which keys.

        Raises `Problem` 422 for what is not there, 503 where a download is not here yet or the queue is full.
        """
        panel, notes = self._panel(asked)
        covariates = self._covariates(panel, asked)
        learning = Learning(asked.window, tuple(covariates), asked.holidays or "")
        statistics = self._statistics(panel, asked)
        wanted = self._regions(panel, asked, statistics)
        self._check_size(len(wanted) * len(asked.names), asked.horizon)
        cases = [self._case(panel, region, statistic, asked, learning) for region, statistic in wanted]
        if len(cases) == 1 and cases[0].series is None:
            raise Problem(
                422, cases[0].why_not, [Wrong("data" if asked.source is None else "region", cases[0].why_not)]
            )
        several = len({case.statistic.name for case in cases}) > 1
        parts = tuple(self._submitted(cases, asked))
        return Asked(parts, asked.levels, several, (*notes, *_without(asked, covariates, cases)))

    def figures(self, source: str) -> Panel:
        """Those of a source. Raises `Problem` 422 where there is none, 503 while they are being downloaded."""
        with blaming("source"):
            found = self._service.panel(source, PATIENCE)
        if found is None:
            sentence = f"The figures of '{source}' are being downloaded; ask again in half a minute."
            raise Problem(503, sentence, headers={"Retry-After": str(UNREACHABLE)})
        return found

    def _panel(self, asked: ForecastRequest) -> tuple[Panel, tuple[str, ...]]:
        """The figures as they were known at the date that is asked for, and what is to be said of posted ones."""
        when = pd.Timestamp(asked.as_of) if asked.as_of else None
        if asked.source is None:
            panel = panel_of(asked)
            with blaming("as_of"):
                return panel.as_of(when), panel.notes
        found = self.figures(asked.source)
        if when is None:
            return found, ()
        with blaming("as_of"):
            return self._panels.get((asked.source, when), found.table, lambda: found.as_of(when)), ()

    @staticmethod
    def _covariates(panel: Panel, asked: ForecastRequest) -> list[str]:
        with blaming("covariates"):
            return [panel.covariate(name) for name in dict.fromkeys(asked.covariates)]

    @staticmethod
    def _statistics(panel: Panel, asked: ForecastRequest) -> list[Statistic]:
        """The one that was named; else all of a table, or a source's first."""
        with blaming("statistic"):
            if asked.statistic is not None or asked.source is not None:
                return [panel.statistic(asked.statistic)]
        return list(panel.statistics)

    @staticmethod
    def _regions(panel: Panel, asked: ForecastRequest, statistics: Sequence[Statistic]) -> list[tuple[str, Statistic]]:
        if asked.region is None:
            return [(region, statistic) for statistic in statistics for region in panel.regions(statistic.name)]
        wanted = []
        for statistic in statistics:
            known = panel.regions(statistic.name)
            if asked.region not in known:
                few = ", ".join(known[:6]) + (f" and {len(known) - 6} more" if len(known) > 6 else "")
                sentence = f"'{panel.source}' has no region '{asked.region}' for {statistic.name}; it has {few}."
                raise Problem(422, sentence, [Wrong("region", sentence)])
            wanted.append((asked.region, statistic))
        return wanted

    @staticmethod
    def _check_size(count: int, horizon: int) -> None:
        if count > MOST or count * horizon > MOST_STEPS:
            raise Problem(
                422,
                f"That is {count:,} forecasts of {horizon} steps; one request takes {MOST} and {MOST_STEPS:,} steps of all "
                "together: give a 'region', fewer models or a shorter horizon.",
            )

    def _case(
        self, panel: Panel, region: str, statistic: Statistic, asked: ForecastRequest, learning: Learning
    ) -> Case:
        try:
            if asked.source is None:
                series = prepare(panel, region, statistic.name)
            elif asked.as_of is None:
                series = self._service.series(panel, region, statistic.name)
            else:
                name = (asked.source, asked.as_of, region, statistic.name)
                series = self._series.get(name, panel.table, lambda: prepare(panel, region, statistic.name))
            return Case(region, statistic, learning.of(series))
        except DataError as error:
            return Case(region, statistic, None, str(error))

    def _submitted(self, cases: Sequence[Case], asked: ForecastRequest) -> Iterator[Part]:
        """Asks for each model of each case. Many at once let those go first that a person waits for."""
        wanted = [
            (case, Request(case.series, name, asked.horizon)) for case in cases if case.series for name in asked.names
        ]
        self._service.store.recall([request.key for _, request in wanted])
        many = len(wanted) > 1
        for case, request in wanted:
            job = self._service.queue.submit(request, background=many, retry=asked.retry)
            before = case.series.total if case.series and case.series.cumulative else None
            yield Part(case.region, case.statistic.name, request.model, job.key, before)
        for case in cases:
            if case.series is None:
                yield Part(case.region, case.statistic.name, error=case.why_not)


class blaming:  # noqa: N801 - read as a word: with blaming("region")
    """Whatever is wrong within is wrong with that field."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RequestError | DataError):
            raise Problem.of(error, self._field) from None


def _without(asked: ForecastRequest, covariates: Sequence[str], cases: Sequence[Case]) -> Iterator[str]:
    """Which models and regions do without what was given."""
    uses: list[tuple[str, object, Callable[[Model], bool]]] = [
        ("covariates", covariates, lambda one: one.uses_covariates),
        ("holidays", asked.holidays, lambda one: one.uses_holidays),
    ]
    for what, given, using in uses:
        without = [name for name in asked.names if given and not using(model(name))]
        if without:
            others = ", ".join(name for name, one in models().items() if using(one))
            yield f"Without {what}: {', '.join(without)}. With them: {others}."
    if covariates and any(model(name).uses_covariates for name in asked.names):
        alone = [case.region for case in cases if case.series is not None and case.series.around is None]
        if alone:
            yield f"Without other regions to learn covariates from: {', '.join(alone[:6])}."
