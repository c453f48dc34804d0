"""Column names of the tables that flow between modules; other programs read these tables, so the names are fixed."""

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

#: Columns that every panel has.
PANEL: Final = (REGION, STATISTIC, DATE, VALUE)
#: Columns of a table of forecasts, in this order.
FORECASTS: Final = (REGION, MODEL, ORIGIN, HORIZON, DATE, QUANTILE, VALUE)
