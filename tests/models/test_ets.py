"""ETS against statsmodels' own variances and against data that an ETS model made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel, ETSResults

from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.models import model, predictive
from forecasting.models._ets_fit import (
    ETSFit,
    ETSForm,
    best_fit,
    candidate_forms,
    first_components,
    fit_form,
    fit_forms,
)
from forecasting.models._ets_search import Figures, _squares, sums_of_squares
from forecasting.models.calibration import BandFactors

FORMS = [ETSForm(damped, season) for damped in (False, True) for season in (1, 7)]


def simulated(random: np.random.Generator, count: int, alpha: float = 0.3, gamma: float = 0.2) -> np.ndarray:
    """An ETS(A,N,A) series around 10, as on a cube root scale."""
    level, season = 10.0, list(np.sin(np.arange(7) * 2 * np.pi / 7))
    values = np.empty(count)
    for t, shock in enumerate(random.normal(0, 0.3, count)):
        values[t] = level + season[t % 7] + shock
        level += alpha * shock
        season[t % 7] += gamma * shock
    return values


def statsmodels_own(values: np.ndarray, form: ETSForm) -> ETSModel:
    trend = {"trend": "add", "damped_trend": True} if form.damped else {}
    season = {"seasonal": "add", "seasonal_periods": form.season} if form.season > 1 else {}
    return ETSModel(pd.Series(values), error="add", initialization_method="heuristic", **trend, **season)


def with_parameters_of(fit: ETSFit, own: ETSModel) -> ETSResults:
    smoothing = {"smoothing_level": fit.alpha, "smoothing_trend": fit.beta, "smoothing_seasonal": fit.gamma}
    return own.smooth([(smoothing | {"damping_trend": fit.phi})[name] for name in own.param_names])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_mean_and_variance_are_those_of_statsmodels(form: ETSForm) -> None:
    values = simulated(np.random.default_rng(2), 120)
    ours = fit_form(values, form)
    assert ours is not None
    theirs = with_parameters_of(ours, statsmodels_own(values, form))
    prediction = theirs.get_prediction(120, 140)
    np.testing.assert_allclose(ours.mean(21), prediction.predicted_mean, rtol=1e-6)
    shocks = np.cumsum(ours.psi(21) ** 2)
    np.testing.assert_allclose(shocks, prediction.forecast_variance / np.mean(theirs.resid**2), rtol=1e-6)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_fits_are_as_likely_as_those_of_statsmodels(form: ETSForm) -> None:
    series = [simulated(np.random.default_rng(seed), 120) for seed in range(8)]
    apart = [
        fit.aicc - statsmodels_own(values, form).fit(disp=False).aicc
        for values, fit in zip(series, fit_forms(series, form), strict=True)
    ]
    assert np.median(apart) <= 0.01
    assert np.mean(apart) <= 0.1


def test_the_form_that_made_the_figures_is_found() -> None:
    assert best_fit(simulated(np.random.default_rng(0), 200), 7).form == ETSForm(damped=False, season=7)


def test_a_season_is_tried_only_when_the_first_states_can_be_found() -> None:
    assert {form.season for form in candidate_forms(15, 7)} == {1}
    assert {form.season for form in candidate_forms(16, 7)} == {1, 7}


def test_bands_hold_what_they_promise_on_figures_that_an_ets_model_made(monkeypatch: pytest.MonkeyPatch) -> None:
    as_said = BandFactors(np.zeros(14), np.zeros(14))
    monkeypatch.setattr(predictive, "learned_factors", lambda *_: as_said)  # which is for figures that no model made
    inside = []
    for seed in range(40):
        counts = simulated(np.random.default_rng(seed), 164) ** 3
        series = Series(pd.Timestamp("2021-01-01"), DAILY, counts[:150])
        values = model("ets").forecast(series, 14).values
        for low, high in ((0.25, 0.75), (0.025, 0.975)):
            lower, upper = values[:, QUANTILES.index(low)], values[:, QUANTILES.index(high)]
            inside.append(np.mean((lower <= counts[150:]) & (counts[150:] <= upper)))
    assert np.mean(inside[0::2]) == pytest.approx(0.5, abs=0.1)
    assert np.mean(inside[1::2]) == pytest.approx(0.95, abs=0.04)


def test_every_form_tried_is_reported() -> None:
    told = []
    series = Series(pd.Timestamp("2021-01-01"), DAILY, simulated(np.random.default_rng(0), 60) ** 3)
    model("ets").forecast(series, 7, told.append)
    assert [progress.done for progress in told] == [1, 2, 3, 4]
    assert {progress.of for progress in told} == {4}


def test_a_short_series_says_why_its_last_figure_is_repeated() -> None:
    forecast = model("ets").forecast(Series(pd.Timestamp("2021-01-01"), DAILY, np.arange(5.0)), 3)
    assert forecast.notes == ("Only 5 figures: ETS needs 10, so the last one is repeated.",)
    np.testing.assert_allclose(forecast.median, 4.0)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_a_fit_is_what_statsmodels_own_results_say(form: ETSForm) -> None:
    values = simulated(np.random.default_rng(4), 90)
    ours = fit_form(values, form)
    assert ours is not None
    theirs = with_parameters_of(ours, statsmodels_own(values, form))
    assert ours.aicc == pytest.approx(theirs.aicc)
    assert ours.level == pytest.approx(theirs.level.iloc[-1])
    np.testing.assert_allclose(ours.errors, theirs.resid)
    if form.season > 1:
        np.testing.assert_allclose(ours.seasons, theirs.season.iloc[-7:])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_the_derivatives_of_the_squares_are_those_that_small_steps_show(form: ETSForm) -> None:
    values = simulated(np.random.default_rng(6), 80)
    figures = Figures([values], first_components([values], form), form.damped)
    at = np.array([[{"alpha": 0.3, "beta": 0.2, "gamma": 0.1, "phi": 0.9}[name]] for name in figures.names])
    squares, slope, _ = _squares(figures, at)
    np.testing.assert_allclose(squares, sums_of_squares(figures, at))
    for place in range(len(at)):
        step = np.zeros_like(at)
        step[place] = 1e-5
        seen = (sums_of_squares(figures, at + step) - sums_of_squares(figures, at - step)) / 2e-5
        np.testing.assert_allclose(2 * slope[:, place], seen, rtol=1e-5)
