"""The command `import`: a foreign forecaster in ONNX becomes a model of this program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.output import print_notes
from forecasting.export.model_files.foreign_model import read_foreign_model
from forecasting.models import own_models
from forecasting.models.imported import store
from forecasting.support.errors import RequestError


def import_model(
    file: Annotated[Path, typer.Argument(help="An ONNX file with the signature of docs/export.md.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the model; as its file says by default.")
    ] = None,
) -> None:
    """Check an ONNX forecaster and make it a model of this program; it is then in every list."""
    content, signature = read_foreign_model(file, name)
    if signature.name in own_models():
        raise RequestError(f"'{signature.name}' is a model of this program; give the imported one another --name.")
    store(content, signature)
    print_notes([f"{signature.label} is imported; forecast with --models {signature.name}."])
