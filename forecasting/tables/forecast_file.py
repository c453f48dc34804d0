"""Read files of forecasts, ours or in the hubs' format, and files of the observed values to score them with."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, FORECASTS, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC, VALUE
from forecasting.data.infer_frequency import infer_frequency
from forecasting.data.regular_grid import dates_of_periods
from forecasting.data.us_states import match_places
from forecasting.evaluation.forecast_tables import LEVEL_DECIMALS, count_crossings
from forecasting.support.errors import DataError
from forecasting.tables.cells.blank_cells import quote_cells
from forecasting.tables.cells.labels import name_from_file, parse_filled_labels
from forecasting.tables.cells.parse_dates import date_notes, offsets_from_utc, parse_dates
from forecasting.tables.cells.parse_numbers import parse_numbers
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_file_content, read_table
from forecasting.tables.cells.utc_offsets import INSTANTS_PHRASE
from forecasting.tables.panel_file import panel_from_raw_table, read_raw_table

#: The hubs' column of the Saturday that ends the first week of a forecast.
REFERENCE_DATE = "reference_date"
#: The hubs' column that says whether a row is a quantile.
OUTPUT_TYPE = "output_type"
#: What the hubs call our columns (hubverse.io, "Model output").
_SYNONYMS = {
    "location": REGION,
    "model_id": MODEL,
    "output_type_id": QUANTILE,
    "target_end_date": DATE,
    "target": STATISTIC,
}
#: The hubs' reference date is the end of the first week that is forecast.
_WEEK = pd.Timedelta(days=7)
_DAY = pd.Timedelta(days=1)
#: Figures of a region from which on its dates tell its calendar.
_LEAST_DATES = 8
#: The remedy for a table of another shape.
_SHAPES = f"give {','.join(FORECASTS)}, or the hubs' reference_date,horizon,location,output_type_id,value"


def read_forecasts(path: str | Path, name: str | None = None, regions: Collection[str] = ()) -> pd.DataFrame:
    """The forecasts in a file as a table with the columns `FORECASTS` (and ``statistic``), in the order of the file.

    Understood are, as CSV (also gzipped) or Parquet:

    - our own table: ``region, model, origin, horizon, date, quantile, value``, and ``statistic`` where there are several;
    - the hubs' model output: ``reference_date, target, horizon, target_end_date, location, output_type,
      output_type_id, value``, of which the rows with quantiles are kept; without a column ``model_id`` the model is
      called after the file. Several targets become several statistics;
    - a collection of those: ``model, reference_date, region, horizon, quantile, value``.

    A hub's horizon 0 is the week that ends on the reference date; it becomes horizon 1 from an origin a week before.

    Args:
        path: the file.
        name: what messages, and the model where it has no name, are called after; the file's name by default.
        regions: the names that the regions are to have: a US place that goes by another (``"01"``, ``"AL"``,
            ``"Alabama"``) is renamed, any other name is left as it is.

    Returns:
        The table; `value` in the unit of the file. ``attrs["notes"]`` are sentences on what was left out or looks odd:
        rows without quantiles, weeks before the origin, quantiles that cross. ``attrs["offsets"]`` says whether its
        times had UTC offsets; they are in UTC then.

    Raises `DataError`, on one line, with the file, the line or column, what is wrong there and what to do.
    """
    content, name = read_file_content(path, name)
    raw, left_out = _quantiles_only(_renamed(read_table(content, name, strict=False, own=True)))
    table = _from_hub_table(raw) if ORIGIN not in raw.cells else _from_our_table(raw)
    offsets = DATE in raw.cells and offsets_from_utc(raw, DATE) is not None
    # The week before the origin is history to us, whatever a hub may score.
    early = (table[HORIZON] < 1).to_numpy()
    raw, table = raw.take_rows(~early), table[~early].reset_index(drop=True)
    _check(raw, table)
    if len(regions):  # an array, of pandas 2
        table[REGION] = table[REGION].map(match_places(table[REGION].unique(), set(regions)))
    try:
        crossed = count_crossings(table)
    except DataError as error:
        raise raw.error(str(error)) from None
    table.attrs = {"notes": (*raw.notes, *_notes(left_out, int(early.sum()), crossed)), "offsets": offsets}
    return table


def _renamed(raw: RawTable) -> RawTable:
    """Our names for the columns, whatever their case; raises `DataError` for the first that is missing."""
    lower = {column.lower(): column for column in raw.cells}
    names = {lower[synonym]: ours for synonym, ours in _SYNONYMS.items() if synonym in lower and ours not in lower}
    names |= {lower[own]: own for own in (*FORECASTS, STATISTIC, REFERENCE_DATE, OUTPUT_TYPE) if own in lower}
    cells = raw.cells.rename(columns=names)
    needed: Sequence[str] = FORECASTS if ORIGIN in cells else (REFERENCE_DATE, HORIZON, REGION, QUANTILE, VALUE)
    missing = [column for column in needed if column not in cells]
    if missing:
        has = quote_cells(list(raw.cells)[:8])
        raise raw.error(f"no column is called '{missing[0]}' among {has}; {_SHAPES}.")
    return replace(raw, cells=cells)


def _quantiles_only(raw: RawTable) -> tuple[RawTable, int]:
    """Without the rows that a hub has for means, samples and chances; and how many those were."""
    if OUTPUT_TYPE not in raw.cells:
        return raw, 0
    kept = raw.cells[OUTPUT_TYPE].astype("string").str.strip().eq("quantile").fillna(False).to_numpy(bool)
    if not kept.any():
        raise raw.error("no row has 'quantile' in the column 'output_type'; only quantiles can be scored.")
    return raw.take_rows(kept), int((~kept).sum())


def _from_our_table(raw: RawTable) -> pd.DataFrame:
    origins, dates, horizons = parse_dates(raw, ORIGIN, True), parse_dates(raw, DATE, True), _horizons(raw)
    # A time of day counts where steps are shorter than a day; that of days is dropped.
    if ((dates - origins) / horizons.clip(lower=1) >= _DAY).all():
        origins, dates = origins.dt.normalize(), dates.dt.normalize()
    else:
        ahead = [offsets_from_utc(raw, column) for column in (ORIGIN, DATE)]
        if (ahead[0] is None) != (ahead[1] is None):
            has, lacks = (ORIGIN, DATE) if ahead[1] is None else (DATE, ORIGIN)
            raise raw.error(
                f"the times in {has!r} have UTC offsets and those in {lacks!r} have none; give both the same."
            )
        if ahead[0] is not None and ahead[1] is not None:
            origins, dates = origins - ahead[0], dates - ahead[1]
    return _table(raw, {ORIGIN: origins, HORIZON: horizons, DATE: dates})


def _from_hub_table(raw: RawTable) -> pd.DataFrame:
    reference, horizon = parse_dates(raw, REFERENCE_DATE), _horizons(raw)
    ends = parse_dates(raw, DATE) if DATE in raw.cells else reference + horizon * _WEEK
    return _table(raw, {ORIGIN: reference - _WEEK, HORIZON: horizon + 1, DATE: ends})


def _table(raw: RawTable, columns: dict[str, pd.Series]) -> pd.DataFrame:
    """The forecasts table, `columns` holding its dates and horizons."""
    level = _filled_numbers(raw, QUANTILE)
    outside = (level <= 0) | (level >= 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise raw.error(f"the quantile {level[row]:g} is not between 0 and 1; write 0.975 for 97.5 %.", row)
    columns |= {
        REGION: parse_filled_labels(raw, REGION),
        MODEL: parse_filled_labels(raw, MODEL)
        if MODEL in raw.cells
        else pd.Series(name_from_file(raw.name), raw.cells.index),
        QUANTILE: pd.Series(level.round(LEVEL_DECIMALS)),
        VALUE: pd.Series(_filled_numbers(raw, VALUE)),
    }
    table = pd.DataFrame({column: columns[column] for column in FORECASTS})
    statistic = parse_filled_labels(raw, STATISTIC) if STATISTIC in raw.cells else None
    if statistic is not None and (REFERENCE_DATE not in raw.cells or statistic.nunique() > 1):
        table.insert(1, STATISTIC, statistic)
    return table


def _filled_numbers(raw: RawTable, column: str) -> np.ndarray:
    values = parse_numbers(raw, column)
    if np.isnan(values).any():
        row = int(np.argmax(np.isnan(values)))
        raise raw.error(f"there is no number in the column {column!r}; fill it in or delete the row.", row)
    return values


def _horizons(raw: RawTable) -> pd.Series:
    values = _filled_numbers(raw, HORIZON)
    broken = values != np.round(values)
    if broken.any():
        row = int(np.argmax(broken))
        raise raw.error(f"the horizon {values[row]:g} is not a whole number of steps; mend it.", row)
    return pd.Series(values.astype(int))


def _check(raw: RawTable, table: pd.DataFrame) -> None:
    """Raise `DataError` for what no forecasts table has: no row, a date that has passed, a quantile given twice."""
    if table.empty:
        raise raw.error("no row is for a period after its origin; count horizons from 1 (a hub's from 0).")
    past = (table[DATE] <= table[ORIGIN]).to_numpy()
    if past.any():
        row = int(np.argmax(past))
        day, origin = table.loc[row, DATE], table.loc[row, ORIGIN]
        raise raw.error(f"the date {day:%Y-%m-%d} is not after the origin {origin:%Y-%m-%d}; mend one of them.", row)
    keys = [column for column in table if column not in (DATE, VALUE)]
    twice = table.duplicated(keys).to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        first = int(np.argmax((table[keys] == table.loc[row, keys]).all(axis=1)))
        what = f"the quantile {table.loc[row, QUANTILE]:g} of {table.loc[row, MODEL]} for {table.loc[row, REGION]}"
        raise raw.error(f"{what} is also in {raw.place(first)}; keep one of the two, or name the models apart.", row)


def _notes(left_out: int, early: int, crossed: int) -> tuple[str, ...]:
    sentences = (
        (left_out, "rows are not quantiles; they were left out."),
        (early, "rows are for weeks that had come already; they were left out."),
        (crossed, "forecasts have quantiles that cross; they are scored as they are."),
    )
    return tuple(f"{count} {sentence}" for count, sentence in sentences if count)


def read_truth(path: str | Path) -> pd.DataFrame:
    """Observed values from any file that `read_panel` understands: columns ``region, statistic, date, value``.

    Of vintages the newest. Values are as published, counts per period; where running totals were published, their
    steps, NaN where those fall, for that is a correction. A plain ``region, date, value`` may have any dates, even one
    only. ``attrs["offsets"]`` says whether its times had UTC offsets; they are in UTC then. Raises `DataError` as
    `read_panel`.
    """
    plain = _read_plain_truth(Path(path))
    if plain is not None:
        return _on_period_dates(plain)
    panel = panel_from_raw_table(read_raw_table(path)).as_of(None)
    offsets = any(INSTANTS_PHRASE in note for note in panel.notes)
    tables = []
    for wanted in panel.statistics:
        rows = panel.table[panel.table[STATISTIC] == wanted.column]
        values = rows[VALUE]
        if wanted.reported_cumulative and not wanted.shown_cumulative:
            steps = rows.groupby(REGION)[VALUE].diff()
            values = steps.where(steps >= 0)
        tables.append(rows[[REGION, STATISTIC, DATE]].assign(**{STATISTIC: wanted.name, VALUE: values}))
    truth = _on_period_dates(pd.concat(tables, ignore_index=True))
    truth.attrs = {"offsets": offsets}
    return truth


def _on_period_dates(truth: pd.DataFrame) -> pd.DataFrame:
    """The truth with the dates that a forecast of it has: readings at changing times of day are those of their day."""
    moved = truth[DATE].to_numpy("datetime64[us]").copy()
    for rows in _irregular(truth):
        dates = truth[DATE].iloc[rows]
        order = np.argsort(dates.to_numpy(), kind="stable")
        stamps = pd.DatetimeIndex(dates.iloc[order])
        try:
            on = dates_of_periods(stamps, infer_frequency(stamps)).to_numpy("datetime64[us]")
        except DataError:
            continue
        if len(np.unique(on)) == len(on):
            moved[rows[order]] = on
    return truth.assign(**{DATE: moved})


def _irregular(truth: pd.DataFrame) -> Iterator[np.ndarray]:
    """The rows of each region and statistic whose dates may lie beside those of its periods."""
    days, places = pd.factorize(truth[DATE])[::-1]
    days = pd.DatetimeIndex(days)
    groups = truth.groupby([REGION, STATISTIC], sort=False, observed=True).indices
    known: dict[bytes, bool] = {}
    for rows in groups.values():
        if len(rows) < _LEAST_DATES:
            continue
        own = np.sort(days[places[rows]].to_numpy())
        key = own.tobytes()
        if key not in known:
            known[key] = _off_grid(pd.DatetimeIndex(own))
        if known[key]:
            yield rows


def _off_grid(dates: pd.DatetimeIndex) -> bool:
    try:
        return bool((dates_of_periods(dates, infer_frequency(dates)) != dates).any())
    except DataError:
        return False


def _read_plain_truth(path: Path) -> pd.DataFrame | None:
    """The table of a file of new counts with just ``region, date, value``; None for any other file."""
    if "cumulative" in path.name.lower() or not path.is_file():
        return None
    raw = read_table(path.read_bytes(), path.name, own=True)
    raw = replace(raw, cells=raw.cells.rename(columns=str.lower))
    if sorted(raw.cells) != sorted((REGION, DATE, VALUE)):
        return None
    table = pd.DataFrame({REGION: parse_filled_labels(raw, REGION), STATISTIC: VALUE, DATE: parse_dates(raw, DATE)})
    twice = table.duplicated().to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        what = f"{table.loc[row, REGION]} on {table.loc[row, DATE]:%Y-%m-%d}"
        raise raw.error(f"{what} has a value already further up; keep one of the two.", row)
    table = table.assign(**{VALUE: parse_numbers(raw, VALUE)})
    table.attrs = {"offsets": bool(date_notes(raw, DATE))}
    return table
