"""Fine-tuning on a panel's own windows: some hundred steps of AdamW, ended by windows that were left out, and some more later.

`learn` is the training proper, on a panel's first periods. Its result is what is stored. `continued_network` goes on from
there with the periods since, and old ones between them, so that nothing is forgotten. Both are the same numbers each time on
the same machine.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from forecasting.models._deep_state import Learned, digest_of, storable
from forecasting.models._deep_windows import PanelTable, Windows, usual_steps, windows
from forecasting.models.base import Progress, ProgressCallback
from forecasting.models.networks.adapted_network import AdaptedNetwork
from forecasting.models.networks.pretrained_network import loss
from forecasting.models.pretrained import passes

#: Windows that are learned from, and that are left out to see whether it pays, at most.
MOST_WINDOWS, MOST_HELD = 8_000, 2_000
#: The share of each region's periods, its last ones, that is left out, and how many times the usual steps ahead it is at most and
#: at least.
HELD_SHARE, MOST_HELD_STEPS, LEAST_HELD_STEPS = 0.2, 4, 1
#: Dates that windows are taken from, at least, and how many times the windows that are kept are made, at most: at a date those
#: of all regions are made, for each sees the others.
LEAST_DATES, MOST_TIMES = 6, 4
#: The share of the past before its first window.
FIRST_SHARE = 0.05
#: Windows that a step learns from.
BATCH = 128
#: The learning rate, the steps until it is reached, and weight decay.
RATE, WARM_UP, WEIGHT_DECAY = 1e-3, 20, 0.02
#: The largest norm of a gradient.
CLIP = 1.0
#: How much of the average weights remains after a step.
AVERAGE = 0.98
#: Steps at most, between two looks at the windows that were left out, and looks without a gain after which it ends.
STEPS, CHECK_STEPS, PATIENCE = 600, 40, 3
#: Shares of what was learned that are tried at the end; the best of them on what was left out is kept.
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
#: It pays where the loss is below this share of the pretrained network's.
PAYS = 0.99
#: Steps of going on; of their windows, those of the periods since are so many times their share of all figures, and half at most.
CONTINUED_STEPS, NEW_WEIGHT, NEW_SHARE = 40, 4.0, 0.5
#: The learning rate of going on.
CONTINUED_RATE = 3e-4
#: Windows that are run at once where nothing is learned.
RUN_AT_ONCE = 2048

INPUTS = ("series", "steps", "bases", "unit", "panel", "calendar", "region")


def learn(table: PanelTable, report: ProgressCallback) -> Learned:
    """Train on a panel and keep what did best on the last part of its past; no weights where that was no better."""
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    periods = len(table.values)
    cut = _first_held(table)
    digest = digest_of(table)
    report(Progress(f"reading the past of {len(table.regions):,} regions", 0, STEPS))
    try:
        train = _windows(_without(table, cut), MOST_WINDOWS, generator)
        held = _windows(table, MOST_HELD, generator, cut - 1)
    except ValueError:
        return Learned(digest, periods, 1.0, 0, {})
    network = AdaptedNetwork(len(table.regions), train.panel.shape[1], train.calendar.shape[2])
    network.normalise_by(train.panel)
    training, left_out = _Training(network, RATE), tensors(held)
    before = _losses(network, left_out)
    best, best_loss, best_step = None, before, 0
    data = tensors(train)
    for step in range(1, STEPS + 1):
        training.step(torch.randint(len(train), (BATCH,)), data)
        if step % CHECK_STEPS == 0:
            found = _losses(training.average, left_out)
            report(Progress(f"learning from {len(train):,} windows: {found / before:.3f} of the error", step, STEPS))
            if best is None or found < best_loss:
                best, best_loss, best_step = copy.deepcopy(training.average), found, step
            elif step - best_step >= PATIENCE * CHECK_STEPS:
                break
    assert best is not None
    gains = {}
    for strength in STRENGTHS:
        best.strength.fill_(strength)
        gains[strength] = _losses(best, left_out) / before
    chosen = min(gains, key=lambda one: gains[one])
    best.strength.fill_(chosen)
    weights = {name: value.numpy().copy() for name, value in best.learned().items()}
    pays = gains[chosen] < PAYS and storable(weights)
    return Learned(digest, periods, float(gains[chosen]), best_step, weights if pays else {})


def continued_network(state: Learned, table: PanelTable, report: ProgressCallback) -> AdaptedNetwork:
    """The network with what was learned, after some more steps on what came since, with old windows between the new ones.

    Raises `ValueError` where the weights do not fit the table.
    """
    generator = np.random.default_rng(1)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = restored_network(state, table)
    try:
        since = np.full(len(table.regions), state.periods - usual_steps(table.frequency.season))
        new = _windows(table, MOST_WINDOWS // 4, generator, since)
        old = _windows(table.until(state.periods), MOST_WINDOWS // 4, generator)
    except ValueError:  # nothing has come yet
        return network
    training, parts = _Training(network, CONTINUED_RATE), [tensors(new), tensors(old)]
    both = [torch.cat(pair) for pair in zip(*parts, strict=True)]
    known = np.isfinite(table.values)
    share = NEW_WEIGHT * known[state.periods :].sum() / known.sum()  # of regions most of which have ended, few are new
    fresh = round(BATCH * min(share, NEW_SHARE))
    for step in range(1, CONTINUED_STEPS + 1):
        rows = [torch.randint(len(new), (fresh,)), len(new) + torch.randint(len(old), (BATCH - fresh,))]
        training.step(torch.cat(rows), both)
        if step % (CONTINUED_STEPS // 4) == 0:
            report(Progress("learning from what came since, and from old periods again", step, CONTINUED_STEPS))
    return training.average


def restored_network(state: Learned, table: PanelTable) -> AdaptedNetwork:
    """The network with what was learned. Raises `ValueError` where the weights do not fit the table."""
    try:
        facts, step_facts = len(state.weights["panel_mean"]), state.weights["step_in.weight"].shape[1]
        network = AdaptedNetwork(len(table.regions), facts, step_facts)
        wrong = network.load_state_dict(
            {name: torch.from_numpy(np.array(value)) for name, value in state.weights.items()}, strict=False
        )
    except (KeyError, IndexError, RuntimeError) as error:
        raise ValueError(f"these weights are of another network: {error}") from None
    if wrong.unexpected_keys or set(network.learned()) != set(state.weights):
        raise ValueError("these weights are of another network")
    return network


def fits(state: Learned, table: PanelTable) -> bool:
    """Whether what was learned are weights of this network and table."""
    if not state.pays:
        return True
    try:
        restored_network(state, table)
    except ValueError:
        return False
    return True


def tensors(one: Windows) -> list[Tensor]:
    """The network's inputs and the truth."""
    return [torch.from_numpy(np.ascontiguousarray(getattr(one, name))) for name in (*INPUTS, "truth")]


class _Training:
    """A network that learns, and the average of its weights, which is what comes of it."""

    def __init__(self, network: AdaptedNetwork, rate: float) -> None:
        self.average = copy.deepcopy(network)
        self._network, self._rate, self._done = network, rate, 0
        self._parameters, self._averaged = (
            [one for one in each.parameters() if one.requires_grad] for each in (network, self.average)
        )
        self._optimiser = torch.optim.AdamW(self._parameters, lr=rate, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98))
        network.train()
        self.average.eval()

    def step(self, rows: Tensor, data: list[Tensor]) -> None:
        """Learn from some windows."""
        self._done += 1
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * min(1.0, self._done / WARM_UP)
        part = [one[rows] for one in data]
        error = loss(self._network(*part[:-1]), part[-1], part[3])
        self._optimiser.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, CLIP)
        self._optimiser.step()
        kept = min(AVERAGE, self._done / (self._done + 10))
        with torch.no_grad():
            for mean, now in zip(self._averaged, self._parameters, strict=True):
                mean.lerp_(now, 1 - kept)


def _first_held(table: PanelTable) -> np.ndarray:
    """The first row of each region that is left out, shape (regions,): its last ones, wherever the region ends."""
    known, usual = np.isfinite(table.values), usual_steps(table.frequency.season)
    count, end = known.sum(0), len(known) - np.argmax(known[::-1], axis=0)
    left = np.clip(HELD_SHARE * count, LEAST_HELD_STEPS * usual, MOST_HELD_STEPS * usual)
    return np.asarray(end - np.minimum(left, count // 2).round().astype(int))


def _without(table: PanelTable, cut: np.ndarray) -> PanelTable:
    """The table without each region's rows from `cut` on."""
    return replace(table, values=np.where(np.arange(len(table.values))[:, None] < cut, table.values, np.nan))


def _windows(table: PanelTable, most: int, random: np.random.Generator, first: np.ndarray | None = None) -> Windows:
    """At most so many windows, from each region's row `first` on, at dates that have about as many of them between each other.

    Raises `ValueError` without any.
    """
    known = np.isfinite(table.values)
    rows = np.arange(len(known))[:, None]
    start = np.full(known.shape[1], max(round(FIRST_SHARE * len(known)), 1)) if first is None else first
    wanted = known & np.vstack([known[1:], np.zeros((1, known.shape[1]), bool)]) & (rows >= start)
    number = wanted.sum(1)
    if not number.any():
        raise ValueError("there is no date to learn from")
    scales = len(passes(table.kind, table.frequency.season, len(table.values)))
    a_date = scales * (number**2).sum() / number.sum()  # windows at a date that a window is from
    made = scales * (number * known.sum(1)).sum() / number.sum()
    dates = min(max(most / a_date, LEAST_DATES), max(MOST_TIMES * most / made, LEAST_DATES))
    places = np.searchsorted(np.cumsum(number), np.linspace(1, number.sum(), round(dates)))
    found = windows(table, np.unique(places).tolist(), random)
    kept = np.flatnonzero(found.origin >= start[found.region])
    if len(kept) > most:
        kept = np.sort(random.choice(kept, most, replace=False))
    return found.of(kept)


@torch.no_grad()
def _losses(network: AdaptedNetwork, data: list[Tensor]) -> float:
    """The mean loss of windows."""
    total, number = 0.0, len(data[0])
    for first in range(0, number, RUN_AT_ONCE):
        part = [one[first : first + RUN_AT_ONCE] for one in data]
        total += loss(network.eval()(*part[:-1]), part[-1], part[3]).item() * len(part[0])
    return total / number
