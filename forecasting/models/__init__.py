"""The registry of models: one file a model; every `Model` of this folder that has a name of its own is found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

from forecasting.models.base import BlendedModel, Model, PooledModel, Progress, ProgressCallback, ignore_progress
from forecasting.models.imported import imported_models
from forecasting.support.errors import RequestError

__all__ = [
    "BlendedModel",
    "Model",
    "PooledModel",
    "Progress",
    "ProgressCallback",
    "ignore_progress",
    "model",
    "models",
    "own_models",
]


def models() -> dict[str, Model]:
    """Every model by name, in the order that lists show them: the program's own, and those that were imported."""
    own = own_models()
    others = {name: one for name, one in imported_models().items() if name not in own}
    return (
        {m.name: m for m in sorted([*own.values(), *others.values()], key=lambda m: (m.order, m.name))}
        if others
        else own
    )


@cache
def own_models() -> dict[str, Model]:
    """The models of this program by name. Importing a model's file imports nothing heavy."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    # Only this package's own: a test may define another model without becoming part of every list.
    kinds = {kind for kind in _subclasses(Model) if kind.__module__.startswith(f"{__name__}.") and "name" in vars(kind)}
    found = [kind() for kind in kinds]
    return {m.name: m for m in sorted(found, key=lambda m: (m.order, m.name))}


def model(name: str) -> Model:
    """The model called `name`; raises `RequestError` if there is none."""
    found = own_models().get(name) or models().get(name)  # the folder of imported ones is looked at for no other
    if found is None:
        raise RequestError(f"There is no model '{name}'; there are {', '.join(models())}.")
    return found


def _subclasses(kind: type[Any]) -> Iterator[type[Model]]:
    """Its subclasses and theirs."""
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
