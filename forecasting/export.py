"""Tables out: CSV, Parquet and the forecast hubs' format."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd

from forecasting import hub_format, hub_rules
from forecasting.columns import DATE, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC, VALUE
from forecasting.errors import DataError

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
    """Parquet with the same columns as the table; a hub's dates are days there, as the hubs want them."""
    days = [column for column in (hub_rules.REFERENCE, hub_rules.ENDS) if column in table and len(table)]
    table = table.assign(**{column: table[column].dt.date for column in days})
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def to_hub(
    table: pd.DataFrame,
    target: str | Mapping[str, str] = "wk inc covid hosp",
    reference: pd.Timestamp | None = None,
    places: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The forecast hubs' format from one model's weekly forecasts; its weeks 0 to 3 after the reference date are kept.

    Args:
        table: the forecasts table.
        target: what the hubs call the count, by statistic where the table has several.
        reference: the Saturday that ends the first week; the one after the newest origin by default.
        places: what the hubs call each region; by default found out from the table's regions (`hub_format.places`).

    Raises `DataError` for anything that a hub would refuse (`hub_rules.problems`).
    """
    if table.empty:
        return pd.DataFrame(columns=list(hub_rules.COLUMNS))
    if (names := list(table[MODEL].unique()))[1:]:
        raise DataError(f"The hub format does not tell models apart, and there are {', '.join(names)}; give one.")
    off = table.loc[table[DATE].dt.day_of_week != hub_rules.SATURDAY, DATE]
    if len(off):
        raise DataError(f"{off.iloc[0]:%Y-%m-%d} is not a Saturday; the hub format is for weeks that end on Saturdays.")
    reference = reference or table[ORIGIN].max() + hub_rules.WEEK
    table = table.assign(**{HORIZON: (table[DATE] - reference) // hub_rules.WEEK})
    table = table[table[HORIZON].isin(hub_rules.HORIZONS)]
    hub = pd.DataFrame(
        {
            "reference_date": reference,
            "target": target if isinstance(target, str) else table[STATISTIC].map(target),
            "horizon": table[HORIZON],
            "target_end_date": table[DATE],
            "location": table[REGION].map(places if places is not None else hub_format.places(table[REGION].unique())),
            "output_type": "quantile",
            "output_type_id": table[QUANTILE],
            "value": table[VALUE],
        }
    ).reset_index(drop=True)
    if found := hub_rules.problems(hub, codes=False):
        raise DataError(f"A hub would refuse these forecasts. {found[0]}")
    return hub
