"""One fit, and what to tell a person when it does not work out."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

from forecasting.errors import ForecastingError
from forecasting.models import PooledModel, Report, ignore, model
from forecasting.request import GatheredRequest, Request
from forecasting.series import Forecast


@dataclass(frozen=True)
class Outcome:
    """A forecast, or several by region, or a sentence for a person and, for a bug, a traceback for the log."""

    forecast: Forecast | None = None
    parts: dict[str, Forecast] = field(default_factory=dict)
    error: str = ""
    trace: str = ""


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
    except MemoryError:
        return Outcome(error=f"There was not enough memory to fit {chosen.label}; choose a shorter history.")
    except (Exception, SystemExit):
        sentence = f"{chosen.label} broke down on this series, which is a fault of the program; the log says more."
        return Outcome(error=sentence, trace=traceback.format_exc())
