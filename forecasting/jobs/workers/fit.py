"""One fit, and what to tell a person when it does not work out."""

from __future__ import annotations

import errno
import traceback
from dataclasses import dataclass, field

from forecasting.data.forecast import Forecast
from forecasting.jobs.request import GatheredRequest, Request
from forecasting.models import PooledModel, Report, ignore, model
from forecasting.support.errors import ForecastingError

#: How the loader says that it had no memory for a library.
NO_MEMORY = ("cannot allocate memory", "failed to map segment", "cannot apply additional memory protection")


@dataclass(frozen=True)
class Outcome:
    """A forecast, or several by region, or a sentence for a person and, for a bug, a traceback for the log.

    After one that is `exhausted` the process should end: libraries that were refused memory as they were imported stay as they
    are, half of them missing.
    """

    forecast: Forecast | None = None
    parts: dict[str, Forecast] = field(default_factory=dict)
    error: str = ""
    trace: str = ""
    exhausted: bool = False


def fit(request: Request | GatheredRequest, report: Report = ignore) -> Outcome:
    """Fits in this very thread. Raises nothing: a model's error becomes a sentence."""
    chosen = model(request.model)
    try:
        if isinstance(request, GatheredRequest):
            assert isinstance(chosen, PooledModel)
            parts = chosen.forecast_pool(request.pool, request.horizon, report)
            return Outcome(parts=parts) if parts else Outcome(error=f"{chosen.label} has nothing to say of any region.")
        return Outcome(chosen.forecast(request.series, request.horizon, report))
    except ForecastingError as error:
        return Outcome(error=str(error))
    except (Exception, SystemExit) as error:
        if lacks_memory(error):
            sentence = f"There was not enough memory to fit {chosen.label}; choose a shorter history."
            return Outcome(error=sentence, exhausted=True)
        sentence = f"{chosen.label} broke down on this series, which is a fault of the program; the log says more."
        return Outcome(error=sentence, trace=traceback.format_exc())


def lacks_memory(error: BaseException | None) -> bool:
    """Whether this, or what it came from, is the system's refusal of memory: to numpy, to a child process, to an import."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, ImportError) and any(sign in str(error).lower() for sign in NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False
