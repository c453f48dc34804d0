"""Fit one request, or many at once, in this process, and turn a failure into a sentence for a person."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.jobs.request import BatchRequest, GatheredRequest, Request
from forecasting.models import Model, PooledModel, Progress, ProgressCallback, ignore_progress, model
from forecasting.support.errors import ForecastingError, ModelError

#: Series that a model is given at once, but for those of a batch, which was cut to size before.
MOST_AT_ONCE = 1024
#: Parts of the loader's messages when there was no memory to load a library.
NO_MEMORY_SIGNS = ("cannot allocate memory", "failed to map segment", "cannot apply additional memory protection")
#: Part of the interpreter's message when compiled code gave up without a reason, as some do that are refused memory.
UNEXPLAINED = "without exception set"


@dataclass(frozen=True)
class FitOutcome:
    """The result of a fit: a forecast, or several by region, or a sentence for a person and, for a bug, a traceback for the log.

    After one that is `out_of_memory` the process should end: libraries that were refused memory during their import stay
    imported by half.
    """

    forecast: Forecast | None = None
    parts: dict[str, Forecast] = field(default_factory=dict)
    error: str = ""
    trace: str = ""
    out_of_memory: bool = False


def fit_batch(batch: BatchRequest) -> FitOutcome:
    """Fit many requests in this thread: their forecasts by the names of their parts, without those that have none."""
    made = dict(zip(batch.parts, fit_requests(batch.requests, len(batch.requests)), strict=True))
    parts = {name: outcome.forecast for name, outcome in made.items() if outcome.forecast}
    error = "" if parts else f"{model(batch.model).label} has no forecast of any."
    return FitOutcome(parts=parts, error=error, out_of_memory=any(one.out_of_memory for one in made.values()))


def fit_request(request: Request | GatheredRequest, report: ProgressCallback = ignore_progress) -> FitOutcome:
    """Fit in this thread. Raises nothing: a model's error becomes a sentence, and so does a forecast that is not finite."""
    chosen = model(request.model)
    report = _with_finite_drafts(report)
    try:
        if isinstance(request, GatheredRequest):
            assert isinstance(chosen, PooledModel)
            made = chosen.continue_pool(request.pool, request.horizon, request.learned, report)
            parts = {region: forecast for region, forecast in made.items() if forecast.is_finite}
            if made and not parts:
                raise not_finite(chosen)
            return (
                FitOutcome(parts=parts)
                if parts
                else FitOutcome(error=f"{chosen.label} has nothing to say of any region.")
            )
        forecast = chosen.forecast(request.series, request.horizon, report)
        if not forecast.is_finite:
            raise not_finite(chosen)
        return FitOutcome(forecast)
    except ForecastingError as error:
        return FitOutcome(error=str(error))
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            sentence = f"There was not enough memory to fit {chosen.label}; choose a shorter history."
            return FitOutcome(error=sentence, out_of_memory=True)
        sentence = f"{chosen.label} broke down on this series, which is a fault of the program; the log says more."
        return FitOutcome(error=sentence, trace=traceback.format_exc())


def fit_requests(requests: Sequence[Request], at_once: int | None = None) -> list[FitOutcome]:
    """Fit many requests in this thread as `fit_request` does each of them, in their order; those of a model and horizon at once.

    No more than so many `at_once`, `MOST_AT_ONCE` unless it is given.

    Where one of them makes a model break down, its group is fitted one by one, so that it spoils no other.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault((request.model, request.horizon), []).append(place)
    outcomes: dict[int, FitOutcome] = {}
    size = at_once or MOST_AT_ONCE
    for (name, horizon), places in groups.items():
        for part in (places[first : first + size] for first in range(0, len(places), size)):
            made = _fit_group(model(name), [requests[place].series for place in part], horizon)
            found = made if made else [fit_request(requests[place]) for place in part]
            outcomes |= zip(part, found, strict=True)
    return [outcomes[place] for place in range(len(requests))]


def _fit_group(chosen: Model, series: Sequence[Series], horizon: int) -> list[FitOutcome]:
    """An outcome for each series; none at all where the model broke down."""
    try:
        made = chosen.forecast_many(series, horizon)
    except (Exception, SystemExit):  # `fit_request` says of which series, and why
        return []
    return [_outcome(chosen, one) for one in made]


def _outcome(chosen: Model, made: Forecast | ForecastingError) -> FitOutcome:
    if isinstance(made, ForecastingError):
        return FitOutcome(error=str(made))
    return FitOutcome(made) if made.is_finite else FitOutcome(error=str(not_finite(chosen)))


def not_finite(chosen: Model) -> ModelError:
    """The error for a forecast that has NaN or infinity in it, which nobody may be shown."""
    return ModelError(
        f"{chosen.label} gave no finite numbers for this series; choose another model or a shorter horizon."
    )


def _with_finite_drafts(report: ProgressCallback) -> ProgressCallback:
    """`report` with progress whose draft is left out where it is not finite."""

    def report_finite(progress: Progress) -> None:
        finite = progress.draft is None or progress.draft.is_finite
        report(progress if finite else replace(progress, draft=None))

    return report_finite


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the error, or its cause, is the system's refusal of memory: to numpy, to a child process, to an import."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, ImportError) and any(sign in str(error).lower() for sign in NO_MEMORY_SIGNS):
            return True
        if isinstance(error, SystemError) and UNEXPLAINED in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
