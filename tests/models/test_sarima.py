"""SARIMA: its arithmetic against statsmodels' and published values, its choice, and that nothing breaks it."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.models._sarima_fit import SarimaOrder, fit_sarima
from forecasting.models.base import Progress
from forecasting.models.sarima import AVERAGED_SEASONAL, SARIMA, SHORTEST, OrderBacktest

#: International airline passengers in thousands, 1949-1960: Box & Jenkins (1970), series G.
PASSENGERS = np.fromstring(
    """112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140
    145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194
    196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203 229
    242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
    315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
    360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432""",
    sep=" ",
)
AIRLINE = SarimaOrder(0, 1, 1, 0, 1, 1, 7)


def daily(values: np.ndarray, start: str = "2021-01-04") -> Series:
    return Series(pd.Timestamp(start), DAILY, np.asarray(values, dtype=float))


def wave(days: int = 160, seed: int = 1) -> np.ndarray:
    """Counts with a weekly pattern, a slow wave and noise."""
    t = np.arange(days)
    level = 1000 * (1.5 + np.sin(t / 40)) * np.array([1.2, 1.1, 1.0, 1.0, 0.95, 0.6, 0.5])[t % 7]
    return np.round(level * np.exp(0.08 * np.random.default_rng(seed).standard_normal(days)))


@pytest.fixture(scope="module")
def told():
    events: list[Progress] = []
    return SARIMA().forecast(daily(wave()), 28, events.append), events


def test_the_registry_knows_it_as_sarima():
    assert isinstance(model("sarima"), SARIMA)
    assert model("sarima").order == 10


def test_the_airline_passengers_have_their_published_coefficients():
    # Box, Jenkins & Reinsel, Time Series Analysis, 3rd ed., table 9.5: theta 0.40, Theta 0.61 by conditional least
    # squares; exact maximum likelihood, as in R's arima() and Brockwell & Davis: -0.40 and -0.56.
    found = fit_sarima(SarimaOrder(0, 1, 1, 0, 1, 1, 12), np.log(PASSENGERS))
    assert found.params == pytest.approx([-0.4018, -0.5569], abs=2e-3)
    _, errors = found.rolling(np.log(PASSENGERS), [len(PASSENGERS)], 1)
    assert np.mean(errors**2) == pytest.approx(0.001348, abs=2e-5)


@pytest.mark.parametrize(
    "order",
    [
        AIRLINE,
        SarimaOrder(2, 1, 0, 0, 1, 1, 7),
        SarimaOrder(1, 1, 2, 1, 0, 1, 7),
        SarimaOrder(2, 0, 0, 0, 1, 1, 7),
        SarimaOrder(1, 1, 1),
    ],
)
def test_means_and_spreads_equal_statsmodels_own_forecast(order):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    values = np.cbrt(wave())
    found = fit_sarima(order, values)
    (mean,), errors = found.rolling(values, [len(values)], 30)
    seasonal = (order.P, order.D, order.Q, order.season if order.season > 1 else 0)
    whole = SARIMAX(values, order=(order.p, order.d, order.q), seasonal_order=seasonal, concentrate_scale=True)
    theirs = whole.filter(found.params).get_forecast(30)
    assert mean == pytest.approx(theirs.predicted_mean, rel=1e-5)
    spread = np.sqrt(np.mean(errors**2) * np.cumsum(found.psi(30) ** 2))
    assert spread == pytest.approx(np.sqrt(theirs.var_pred_mean), rel=1e-4)


def test_psi_weights_of_a_random_walk_with_noise_are_those_of_exponential_smoothing():
    found = fit_sarima(SarimaOrder(0, 1, 1), np.cbrt(wave()))
    assert found.psi(5) == pytest.approx([1.0] + [1 + found.params[0]] * 4)


def test_a_forecast_from_an_origin_knows_nothing_of_what_came_after():
    values = np.cbrt(wave())
    poisoned = np.concatenate([values[:120], np.full(40, 1e6)])
    found = fit_sarima(AIRLINE, values[:100])
    honest, _ = found.rolling(values, [100, 110, 120], 14)
    assert np.array_equal(found.rolling(poisoned, [100, 110, 120], 14)[0], honest)


@pytest.mark.parametrize("order", [AIRLINE, SarimaOrder(1, 0, 1, 1, 0, 1, 7), SarimaOrder(2, 0, 0)])
def test_the_likelihood_is_as_high_as_statsmodels_gets_it(order):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    values = np.cbrt(wave())
    found = fit_sarima(order, values)
    differenced = np.convolve(values, order.difference, mode="valid")
    seasonal = (order.P, 0, order.Q, order.season if order.season > 1 else 0)
    own = SARIMAX(
        differenced - found.mean, order=(order.p, 0, order.q), seasonal_order=seasonal, concentrate_scale=True
    )
    assert own.loglike(found.params) >= own.fit(disp=0, maxiter=200).llf - 0.01


def test_a_series_without_differences_returns_to_its_most_likely_level():
    values = 5 + 0.1 * np.random.default_rng(2).standard_normal(200)
    found = fit_sarima(SarimaOrder(1, 0, 0), values)
    assert found.mean == pytest.approx(values.mean(), abs=0.01)
    (far,), _ = found.rolling(values, [200], 100)
    assert far[-1] == pytest.approx(found.mean, abs=1e-6)


def test_an_origin_before_the_longest_lag_is_refused():
    values = np.cbrt(wave())
    with pytest.raises(ValueError, match="too early"):
        fit_sarima(AIRLINE, values).rolling(values, [10], 7)


def test_origins_are_whole_seasons_ago_and_leave_the_whole_horizon_to_be_judged_by():
    trial = OrderBacktest(np.cbrt(wave()), 7, 14)
    assert {(160 - origin) % 7 for origin in trial.origins} == {0}
    assert 160 // 3 <= trial.origins[0] < 160 // 3 + 7
    assert trial.origins[-1] == 160 - 14


def test_moments_that_stood_and_moved_like_now_count_most():
    rise, fall = np.arange(100.0), np.arange(100.0, 0, -1)
    values = np.concatenate([rise, fall, rise, fall, rise[:60]])
    trial = OrderBacktest(values, 1, 4)
    assert trial.similarity.sum() == pytest.approx(1)
    rising = np.array([values[origin - 1] > values[origin - 4] for origin in trial.origins])
    assert trial.similarity[rising].sum() > 0.9
    likest = trial.origins[int(np.argmax(trial.similarity))]
    assert values[likest - 1] == pytest.approx(values[-1], abs=10)


def test_the_best_three_are_averaged_and_every_candidate_is_told(told):
    forecast, events = told
    assert [e.done for e in events] == list(range(1, len(events) + 1))
    assert {e.of for e in events} == {len(events)}
    assert events[0].trying == "SARIMA (0,1,1)(0,1,1)[7]"
    assert events[-1].best == min(e.score for e in events)
    first, second, third = sorted(events, key=lambda e: e.score)[:AVERAGED_SEASONAL]
    names = [e.trying.removeprefix("SARIMA ") for e in (first, second, third)]
    assert forecast.method == "SARIMA {}, {} and {} on the cube root, best of 8".format(*names)


def test_a_draft_comes_first_and_then_whenever_the_best_have_changed(told):
    _, events = told
    for count, event in enumerate(events):
        before = sorted(e.score for e in events[:count])[:AVERAGED_SEASONAL]
        changed = len(before) < AVERAGED_SEASONAL or event.score < before[-1]
        assert (event.draft is not None) == changed
        assert event.best == min([event.score, *before])
        if event.draft is not None:
            assert event.draft.model == "sarima"
            assert event.draft.horizon == 28
            assert event.trying.removeprefix("SARIMA ") in event.draft.method


def test_a_score_is_the_error_relative_to_seasonal_naive():
    trial = OrderBacktest(np.cbrt(wave()), 7, 14)
    errors = []
    for origin in trial.origins:
        came = trial.values[origin : origin + 14]
        errors.append(np.abs(came - np.tile(trial.values[origin - 7 : origin], 2)[: len(came)]).mean())
    assert trial.naive_error == pytest.approx(trial.similarity @ errors)


def test_the_same_series_gives_the_same_numbers_to_the_last_digit(told):
    again = SARIMA().forecast(daily(wave()), 28)
    for name in ("values", "totals", "means"):
        assert np.array_equal(getattr(again, name), getattr(told[0], name))


def test_a_later_calendar_gives_the_same_numbers_on_later_dates(told):
    later = SARIMA().forecast(daily(wave(), "2021-02-01"), 28)
    assert np.array_equal(later.values, told[0].values)
    assert later.origin - told[0].origin == pd.Timedelta(days=28)


def test_a_thousand_times_the_counts_is_a_thousand_times_the_forecast(told):
    scaled = SARIMA().forecast(daily(1000 * wave()), 28)
    assert scaled.method == told[0].method
    assert scaled.median == pytest.approx(1000 * told[0].median, rel=1e-3)


def test_it_beats_seasonal_naive_on_a_slow_wave(told):
    errors = [np.abs(f.median - wave(188)[160:]).mean() for f in (told[0], model("naive").forecast(daily(wave()), 28))]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("count", [1, 5, SHORTEST - 1])
def test_too_few_figures_are_said_to_be_too_few(count):
    forecast = SARIMA().forecast(daily(wave()[:count]), 14)
    assert forecast.model == "sarima"
    assert any(f"Only {count} figure" in note and f"needs {SHORTEST}" in note for note in forecast.notes)


ODD = {
    "twenty": wave()[:20],
    "thirty": wave()[:30],
    "constant": np.full(80, 7.0),
    "all zero": np.zeros(80),
    "a week and again": np.tile([5.0, 9, 3, 4, 8, 0, 0], 12),
    "one giant spike": np.where(np.arange(120) == 100, 1e9, wave()[:120]),
    "a spike at the end": np.where(np.arange(120) == 119, 1e9, wave()[:120]),
    "a spike among zeros": np.where(np.arange(90) == 60, 1e6, 0.0),
    "starts at last": np.concatenate([np.zeros(75), [1.0, 0, 2, 5, 9]]),
    "trillions": wave() * 1e9,
    "fractions": wave() * 1e-6,
    "explosive": np.exp(np.arange(100) / 6),
    "weekends silent": np.where(np.arange(160) % 7 > 4, 0.0, wave()),
}


@pytest.mark.sweep
@pytest.mark.parametrize("values", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("horizon", [1, 120])
def test_nothing_that_counts_can_do_breaks_it(values, horizon):
    series = daily(values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast = SARIMA().forecast(series, horizon)
    for table in (forecast.values, forecast.totals, forecast.means):
        assert table.shape == (horizon, 23)
        assert np.isfinite(table).all()
        assert (table >= 0).all()
        assert (np.diff(table, axis=1) >= 0).all()
    assert forecast.median.max() <= 10 * max(values.max(), 0.0) + 1e-9


@pytest.mark.parametrize("weeks", [26, 73, 130])
def test_weekly_counts_are_forecast_without_a_season_on_the_fourth_root(weeks):
    series = Series(pd.Timestamp("2021-01-02"), weekly(), wave(weeks))
    forecast = SARIMA().forecast(series, 4)
    assert "[" not in forecast.method
    assert "on the fourth root" in forecast.method


def test_a_candidate_that_cannot_be_fitted_leaves_the_others(monkeypatch):
    from forecasting.models import sarima

    def stubborn(order, values):
        if order == AIRLINE:
            raise np.linalg.LinAlgError("singular")
        return fit_sarima(order, values)

    monkeypatch.setattr(sarima, "fit_sarima", stubborn)
    events: list[Progress] = []
    forecast = SARIMA().forecast(daily(wave()), 7, events.append)
    assert events[0].score is None
    assert events[0].draft is None
    assert str(AIRLINE) not in forecast.method
    assert events[1].draft is not None


def test_finding_it_imports_nothing_heavy():
    code = "import sys; from forecasting.models import models; models(); print('statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
