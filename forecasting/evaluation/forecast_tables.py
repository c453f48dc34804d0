"""Score tables of forecasts against what came: every cell, summaries by model, and models in pairs.

Every function takes and returns tidy tables. A cell is one forecast of one period: a region, model, origin and horizon
(and statistic, where a table has several).

Bracher et al. (2021), Evaluating epidemic forecasts in an interval format, PLOS Computational Biology 17(2): e1008618.
Bosse et al. (2023), Scoring epidemiological forecasts on transformed scales, PLOS Computational Biology 19(8): e1011393.
Cramer et al. (2022), Evaluation of individual and ensemble probabilistic forecasts of COVID-19 mortality in the United
States, PNAS 119(15): e2113561119.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC, VALUE
from forecasting.data.forecast import QUANTILES
from forecasting.data.kind import MOST_CORRECTIONS
from forecasting.evaluation.scores import is_covered, probability_integral_transform, weighted_interval_score
from forecasting.support.errors import DataError, RequestError

#: Columns that name a cell: a forecast of one region and model, from one origin, at one horizon.
KEYS = (REGION, MODEL, ORIGIN, HORIZON)
#: Central prediction intervals whose coverage is scored, in percent.
BANDS = (50, 80, 95)
COVERAGES = tuple(f"coverage_{percent}" for percent in BANDS)
#: Columns of scores.
MEASURES = ("wis", "wis_log", "ae", *COVERAGES, "se", "pit")
#: The columns of scores, after ``statistic`` where there are several.
SCORES = (*KEYS, *MEASURES[:-2], DATE, *MEASURES[-2:])
#: Decimals that a quantile level is known to: a hub's Parquet files hold them in four bytes.
LEVEL_DECIMALS = 6


def score_forecasts(forecasts: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Score every cell whose truth is known.

    Args:
        forecasts: columns ``region, model, origin, horizon, date, quantile, value``, and ``statistic`` where there are
            several; a row a quantile, in any order. The levels of a cell are symmetric around 0.5 and with it.
        truth: columns ``region, date, value``, and ``statistic`` where there are several; NaN is not known.

    Returns:
        A row a cell, sorted: ``region, model, origin, horizon`` (after ``statistic``, where there is one), then

        - ``wis``: the weighted interval score, and ``wis_log``: that of log1p of the counts (Bosse et al. 2023), NaN where
          many figures are below zero;
        - ``ae``, ``se``: absolute and squared error of the median;
        - ``coverage_50``, ``coverage_80``, ``coverage_95``: 1 where the central band held what came, else 0, NaN where
          the forecast lacks a level of it;
        - ``pit``: where in its distribution the outcome fell, 0 to 1; and ``date``.

        ``attrs["without_truth"]`` says how many cells were left out because what came is not known.

    Raises:
        DataError: a quantile of a cell is given twice, a cell's levels are not symmetric around 0.5, or the truth of a
            region and date is given twice.
    """
    keys = [column for column in (STATISTIC, *KEYS) if column in forecasts]
    cells, levels, values = _wide(forecasts, keys)
    return score_cells(cells, values, _came(cells, truth), levels)


def score_cells(
    cells: pd.DataFrame, values: np.ndarray, came: np.ndarray, levels: Sequence[float] | np.ndarray = QUANTILES
) -> pd.DataFrame:
    """Score n cells whose truth is at hand.

    Args:
        cells: columns ``region, model, origin, horizon, date``, perhaps after ``statistic``; a row a cell.
        values: shape (n, k), what each forecast says at each of the levels; NaN where it lacks one.
        came: shape (n,); NaN is not known.
        levels: shape (k,), ascending.

    Returns:
        What `score_forecasts` gives, in the order of `cells`. Raises `DataError` for levels that are not symmetric.
    """
    known = np.isfinite(came)
    scores = _scored(cells[known].reset_index(drop=True), np.asarray(levels), values[known], came[known])
    scores.attrs = {"without_truth": int((~known).sum())}
    return scores[[*cells.columns.difference(SCORES), *SCORES]]


def _wide(forecasts: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The n cells sorted by `keys`, the k levels, and the values of shape (n, k), NaN where a cell lacks a level."""
    table = forecasts.assign(**{day: pd.to_datetime(forecasts[day]) for day in (ORIGIN, DATE)})
    cell = table.groupby(keys, observed=True, dropna=False).ngroup().to_numpy()
    first = np.unique(cell, return_index=True)[1]
    cells = table[[*keys, DATE]].iloc[first].reset_index(drop=True)
    if (table[DATE].to_numpy() != cells[DATE].to_numpy()[cell]).any():
        row = cells.iloc[cell[int(np.argmax(table[DATE].to_numpy() != cells[DATE].to_numpy()[cell]))]]
        raise DataError(f"{cell_label(row)} is for two dates; give each horizon one.")
    levels, level = np.unique(table[QUANTILE].to_numpy(float).round(LEVEL_DECIMALS), return_inverse=True)
    filled = np.bincount(cell * len(levels) + level, minlength=len(cells) * len(levels)).reshape(
        len(cells), len(levels)
    )
    if (filled > 1).any():
        row, column = np.argwhere(filled > 1)[0]
        raise DataError(
            f"{cell_label(cells.iloc[row])} has the quantile {levels[column]:g} twice; keep one of the two."
        )
    values = np.full(filled.shape, np.nan)
    values[cell, level] = table[VALUE].to_numpy(float)
    return cells, levels, values


def cell_label(cell: pd.Series) -> str:
    """A cell in words, for messages."""
    return f"{cell[MODEL]}'s forecast for {cell[REGION]} from {cell[ORIGIN]:%Y-%m-%d}, horizon {cell[HORIZON]},"


def _came(cells: pd.DataFrame, truth: pd.DataFrame) -> np.ndarray:
    """What came in each cell, shape (n,), NaN where it is not known."""
    keys = [column for column in (REGION, STATISTIC, DATE) if column in cells and column in truth]
    known = truth.assign(**{DATE: pd.to_datetime(truth[DATE])}).dropna(subset=VALUE)
    twice = known.duplicated(keys).to_numpy()
    if twice.any():
        row = known.iloc[int(np.argmax(twice))]
        raise DataError(f"What came in {row[REGION]} on {row[DATE]:%Y-%m-%d} is given twice; keep one of the two.")
    return cells[keys].merge(known[[*keys, VALUE]], on=keys, how="left")[VALUE].to_numpy(float)


def _scored(cells: pd.DataFrame, levels: np.ndarray, values: np.ndarray, came: np.ndarray) -> pd.DataFrame:
    """`cells` with their scores; the cells of each set of levels are scored in one go."""
    scores = {measure: np.full(len(cells), np.nan) for measure in MEASURES}
    sets, which = np.unique(np.isfinite(values), axis=0, return_inverse=True)
    for number, has in enumerate(sets):
        rows = np.flatnonzero(which.ravel() == number)
        if not np.allclose(levels[has] + levels[has][::-1], 1) or 0.5 not in levels[has]:
            raise DataError(
                f"{cell_label(cells.iloc[rows[0]])} has the quantiles {', '.join(f'{level:g}' for level in levels[has])}; "
                "give 0.5 and, of the others, both sides (0.1 with 0.9)."
            )
        for measure, column in _measured(values[np.ix_(rows, has)], came[rows], levels[has]).items():
            scores[measure][rows] = column
    scores["wis_log"][_are_no_counts(cells, came)] = np.nan
    return cells.assign(**scores)


def _are_no_counts(cells: pd.DataFrame, came: np.ndarray) -> np.ndarray:
    """Which cells are of a statistic too many of whose figures are below zero for corrections; no logarithm is of these."""
    statistic = cells[STATISTIC] if STATISTIC in cells else np.zeros(len(cells))
    negative = pd.Series(came < 0).groupby(np.asarray(statistic)).transform("mean")
    return (negative > MOST_CORRECTIONS).to_numpy()


def _measured(values: np.ndarray, came: np.ndarray, levels: np.ndarray) -> dict[str, np.ndarray]:
    """Each measure of n forecasts that have the same levels; one that needs other levels is not there."""
    error = np.abs(values[:, levels == 0.5].ravel() - came)
    measures = {
        "wis": weighted_interval_score(values, came, levels),
        "wis_log": weighted_interval_score(_log1p(values), _log1p(came), levels),
        "ae": error,
        "se": error**2,
        "pit": probability_integral_transform(values, came, levels),
    }
    for percent, name in zip(BANDS, COVERAGES, strict=True):
        if np.isclose(levels, (1 - percent / 100) / 2).any():
            measures[name] = is_covered(values, came, percent, levels).astype(float)
    return measures


def _log1p(counts: np.ndarray) -> np.ndarray:
    """The log of one more; a count below 0, which some models forecast, is taken for 0."""
    return np.log1p(np.maximum(counts, 0))


def count_crossings(forecasts: pd.DataFrame) -> int:
    """In how many cells of a forecasts table a value falls as the quantile rises; they are scored all the same."""
    keys = [column for column in (STATISTIC, *KEYS) if column in forecasts]
    _, _, values = _wide(forecasts, keys)
    highest = np.fmax.accumulate(values, axis=1)
    return int((values < highest).any(axis=1).sum())


def summarise_scores(scores: pd.DataFrame, baseline: str | None = None) -> pd.DataFrame:
    """Average the scores of each model, the best first.

    Args:
        scores: what `score_forecasts` returns.
        baseline: the model that the others are compared with.

    Returns:
        A row a model (and statistic, where there is one): ``model, cells, wis, wis_log, ae, rmse, coverage_50,
        coverage_80, coverage_95`` on all of its cells; with a baseline also ``relative_wis`` and ``relative_wis_log``,
        the ratios of mean scores on the ``common_cells`` that both forecast, NaN where there are none. Below 1 is
        better than the baseline. Without a baseline, models that forecast other cells cannot be compared.

    Raises `RequestError` when there is no score of the baseline.
    """
    if STATISTIC in scores:
        parts = [
            (name, summarise_scores(part.drop(columns=STATISTIC), baseline)) for name, part in scores.groupby(STATISTIC)
        ]
        table = pd.concat([part.assign(**{STATISTIC: name}) for name, part in parts], ignore_index=True)
        return table[[STATISTIC, *(column for column in table if column != STATISTIC)]]
    of_model = scores.groupby(MODEL, observed=True)
    summary = of_model[["wis", "wis_log", "ae", *COVERAGES]].mean()
    summary.insert(0, "cells", of_model.size())
    summary.insert(4, "rmse", np.sqrt(of_model["se"].mean()))
    if baseline is None:
        return summary.sort_values("wis", kind="stable").reset_index()
    _check_model(scores, baseline)
    wis, wis_log = scores_by_cell(scores, "wis"), scores_by_cell(scores, "wis_log")
    summary["relative_wis"] = [_ratio(wis, name, baseline) for name in summary.index]
    summary["relative_wis_log"] = [_ratio(wis_log, name, baseline) for name in summary.index]
    summary["common_cells"] = [int(wis[[name, baseline]].notna().all(axis=1).sum()) for name in summary.index]
    by = "relative_wis_log" if summary["relative_wis_log"].notna().any() else "relative_wis"
    return summary.sort_values(by, kind="stable").reset_index()


def scores_by_cell(scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """`measure` with a row a region, origin and horizon and a column a model, NaN where a model forecast nothing."""
    cell = [column for column in (STATISTIC, REGION, ORIGIN, HORIZON) if column in scores]
    return scores.pivot(index=cell, columns=MODEL, values=measure)


def _ratio(wide: pd.DataFrame, name: str, other: str) -> float:
    """The ratio of two models' means on their common cells; NaN where there are none or the other's mean is 0."""
    first, second = wide[name].to_numpy(), wide[other].to_numpy()
    common = np.isfinite(first) & np.isfinite(second)
    below = second[common].sum()
    return float(first[common].sum() / below) if below > 0 else float("nan")


def _check_model(scores: pd.DataFrame, name: str) -> None:
    known = scores[MODEL].unique()
    if name not in known:
        raise RequestError(f"There is no score of '{name}' to compare with; there are {', '.join(map(str, known))}.")


def pairwise_comparison(scores: pd.DataFrame, measure: str = "wis", baseline: str | None = None) -> pd.DataFrame:
    """Compare every model with every other on the cells that both forecast (Cramer et al. 2022).

    Args:
        scores: what `score_forecasts` returns.
        measure: a column of it whose mean is compared: ``"wis"``, ``"wis_log"``, ``"ae"`` or ``"se"``.
        baseline: the model whose relative skill is 1.

    Returns:
        A row a model, the best first. A column a model: the row's mean over the column's, NaN where they have no cell in
        common. ``relative_skill``: the geometric mean of the row, over the baseline's where there is one; it
        compares models fairly although they did not forecast the same cells.

    Raises `RequestError` when there is no score of the baseline.
    """
    if baseline is not None:
        _check_model(scores, baseline)
    wide = scores_by_cell(scores, measure)
    table = pd.DataFrame({other: [_ratio(wide, name, other) for name in wide] for other in wide}, index=list(wide))
    with np.errstate(divide="ignore"):
        skill = np.exp(np.log(table).mean(axis=1))
    table = table.rename_axis(MODEL).assign(relative_skill=skill / (1.0 if baseline is None else skill[baseline]))
    order = table["relative_skill"].sort_values(kind="stable").index
    return table.loc[order, [*order, "relative_skill"]]


def pit_histogram(scores: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """How often outcomes fell into each part of the forecasts: ``model, low, high, count, share``, a row a bin.

    Calibrated forecasts have a share of 1 / `bins` in each; a U says that they are too narrow, a hill too wide, a slope
    that they are biased (Gneiting, Balabdaoui & Raftery 2007, Journal of the Royal Statistical Society B 69(2): 243-268).
    """
    edges = np.linspace(0, 1, bins + 1)
    tables = []
    for name, part in scores.groupby(MODEL, observed=True):
        count, _ = np.histogram(part["pit"], edges)
        table = {MODEL: name, "low": edges[:-1], "high": edges[1:], "count": count, "share": count / len(part)}
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)
