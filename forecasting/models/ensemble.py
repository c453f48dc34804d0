"""Ensemble: a weighted average of the quantiles of several models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.models.base import BlendedModel, Progress, ProgressCallback, ignore_progress
from forecasting.support.errors import ModelError

#: The member whose weight is what it has earned.
POOLED = "pooled"
#: What is noted where it has earned none.
UNTRUSTED = "Without Pooled, which was clearly worse on these regions so far than repeating the last year."


class Ensemble(BlendedModel):
    """The pooled model's quantiles and those of the others, averaged by what the pooled one has earned on this panel."""

    name = "ensemble"
    label = "Ensemble"
    summary = (
        "Averages the quantiles of Pooled, ETS and SARIMA. How much Pooled counts is what it has earned on these very "
        "regions so far against smoothing each by itself: a half before anything is known, nearly all of it after some "
        "seasons that were alike. The others share the rest. Without other regions to learn from, and of figures that are no "
        "counts, it is ETS and SARIMA in equal parts. It is drawn as soon as one of its members is ready."
    )
    reference = (
        "Lichtendahl, Grushka-Cockayne & Winkler (2013), Is it better to average probabilities or quantiles?, "
        "Management Science 59(7)"
    )
    version = 1
    order = 5
    members = (POOLED, "ets", "sarima")
    uses_covariates = True
    uses_holidays = True

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit the members one after the other and blend them; the job queue fits them side by side."""
        from forecasting.models import model

        forecasts, notes = dict[str, Forecast](), list[str]()
        pooled = series.around and series.kind is COUNT
        members = [name for name in self.members if pooled or name != POOLED]
        for done, name in enumerate(members):
            report(Progress(model(name).label, done, len(members)))
            try:
                made = model(name).forecast(series, horizon)
                if made.is_finite:
                    forecasts[name] = made
                else:
                    notes.append(f"Without {model(name).label}, which gave no finite numbers.")
            except ModelError as error:
                notes.append(f"Without {model(name).label}, which gave no forecast: {error}")
        blended = self.blend(series, horizon, forecasts)
        return replace(blended, notes=(*blended.notes, *notes))

    def blend(self, series: Series, horizon: int, forecasts: dict[str, Forecast]) -> Forecast:
        """Average the quantiles of the members that there are, each by its weight."""
        # In one order, whoever came first: sums depend on it in the last digit.
        forecasts = {name: forecasts[name] for name in self.members if name in forecasts}
        weights = member_weights(forecasts)
        forecasts = {name: one for name, one in forecasts.items() if weights[name] > 0 or name != POOLED}
        untrusted = [UNTRUSTED] if POOLED in weights and POOLED not in forecasts else []
        weights = {name: weights[name] for name in forecasts}

        def mean(table: str) -> np.ndarray:
            return np.sort(sum(weights[name] * getattr(one, table) for name, one in forecasts.items()), axis=1)

        first = next(iter(forecasts.values()))
        notes = tuple(dict.fromkeys([*(note for one in forecasts.values() for note in one.notes), *untrusted]))
        fitted: dict[str, Any] = {"weights": weights}
        return replace(
            first,
            model=self.name,
            method=_describe_weights(weights),
            values=mean("values"),
            totals=mean("totals"),
            means=mean("means"),
            notes=notes,
            fitted=fitted,
        )


def member_weights(forecasts: dict[str, Forecast]) -> dict[str, float]:
    """The weight of each of these members; they sum to one. Raises `ModelError` where there is none."""
    if not forecasts:
        raise ModelError("None of the ensemble's members could forecast this.")
    others = [name for name in forecasts if name != POOLED]
    if POOLED not in forecasts:
        return dict.fromkeys(others, 1 / len(others))
    trust = float(forecasts[POOLED].fitted.get("trust", 0.5)) if others else 1.0
    return {name: trust if name == POOLED else (1 - trust) / len(others) for name in forecasts}


def _describe_weights(weights: dict[str, float]) -> str:
    from forecasting.models import model

    return ", ".join(f"{model(name).label} {100 * share:.0f} %" for name, share in weights.items())
