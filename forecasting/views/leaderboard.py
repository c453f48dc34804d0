"""The leaderboard of a time machine: models, ours and published ones, ranked on the forecasts that all of them made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, MODEL, ORIGIN, REGION, VALUE
from forecasting.data.series import Series
from forecasting.evaluation.forecast_tables import COVERAGES, SCORES, score_forecasts
from forecasting.views.comparison import NAIVE

#: The columns of scores that are averaged over cells.
AVERAGED_SCORES = ("wis", "ae", *COVERAGES)


def score_published(table: pd.DataFrame, now: Series) -> pd.DataFrame:
    """Scores of published forecasts of one region. Raises `DataError` for quantiles that cannot be scored."""
    if table.empty:
        return pd.DataFrame(columns=list(SCORES))
    came = pd.DataFrame({REGION: table[REGION].iloc[0], DATE: now.dates, VALUE: now.published})
    return score_forecasts(table, came)


@dataclass(frozen=True)
class Leaderboard:
    """Average scores of models on the cells (dates of one origin) that all of them have forecast, the best first.

    Attributes:
        table: a row a model, the best first: ``model, relative_wis, wis, ae, coverage_50, coverage_80, coverage_95``,
            shares in percent.
        cells, origins: how many periods of how many dates were compared.
        left_out: how many some had forecast and others not.
    """

    table: pd.DataFrame
    cells: int
    origins: int
    left_out: int


def rank_models(judged: pd.DataFrame) -> Leaderboard:
    """Rank models by their mean WIS over the cells that all of them have forecast."""
    by, names = pd.factorize(judged[MODEL], sort=True)
    origin, _ = pd.factorize(judged[ORIGIN])
    date, dates = pd.factorize(judged[DATE])
    cells, cell = np.unique(origin * len(dates) + date, return_inverse=True)
    has = np.zeros((len(cells), len(names)), dtype=bool)
    has[cell, by] = True
    whole = np.asarray(has.all(axis=1))
    shared = whole[cell]
    means = {
        column: _means(judged[column].to_numpy(float)[shared], by[shared], len(names)) for column in AVERAGED_SCORES
    }
    naive = means["wis"][list(names).index(NAIVE)] if NAIVE in list(names) else np.nan
    ratio = means["wis"] / naive if naive > 0 else np.full(len(names), np.nan)
    shares = {column: 100 * means[column] for column in COVERAGES}
    table = pd.DataFrame({MODEL: names, "relative_wis": ratio, "wis": means["wis"], "ae": means["ae"], **shares})
    table = table[np.isin(np.arange(len(names)), by[shared])].sort_values("wis", kind="stable", ignore_index=True)
    return Leaderboard(table, int(whole.sum()), len(np.unique(origin[shared])), int((~whole).sum()))


def _means(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The mean of each group's known values, shape (groups,)."""
    known = np.isfinite(values)
    count = np.bincount(group[known], minlength=groups)
    total = np.bincount(group[known], values[known], minlength=groups)
    return np.divide(total, count, out=np.full(groups, np.nan), where=count > 0)


def rank_models_at(judged: pd.DataFrame, names: Sequence[str], date: pd.Timestamp) -> Leaderboard:
    """Rank these models and seasonal naive at `date`, over the periods that had come by then."""
    known = (judged[DATE] <= date) & judged[MODEL].isin([*names, NAIVE])
    return rank_models(judged[known])
