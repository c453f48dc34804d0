"""The rules that the CDC's forecast hubs have for a file of forecasts (hubverse.io, "Model output").

`hub_rule_violations` looks at a table as a stranger would, whoever wrote it: every rule that is broken is a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from forecasting.data.forecast import QUANTILES
from forecasting.data.us_states import hub_locations

#: The Saturday that ends the first week of a forecast.
REFERENCE = "reference_date"
ENDS = "target_end_date"
LOCATION = "location"
TARGET = "target"
KIND = "output_type"
LEVEL = "output_type_id"
COLUMNS = (REFERENCE, TARGET, "horizon", ENDS, LOCATION, KIND, LEVEL, "value")
#: Weeks after the reference date that are forecast.
HORIZONS = (0, 1, 2, 3)
#: As pandas numbers weekdays.
SATURDAY = 5
WEEK = pd.Timedelta(days=7)
#: Columns that together name one week's distribution.
TASK = [TARGET, LOCATION, "horizon"]
#: How a hub writes a level; R and Python read the same number from it.
PLAIN_DECIMAL = r"0\.\d+"


def hub_rule_violations(table: pd.DataFrame, codes: bool = True) -> list[str]:
    """The rules that `table` breaks, a sentence each (its columns typed, or text as it stands in a CSV); empty when nothing.

    `codes`: whether US places must go by their codes. A forecast of Germany may call it "DE", which is Delaware too;
    only who knows the other regions can tell.
    """
    if list(table.columns) != list(COLUMNS):
        return [f"The columns are {','.join(map(str, table.columns))}; a hub wants exactly {','.join(COLUMNS)}."]
    if table.empty:
        return ["There is no row."]
    typed = table.assign(
        **{column: pd.to_datetime(table[column], errors="coerce", format="ISO8601") for column in (REFERENCE, ENDS)},
        **{column: pd.to_numeric(table[column], errors="coerce") for column in ("horizon", LEVEL, "value")},
    )
    violations = [*_dates(typed), *_horizons(typed), *_texts(table)]
    if codes:
        violations += _locations(table)
    return [*violations, *_levels(table, typed), *_values(typed)]


def _dates(table: pd.DataFrame) -> Iterator[str]:
    given = table[REFERENCE].unique()
    if table[REFERENCE].isna().any():
        yield "A reference_date is not a date; write it as 2024-11-23."
    elif len(given) > 1:
        yield f"There are {len(given)} reference dates; a file has one."
    elif pd.Timestamp(given[0]).day_of_week != SATURDAY:
        yield f"The reference date {given[0]:%Y-%m-%d} is a {given[0]:%A}; it must be a Saturday."
    if (table[ENDS] != table[REFERENCE] + table["horizon"] * WEEK).any():
        yield "A target_end_date is not its reference date and a week for each step of its horizon."


def _horizons(table: pd.DataFrame) -> Iterator[str]:
    strange = table.loc[~table["horizon"].isin(HORIZONS), "horizon"]
    if len(strange):
        yield f"A horizon is {strange.iloc[0]:g}; a hub takes 0 to 3."


def _texts(table: pd.DataFrame) -> Iterator[str]:
    kinds = table.loc[table[KIND] != "quantile", KIND]
    if len(kinds):
        yield f"An output_type is '{kinds.iloc[0]}'; only 'quantile' is written."
    for target in table[TARGET].unique():
        if not str(target).startswith("wk inc "):
            yield f"A target is '{target}'; a weekly one is called like 'wk inc covid hosp'."


def _locations(table: pd.DataFrame) -> Iterator[str]:
    given = list(table[LOCATION].unique())
    if any(not isinstance(name, str) or not name.strip() for name in given):
        yield "A location is empty or not text; write a two-digit code as text, '01'."
        return
    for name, code in hub_locations(given).items():
        if name != code:
            yield f"The location '{name}' must be written '{code}'."


def _levels(table: pd.DataFrame, typed: pd.DataFrame) -> Iterator[str]:
    if not pd.api.types.is_numeric_dtype(table[LEVEL]):
        odd = table.loc[~table[LEVEL].astype(str).str.fullmatch(PLAIN_DECIMAL), LEVEL]
        if len(odd):
            yield f"An output_type_id is '{odd.iloc[0]}'; write it as 0.025."
            return
    for task, levels in typed.groupby(TASK, sort=False)[LEVEL]:
        given = np.sort(levels.to_numpy())
        if len(given) != len(QUANTILES) or not np.allclose(given, QUANTILES, rtol=0, atol=1e-9):
            yield f"{_named(task)} has {len(given)} quantiles; a hub wants its {len(QUANTILES)} levels, each once."
            return


def _values(table: pd.DataFrame) -> Iterator[str]:
    if not np.isfinite(table["value"].to_numpy(float)).all():
        yield "A value is no finite number."
    if (table["value"] < 0).any():
        yield f"A value is {table['value'].min():g}; counts are not negative."
    rising = table.sort_values(LEVEL, kind="stable").groupby(TASK, sort=False)["value"].diff()
    if (rising < 0).any():
        task = table.loc[rising.index[(rising < 0).to_numpy()][0], TASK]
        yield f"{_named(tuple(task))} has quantiles that cross; a value may not fall as the level rises."


def _named(task: tuple[object, ...]) -> str:
    return f"'{task[0]}' of location {task[1]} at horizon {task[2]}"
