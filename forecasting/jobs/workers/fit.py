"""Fit one request in this process, and turn a failure into a sentence for a person."""

from __future__ import annotations

import errno
import traceback
from dataclasses import dataclass, field

from forecasting.data.forecast import Forecast
from forecasting.jobs.request import GatheredRequest, Request
from forecasting.models import PooledModel, ProgressCallback, ignore_progress, model
from forecasting.support.errors import ForecastingError

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


def fit_request(request: Request | GatheredRequest, report: ProgressCallback = ignore_progress) -> FitOutcome:
    """Fit in this thread. Raises nothing: a model's error becomes a sentence."""
    chosen = model(request.model)
    try:
        if isinstance(request, GatheredRequest):
            assert isinstance(chosen, PooledModel)
            parts = chosen.forecast_pool(request.pool, request.horizon, report)
            return (
                FitOutcome(parts=parts)
                if parts
                else FitOutcome(error=f"{chosen.label} has nothing to say of any region.")
            )
        return FitOutcome(chosen.forecast(request.series, request.horizon, report))
    except ForecastingError as error:
        return FitOutcome(error=str(error))
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            sentence = f"There was not enough memory to fit {chosen.label}; choose a shorter history."
            return FitOutcome(error=sentence, out_of_memory=True)
        sentence = f"{chosen.label} broke down on this series, which is a fault of the program; the log says more."
        return FitOutcome(error=sentence, trace=traceback.format_exc())


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
