"""The pretrained network with what a panel has taught it: low-rank changes of its weights, and inputs that it did not have before.

All that is learned is zero in the beginning, so an adapted network that has learned nothing says what the pretrained one says.
The weights of the pretrained one stay as they are, so nothing is forgotten: what was learned is a difference that is stored,
scaled (`strength`) or left out. After Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from forecasting.models.networks.pretrained_network import SERIES_WIDTH, STEP_WIDTH, Network, pretrained_network

#: Numbers that a region is known by, and the width of the layer that joins them with what is known of the panel.
REGION_WIDTH, PANEL_WIDTH = 8, 32
#: The rank of the change of each matrix of weights.
RANK = 8
#: Inputs of the panel are no further from their means than so many standard deviations.
CLAMP = 4.0
#: What is added to their deviations, which may be nothing.
LEAST_DEVIATION = 1e-3


class LowRank(nn.Module):
    """A linear layer whose weights stay as they are, plus a change of low rank and one of its bias, both zero at first."""

    def __init__(self, layer: nn.Linear, strength: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.strength = strength
        self.down = nn.Parameter(torch.empty(RANK, layer.in_features))
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))
        self.bias = nn.Parameter(torch.zeros(layer.out_features))
        nn.init.normal_(self.down, std=1 / math.sqrt(layer.in_features))

    def forward(self, inputs: Tensor) -> Tensor:
        """What the layer gives, plus the change."""
        change = functional.linear(functional.linear(inputs, self.down), self.up, self.bias)
        return self.layer(inputs) + self.strength * change


class AdaptedNetwork(nn.Module):
    """The pretrained network with learned changes, and with a panel's facts, calendar and regions as further inputs.

    Args:
        regions: how many regions it knows; a region of number `regions` is a new one.
        facts: how many facts of the panel come with each series.
        step_facts: how many facts of the calendar come with each step.
    """

    panel_mean: Tensor
    panel_deviation: Tensor
    strength: Tensor

    def __init__(self, regions: int, facts: int, step_facts: int) -> None:
        super().__init__()
        self.network: Network = pretrained_network().requires_grad_(False)
        self.register_buffer("strength", torch.ones(()))
        self.register_buffer("panel_mean", torch.zeros(facts))
        self.register_buffer("panel_deviation", torch.ones(facts))
        self.region = nn.Parameter(torch.zeros(regions + 1, REGION_WIDTH))
        self.panel_in = nn.Linear(facts + REGION_WIDTH, PANEL_WIDTH)
        self.panel_out = nn.Linear(PANEL_WIDTH, SERIES_WIDTH)
        self.step_in = nn.Linear(step_facts, STEP_WIDTH)
        for zero in (self.panel_out, self.step_in):
            nn.init.zeros_(zero.weight)
            nn.init.zeros_(zero.bias)
        nn.init.normal_(self.region, std=0.3)
        with torch.no_grad():
            self.region[-1] = 0.0
        for name, layer in list(self.network.named_modules()):
            if isinstance(layer, nn.Linear):
                parent, _, own = name.rpartition(".")
                setattr(self.network.get_submodule(parent), own, LowRank(layer, self.strength))

    def normalise_by(self, panel: np.ndarray) -> None:
        """Take the means and deviations of the panel's facts, shape (windows, facts), from a sample."""
        known = np.isfinite(panel)
        number = np.maximum(known.sum(0), 1)
        mean = np.where(known, panel, 0.0).sum(0) / number
        deviation = np.sqrt((np.where(known, panel - mean, 0.0) ** 2).sum(0) / number)
        self.panel_mean.copy_(torch.from_numpy(mean))
        self.panel_deviation.copy_(torch.from_numpy(deviation + LEAST_DEVIATION))

    def forward(
        self,
        series: Tensor,
        steps: Tensor,
        bases: Tensor,
        unit: Tensor,
        panel: Tensor,
        calendar: Tensor,
        region: Tensor,
    ) -> Tensor:
        """Quantiles in units of the series' scale; shape (series, steps, quantiles)."""
        panel = torch.where(torch.isnan(panel), self.panel_mean, panel)
        facts = torch.clamp((panel - self.panel_mean) / self.panel_deviation, -CLAMP, CLAMP)
        hidden = functional.gelu(self.panel_in(torch.cat([facts, self.region[region]], 1)))
        return self.network(
            series,
            steps,
            bases,
            unit,
            self.strength * self.panel_out(hidden),
            self.strength * self.step_in(calendar),
        )

    def learned(self) -> dict[str, Tensor]:
        """What is stored of it, by name: all that is not the pretrained network's own."""
        own = {f"network.{name}" for name in _names_of(self.network)}
        return {name: value for name, value in self.state_dict().items() if name not in own}


def _names_of(network: nn.Module) -> list[str]:
    """The names of the pretrained network's own weights within the adapted one."""
    plain = {id(value) for layer in network.modules() if not isinstance(layer, LowRank) for value in _own_values(layer)}
    return [name for name, value in _all_values(network) if id(value) in plain]


def _own_values(layer: nn.Module) -> list[Tensor]:
    return [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]


def _all_values(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [*network.named_parameters(), *network.named_buffers()]
