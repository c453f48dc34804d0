"""Align published forecasts with our own: the same origins, the same count of horizons."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC
from forecasting.data.formatting import format_date
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.evaluation.backtest import Cutoff
from forecasting.models import models
from forecasting.support.errors import DataError


def knowledge_date(cut: Cutoff, panel: Panel) -> pd.Timestamp:
    """The day at whose end a cutoff's figures were known: of vintages, the day of publication."""
    return cut.at - pd.Timedelta(days=1) if panel.has_vintages() else cut.at


def hub_reference_date(cut: Cutoff, panel: Panel) -> pd.Timestamp:
    """What the US hubs call the forecasts made from a cutoff: the first Saturday after it was published."""
    return knowledge_date(cut, panel) + pd.offsets.Week(weekday=5)


def align_forecasts(
    table: pd.DataFrame,
    statistic: str,
    region: str,
    cutoffs: Sequence[Cutoff],
    panel: Panel,
    frequency: Frequency,
    name: str,
) -> pd.DataFrame:
    """The forecasts of a table for one region that were made at one of the cutoffs, with horizons counted from their origins.

    A forecast belongs to the cut that was published in the period after its own origin, or has the very same origin;
    periods are matched by date, whatever its horizons are counted from.

    Args:
        statistic: which to take where the table has several.
        name: what messages call the table.

    Raises `DataError` with one sentence when nothing is left.
    """
    rows = table[(table[REGION] == region).to_numpy()]
    if rows.empty:
        others = list(dict.fromkeys(map(str, table[REGION].unique())))
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise DataError(f"{name} has no forecast for {region}; it has {', '.join(others[:3])}{more}.")
    rows = _of_statistic(rows, statistic, name)
    places = {origin: _place(origin, cutoffs, panel, frequency) for origin in rows[ORIGIN].unique()}
    rows = rows.assign(place=rows[ORIGIN].map(places))
    if (rows["place"] < 0).all():
        first, last = rows[ORIGIN].min(), rows[ORIGIN].max()
        when = f"on {format_date(first)}" if first == last else f"from {format_date(first)} to {format_date(last)}"
        raise DataError(
            f"{name} has forecasts for {region} with data to a day {when}, and none that was made at a date on the slider."
        )
    return _recounted(rows[rows["place"] >= 0], cutoffs, frequency)


def _of_statistic(rows: pd.DataFrame, statistic: str, name: str) -> pd.DataFrame:
    if STATISTIC not in rows:
        return rows
    targets = list(dict.fromkeys(map(str, rows[STATISTIC].unique())))
    if statistic in targets:
        rows = rows[(rows[STATISTIC] == statistic).to_numpy()]
    elif len(targets) > 1:
        raise DataError(
            f"{name} is about several things ({', '.join(targets[:4])}), and '{statistic}' is not among them."
        )
    return rows.drop(columns=STATISTIC)


def _place(origin: pd.Timestamp, cutoffs: Sequence[Cutoff], panel: Panel, frequency: Frequency) -> int:
    """The place of the cut whose forecasts one with this origin competes with; -1 where there is none."""
    after = frequency.after(origin, 1)[0]
    same = [i for i, cut in enumerate(cutoffs) if cut.origin == origin]
    if same or not panel.has_vintages():
        return same[-1] if same else -1
    return max((i for i, cut in enumerate(cutoffs) if origin < knowledge_date(cut, panel) < after), default=-1)


def _recounted(rows: pd.DataFrame, cutoffs: Sequence[Cutoff], frequency: Frequency) -> pd.DataFrame:
    """Origins are the cuts' own, horizons count from there, and models are called apart from ours."""
    origins = {place: cutoffs[place].origin for place in rows["place"].unique()}
    ends = max(rows[DATE])
    steps = {
        (place, date): i for place, origin in origins.items() for i, date in enumerate(frequency.between(origin, ends))
    }
    horizon = [steps.get(pair, 0) for pair in zip(rows["place"], rows[DATE], strict=True)]
    table = rows.assign(**{ORIGIN: rows["place"].map(origins), HORIZON: horizon}).drop(columns="place")
    names = {name: f"{name} (file)" if str(name) in models() else str(name) for name in table[MODEL].unique()}
    table[MODEL] = [names[name] for name in table[MODEL]]
    table[REGION] = table[REGION].astype(str)
    table = table[table[HORIZON] > 0].drop_duplicates([MODEL, ORIGIN, HORIZON, QUANTILE], keep="last")
    return table.reset_index(drop=True)
