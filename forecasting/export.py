"""Tables out: CSV, Parquet and the forecast hubs' format."""

from __future__ import annotations

import io

import pandas as pd

from forecasting.columns import DATE, HORIZON, ORIGIN, QUANTILE, REGION, VALUE
from forecasting.errors import DataError

SATURDAY = 5
#: The hubs take four weeks: horizons 0 to 3.
HUB_HORIZONS = 4
#: What a spreadsheet would run as a formula when a cell begins with it (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(table: pd.DataFrame) -> bytes:
    """UTF-8 CSV with ISO dates, `repr`-exact numbers and no index; text that a spreadsheet would run is quoted away."""
    safe = table.copy()
    for column in safe.columns:
        if not (pd.api.types.is_numeric_dtype(safe[column]) or pd.api.types.is_datetime64_any_dtype(safe[column])):
            text = safe[column].astype(str)
            safe[column] = text.where(~text.str.startswith(FORMULA_STARTS), "'" + text)
    return safe.to_csv(index=False, date_format="%Y-%m-%d").encode()


def to_parquet(table: pd.DataFrame) -> bytes:
    """Parquet with the same columns as the table."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def to_hub(table: pd.DataFrame, target: str = "wk inc covid hosp") -> pd.DataFrame:
    """The forecast hubs' format from weekly forecasts.

    The reference date is the Saturday after the origin's week; hub horizon 0 is the first week forecast, 3 the last that
    a hub takes. Columns: ``reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value``.
    Raises `DataError` unless the weeks end on Saturdays.
    """
    if not table.empty and (table[DATE].dt.day_of_week != SATURDAY).any():
        day = table.loc[table[DATE].dt.day_of_week != SATURDAY, DATE].iloc[0]
        raise DataError(f"{day:%Y-%m-%d} is not a Saturday; the hub format is for weeks that end on Saturdays.")
    table = table[table[HORIZON] <= HUB_HORIZONS]
    return pd.DataFrame(
        {
            "reference_date": table[ORIGIN] + pd.Timedelta(days=7),
            "target": target,
            "horizon": table[HORIZON] - 1,
            "target_end_date": table[DATE],
            "location": table[REGION],
            "output_type": "quantile",
            "output_type_id": table[QUANTILE],
            "value": table[VALUE],
        }
    )
