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

#: The member that learns from all regions, the one that needs no fit, and the slowest.
POOLED, NETWORK, SLOWEST = "pooled", "pretrained", "sarima"
#: What each member counts beside Pooled, and without it; of those that are there, in proportion.
SHARES_BESIDE_POOLED = {POOLED: 0.7, NETWORK: 0.2, "ets": 0.1}
#: The same of figures by day: Pooled knows those only in blocks of a week, so the last days say more to the others.
SHARES_BY_DAY = {POOLED: 1 / 3, NETWORK: 1 / 3, "ets": 1 / 3}
SHARES_WITHOUT_POOLED = {NETWORK: 2 / 3, "ets": 1 / 6, SLOWEST: 1 / 6}
#: What is noted where it has earned none.
UNTRUSTED = "Without Pooled, which says no more of these regions than their own figures, or those of a year before."


class Ensemble(BlendedModel):
    """The average of three models' quantiles with plain weights, which no panel changes."""

    name = "ensemble"
    label = "Ensemble"
    summary = (
        "Averages the quantiles of Pooled (70 %), the pretrained network (20 %) and ETS (10 %), of figures by day of a third each. Plain weights: "
        "over several sets of earlier dates they did as well as learned ones. Without other regions to learn from, of figures below "
        "zero, and where Pooled finds nothing that the regions have in common, or was clearly worse than repeating the last year, it is "
        "the network with two thirds, ETS and SARIMA with a sixth each. It is drawn at once, for the network needs no fit, and is complete when the last member is."
    )
    reference = (
        "Lichtendahl, Grushka-Cockayne & Winkler (2013), Is it better to average probabilities or quantiles?, "
        "Management Science 59(7)"
    )
    version = 6
    order = 5
    members = (POOLED, NETWORK, "ets", SLOWEST)
    uses_covariates = True
    uses_holidays = True

    def taking_part(self, series: Series) -> tuple[str, ...]:
        """All but SARIMA where Pooled speaks for counts: nobody has to wait for it there.

        Of other figures it is known only after the fit whether Pooled has anything to say.
        """
        pooled = series.around is not None and series.kind is COUNT
        return tuple(name for name in self.members if not (pooled and name == SLOWEST))

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit the members one after the other and blend them; the job queue fits them side by side."""
        from forecasting.models import model

        forecasts, notes = dict[str, Forecast](), list[str]()
        pooled = series.around and series.kind.low >= 0
        members = [name for name in self.taking_part(series) if pooled or name != POOLED]
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
        forecasts = {name: one for name, one in forecasts.items() if weights[name] > 0}
        untrusted = [UNTRUSTED] if POOLED in weights and POOLED not in forecasts else []
        weights = {name: weights[name] for name in forecasts}

        def mean(table: str) -> np.ndarray:
            said = np.stack([getattr(one, table) for one in forecasts.values()])
            blended = sum(weights[name] * one for name, one in zip(forecasts, said, strict=True))
            # Weights sum to one but for the last digit, and a share must not be above one.
            return np.sort(np.clip(blended, said.min(axis=0), said.max(axis=0)), axis=1)

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
    """The weight of each of these members; they sum to one. Raises `ModelError` where there is none.

    Pooled has none where it has earned no trust and others are there, SARIMA none beside it where it has.
    """
    if not forecasts:
        raise ModelError("None of the ensemble's members could forecast this.")
    trusted = POOLED in forecasts and (len(forecasts) == 1 or forecasts[POOLED].fitted.get("trust", 1.0) > 0)
    by_day = next(iter(forecasts.values())).frequency.cycle > 1
    beside = SHARES_BY_DAY if by_day else SHARES_BESIDE_POOLED
    shares = beside if trusted else SHARES_WITHOUT_POOLED
    there = sum(shares.get(name, 0.0) for name in forecasts)
    return {name: shares.get(name, 0.0) / there for name in forecasts}


def _describe_weights(weights: dict[str, float]) -> str:
    from forecasting.models import model

    return ", ".join(f"{model(name).label} {100 * share:.3g} %" for name, share in weights.items())
