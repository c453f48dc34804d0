"""Warm start: a draft forecast for a series that has gained a few points, from an earlier fit's parameters.

It is only a draft. The full search follows in any case, so that the same request has the same forecast everywhere, whatever
was fitted before; a note says how old the parameters are, and whether errors have grown since.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from forecasting.data.forecast import Forecast
from forecasting.data.formatting import format_date
from forecasting.data.series import Series
from forecasting.jobs.request import Request
from forecasting.models import Model, model

if TYPE_CHECKING:  # a worker imports this package too, and needs no database
    from forecasting.storage.forecast_store import ForecastStore

log = logging.getLogger(__name__)

#: The most new points of a warm start, where a reporting pattern repeats every week: four weeks.
MAX_NEW_CYCLES = 4
#: The most new points of a warm start of a weekly series.
MAX_NEW_WEEKS = 8
#: The most new points of a warm start, as a share of the series.
MAX_NEW_SHARE = 0.1
#: Errors have grown when the root mean square of the new ones is more than so many times that of those before.
GROWN_RATIO = 1.5


def warm_start_draft(request: Request, store: ForecastStore) -> Forecast | None:
    """Draft a forecast for `request` in milliseconds, or None where there is no recent fit to start from. Raises nothing."""
    chosen = model(request.model)
    if type(chosen).extend is Model.extend:
        return None
    try:
        earlier = store.latest(request.lineage, request.series.origin)
        if earlier is None or not _is_recent(earlier, request.series):
            return None
        draft = chosen.extend(request.series, request.horizon, earlier.fitted)
    except Exception:  # the full fit goes on all the same
        log.exception("A draft from an earlier %s could not be made", chosen.label)
        return None
    return _with_note(draft, earlier) if draft and draft.is_finite else None


def _is_recent(earlier: Forecast, series: Series) -> bool:
    """Whether `series` has gained only a few points since `earlier`."""
    new_points = len(series) - int(series.dates.searchsorted(earlier.origin, side="right"))
    frequency = series.frequency
    most = MAX_NEW_CYCLES * frequency.cycle if frequency.uses_holidays else len(series)
    return new_points <= min(MAX_NEW_WEEKS if frequency.name == "weekly" else most, MAX_NEW_SHARE * len(series))


def _with_note(draft: Forecast, earlier: Forecast) -> Forecast:
    """`draft` with a note on how old its parameters are, and whether errors have grown since."""
    since = f"parameters of {format_date(earlier.origin)}"
    note = f"Drawn with {since} until a full search has ended."
    if draft.fitted.get("growth", 1.0) > GROWN_RATIO:
        note = f"Drawn with {since} until a full search has ended; errors have grown since, so that may change much."
    return replace(draft, method=f"{draft.method}, {since}", notes=(*draft.notes, note))
