"""Build ONNX graphs node by node: operators of the standard domain, shared constants, and copies of other graphs.

The package `onnx` is imported where it is used: only those who write a file need it (`requirements-export.txt`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from forecasting.support.errors import RequestError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

#: The operator set and the version of the file format: both read by onnxruntime from 1.14 (2023) on.
OPSET, IR_VERSION = 18, 8
#: What one sentence says where a package is missing.
MISSING = "needs the package {0}, which is not installed here: pip install -r requirements-export.txt, or choose another format."


def need_onnx(what: str) -> Any:
    """The package `onnx`. Raises `RequestError` where it is not installed, as what `what` needs."""
    try:
        import onnx
    except ImportError as error:
        raise RequestError(f"{what} {MISSING.format('onnx')}") from error
    return onnx


class OnnxGraph:
    """A graph that grows; values are known by their names."""

    def __init__(self) -> None:
        self._onnx = need_onnx("Writing ONNX")
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Any] = {}
        self._copied: dict[str, Any] = {}
        #: The value whose first axis is that of the series.
        self.rows_of = ""

    def add(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node and return the name of its first output."""
        name = f"v{len(self._nodes)}"
        outputs = [name, f"{name}.places"] if operator == "TopK" else [name]
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), outputs, **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        """The name of a constant; equal ones are one."""
        values = np.ascontiguousarray(values) if values.ndim else values
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constants:
            self._constants[key] = self._onnx.numpy_helper.from_array(values, f"c{len(self._constants)}")
        return str(self._constants[key].name)

    def copy(self, other: GraphProto, inputs: Mapping[str, str]) -> str:
        """Copy another graph of one output, whose inputs are named here; returns the output's name. Its constants are shared."""
        names = dict(inputs)
        for constant in other.initializer:
            self._copied.setdefault(constant.name, constant)
            names[constant.name] = f"w.{constant.name}"
        prefix = f"n{len(self._nodes)}."
        for node in other.node:
            copied = self._onnx.NodeProto()
            copied.CopyFrom(node)
            copied.name = ""
            del copied.input[:], copied.output[:]
            copied.input.extend(names[name] if name else "" for name in node.input)
            names |= {name: f"{prefix}{name}" for name in node.output if name}
            copied.output.extend(names.get(name, "") for name in node.output)
            self._nodes.append(copied)
        return names[other.output[0].name]

    def model(
        self,
        inputs: Sequence[tuple[str, Sequence[int | str]]],
        output: tuple[str, str, Sequence[int | str]],
        properties: Mapping[str, str],
    ) -> ModelProto:
        """The finished model, checked.

        Args:
            inputs: names and shapes of float64 inputs.
            output: the value's name here, its name in the file, and its shape.
            properties: its `metadata_props`.
        """
        helper, double = self._onnx.helper, self._onnx.TensorProto.DOUBLE
        value, name, shape = output
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        weights = []
        for constant in self._copied.values():
            renamed = self._onnx.TensorProto()
            renamed.CopyFrom(constant)
            renamed.name = f"w.{constant.name}"
            weights.append(renamed)
        graph = helper.make_graph(
            self._used_nodes(name),
            "forecast",
            [helper.make_tensor_value_info(one, double, list(its_shape)) for one, its_shape in inputs],
            [helper.make_tensor_value_info(name, double, list(shape))],
            [*self._constants.values(), *weights],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        made.producer_name = "Forecast Explorer"
        helper.set_model_props(made, dict(properties))
        self._onnx.checker.check_model(made)
        return made

    def _used_nodes(self, output: str) -> list[Any]:
        """The nodes that the output depends on, in their order."""
        wanted, used = {output}, []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                used.append(node)
        return used[::-1]
