"""Forecasts of counts by region, with honest uncertainty. Usable from a notebook; nothing here imports streamlit."""

from forecasting.errors import DataError, ForecastingError, JobError, ModelError, RequestError, SourceError
from forecasting.frequency import Frequency
from forecasting.models import model, models
from forecasting.panel import Panel, Statistic
from forecasting.series import QUANTILES, Forecast, Series

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
