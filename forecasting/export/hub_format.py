"""Write forecasts in the forecast hubs' format: one model, weekly counts, one reference date, and the hub's names of places and targets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.data.us_states import FIPS, NATION_CODE, hub_locations
from forecasting.export.hub_rules import COLUMNS, HORIZONS, SATURDAY, WEEK, hub_rule_violations
from forecasting.support.errors import DataError, RequestError
from forecasting.tables.cells.date_formats import today

#: The calendar of the hubs, weeks that end on Saturdays.
HUB_ALIAS = "W-SAT"
#: From the first day of a week to its last.
FIRST_TO_LAST = pd.Timedelta(days=6)
_DAY_BEFORE = {"SUN": "SAT", "MON": "SUN", "TUE": "MON", "WED": "TUE", "THU": "WED", "FRI": "THU", "SAT": "FRI"}
#: How hubs outside the United States call places: a country's letters, perhaps with those of a part.
FOREIGN_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3}|[0-9]{2})?")
#: Weeks between the last figure that a model may use and the reference date's, which are forecast too and not written.
#: A region that lags further behind the others is not forecast for a hub.
MAX_BRIDGED_WEEKS = 4


def check_single_model(names: Sequence[str]) -> None:
    """Raises `RequestError` for more models than a file of a hub is for."""
    if len(names) > 1:
        raise RequestError(
            f"The hub format does not tell models apart, and --models has {', '.join(names)}; give one at a time."
        )


def hub_statistics(panel: Panel, wanted: Sequence[Statistic]) -> tuple[list[Statistic], list[str]]:
    """Those of `wanted` that a hub may take, and a sentence for each that is left out because there are others.

    Raises `RequestError` when all are running totals, or counts of anything but weeks that end on Saturdays.
    """
    statistics = [statistic for statistic in wanted if not statistic.shown_cumulative]
    if not statistics:
        raise RequestError(f"The hub format is for new counts, and {wanted[0].name} is a running total.")
    left_out = [
        f"{statistic.name} is a running total, which no hub takes; it is left out."
        for statistic in wanted
        if statistic.shown_cumulative
    ]
    refusals = {statistic.name: _spacing_refusal(panel, statistic) for statistic in statistics}
    kept = [statistic for statistic in statistics if not refusals[statistic.name]]
    if not kept:
        raise RequestError(next(iter(refusals.values())))
    return kept, [*left_out, *(f"{refusal} It is left out." for refusal in refusals.values() if refusal)]


def _spacing_refusal(panel: Panel, statistic: Statistic) -> str:
    """Why a hub would not take a statistic's spacing, and what to do; empty where it does."""
    frequency, hub = panel.frequencies[statistic.column], "The hub format is for weeks that end on Saturdays"
    own = panel.own_calendars(statistic.column).values()
    if frequency.alias == HUB_ALIAS or any(one.frequency.alias == HUB_ALIAS for one in own):
        return ""  # regions of another calendar fail alone
    if frequency.name != "weekly":
        return f"{hub}, and {statistic.name} is {frequency.described}; choose weekly figures, or --format tidy."
    if frequency.alias == "W-SUN":
        return (
            f"{hub}, and {statistic.name} is of weeks dated on Sundays: if these are the first days of weeks from Sunday to "
            "Saturday, say so with --weeks-begin; if they end on Sundays, no hub takes them, so choose --format tidy."
        )
    return (
        f"{hub}, and {statistic.name} is {frequency.described}: date each by its Saturday if it holds the days from Sunday to "
        "Saturday; else no hub takes them, so choose --format tidy."
    )


def with_weeks_by_last_day(panel: Panel) -> Panel:
    """The panel with weeks that were dated by their first days dated by their last, as the hubs date them."""
    weeks = {column for column, frequency in panel.frequencies.items() if frequency.name == "weekly"}
    moved = panel.table[STATISTIC].isin(weeks).to_numpy()
    for (column, region), own in panel.calendars.items():
        its = ((panel.table[STATISTIC] == column) & (panel.table[REGION] == region)).to_numpy()
        moved = np.where(its, own.frequency.name == "weekly", moved)
    dates = panel.table[DATE].where(~moved, panel.table[DATE] + FIRST_TO_LAST)
    frequencies = {column: _by_last_day(frequency) for column, frequency in panel.frequencies.items()}
    calendars = {key: replace(own, frequency=_by_last_day(own.frequency)) for key, own in panel.calendars.items()}
    table = panel.table.assign(**{DATE: dates})
    return replace(panel, table=table, frequencies=frequencies, calendars=calendars)


def _by_last_day(frequency: Frequency) -> Frequency:
    """Weeks that were dated by their first day, dated by their last; any other calendar as it is."""
    return weekly(_DAY_BEFORE[frequency.alias[2:]]) if frequency.name == "weekly" else frequency


def unknown_places(places: Mapping[str, str]) -> list[str]:
    """Those regions that no hub knows, of all with their locations: neither in the United States nor a country's code."""
    american = {*FIPS, NATION_CODE}
    if 2 * sum(code in american for code in places.values()) >= len(places):
        return [name for name, code in places.items() if code not in american]
    return [name for name, code in places.items() if code not in american and not FOREIGN_CODE.fullmatch(code)]


def unknown_place_sentence(name: str) -> str:
    """Say that no hub knows a place, and what to do."""
    return (
        f"no forecast hub has a place '{name}'; give it the hub's name or code (Ohio, OH or 39; DE for Germany), or choose "
        "--format tidy."
    )


def reference_date(panel: Panel, wanted: Sequence[Statistic]) -> pd.Timestamp:
    """The Saturday after the last week of which anything was published, believed or not, in any region.

    A week that is still to come, as one with a wrong year, counts only where all regions have such.
    """
    table = panel.table
    published = table[STATISTIC].isin([statistic.column for statistic in wanted]) & table[VALUE].notna()
    ends = table.loc[published].groupby(REGION, observed=True)[DATE].max()
    names = [statistic.name for statistic in wanted]
    weekly_here = [any(panel.frequency_of(name, region).alias == HUB_ALIAS for name in names) for region in ends.index]
    ends = ends[weekly_here]
    past = ends[ends <= pd.Timestamp(today()) + WEEK]
    last = (ends if past.empty else past).max()
    if pd.isna(last):
        raise DataError(f"'{panel.source}' has no figures of {wanted[0].name}; choose another statistic.")
    return pd.offsets.Week(weekday=SATURDAY).rollforward(last.normalize()) + WEEK


def unique_hub_locations(regions: Iterable[str], among: Iterable[str] = ()) -> dict[str, str]:
    """Region -> its hub location, such as ``"US"`` or ``"01"`` (`us_states.hub_locations`). Raises `DataError` for two that are one place."""
    codes = hub_locations(regions, among)
    for code, count in Counter(codes.values()).items():
        if count > 1:
            same = " and ".join(f"'{name}'" for name in codes if codes[name] == code)
            raise DataError(f"{same} are the same place, {code}, to a hub; give one of them (--region).")
    return codes


def weeks_before_reference(series: Series, reference: pd.Timestamp) -> int:
    """Weeks to forecast before the reference date's: of doubtful figures, and of a region that ends before the others.

    Raises `DataError` when they are too many.
    """
    if series.frequency.alias != "W-SAT":
        raise DataError(
            f"its figures are {series.frequency.described}, and the hub format is for weeks that end on Saturdays; "
            "use --format tidy."
        )
    weeks = (reference - series.origin) // WEEK - 1
    if weeks < 0:
        raise DataError(
            f"its last week ends on {series.origin:%Y-%m-%d}, which is still to come; correct the date, or use "
            "--format tidy."
        )
    if weeks > MAX_BRIDGED_WEEKS:
        raise DataError(
            f"its last usable week ends on {series.origin:%Y-%m-%d}, too long before the reference date "
            f"{reference:%Y-%m-%d}; use --format tidy."
        )
    return weeks


def hub_target(statistic: Statistic) -> str:
    """What the hubs call a weekly count: ``"wk inc covid hosp"``; else ``"wk inc"`` and its name in words."""
    words = " ".join(statistic.name.replace("_", " ").split())
    return statistic.target or (words if words.startswith("wk inc ") else f"wk inc {words}")


def to_hub_table(
    table: pd.DataFrame,
    target: str | Mapping[str, str] = "wk inc covid hosp",
    reference: pd.Timestamp | None = None,
    places: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One model's weekly forecasts in the forecast hubs' format: weeks 0 to 3 after the reference date.

    Args:
        table: the forecasts table.
        target: what the hubs call the count, by statistic where the table has several.
        reference: the Saturday that ends the first week; the one after the newest origin by default.
        places: what the hubs call each region; by default found out from the table's regions (`unique_hub_locations`).

    Raises `DataError` for what a hub would refuse (`hub_rule_violations`); whether it knows the locations is not checked.
    """
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    if (names := list(table[MODEL].unique()))[1:]:
        raise DataError(f"The hub format does not tell models apart, and there are {', '.join(names)}; give one.")
    off = table.loc[table[DATE].dt.day_of_week != SATURDAY, DATE]
    if len(off):
        raise DataError(f"{off.iloc[0]:%Y-%m-%d} is not a Saturday; the hub format is for weeks that end on Saturdays.")
    reference = reference or table[ORIGIN].max() + WEEK
    table = table.assign(**{HORIZON: (table[DATE] - reference) // WEEK})
    table = table[table[HORIZON].isin(HORIZONS)]
    hub = pd.DataFrame(
        {
            "reference_date": reference,
            "target": target if isinstance(target, str) else table[STATISTIC].map(target),
            "horizon": table[HORIZON],
            "target_end_date": table[DATE],
            "location": table[REGION].map(
                places if places is not None else unique_hub_locations(table[REGION].unique())
            ),
            "output_type": "quantile",
            "output_type_id": table[QUANTILE],
            "value": table[VALUE],
        }
    ).reset_index(drop=True)
    if violations := hub_rule_violations(hub, codes=False):
        raise DataError(f"A hub would refuse these forecasts. {violations[0]}")
    return hub
