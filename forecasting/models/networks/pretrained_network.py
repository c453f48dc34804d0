"""The pretrained network in PyTorch: one embedding a series, then quantiles for each step ahead; its pinball loss, and its weights.

`training` trains it and writes it as ``pretrained.onnx``, from where `pretrained_network` has its weights.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import onnx
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

    series_mean: Tensor
    series_deviation: Tensor
    step_mean: Tensor
    step_deviation: Tensor

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

    def forward(
        self,
        series: Tensor,
        steps: Tensor,
        bases: Tensor,
        unit: Tensor,
        beside_series: Tensor | None = None,
        beside_steps: Tensor | None = None,
    ) -> Tensor:
        """Quantiles in units of the series' scale; shape (series, steps, quantiles).

        What is `beside_series`, shape (series, `SERIES_WIDTH`), and `beside_steps`, shape (series, steps, `STEP_WIDTH`), is
        added behind the first layers.
        """
        facts = torch.clamp((series - self.series_mean) / self.series_deviation, -CLAMP, CLAMP)
        seen = self.series_in(facts)
        embedding = self.series_out(self.series_blocks(seen if beside_series is None else seen + beside_series))
        ahead = torch.clamp((steps - self.step_mean) / self.step_deviation, -CLAMP, CLAMP)
        mixed = embedding.unsqueeze(1) + self.step_in(ahead)
        mixed = functional.gelu(mixed if beside_steps is None else mixed + beside_steps)
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


def pretrained_network() -> Network:
    """The network with the weights of ``pretrained.onnx``, in evaluation mode. Raises `ValueError` where it holds others."""
    graph = onnx.load_model_from_string((files("forecasting.models") / "pretrained.onnx").read_bytes()).graph
    values = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    # The exporter turns a matrix that is multiplied with more than two axes around, and gives it a number for a name.
    added = {name: node for node in graph.node if node.op_type == "Add" for name in node.input}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in values and node.output[0] in added:
            bias = next((name for name in added[node.output[0]].input if name.endswith(".bias")), "")
            values[bias.removesuffix("bias") + "weight"] = values[node.input[1]].T
    network = Network(len(values["series_mean"]), len(values["step_mean"]))
    wanted = network.state_dict()
    if missing := wanted.keys() - values.keys():
        raise ValueError(f"pretrained.onnx has no {', '.join(sorted(missing))}")
    network.load_state_dict({name: torch.from_numpy(np.array(values[name])) for name in wanted})
    return network.eval()
