"""Quantiles that an adapted network gives for every region of a panel: the mean of those on each scale, as of the pretrained one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from forecasting.data.forecast import QUANTILES
from forecasting.data.series import Series
from forecasting.models._deep_windows import PanelTable, calendar_facts, panel_facts
from forecasting.models.networks.adapted_network import AdaptedNetwork
from forecasting.models.pretrained import Pass, caps, histories_of, passes_of, scale_of, second_season
from forecasting.models.pretrained_features import RAW, Batch, context_length, make_inputs, right_aligned

#: Steps that are run at once, over all series.
STEPS_AT_ONCE = 20_000


def quantiles_of_panel(
    network: AdaptedNetwork, series: Mapping[str, Series], table: PanelTable, horizon: int
) -> dict[str, np.ndarray]:
    """By region, shape (histories, horizon, quantiles) for the `histories_of` it, within the bounds of the kind."""
    season, kind = table.frequency.season, table.kind
    length = context_length(season)
    owners = [region for region, one in series.items() for _ in histories_of(one)]
    known = [figures[-length:] for one in series.values() for figures in histories_of(one)]
    chosen = [passes_of(figures, kind, season) for figures in known]
    sums = np.zeros((len(known), horizon, len(QUANTILES)))
    for one in dict.fromkeys(each for group in chosen for each in group):
        rows = [row for row, group in enumerate(chosen) if one in group]
        sums[rows] += _one_pass(
            network, [known[row] for row in rows], [owners[row] for row in rows], series, table, horizon, one
        )
    found: dict[str, list[np.ndarray]] = {}
    for owner, figures, group, total in zip(owners, known, chosen, sums, strict=True):
        last = np.full(total.shape, figures[-1])  # figures without a unit are repeated, as by the pretrained network
        found.setdefault(owner, []).append(np.sort(kind.clip(total / len(group)), axis=-1) if group else last)
    return {region: np.stack(each) for region, each in found.items()}


def _one_pass(
    network: AdaptedNetwork,
    histories: list[np.ndarray],
    owners: list[str],
    series: Mapping[str, Series],
    table: PanelTable,
    horizon: int,
    one: Pass,
) -> np.ndarray:
    """Quantiles from a forecast on one scale, on the scale of the figures."""
    season = table.frequency.season
    values = right_aligned(histories, context_length(season))
    forward, inverse, floor = scale_of(values, table.kind, one.transform)
    steps = np.tile(np.arange(1, horizon + 1), (len(values), 1))
    own, second = (season, second_season(table.frequency)) if one.seasonal else (1, 0)
    inputs = make_inputs(Batch(forward(values), own, second, steps, floor, np.full(len(values), one.transform)))
    columns = np.array([table.regions.index(owner) for owner in owners])
    rows = table.dates.searchsorted([series[owner].origin for owner in owners])
    # Regions that end a little earlier are seen with the others, as they are at an earlier date.
    together = panel_facts(inputs, table, rows, columns)
    calendar = calendar_facts(table, rows[:, None] + steps)
    feed = [inputs.series, inputs.steps, inputs.bases, inputs.unit, together, calendar, columns]
    found = np.concatenate(
        [_run(network, [each[part] for each in feed]) for part in _parts(len(values), horizon)]
    ).astype(float)
    found = inverse(found * inputs.scale[:, None, None] + inputs.centre[:, None, None])
    return found if one.transform == RAW else np.minimum(found, caps(values, table.kind)[:, None, None])


def _parts(number: int, horizon: int) -> list[slice]:
    at_once = max(STEPS_AT_ONCE // horizon, 1)
    return [slice(first, first + at_once) for first in range(0, number, at_once)]


@torch.no_grad()
def _run(network: AdaptedNetwork, feed: list[np.ndarray]) -> np.ndarray:
    return network.eval()(*(torch.from_numpy(np.ascontiguousarray(one)) for one in feed)).numpy()
