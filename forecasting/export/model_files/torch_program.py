"""An ONNX graph as a program of torch (`torch.export`): each operator is called in torch, and the calls are recorded.

Only the operators that `pretrained_graph` and the network use are known. torch is imported where it is used: only those who write such
a file need it, as those who make the network anew (`requirements-training.txt`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from forecasting.data.series import Series
from forecasting.export.model_files.onnx_graph import need_onnx
from forecasting.export.model_files.pretrained_graph import pretrained_onnx
from forecasting.export.model_files.signature import Origin
from forecasting.models.pretrained import SHORTEST
from forecasting.support.errors import RequestError

#: Series and figures of the example that is recorded; others have other numbers of them.
EXAMPLE_SERIES, EXAMPLE_FIGURES = 3, 500
#: Series and figures that a program takes at most.
MOST_SERIES, MOST_FIGURES = 1_000_000, 100_000


def pretrained_torch(series: Series, horizon: int, origin: Origin) -> bytes:
    """The pretrained network for figures such as those of `series` as torch's exported program, the file of `torch.export.save`.

    It is called with the inputs of `pretrained_onnx` in their order, returns the same output, and has the signature as its extra file
    ``signature.json``. Raises `RequestError` without the packages onnx and torch.
    """
    try:
        import torch
    except ImportError as error:
        raise RequestError(
            "Writing a program of torch needs the package torch, which is not installed here: pip install -r requirements-training.txt, "
            "or choose another format."
        ) from error
    onnx = need_onnx("Writing a program of torch")
    model = onnx.load_model_from_string(pretrained_onnx(series, horizon, origin))
    rows, periods = (
        torch.export.Dim("series", max=MOST_SERIES),
        torch.export.Dim("periods", min=max(SHORTEST, len(series.doubt) + 1), max=MOST_FIGURES),
    )
    example = [
        torch.arange(1.0 * EXAMPLE_SERIES * EXAMPLE_FIGURES, dtype=torch.float64).reshape(EXAMPLE_SERIES, -1) + 1
    ]
    shapes: list[dict[int, Any]] = [{0: rows, 1: periods}]
    if series.doubt:
        example.append(torch.zeros(EXAMPLE_SERIES, len(series.doubt), dtype=torch.float64))
        shapes.append({0: rows})
    program = torch.export.export(torch_module(model.graph), tuple(example), dynamic_shapes=(tuple(shapes),))
    file = io.BytesIO()
    properties = {one.key: one.value for one in model.metadata_props}
    torch.export.save(program, file, extra_files={"signature.json": json.dumps(properties, ensure_ascii=False)})
    return file.getvalue()


def torch_module(graph: Any) -> Any:
    """A `torch.nn.Module` that runs the nodes of an ONNX graph one after the other, called with its inputs in their order."""
    import onnx
    import torch

    operators = _operators(torch)

    class Program(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.known: dict[str, Any] = {}
            for place, constant in enumerate(graph.initializer):
                values = onnx.numpy_helper.to_array(constant)
                if values.dtype == np.int64 and values.ndim <= 1:  # axes, bounds and shapes
                    self.known[constant.name] = values.tolist()
                else:
                    self.register_buffer(f"weight_{place}", torch.from_numpy(values.copy()))
                    self.known[constant.name] = f"weight_{place}"

        def forward(self, *inputs: Any) -> Any:
            values = {one.name: given for one, given in zip(graph.input, inputs, strict=True)}
            for name, one in self.known.items():
                values[name] = getattr(self, one) if isinstance(one, str) else one
            for node in graph.node:
                options = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
                given = [values[name] if name else None for name in node.input]
                values[node.output[0]] = operators[node.op_type](*given, **options)
            return values[graph.output[0].name]

    return Program()


def _operators(torch: Any) -> dict[str, Callable[..., Any]]:
    """What each operator is in torch. Lists of integers are shapes, axes and bounds; all other values are tensors."""
    types = {1: torch.float32, 7: torch.int64, 9: torch.bool, 11: torch.float64}

    def tensor(value: Any) -> Any:
        return value if isinstance(value, torch.Tensor) else torch.tensor(value)

    def two(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda first, second: function(tensor(first), tensor(second))

    def divide(first: Any, second: Any) -> Any:
        first, second = tensor(first), tensor(second)
        return torch.div(first, second, rounding_mode=None if first.is_floating_point() else "floor")

    def gather(values: Any, places: Any, axis: int = 0) -> Any:
        values, places = tensor(values), tensor(places)
        picked = values.index_select(axis, torch.remainder(places.reshape(-1), values.shape[axis]))  # -1 is the last
        return picked.reshape(*values.shape[:axis], *places.shape, *values.shape[axis + 1 :])

    def sliced(values: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
        axes, steps = axes or list(range(len(starts))), steps or [1] * len(starts)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            if step == -1:  # of the network: a whole axis turned round
                values = torch.flip(values, [axis])
                continue
            part = slice(start, None if end > 2**31 else end, step)
            values = values[part] if isinstance(values, list) else values[(slice(None),) * axis + (part,)]
        return values

    def concatenated(*parts: Any, axis: int) -> Any:
        if all(isinstance(one, list) for one in parts):
            return [number for one in parts for number in one]
        return torch.cat(parts, axis)

    def expanded(values: Any, shape: Any) -> Any:
        return values.expand(torch.broadcast_shapes(tuple(values.shape), tuple(shape)))

    def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
        def reduce(values: Any, axes: Any, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Any:
            return function(values, axes, bool(keepdims))

        return reduce

    def gemm(a: Any, b: Any, c: Any = 0, alpha: float = 1.0, beta: float = 1.0, **turned: int) -> Any:
        first, second = (a.T if turned.get("transA") else a), (b.T if turned.get("transB") else b)
        return alpha * (first @ second) + beta * c

    def normalised(
        values: Any, scale: Any, bias: Any, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
    ) -> Any:
        return torch.nn.functional.layer_norm(values, scale.shape, scale, bias, epsilon)

    def summed_along(values: Any, axis: Any, exclusive: int = 0, reverse: int = 0) -> Any:
        along = axis if isinstance(axis, int) else axis[0]
        return torch.cumsum(values, along)

    return {
        "Add": two(torch.add), "Sub": two(torch.sub), "Mul": two(torch.mul), "Div": divide, "MatMul": torch.matmul,
        "Max": two(torch.maximum), "Min": two(torch.minimum), "Less": two(torch.lt), "LessOrEqual": two(torch.le),
        "Greater": two(torch.gt), "GreaterOrEqual": two(torch.ge), "Equal": two(torch.eq),
        "And": torch.logical_and, "Or": torch.logical_or, "Not": torch.logical_not,
        "Abs": torch.abs, "Neg": torch.neg, "Sqrt": torch.sqrt, "Exp": torch.exp, "Log": torch.log, "Sign": torch.sign,
        "Erf": torch.erf, "IsNaN": torch.isnan, "IsInf": torch.isinf, "Identity": lambda values: values,
        "Softplus": torch.nn.functional.softplus, "Softmax": lambda values, axis=-1: torch.softmax(values, axis),
        "Cast": lambda values, to: tensor(values).to(types[to]),
        "Clip": lambda values, low=None, high=None: torch.clamp(values, low, high),
        "Where": lambda chosen, yes, no: torch.where(chosen, tensor(yes), tensor(no)),
        "Transpose": lambda values, perm: values.permute(perm),
        "Reshape": lambda values, shape, allowzero=0: values.reshape(tuple(shape)),
        "Squeeze": lambda values, axes: values.squeeze(tuple(axes)),
        "Unsqueeze": _unsqueezed, "Shape": lambda values: list(values.shape), "Expand": expanded,
        "Slice": sliced, "Gather": gather, "GatherElements": lambda values, places, axis=0: torch.gather(values, axis, places),
        "Concat": concatenated, "Einsum": lambda *values, equation: torch.einsum(equation.decode(), *values),
        "TopK": lambda values, count, axis=-1, largest=0, sorted=1: torch.sort(values, axis)[0],
        "ReduceSum": reduced(lambda values, axes, keep: values.sum(axes, keep)),
        "ReduceMean": reduced(lambda values, axes, keep: values.mean(axes, keep)),
        "ReduceMax": reduced(lambda values, axes, keep: values.amax(axes, keep)),
        "ReduceMin": reduced(lambda values, axes, keep: values.amin(axes, keep)),
        "Gemm": gemm, "LayerNormalization": normalised, "CumSum": summed_along,
    }  # fmt: skip


def _unsqueezed(values: Any, axes: Any) -> Any:
    for axis in axes:
        values = values.unsqueeze(axis)
    return values
