"""Seconds to fit each model and to carry its parameters on over new points, by how far ahead it looks.

Daily cases of the United States, as they come with the program: every model is fitted without the last five days, for 7,
28, 120 and 365 days ahead. `…/fit` is the whole forecast, beside the model's own for 7 days, so its ratio is how the time
grows with the horizon. `…/extend` is the forecast after those five days with the parameters from before them
(`Model.extend`), beside the fit: wanted is under a tenth. Both draw a thousand futures, which is the same work and, months
ahead, most of it for a model that is fitted in milliseconds; `…/1/…` is one day ahead, with next to nothing to draw.
`…/difference` is the largest between that forecast's medians and those of statsmodels' filters, run over the whole series
with the same parameters, in millionths of the median, beside one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, which pmdarima needs

from benchmarks._figure import Figure, figure
from forecasting import sources
from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import Model, models
from forecasting.preparation import prepare

REGION = "United States"
STATISTIC = "new_cases"
HORIZONS = (7, 28, 120, 365, 1)
NEW = 5
#: Times are the best of so many, or one where that took longer than so many seconds.
TURNS = 3
LONG = 2.0


def run() -> Iterator[Figure]:
    series = prepare.prepare(sources.source("bundled").panel(), REGION, STATISTIC)
    earlier = series.until(series.dates[-1 - NEW])
    with threadpool_limits(1):  # as in a worker
        for model in [
            one for name, one in models().items() if name != "deep"
        ]:  # without a pool it is the pretrained one
            model.warm_up()
            model.forecast(earlier, HORIZONS[0])
            yield from figures(model, earlier, series)


def figures(model: Model, earlier: Series, series: Series) -> Iterator[Figure]:
    shortest, apart = 0.0, []
    for horizon in HORIZONS:
        forecast, seconds = timed(lambda h=horizon: model.forecast(earlier, h))  # type: ignore[misc]
        shortest = shortest or seconds
        yield figure(f"horizon/{model.name}/{horizon}/fit", seconds, "s", shortest)
        fitted = json.loads(json.dumps(forecast.fitted))
        extended, quick = timed(lambda h=horizon, f=fitted: model.extend(series, h, f))  # type: ignore[misc]
        if extended is not None:
            yield figure(f"horizon/{model.name}/{horizon}/extend", quick, "s", seconds)
            apart.append(difference(model, series, extended))
    if apart:
        yield figure(f"horizon/{model.name}/difference", max(apart) * 1e6, "ppm", 1.0)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` gives, and the seconds that it takes at its quickest."""
    seconds: list[float] = []
    while len(seconds) < TURNS and sum(seconds) < LONG:
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


def difference(model: Model, series: Series, extended: Forecast) -> float:
    scale, fitted = model.scale(series), extended.fitted
    values = scale.forward(series.values[series.dates.get_loc(fitted["start"]) :])
    mean = FILTERS[model.name](values, fitted, extended.horizon)
    theirs = scale.inverse(mean)
    return float(np.max(np.abs(extended.median - theirs) / np.maximum(theirs, 1.0)))


def ets(values: np.ndarray, fitted: dict[str, Any], horizon: int) -> np.ndarray:
    """The mean that statsmodels' ETSModel gives after `values` with parameters and first states as `fitted`."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    smoothing, first, damped, season = (fitted[name] for name in ("smoothing", "first", "damped", "season"))
    trend = {"trend": "add", "damped_trend": True, "initial_trend": first["trend"]} if damped else {}
    seasonal = {"seasonal": "add", "seasonal_periods": season, "initial_seasonal": first["seasons"]}
    model = ETSModel(
        values / fitted["unit"],
        initialization_method="known",
        initial_level=first["level"],
        **trend,
        **(seasonal if season > 1 else {}),
    )
    there = {"alpha": True, "beta": damped, "gamma": season > 1, "phi": damped}
    result = model.smooth(np.array([smoothing[name] for name, used in there.items() if used]))
    return np.asarray(result.forecast(horizon)) * fitted["unit"]


def sarima(values: np.ndarray, fitted: dict[str, Any], horizon: int) -> np.ndarray:
    """The average of the means that statsmodels' SARIMAX gives for the differences, summed up again, of each member."""
    means = []
    for member in fitted["team"]:
        p, d, q, P, D, Q, season = member["order"]  # noqa: N806 - as Box & Jenkins call them
        means.append(_sarima(values - member["mean"], (p, d, q), (P, D, Q, season), member["params"], horizon))
        means[-1] += member["mean"]
    return np.asarray(np.mean(means, axis=0))


def auto_arima(values: np.ndarray, fitted: dict[str, Any], horizon: int) -> np.ndarray:
    """The same for the one model there is, the line that its intercept means taken out and added again."""
    line = fitted["mean"] + fitted["slope"] * np.arange(len(values) + horizon)
    p, d, q, P, D, Q, season = fitted["order"]  # noqa: N806 - as Box & Jenkins call them
    known = values / fitted["unit"] - line[: len(values)]
    ahead = _sarima(known, (p, d, q), (P, D, Q, season), fitted["params"], horizon)
    return (ahead + line[len(values) :]) * fitted["unit"]


def _sarima(values: np.ndarray, plain: Any, seasonal: Any, params: list[float], horizon: int) -> np.ndarray:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    (p, d, q), (P, D, Q, season) = plain, seasonal  # noqa: N806
    lags = [1] * d + [season] * D
    levels = [values]
    for lag in lags:
        levels.append(levels[-1][lag:] - levels[-1][:-lag])
    model = SARIMAX(levels[-1], order=(p, 0, q), seasonal_order=(P, 0, Q, season if season > 1 else 0))
    ahead = np.asarray(model.filter([*params, 1.0]).forecast(horizon))
    for lag, before in zip(reversed(lags), reversed(levels[:-1]), strict=True):
        path = list(before[-lag:])
        for step in ahead:
            path.append(path[-lag] + step)
        ahead = np.array(path[lag:])
    return ahead


FILTERS = {"ets": ets, "sarima": sarima, "auto_arima": auto_arima}
