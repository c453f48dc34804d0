"""Deep: the pretrained network, trained further on the panel at hand, whose regions, covariates and calendar it sees.

PyTorch is optional (``requirements-deep.txt``) and imported by a fit only. `docs/deep.md` says how it learns and what it gained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.pool import Pool
from forecasting.data.series import Series
from forecasting.models._deep_covariates import covariate_table
from forecasting.models._deep_state import Learned, digest_of, milestone
from forecasting.models._deep_windows import PanelTable, panel_table
from forecasting.models.base import PooledModel, ProgressCallback, ignore_progress
from forecasting.models.predictive import from_quantiles
from forecasting.models.pretrained import SHORTEST, Pretrained, widened_by_doubt
from forecasting.preparation.gather_pool import gather_pool, prepared_series
from forecasting.support.errors import ForecastingError, ModelError

#: Regions and periods that there must be, and windows to learn from: with fewer it cannot be told whether learning pays.
LEAST_REGIONS, LEAST_PERIODS, LEAST_WINDOWS = 3, 24, 200
#: What is asked to be installed.
MISSING = (
    "Deep needs PyTorch, which is not installed here: pip install -r requirements-deep.txt, or choose another model."
)
#: Why nothing is learned.
ALONE = "Deep learns from other regions' past and there is none here, so this is what the pretrained network says."
TOO_LITTLE = "There is too little past here to learn from and to see whether it pays, so this is what the pretrained network says."


class Deep(PooledModel):
    """The pretrained network and what it has learned from the pool's own past, where that pays."""

    name = "deep"
    label = "Deep"
    summary = (
        "The pretrained network, trained further on the past of the panel at hand: all regions together, with what the others do "
        "at the same time, covariates, the time of the year and which region it is as further inputs. It keeps the last part of the "
        "past to see whether learning pays there; where it does not, it says so and is the pretrained network. When new figures "
        "come, it goes on from what it has learned, with old weeks beside the new ones. Best with many like series and a long past, "
        "such as meters by the hour. It needs PyTorch (requirements-deep.txt), and minutes instead of milliseconds."
    )
    reference = (
        "docs/deep.md; Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022; Montero-Manso & Hyndman (2021), "
        "Principles and algorithms for forecasting groups of time series"
    )
    order = 42
    time_limit = 600.0
    continues = True
    uses_covariates = True

    def warm_up(self) -> None:
        """Import PyTorch."""
        _import_networks()

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Learn from all regions of the series' pool and forecast it; without a pool, forecast it with the pretrained network."""
        _import_networks()
        if pool := series.around:
            made = self.forecast_pool(gather_pool(pool), horizon, report).get(series.region)
            if made is None:
                raise ModelError(f"Deep cannot calculate with the figures of {series.region}; choose another model.")
            return made
        made = Pretrained().forecast(series, horizon)
        return _by_pretrained(made, ALONE)

    def forecast_pool(
        self, pool: Pool, horizon: int, report: ProgressCallback = ignore_progress
    ) -> dict[str, Forecast]:
        """Learn from all regions of `pool` and forecast each."""
        return self.continue_pool(pool, horizon, {}, report)

    def continue_pool(
        self, pool: Pool, horizon: int, learned: dict[str, Any], report: ProgressCallback = ignore_progress
    ) -> dict[str, Forecast]:
        """Forecast each region of `pool`, going on from what was `learned` where that was from the same figures up to its end.

        The numbers are the same with and without it. Raises `ModelError` where PyTorch is missing.
        """
        _import_networks()
        series = {region: one for region, one in prepared_series(pool).items() if len(one)}
        if not series:
            raise ModelError("No region has a single figure to learn from.")
        long = {region: one for region, one in series.items() if len(one) >= SHORTEST}
        table = panel_table(long, covariate_table(pool, long), horizon) if long else None
        if table is None or _too_little(table):
            return self._pretrained(series, horizon, ALONE if len(series) == 1 else TOO_LITTLE)
        from forecasting.models.networks.fine_tuning import continued_network, fits, learn

        seen = table.until(milestone(len(table.values)))
        state = _restored(learned, seen)
        if state is None or not fits(state, seen):
            state = Learned.from_json(learn(seen, report).to_json())  # as it would be read from the store
        carried = {"learned": state.to_json()}
        if not state.pays:
            note = f"Learning here did not pay: {_gain(state)}, so this is what the pretrained network says."
            made = self._pretrained(series, horizon, note)
        else:
            network = continued_network(state, table, report)
            made = self._adapted(network, long, table, horizon, state)
            short = {region: one for region, one in series.items() if region not in long}
            made |= self._pretrained(short, horizon, "")
        first = next(iter(made))  # one copy is enough to go on from
        return made | {first: replace(made[first], fitted=carried)}

    def _pretrained(self, series: Mapping[str, Series], horizon: int, note: str) -> dict[str, Forecast]:
        """What the pretrained network says of each; one that it cannot forecast is left out, unless it can forecast none."""
        made = dict(zip(series, Pretrained().forecast_many(list(series.values()), horizon), strict=True))
        found = {region: _by_pretrained(one, note) for region, one in made.items() if isinstance(one, Forecast)}
        errors = [one for one in made.values() if isinstance(one, ForecastingError)]
        if errors and not found:
            raise errors[0]
        return found

    def _adapted(
        self, network: Any, series: Mapping[str, Series], table: PanelTable, horizon: int, state: Learned
    ) -> dict[str, Forecast]:
        from forecasting.models.networks.adapted_quantiles import quantiles_of_panel

        method = (
            f"Pretrained network, trained on {len(table.regions):,} regions for {state.steps} steps: {_gain(state)}"
        )
        found = {}
        for region, quantiles in quantiles_of_panel(network, series, table, horizon).items():
            one = series[region]
            values = widened_by_doubt(*quantiles) if one.doubt else quantiles[0]
            found[region] = from_quantiles(self, one, values, method)
        return found


def _by_pretrained(forecast: Forecast, note: str) -> Forecast:
    return replace(forecast, model=Deep.name, notes=(*forecast.notes, note) if note else forecast.notes)


def _gain(state: Learned) -> str:
    """How the error on the past that was left out compares with the pretrained network's, for a person."""
    percent = 100 * (1 - state.gain)
    if percent < 0.5:
        return "on the last part of the past its error was no smaller than the pretrained network's"
    return f"on the last part of the past its error was {percent:.0f} % smaller than the pretrained network's"


def _too_little(table: PanelTable) -> bool:
    """Whether there is too little to learn from and to see whether that pays."""
    known = np.isfinite(table.values).sum()
    return len(table.regions) < LEAST_REGIONS or len(table.values) < LEAST_PERIODS or known < LEAST_WINDOWS


def _restored(learned: dict[str, Any], seen: PanelTable) -> Learned | None:
    """What was learned from these very figures; None where it is damaged, of another version or of other figures."""
    try:
        state = Learned.from_json(learned.get("learned"))
    except ValueError:
        return None
    return state if state.digest == digest_of(seen) else None


def _import_networks() -> None:
    """Import PyTorch and onnx; raises `ModelError` where one is missing."""
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise ModelError(MISSING) from error
