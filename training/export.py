"""Export of a network to ONNX, and the proof that the file says what the network says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from forecasting.models.networks.pretrained_network import Network
from forecasting.models.pretrained_features import BASES
from training.windows import Windows

#: The ONNX operator set that the file is written in.
OPSET = 18


def export(network: Network, path: Path) -> None:
    """Write the network as one file that takes any number of series and steps."""
    network = network.eval()
    facts, step_facts = network.series_mean.shape[0], network.step_mean.shape[0]
    example = (torch.randn(3, facts), torch.rand(3, 5, step_facts), torch.randn(3, 5, BASES), torch.rand(3) + 0.1)
    rows, steps = torch.export.Dim("rows"), torch.export.Dim("asked")
    torch.onnx.export(
        network,
        example,
        path,
        input_names=["series", "steps", "bases", "unit"],
        output_names=["quantiles"],
        dynamo=True,
        dynamic_shapes=({0: rows}, {0: rows, 1: steps}, {0: rows, 1: steps}, {0: rows}),
        external_data=False,
        opset_version=OPSET,
        verbose=False,
    )
    written = onnx.load(path)
    forget_origin(written.graph)
    onnx.save(written, path)


def forget_origin(graph: onnx.GraphProto) -> None:
    """Take out which lines of which files of this machine each node was traced from."""
    del graph.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    forget_origin(inner)
    for value in (*graph.value_info, *graph.input, *graph.output):
        del value.metadata_props[:]


def largest_difference(network: Network, path: Path, windows: Windows, number: int = 500) -> float:
    """The largest difference between the file's quantiles and the network's, relative to their size."""
    feed = {name: getattr(windows, name)[:number] for name in ("series", "steps", "bases", "unit")}
    written = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feed)[0]
    with torch.no_grad():
        meant = network.eval()(*(torch.from_numpy(table) for table in feed.values())).numpy()
    return float((np.abs(written - meant) / (1 + np.abs(meant))).max())


def record(network: Network, path: Path, windows: Windows, number: int = 4) -> None:
    """Write what the network says to the first windows, for a test that needs no torch."""
    feed = {name: getattr(windows, name)[:number] for name in ("series", "steps", "bases", "unit")}
    with torch.no_grad():
        quantiles = network.eval()(*(torch.from_numpy(table) for table in feed.values())).numpy()
    np.savez_compressed(path, quantiles=quantiles, **feed)
