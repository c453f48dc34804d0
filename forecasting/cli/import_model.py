"""The command `import`: a foreign forecaster in ONNX becomes a model of this program, or is none any more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.output import print_notes
from forecasting.export.model_files.foreign_model import read_foreign_model
from forecasting.models import own_models
from forecasting.models.imported import remove, store
from forecasting.support.errors import RequestError


def import_model(
    file: Annotated[Path | None, typer.Argument(help="An ONNX file with the signature of docs/export.md.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the model; as its file says by default.")
    ] = None,
    removed: Annotated[
        str | None, typer.Option("--remove", help="An imported model to remove, instead of importing one.")
    ] = None,
) -> None:
    """Check an ONNX forecaster and make it a model of this program; it is then in every list."""
    if (file is None) == (removed is None) or (removed and name):
        raise RequestError("Give either a FILE to import, perhaps with --name, or --remove NAME.")
    if removed is not None:
        print_notes([f"{remove(removed).label} is removed."])
        return
    assert file
    content, signature = read_foreign_model(file, name)
    if signature.name in own_models():
        raise RequestError(f"'{signature.name}' is a model of this program; give the imported one another --name.")
    store(content, signature)
    print_notes([f"{signature.label} is imported; forecast with --models {signature.name}."])
