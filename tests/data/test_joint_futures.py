"""Joint futures: their periods are the forecast's own, their sums are as uncertain as its totals, and they hang together as the model's."""

import time

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.joint_futures import joint_futures, joint_futures_of_many, walk_shares
from forecasting.data.kind import COUNT
from forecasting.models import model, predictive
from forecasting.preparation.prepare import prepare
from forecasting.sources import source

#: A stretch of weeks and of days: a source's statistic and region, the date, and the horizon.
SERIES = [
    ("new_admissions", "California", "2025-08-30", 4),
    ("new_admissions", "Texas", None, 4),
    ("new_cases", "Italy", "2020-11-30", 14),
]


def forecast(futures: np.ndarray, frequency=DAILY) -> Forecast:
    """What a model that samples such `futures`, shape (samples, horizon), says."""
    values, totals = (np.quantile(one, QUANTILES, axis=0).T for one in (futures, futures.cumsum(axis=1)))
    return Forecast("ets", "known", pd.Timestamp("2026-01-03"), frequency, values, totals, values)


def sampled(share: float, horizon: int = 6, skewed: bool = False) -> np.ndarray:
    """Futures a `share` of whose variance is a random walk's."""
    shocks = np.random.default_rng(5).standard_normal((2, 4000, horizon))
    walk = shocks[0].cumsum(axis=1) / np.sqrt(np.arange(1, horizon + 1))
    deviates = (np.sqrt(share) * walk + np.sqrt(1 - share) * shocks[1]) * np.sqrt(np.arange(1, horizon + 1))
    return 100 * np.exp(0.3 * deviates) if skewed else 500 + 20 * deviates


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.8, 1.0])
def test_the_share_of_a_random_walk_is_found_from_the_totals(share, skewed):
    known = forecast(sampled(share, skewed=skewed))
    found, seasonal = walk_shares(known.values[None], known.totals[None])
    assert found[0] == pytest.approx(share, abs=0.1)
    assert not seasonal[0]


def test_the_quantiles_of_each_period_are_those_of_the_forecast():
    known = forecast(sampled(0.6, skewed=True))
    paths = joint_futures(known)
    np.testing.assert_allclose(np.quantile(paths, QUANTILES, axis=0, method="weibull").T, known.values, rtol=1e-12)
    assert np.array_equal(paths, joint_futures(known))


def test_sums_are_as_uncertain_as_the_totals():
    known = forecast(sampled(0.6))
    low, high = np.quantile(joint_futures(known).cumsum(axis=1), [0.1, 0.9], axis=0)
    wanted = known.totals[:, QUANTILES.index(0.9)] - known.totals[:, QUANTILES.index(0.1)]
    np.testing.assert_allclose(high - low, wanted, rtol=0.06)


def test_counts_stay_above_zero_beyond_the_outermost_quantile():
    known = forecast(np.maximum(sampled(0.5) - 460, 0.0))
    assert joint_futures(known).min() < 0
    assert joint_futures(known, COUNT).min() == 0


def test_days_whose_errors_stay_from_week_to_week_are_recognised():
    shocks = np.random.default_rng(3).standard_normal((4000, 4, 7)).cumsum(axis=1)
    known = forecast(500 + 20 * shocks.reshape(4000, 28))
    share, seasonal = walk_shares(known.values[None], known.totals[None], cycle=7)
    assert seasonal[0]
    assert share[0] < 0.1
    ranks = joint_futures(known)[:, [6, 13, 12]].argsort(axis=0).argsort(axis=0)
    same, other = np.corrcoef(ranks[:, 0], ranks[:, 1])[0, 1], np.corrcoef(ranks[:, 0], ranks[:, 2])[0, 1]
    assert same > 0.6
    assert other < 0.2


def test_several_forecasts_at_once_are_those_of_one_by_one():
    several = [
        forecast(sampled(0.3)),
        forecast(sampled(0.9), weekly()),
        forecast(sampled(0.5, 3)),
        forecast(sampled(0.7)),
    ]
    for one, found in zip(several, joint_futures_of_many(several), strict=True):
        np.testing.assert_allclose(found, joint_futures(one), rtol=1e-12)


def test_a_forecast_of_one_period_and_one_without_any_doubt_have_futures_too():
    assert joint_futures(forecast(sampled(0.5)).first(1)).shape == (999, 1)
    flat = forecast(np.full((50, 3), 7.0))
    assert (joint_futures(flat) == 7).all()


@pytest.mark.parametrize("name", ["ets", "sarima"])
@pytest.mark.parametrize(("statistic", "region", "at", "horizon"), SERIES)
def test_they_hang_together_as_the_model_s_own_futures(name, statistic, region, at, horizon, monkeypatch):
    drawn = []
    made = predictive._Made.forecasts

    def caught(self, methods, notes):
        drawn.extend(self.futures)
        return made(self, methods, notes)

    monkeypatch.setattr(predictive._Made, "forecasts", caught)
    panel = source("bundled").panel()
    series = prepare(panel.as_of(pd.Timestamp(at)) if at else panel, region, statistic)
    said = model(name).forecast(series, horizon)
    own, paths = drawn[-1].T, joint_futures(said, series.kind)
    assert chances(paths, own) == pytest.approx(chances(own, own), abs=0.08)
    assert np.abs(np.array(chances(paths, own)) - chances(own, own)).mean() < 0.04


def chances(paths: np.ndarray, own: np.ndarray) -> list[float]:
    """The chances that the highest and the lowest period pass five levels each, which `own` futures pass now and then."""
    highest, lowest = (np.quantile(one, [0.1, 0.25, 0.5, 0.75, 0.9]) for one in (own.max(axis=1), own.min(axis=1)))
    above = [float((paths.max(axis=1) > level).mean()) for level in highest]
    return above + [float((paths.min(axis=1) < level).mean()) for level in lowest]


def test_it_takes_two_milliseconds_at_most():
    known = forecast(sampled(0.6, 4), weekly())
    joint_futures(known)
    taken = []
    for _ in range(20):
        begun = time.process_time()
        joint_futures(known)
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.002
