r"""Probabilistic forecasts of counts by region. Works in a notebook and in scripts; nothing here imports Streamlit.

Figures come from a source, and become a clean `Series`, which a model forecasts:

>>> import forecasting
>>> panel = forecasting.source("bundled").panel()
>>> panel.regions("new_cases")[:2]
['United States', 'United Kingdom']
>>> series = forecasting.prepare(panel, "Italy", "new_cases")
>>> series.frequency.name, len(series)
('daily', 472)
>>> forecast = forecasting.model("theta").forecast(series, horizon=28)
>>> forecast.values.shape  # horizons, and the levels in QUANTILES
(28, 23)
>>> forecast.table("Italy")["quantile"].nunique() == len(forecasting.QUANTILES)
True

A table of your own is a file, or its bytes:

>>> table = b"region,date,value\nA,2024-01-01,3\nA,2024-01-02,5\nA,2024-01-03,4"
>>> own = forecasting.read_panel(table, "counts.csv")
>>> own.regions(), own.statistic().name
(['A'], 'value')

Models and sources are found by name:

>>> list(forecasting.list_models())[0]
'ensemble'
>>> "bundled" in forecasting.list_sources()
True
>>> forecasting.model("crystal_ball")  # doctest: +ELLIPSIS
Traceback (most recent call last):
forecasting.support.errors.RequestError: There is no model 'crystal_ball'; there are ...

`Service` fits in background processes and stores what it has fitted, as the pages do::

    service = forecasting.Service()
    forecast = service.forecast(series, "sarima", horizon=28)
    service.close()

Backtests and scores are in `forecasting.evaluation`, file formats in `forecasting.export`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from forecasting.support.errors import DataError, ForecastingError, JobError, ModelError, RequestError, SourceError

if TYPE_CHECKING:
    from forecasting.data.forecast import QUANTILES, Forecast
    from forecasting.data.frequency import Frequency
    from forecasting.data.panel import Panel, Statistic
    from forecasting.data.series import Series
    from forecasting.jobs.request import Request
    from forecasting.models import model
    from forecasting.models import models as list_models
    from forecasting.preparation.prepare import prepare
    from forecasting.services.service import Service
    from forecasting.sources import source
    from forecasting.sources import sources as list_sources
    from forecasting.tables.panel_file import read_panel

__all__ = [
    "QUANTILES",
    "DataError",
    "Forecast",
    "ForecastingError",
    "Frequency",
    "JobError",
    "ModelError",
    "Panel",
    "Request",
    "RequestError",
    "Series",
    "Service",
    "SourceError",
    "Statistic",
    "list_models",
    "list_sources",
    "model",
    "prepare",
    "read_panel",
    "source",
]

#: Where each public name is defined. Importing the package loads none of these modules; the first use of a name does.
#: The two lists have another name here because `forecasting.models` and `forecasting.sources` are the packages.
_DEFINED_IN = {
    "QUANTILES": "data.forecast",
    "Forecast": "data.forecast",
    "Frequency": "data.frequency",
    "Panel": "data.panel",
    "Request": "jobs.request",
    "Series": "data.series",
    "Service": "services.service",
    "Statistic": "data.panel",
    "list_models": "models:models",
    "list_sources": "sources:sources",
    "model": "models",
    "prepare": "preparation.prepare",
    "read_panel": "tables.panel_file",
    "source": "sources",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, original = _DEFINED_IN[name].partition(":")
    value = getattr(import_module(f"{__name__}.{module}"), original or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Names for completion in a notebook."""
    return sorted([*globals(), *__all__])
