"""The covariates of a pool on the grid that `deep` learns from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecasting.data.pool import Pool
from forecasting.data.series import Series

#: Periods that a covariate is carried on where it is not known yet, at most.
CARRIED = 8


def covariate_table(pool: Pool, series: Mapping[str, Series]) -> np.ndarray:
    """The inverse hyperbolic sine of each covariate in alphabetical order, shape (periods, regions, covariates), for `panel_table`.

    Its rows are the periods from the first to the last of `series`. NaN where nothing is known. Nothing here depends on later
    rows, so that the first rows stay the same when others come.
    """
    first, last = min(one.start for one in series.values()), max(one.origin for one in series.values())
    place = {region: column for column, region in enumerate(pool.regions)}
    columns = [place[region] for region in series]
    grid = pool.frequency.between(first, last)
    rows = pool.dates.get_indexer(grid)
    found = []
    for name in sorted(pool.covariates):
        figures = np.where((rows >= 0)[:, None], pool.covariates[name][np.maximum(rows, 0)][:, columns], np.nan)
        found.append(np.arcsinh(pd.DataFrame(figures).ffill(limit=CARRIED).to_numpy()))
    return np.stack(found, -1) if found else np.zeros((len(grid), len(columns), 0))
