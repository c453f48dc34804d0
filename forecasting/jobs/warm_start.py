"""What can be said at once of a series that has gained a few points: an earlier fit, carried on over them.

It is a draft. The full search follows in any case, so that the same request has the same forecast everywhere, whatever
was fitted before; what has happened since tells a person how much that is likely to change.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from forecasting.data.forecast import Forecast
from forecasting.data.formatting import day
from forecasting.data.series import Series
from forecasting.jobs.request import Request
from forecasting.models import Model, model

if TYPE_CHECKING:  # a worker imports this package too, and needs no database
    from forecasting.storage.forecast_store import Store

log = logging.getLogger(__name__)

#: Parameters are carried on over so many new points: those of four weeks or two months, and no more than this share of all.
FEW = {"daily": 28, "weekly": 8}
FEW_SHARE = 0.1
#: Errors have grown when the new ones are, in the root mean square, so many times those before.
GROWN = 1.5


def carried_on(request: Request, store: Store) -> Forecast | None:
    """A draft for `request` in milliseconds, or None where there is nothing to carry on. Raises nothing."""
    chosen = model(request.model)
    if type(chosen).extend is Model.extend:
        return None
    try:
        earlier = store.latest(request.lineage, request.series.origin)
        if earlier is None or not is_recent(earlier, request.series):
            return None
        draft = chosen.extend(request.series, request.horizon, earlier.fitted)
    except Exception:  # the fit is on its way all the same
        log.exception("An earlier %s could not be carried on", chosen.label)
        return None
    return draft and said(draft, earlier)


def is_recent(earlier: Forecast, series: Series) -> bool:
    """Whether `series` has gained only a few points since `earlier`."""
    new = len(series) - int(series.dates.searchsorted(earlier.origin, side="right"))
    return new <= min(FEW.get(series.frequency.name, len(series)), FEW_SHARE * len(series))


def said(draft: Forecast, earlier: Forecast) -> Forecast:
    """`draft` with what it is: how old its parameters are, and whether they have done worse since."""
    since = f"parameters of {day(earlier.origin)}"
    note = f"Drawn with {since} until a full search has ended."
    if draft.fitted.get("growth", 1.0) > GROWN:
        note = f"Drawn with {since} until a full search has ended; errors have grown since, so that may change much."
    return replace(draft, method=f"{draft.method}, {since}", notes=(*draft.notes, note))
