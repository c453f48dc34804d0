"""Look through a foreign ONNX file before it is imported: its size, what its graph may do, its signature, and a trial run.

Nothing of it is run here but in the trial, a process of its own with limits on time and memory.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecasting.data.forecast import QUANTILES
from forecasting.export.model_files.onnx_graph import need_onnx
from forecasting.export.model_files.signature import FORMAT, FORMAT_VERSION
from forecasting.models.imported import MOST_BYTES, ImportedSignature
from forecasting.support.errors import DataError

#: Domains of operators that a file may use: ONNX's own.
DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}
#: Operators that give other numbers each time.
RANDOM = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Dropout",
}
#: Nodes of a graph at most.
MOST_NODES = 50_000
#: Seconds that the trial may take, imports included.
TRIAL_SECONDS = 60.0


def read_foreign_model(path: Path, name: str | None = None) -> tuple[bytes, ImportedSignature]:
    """The content of a file and its signature, after every check; `name` is what to call it instead of its own name.

    Raises `DataError` with the sentence that says what is wrong, and `RequestError` without the package onnx.
    """
    content = _content(path)
    signature = checked_signature(content, path.name, name)
    _try(content, signature, path.name)
    return content, signature


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(
                f"{path.name} has {path.stat().st_size / 1e6:,.0f} MB; a model has {MOST_BYTES / 1e6:.0f} at most."
            )
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}.") from None


def checked_signature(content: bytes, file_name: str, name: str | None = None) -> ImportedSignature:
    """The signature of a file whose graph does nothing but what is allowed. Raises `DataError`."""
    onnx = need_onnx("Importing a model")
    try:
        model = onnx.load_model_from_string(content)
        _check_graph(onnx, model)
        onnx.checker.check_model(model)
        return _signature(onnx, model, content, name)
    except DataError as error:
        raise DataError(f"{file_name} cannot be imported: {error}") from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(f"{file_name} cannot be imported: {' '.join(str(error).split())[:300]}.") from None
    except Exception as error:  # protobuf's and the checker's own, which are told by nothing else
        first = " ".join(str(error).split())[:200]
        raise DataError(f"{file_name} is no sound ONNX file: {first}.") from None


def _check_graph(onnx: Any, model: Any) -> None:
    """Raises `DataError` for anything but nodes of ONNX's own operators, without graphs inside, and constants in the file."""
    for one in model.opset_import:
        if one.domain not in DOMAINS:
            raise DataError(f"it uses operators of '{one.domain[:40]}'; those of ONNX alone may be used.")
    if len(model.functions) or len(model.training_info):
        raise DataError("it defines functions or training of its own; inline them before.")
    graph = model.graph
    if len(graph.node) > MOST_NODES:
        raise DataError(f"it has {len(graph.node):,} nodes; at most {MOST_NODES:,} may be.")
    for node in graph.node:
        if node.domain not in DOMAINS:
            raise DataError(f"it uses the operator {node.op_type[:40]} of '{node.domain[:40]}', which is not ONNX's.")
        if node.op_type in RANDOM:
            raise DataError(f"it uses the operator {node.op_type}: the same figures must have the same forecast.")
        if any(one.HasField("g") or len(one.graphs) for one in node.attribute):
            raise DataError(
                f"it uses the operator {node.op_type[:40]}, which has no limit on what it does (a graph inside)."
            )
    external = onnx.TensorProto.EXTERNAL
    if any(tensor.data_location == external or len(tensor.external_data) for tensor in _tensors(graph)):
        raise DataError("some of its numbers are in another file; save it as one.")


def _tensors(graph: Any) -> Iterator[Any]:
    """Every tensor of a graph."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _signature(onnx: Any, model: Any, content: bytes, name: str | None) -> ImportedSignature:
    """What the file says it takes and gives, and whether its inputs and outputs are so. Raises `DataError`, `ValueError`."""
    said = {one.key: one.value for one in model.metadata_props}
    if (said.get("format"), said.get("format_version")) != (FORMAT, str(FORMAT_VERSION)):
        raise DataError(
            f"its properties do not say format '{FORMAT}' and format_version {FORMAT_VERSION}, so nobody knows what it takes; "
            "docs/export.md has the signature."
        )
    missing = [field for field in ("model", "kind", "cycle", "horizon", "shortest", "levels") if field not in said]
    if missing:
        raise DataError(f"its properties lack {', '.join(missing)}.")
    if json.loads(said["levels"]) != list(QUANTILES):
        raise DataError(f"its levels are not the {len(QUANTILES)} of the forecast hubs.")
    horizon = json.loads(said["horizon"])
    signature = ImportedSignature(
        name or said["model"],
        said.get("label", said["model"]) if name is None else f"{said.get('label', said['model'])} ({name})"[:60],
        hashlib.sha256(content).hexdigest(),
        said["kind"],
        json.loads(said["cycle"]),
        horizon,
        json.loads(said["shortest"]),
        _doubt_columns(onnx, model.graph),
        said.get("licence", "")[:300],
        said.get("reference", "")[:300],
    )
    if [one.name for one in model.graph.output] != ["quantiles"]:
        raise DataError("its output is not called quantiles.")
    shape = _shape(onnx, model.graph.output[0])
    if len(shape) != 3 or shape[1:] not in ([horizon, len(QUANTILES)], [0, 0], [0, len(QUANTILES)], [horizon, 0]):
        raise DataError(f"its output has shape {shape}, not (series, {horizon}, {len(QUANTILES)}).")
    return signature


def _doubt_columns(onnx: Any, graph: Any) -> int:
    """How many figures its input `doubt` has, 0 without one. Raises `DataError` for other inputs."""
    constants = {one.name for one in graph.initializer}
    inputs = {one.name: _shape(onnx, one) for one in graph.input if one.name not in constants}
    if list(inputs) not in (["history"], ["history", "doubt"]) or any(len(shape) != 2 for shape in inputs.values()):
        raise DataError(
            f"its inputs are {', '.join(inputs)[:100] or 'none'}; they are history (series, periods) and perhaps doubt."
        )
    return int(inputs["doubt"][1]) if "doubt" in inputs else 0


def _shape(onnx: Any, value: Any) -> list[int]:
    """The shape of an input or output, 0 where it is open. Raises `DataError` where it is not of float64."""
    tensor = value.type.tensor_type
    if tensor.elem_type != onnx.TensorProto.DOUBLE:
        raise DataError(f"{value.name[:40]} is not of float64.")
    return [one.dim_value for one in tensor.shape.dim]


def _try(content: bytes, signature: ImportedSignature, file_name: str) -> None:
    """Forecast made-up figures in a process of its own. Raises `DataError` where it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{signature.digest}.onnx").write_bytes(content)
        command = [
            sys.executable,
            "-m",
            "forecasting.export.model_files.trial",
            folder,
            json.dumps(signature.to_json()),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise DataError(
                f"{file_name} cannot be imported: a trial took more than {TRIAL_SECONDS:g} seconds."
            ) from None
    if done.returncode:
        said = done.stdout.strip() or "it broke down in a trial."
        raise DataError(f"{file_name} cannot be imported: {said}")
