"""The training loop: AdamW on the pinball loss, with the moving average of the weights as its result."""

from __future__ import annotations

import copy
import math
import sys
import time

import torch
from torch import Tensor

from forecasting.models.networks.pretrained_network import Network, loss
from training.windows import Windows

#: Windows that a step learns from.
BATCH = 256
#: Steps ahead, of those that a window asks for, that a training step learns from: a random half tells nearly as much.
ASKED_AT_ONCE = 6
#: Windows that are never learned from, to see how it is doing.
HELD_OUT = 4000
#: The highest learning rate, the steps until it is reached, and the share of it that remains at the end.
RATE, WARM_UP, LAST_RATE = 2e-3, 300, 0.02
WEIGHT_DECAY = 0.01
#: The largest norm of a gradient.
CLIP = 1.0
#: How much of the average weights remains after a step.
AVERAGE = 0.998
#: Steps between two updates of the average, and between two lines of the report.
AVERAGE_STEPS, REPORT_STEPS = 4, 500


def fit(windows: Windows, steps: int, seed: int, start: Network | None = None) -> Network:
    """Train a network for so many steps; the same windows, steps and seed give the same one on the same machine."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    series, ahead, bases, unit, truth = (
        torch.from_numpy(getattr(windows, name)) for name in ("series", "steps", "bases", "unit", "truth")
    )
    network = start or Network(series.shape[1], ahead.shape[2])
    if start is None:
        network.normalise_by(series[:20000], ahead[:20000])
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98))
    network.train()
    started, order = time.monotonic(), torch.empty(0, dtype=torch.long)
    for step in range(steps):
        if len(order) < BATCH:
            order = HELD_OUT + torch.randperm(len(unit) - HELD_OUT)
        rows, order = order[:BATCH], order[BATCH:]
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps)
        asked = torch.randperm(truth.shape[1])[:ASKED_AT_ONCE]
        answer = network(series[rows], ahead[rows][:, asked], bases[rows][:, asked], unit[rows])
        error = loss(answer, truth[rows][:, asked], unit[rows])
        optimiser.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        if step % AVERAGE_STEPS == 0:
            _move(average, network, min(AVERAGE, (step + 1) / (step + 20)) ** AVERAGE_STEPS)
        if step % REPORT_STEPS == REPORT_STEPS - 1 or step == steps - 1:
            held = (part[:HELD_OUT] for part in (series, ahead, bases, unit, truth))
            seconds = time.monotonic() - started
            print(
                f"step {step + 1} of {steps}, {seconds:.0f} s: held-out loss {_held_out(average, *held):.4f}",
                file=sys.stderr,
                flush=True,
            )
    return average


def _rate(step: int, steps: int) -> float:
    """The learning rate: it rises, then falls along a cosine."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return RATE * min(1.0, (step + 1) / WARM_UP) * (cosine * (1 - LAST_RATE) + LAST_RATE)


@torch.no_grad()
def _move(average: Network, network: Network, kept: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - kept)


@torch.no_grad()
def _held_out(network: Network, series: Tensor, ahead: Tensor, bases: Tensor, unit: Tensor, truth: Tensor) -> float:
    return loss(network(series, ahead, bases, unit), truth, unit).item()
