import numpy as np
import pytest

from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.evaluation.scores import is_covered, score_model, weighted_interval_score


def ladder(centre: float, width: float) -> np.ndarray:
    """Quantiles of a uniform distribution around `centre`."""
    return centre + width * (np.array(QUANTILES) - 0.5)


def test_the_wis_of_a_point_forecast_is_its_absolute_error():
    values = np.full((1, 23), 7.0)
    assert weighted_interval_score(values, np.array([10.0]))[0] == pytest.approx(3.0)


def test_the_wis_equals_its_interval_form_computed_by_hand():
    values, truth = ladder(100, 80)[None, :], 150.0
    # Bracher et al. 2021, eq. 2: (|y - m| / 2 + sum over K intervals of alpha/2 * IS) / (K + 1/2)
    parts = abs(truth - values[0, MEDIAN]) / 2
    for i in range(MEDIAN):
        alpha, low, high = 2 * QUANTILES[i], values[0, i], values[0, -1 - i]
        interval = (high - low) + 2 / alpha * max(low - truth, 0) + 2 / alpha * max(truth - high, 0)
        parts += alpha / 2 * interval
    assert weighted_interval_score(values, np.array([truth]))[0] == pytest.approx(parts / (MEDIAN + 0.5))


def test_a_band_holds_its_own_edges_and_nothing_beyond():
    values = np.tile(ladder(100, 100), (3, 1))
    low, high = values[0, QUANTILES.index(0.1)], values[0, QUANTILES.index(0.9)]
    assert is_covered(values, np.array([low, high, high + 0.01]), 80).tolist() == [True, True, False]


def test_a_score_is_relative_to_repeating_and_undefined_where_repeating_was_exact():
    truth = np.array([10.0, 20.0])
    naive, better = np.full((2, 23), 10.0), np.array([np.full(23, 10.0), np.full(23, 15.0)])
    result = score_model("m", better, naive, truth)
    assert result.relative_error == pytest.approx(0.5)
    assert result.bias == pytest.approx(25 / 30 - 1)
    assert np.isnan(score_model("m", better, np.tile(truth[:, None], 23), truth).relative_error)
