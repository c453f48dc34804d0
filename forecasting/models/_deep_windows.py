"""What `deep` learns from: windows of a panel's own past, one a region, date and scale, and what came after it.

A window's inputs are those of the pretrained network (`pretrained_features`), made by the same code as for a forecast. Beside
them it has what that network does not see: what the other regions do at the same time, covariates, the time of the year, and
which region it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency
from forecasting.data.kind import Kind
from forecasting.data.series import Series
from forecasting.models.pretrained import FIGURES_AT_ONCE, SHORTEST, Pass, passes_of, scale_of, second_season
from forecasting.models.pretrained_features import Batch, Inputs, context_length, make_inputs

#: Columns of `Inputs.series` whose means over all regions are facts of the panel: the last periods, levels and slopes.
SHARED_COLUMNS = (*range(52, 64), *range(92, 96), *range(123, 137))
#: Those whose spread over the regions is a fact, too: the last change.
SPREAD_COLUMNS = (62, 132)
#: Facts of each covariate: how far it is from its mean, and its change over one and over four periods.
COVARIATE_FACTS, COVARIATE_LAGS = 3, (1, 4)
#: Waves of a year that a date is described by.
WAVES = 2
DAYS_OF_A_YEAR = 365.25
#: Steps ahead that a window asks for.
ASKED = 6
#: The share of windows that ask for steps of all usual distances; the others ask for near ones, or far ones (`FAR_SHARE`).
FAR_SHARE = 0.1
#: Truths further off than this, in units of the window's scale, are held there: one cannot be learned from more.
FARTHEST = 100.0


@dataclass(frozen=True)
class PanelTable:
    """The prepared figures of a panel's regions on one grid.

    Attributes:
        regions: their names.
        values: shape (periods, regions), NaN before a region's first figure and after its last.
        dates: of the periods, and of those after them that may be forecast.
        frequency, kind: of the figures.
        covariates: shape (periods, regions, covariates); NaN where unknown.
    """

    regions: tuple[str, ...]
    values: np.ndarray
    dates: pd.DatetimeIndex
    frequency: Frequency
    kind: Kind
    covariates: np.ndarray

    def until(self, periods: int) -> PanelTable:
        """The first so many periods."""
        return PanelTable(
            self.regions, self.values[:periods], self.dates, self.frequency, self.kind, self.covariates[:periods]
        )


@dataclass(frozen=True)
class Windows:
    """Many windows; the first axis is that of windows.

    Attributes:
        series, steps, bases, unit: as in `Inputs`.
        panel: shape (windows, facts), facts of the panel at the window's date.
        calendar: shape (windows, asked, facts), the time of the year of each step.
        region: shape (windows,), the region's number.
        truth: shape (windows, asked), what came, in units of the scale; NaN where it is not known.
        origin: shape (windows,), the row of the last period that is seen.
    """

    series: np.ndarray
    steps: np.ndarray
    bases: np.ndarray
    unit: np.ndarray
    panel: np.ndarray
    calendar: np.ndarray
    region: np.ndarray
    truth: np.ndarray
    origin: np.ndarray

    def __len__(self) -> int:
        return len(self.unit)

    def of(self, rows: np.ndarray) -> Windows:
        """Some of them."""
        return Windows(*(getattr(self, one.name)[rows] for one in fields(Windows)))


def panel_table(series: Mapping[str, Series], covariates: np.ndarray | None, horizon: int) -> PanelTable:
    """The table of a pool's prepared series; `covariates` have a row for each period from the first to the last."""
    first = next(iter(series.values()))
    start, end = min(one.start for one in series.values()), max(one.origin for one in series.values())
    grid = first.frequency.between(start, end)
    values = np.full((len(grid), len(series)), np.nan)
    for column, one in enumerate(series.values()):
        row = int(grid.searchsorted(one.start))
        values[row : row + len(one), column] = one.values
    dates = grid.append(first.frequency.after(end, max(horizon, longest_steps(first.frequency.season))))
    if covariates is None:
        covariates = np.zeros((*values.shape, 0))
    return PanelTable(tuple(series), values, dates, first.frequency, first.kind, covariates)


def usual_steps(season: int) -> int:
    """Steps ahead that forecasts of figures with such a season are mostly asked for."""
    if season == 1:
        return 8
    return max(4 * season if season <= 7 else 2 * season if season <= 24 else season // 4, 8)


def longest_steps(season: int) -> int:
    """Steps ahead that are learned at all."""
    return 2 * usual_steps(season)


def windows(table: PanelTable, origins: Sequence[int], random: np.random.Generator) -> Windows:
    """The windows at some rows of the table on every scale, with what the rest of the table says came after them."""
    parts = []
    for one, rows, columns in _groups(table, origins):
        steps = drawn_steps(random, len(rows), table.frequency.season)
        found, forward = _inputs(table, one, rows, columns, steps)
        place = rows[:, None] + steps
        came = table.values[np.minimum(place, len(table.values) - 1), columns[:, None]]
        came = np.where(place < len(table.values), came, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):  # zeros have no log
            truth = (forward(came) - found.centre[:, None]) / found.scale[:, None]
            truth = np.where(np.isfinite(truth), np.clip(truth, -FARTHEST, FARTHEST), np.nan)
        parts.append(
            Windows(
                found.series,
                found.steps,
                found.bases,
                found.unit,
                panel_facts(found, table, rows, columns),
                calendar_facts(table, place),
                columns,
                truth.astype(np.float32),
                rows,
            )
        )
    if not parts:
        raise ValueError("there is no window")
    joined = Windows(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Windows)))
    return joined.of(np.flatnonzero(np.isfinite(joined.truth).any(1)))


def _groups(table: PanelTable, origins: Sequence[int]) -> Iterator[tuple[Pass, np.ndarray, np.ndarray]]:
    """Pass by pass the windows' rows and regions, all regions of a row together."""
    wanted: dict[Pass, list[tuple[int, int]]] = {}
    length, season = context_length(table.frequency.season), table.frequency.season
    for row in origins:
        past = table.values[max(row + 1 - length, 0) : row + 1]
        known = np.isfinite(past)
        for column in np.flatnonzero(known[-1] & (known.sum(0) >= SHORTEST)):
            for one in passes_of(past[known[:, column], column], table.kind, season):
                wanted.setdefault(one, []).append((row, int(column)))
    at_once = max(FIGURES_AT_ONCE // length, 1)
    for one, cells in wanted.items():
        found = np.array(cells)
        # whole rows: facts of the panel are means over a row
        begins = np.flatnonzero(np.r_[True, np.diff(found[:, 0]) > 0])
        start = 0
        for end in [*begins[1:], len(found)]:
            if end - start >= at_once or end == len(found):
                yield one, found[start:end, 0], found[start:end, 1]
                start = end


def _inputs(
    table: PanelTable, one: Pass, rows: np.ndarray, columns: np.ndarray, steps: np.ndarray
) -> tuple[Inputs, Callable[[np.ndarray], np.ndarray]]:
    """The pretrained network's inputs for windows of one scale, and the change to that scale."""
    season = table.frequency.season
    length = context_length(season)
    place = rows[:, None] + np.arange(1 - length, 1)
    past = np.where(place >= 0, table.values[np.maximum(place, 0), columns[:, None]], np.nan)
    forward, _, floor = scale_of(past, table.kind, one.transform)
    second = second_season(table.frequency) if one.seasonal else 0
    own = season if one.seasonal else 1
    batch = Batch(forward(past), own, second, steps, floor, np.full(len(rows), one.transform))
    return make_inputs(batch), forward


def drawn_steps(random: np.random.Generator, rows: int, season: int) -> np.ndarray:
    """Steps to ask for, shape (rows, `ASKED`): mostly usual ones, half of them near."""
    usual, longest = usual_steps(season), longest_steps(season)
    shape = (rows, ASKED)
    steps = random.integers(1, usual + 1, shape)
    near = np.exp(random.uniform(0, np.log(usual + 1), shape)).astype(int)
    far = random.integers(usual, longest + 1, shape)
    draw = random.random(shape)
    return np.where(draw < 0.5, near, np.where(draw > 1 - FAR_SHARE, far, steps))


def panel_facts(inputs: Inputs, table: PanelTable, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Facts of the panel at each window's date, shape (windows, facts): means over its regions, the year, covariates."""
    _, place, count = np.unique(rows, return_inverse=True, return_counts=True)
    seen = inputs.series.astype(float)
    sums = np.zeros((len(count), len(SHARED_COLUMNS)))
    np.add.at(sums, place, seen[:, SHARED_COLUMNS])
    means = sums / count[:, None]
    spread = np.zeros((len(count), len(SPREAD_COLUMNS)))
    centres = means[:, [SHARED_COLUMNS.index(column) for column in SPREAD_COLUMNS]]
    np.add.at(spread, place, np.abs(seen[:, SPREAD_COLUMNS] - centres[place]))
    facts = np.concatenate([means, spread / count[:, None], np.log(count[:, None])], 1)[place]
    return np.concatenate(
        [facts, calendar_facts(table, rows), _covariate_facts(table.covariates, rows, columns)], 1
    ).astype(np.float32)


def calendar_facts(table: PanelTable, place: np.ndarray) -> np.ndarray:
    """The time of the year of some rows of the table, as waves; one more axis than `place`."""
    year = 2 * np.pi * table.dates.day_of_year.to_numpy() / DAYS_OF_A_YEAR
    waves = [wave(number * year) for number in range(1, WAVES + 1) for wave in (np.sin, np.cos)]
    return np.stack(waves, -1).astype(np.float32)[np.minimum(place, len(year) - 1)]


def _covariate_facts(covariates: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    now = covariates[rows, columns]
    facts = [now, *(now - covariates[np.maximum(rows - lag, 0), columns] for lag in COVARIATE_LAGS)]
    return np.concatenate(facts, 1)
