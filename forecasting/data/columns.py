"""The column names of every table that flows between rooms (fixed points; other programs read them)."""

from typing import Final

REGION: Final = "region"
STATISTIC: Final = "statistic"
DATE: Final = "date"
VALUE: Final = "value"
AS_OF: Final = "as_of"
MODEL: Final = "model"
ORIGIN: Final = "origin"
HORIZON: Final = "horizon"
QUANTILE: Final = "quantile"

PANEL: Final = (REGION, STATISTIC, DATE, VALUE)
FORECASTS: Final = (REGION, MODEL, ORIGIN, HORIZON, DATE, QUANTILE, VALUE)
