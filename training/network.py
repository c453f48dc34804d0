"""The network: one embedding a series, then quantiles for each step ahead; and its pinball loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.models.pretrained_features import BASES, ROOT_STEP

#: Widths of a series' embedding and of a step's.
SERIES_WIDTH, STEP_WIDTH = 256, 128
#: Residual blocks of each.
BLOCKS = 2
#: The share of neurons that are left out while training.
DROPOUT = 0.05
#: Inputs are no further from their means than so many standard deviations.
CLAMP = 6.0


class Residual(nn.Module):
    """A normalised two-layer block that is added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, inputs: Tensor) -> Tensor:
        """The input plus what the block makes of it."""
        return inputs + self.dropout(self.second(functional.gelu(self.first(self.norm(inputs)))))


class Network(nn.Module):
    """Series and steps to quantiles: the median is a mix of base forecasts and a correction; the others are steps away from it.

    The steps between neighbouring quantiles are positive, so no two of them cross.
    """

    def __init__(self, series_facts: int, step_facts: int) -> None:
        super().__init__()
        self.series_in = nn.Linear(series_facts, SERIES_WIDTH)
        self.series_blocks = nn.Sequential(*(Residual(SERIES_WIDTH) for _ in range(BLOCKS)))
        self.series_out = nn.Linear(SERIES_WIDTH, STEP_WIDTH)
        self.step_in = nn.Linear(step_facts, STEP_WIDTH)
        self.step_blocks = nn.Sequential(*(Residual(STEP_WIDTH) for _ in range(BLOCKS)))
        self.norm = nn.LayerNorm(STEP_WIDTH)
        self.out = nn.Linear(STEP_WIDTH, BASES + 1 + len(QUANTILES))
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)
        for name, size in (("series", series_facts), ("step", step_facts)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_deviation", torch.ones(size))

    def normalise_by(self, series: Tensor, steps: Tensor) -> None:
        """Take means and deviations of the inputs from a sample."""
        steps = steps.reshape(-1, steps.shape[-1])
        for name, sample in (("series", series), ("step", steps)):
            getattr(self, f"{name}_mean").copy_(sample.mean(0))
            getattr(self, f"{name}_deviation").copy_(sample.std(0) + 0.05)

    def forward(self, series: Tensor, steps: Tensor, bases: Tensor, unit: Tensor) -> Tensor:
        """Quantiles in units of the series' scale; shape (series, steps, quantiles)."""
        facts = torch.clamp((series - self.series_mean) / self.series_deviation, -CLAMP, CLAMP)
        embedding = self.series_out(self.series_blocks(self.series_in(facts)))
        ahead = torch.clamp((steps - self.step_mean) / self.step_deviation, -CLAMP, CLAMP)
        mixed = functional.gelu(embedding.unsqueeze(1) + self.step_in(ahead))
        answer = self.out(self.norm(self.step_blocks(mixed)))
        gate, correction, gaps = answer[..., :BASES], answer[..., BASES], answer[..., BASES + 1 :]
        reach = unit.view(-1, 1) * steps[..., -1] / ROOT_STEP  # the noise of a step times the root of their number
        median = (torch.softmax(gate, -1) * bases).sum(-1) + 2 * correction * reach
        width = torch.exp(torch.clamp(gaps[..., MEDIAN], -4, 4)) * reach
        widths = functional.softplus(gaps - 1.5) * width.unsqueeze(-1)
        below = median.unsqueeze(-1) - torch.cumsum(widths[..., :MEDIAN], -1)
        above = median.unsqueeze(-1) + torch.cumsum(widths[..., MEDIAN + 1 :], -1)
        return torch.cat([torch.flip(below, [-1]), median.unsqueeze(-1), above], -1)


def loss(quantiles: Tensor, truth: Tensor, unit: Tensor) -> Tensor:
    """The mean pinball loss, of each series relative to its own noise; unknown truths (NaN) do not count."""
    levels = torch.tensor(QUANTILES, dtype=torch.float32)
    known = torch.isfinite(truth)
    truth = torch.nan_to_num(truth)
    error = truth.unsqueeze(-1) - quantiles
    pinball = 2 * torch.maximum(levels * error, (levels - 1) * error).mean(-1) * known
    number = known.sum(1).clamp(min=1)
    weight = 1 / (0.3 + unit + 0.05 * (truth.abs() * known).sum(1) / number)
    return (pinball.sum(1) / number * weight).mean()
