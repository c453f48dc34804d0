"""Quantiles of possible futures: numpy's own, sooner."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.data.forecast import QUANTILES
from forecasting.models.predictive import path_quantiles


@pytest.mark.parametrize("samples", [1, 2, 44, 101, 999, 1000])
def test_quantiles_are_numpys_to_the_last_digit(samples: int) -> None:
    paths = np.random.default_rng(samples).lognormal(5, 3, (samples, 30))
    np.testing.assert_array_equal(path_quantiles(paths), np.quantile(paths, QUANTILES, axis=0).T)
