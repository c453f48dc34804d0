"""Which model can be written in which format, and writing it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.export.model_files.parameters_file import parameters_document
from forecasting.export.model_files.pretrained_graph import pretrained_onnx
from forecasting.export.model_files.signature import Origin
from forecasting.export.model_files.torch_program import pretrained_torch
from forecasting.models import model, models
from forecasting.models.linear import LinearModel
from forecasting.support.errors import RequestError

#: Endings of files by format.
FORMATS = {"json": ".json", "onnx": ".onnx", "torch": ".pt2"}
#: Media types by format.
MEDIA_TYPES = {"json": "application/json", "onnx": "application/octet-stream", "torch": "application/octet-stream"}
#: Formats that a server writes for whoever asks: a program of torch takes a minute and much memory.
SERVED = ("json", "onnx")
#: What writes a trained model, by format and name: the file of figures such as those of a series, so many steps ahead.
WRITERS: dict[tuple[str, str], Callable[[Series, int, Origin], bytes]] = {
    ("onnx", "pretrained"): pretrained_onnx,
    ("torch", "pretrained"): pretrained_torch,
}
#: The optional packages that a format needs to be written.
PACKAGES = {"onnx": ("onnx",), "torch": ("onnx", "torch")}


@dataclass(frozen=True)
class ModelFile:
    """An exported model: the file's content, a name for it and its media type."""

    content: bytes
    name: str
    media_type: str


def formats_of(name: str) -> tuple[str, ...]:
    """The formats that the model called `name` can be written in; none for many. Raises `RequestError` for an unknown one."""
    if isinstance(model(name), LinearModel):
        return ("json",)
    return tuple(format_name for format_name, known in WRITERS if known == name)


def served_formats(name: str) -> tuple[str, ...]:
    """Those of `formats_of` that a page can offer here: their packages are installed, and they take a moment."""
    return tuple(
        format_name
        for format_name in formats_of(name)
        if format_name in SERVED and all(find_spec(package) for package in PACKAGES.get(format_name, ()))
    )


def check_served(name: str, format_name: str) -> None:
    """`check_export` for a server, which also refuses what takes long to write. Raises `RequestError`."""
    check_export(name, format_name)
    if format_name not in SERVED:
        raise RequestError(
            f"The format {format_name} takes long to write; the command `python -m forecasting export` does."
        )


def check_export(name: str, format_name: str) -> None:
    """Raises `RequestError`, with what there is instead, for a model that is not written in this format."""
    known = formats_of(name)
    if format_name in known:
        return
    label = model(name).label
    if known:
        raise RequestError(f"{label} is exported as {' or '.join(known)}, not as '{format_name}'.")
    others = ", ".join(other for other in models() if formats_of(other))
    raise RequestError(f"{label} cannot be exported; these can: {others}.")


def export_model(series: Series, forecast: Forecast, format_name: str, origin: Origin) -> ModelFile:
    """Write the model of a finished `forecast` of `series` as a file in a format of `FORMATS`.

    Raises `RequestError` for a model that is not written in this format, and `ModelError` where this forecast cannot be.
    """
    check_export(forecast.model, format_name)
    chosen = model(forecast.model)
    if isinstance(chosen, LinearModel):
        document = parameters_document(chosen, series, forecast, origin)
        content = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()
    else:
        content = WRITERS[format_name, chosen.name](series, forecast.horizon, origin)
    return ModelFile(content, _file_name(forecast.model, origin, format_name), MEDIA_TYPES[format_name])


def _file_name(name: str, origin: Origin, format_name: str) -> str:
    stem = re.sub(r"[^\w-]+", "_", f"{name} {origin.region} {origin.statistic}").strip("_").lower()[:80]
    return f"{stem}{FORMATS[format_name]}"
