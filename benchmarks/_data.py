"""The real figures that benchmarks use, kept beside the project, and what benchmarks are told on the command line."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks._figure import BenchmarkError
from forecasting.models import model


def real(name: str) -> Path:
    """A file or folder of the real figures, which are not part of the project; FORECAST_TEST_DATA says where, if elsewhere."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("FORECAST_TEST_DATA") or beside) / name
    if not path.exists():
        raise BenchmarkError(
            f"There is no '{path.name}' in '{path.parent}'; set FORECAST_TEST_DATA to the data folder."
        )
    return path


def asked_models(options: list[str], usual: list[str]) -> list[str]:
    """The models that `--models a,b` names, or the usual ones."""
    match options:
        case []:
            return usual
        case ["--models", names]:
            return [model(name).name for name in names.split(",")]
    raise BenchmarkError(f"It takes --models a,b and nothing else; '{' '.join(options)}' was given.")
