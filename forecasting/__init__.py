"""Forecasts of counts by region, with honest uncertainty. Usable from a notebook; nothing here imports streamlit."""

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.models import model, models
from forecasting.support.errors import DataError, ForecastingError, JobError, ModelError, RequestError, SourceError

__all__ = [
    "QUANTILES",
    "DataError",
    "Forecast",
    "ForecastingError",
    "Frequency",
    "JobError",
    "ModelError",
    "Panel",
    "RequestError",
    "Series",
    "SourceError",
    "Statistic",
    "model",
    "models",
]
