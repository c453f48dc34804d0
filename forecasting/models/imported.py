"""Imported models: foreign forecasters in ONNX, which `python -m forecasting import` has checked and stored in the data folder.

A model is two files in ``FORECAST_HOME/models``: ``<sha256>.onnx`` and ``<sha256>.json``, what it takes and gives (`ImportedSignature`).
The name is the digest of the content, which is looked at again before it runs, so a file that was changed does not. It runs in a worker
with the time limit of every model, in at most `MOST_MEMORY` more memory, on the last `MOST_PERIODS` figures.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.kind import KINDS
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._stored_parameters import DAMAGED_DATA_ERRORS, checked_integer
from forecasting.models.base import Model, ProgressCallback, ignore_progress
from forecasting.models.predictive import from_quantiles
from forecasting.support import settings
from forecasting.support.errors import ModelError, RequestError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

log = logging.getLogger(__name__)

#: Bytes of a file at most.
MOST_BYTES = 50_000_000
#: Bytes of memory that a model may take beside what the process has.
MOST_MEMORY = 1_000_000_000
#: Past figures that a model is shown, at most.
MOST_PERIODS = 10_000
#: Steps ahead and figures in doubt that a model may have, at most.
MOST_HORIZON, MOST_DOUBT = 400, 100
#: Models that may be stored, at most.
MOST_MODELS = 50
#: How a model may be called.
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
#: Letters of what a page calls it, at most.
MOST_LETTERS = 60


@dataclass(frozen=True)
class ImportedSignature:
    """What an imported model takes and gives.

    Attributes:
        name, label: what requests and pages call it.
        digest: SHA-256 of the file.
        kind: the name of the kind of figures that it takes.
        cycle: periods in a season that it is for; 1 for none.
        horizon: steps that it gives.
        shortest: figures that it needs.
        doubt: columns of its input of that name; 0 where it has none.
        licence, reference: what its file says of itself.
    """

    name: str
    label: str
    digest: str
    kind: str
    cycle: int
    horizon: int
    shortest: int
    doubt: int
    licence: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        """Raises `ValueError` or `TypeError` for what no model can have."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"'{self.name[:40]}' is no name of small letters, digits and _")
        for text in (self.label, self.licence, self.reference):
            if not isinstance(text, str) or not text.isprintable() or len(text) > 10 * MOST_LETTERS:
                raise ValueError("a label, licence or reference is no short line of text")
        if not 1 <= len(self.label) <= MOST_LETTERS or not re.fullmatch(r"[0-9a-f]{64}", self.digest):
            raise ValueError(f"a label has 1 to {MOST_LETTERS} letters, and a digest 64")
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind '{self.kind}'; there are {', '.join(KINDS)}")
        checked_integer(self.cycle, 1, MOST_PERIODS)
        checked_integer(self.horizon, 1, MOST_HORIZON)
        checked_integer(self.shortest, 1, MOST_PERIODS)
        checked_integer(self.doubt, 0, MOST_DOUBT)

    def to_json(self) -> dict[str, Any]:
        """The signature as JSON values."""
        return asdict(self)


class ImportedModel(Model):
    """A foreign forecaster; each has a class of its own (`imported_class`), for a model is called by its class's name."""

    def __init__(self, signature: ImportedSignature, folder: Path) -> None:
        self.signature, self._path = signature, folder / f"{signature.digest}.onnx"

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Run the file on the last figures; quantiles are put in order and within the bounds of the kind."""
        said = self.signature
        kind, cycle = KINDS[said.kind], series.frequency.season
        if series.kind is not kind or cycle != said.cycle:
            raise ModelError(
                f"{self.label} is for {kind.plural.lower()} with {said.cycle} periods in a season; these are "
                f"{series.kind.plural.lower()} with {cycle}."
            )
        if horizon > said.horizon:
            raise ModelError(f"{self.label} forecasts {said.horizon} steps, not {horizon}; choose a shorter horizon.")
        if len(series) < said.shortest:
            return _naive_fallback.series_too_short(self, series, horizon, said.shortest)
        feed = {"history": series.values[None, -MOST_PERIODS:].astype(float)}
        if said.doubt:
            known = series.doubt[-said.doubt :]
            feed["doubt"] = np.array([[*[0.0] * (said.doubt - len(known)), *known]])
        values = self._run(feed)[0, :horizon]
        return from_quantiles(self, series, np.sort(kind.clip(values), axis=1), self.label)

    def _run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        """Quantiles of shape (1, horizon, 23). Raises `ModelError` for a file that was changed, or does not give these."""
        wanted = (1, self.signature.horizon, len(QUANTILES))
        errors: tuple[type[BaseException], ...] = (MemoryError, *_runtime_errors())
        try:
            with limited_memory(MOST_MEMORY):
                (found,) = _session(self._path, self.signature.digest).run(["quantiles"], feed)
        except errors as error:
            log.warning("%s broke down", self.name, exc_info=True)
            little = isinstance(error, MemoryError) or "alloc" in str(error)
            why = f"it needs more than {MOST_MEMORY / 1e9:g} GB" if little else "its file does not run on them"
            raise ModelError(f"{self.label} gave no forecast of these figures: {why}.") from None
        if found.shape != wanted or found.dtype != np.float64 or not np.isfinite(found).all():
            raise ModelError(
                f"{self.label} gave no forecast of these figures: not {wanted[1]} × {wanted[2]} finite numbers."
            )
        return np.asarray(found)


def imported_class(signature: ImportedSignature) -> type[ImportedModel]:
    """The class of an imported model. Its version is that of its content."""
    fields = {
        "__module__": "imported",  # so the registry does not take it for one of its own
        "__doc__": f"{signature.label}, imported.",
        "name": signature.name,
        "label": signature.label,
        "summary": f"Imported on this server: a file that forecasts {KINDS[signature.kind].plural.lower()}, at most "
        f"{signature.horizon} steps ahead. {signature.licence}".strip(),
        "reference": signature.reference or f"SHA-256 {signature.digest}",
        "version": int(signature.digest[:12], 16),
        "order": 85,
    }
    return type("Imported", (ImportedModel,), fields)


def folder() -> Path:
    """Where imported models are stored; it need not be there."""
    return settings.home() / "models"


def imported_models() -> dict[str, Model]:
    """The imported models by name; looked for again whenever one has come or gone."""
    place = folder()
    try:
        changed = place.stat().st_mtime_ns
    except OSError:
        return {}
    return _read(place, changed)


@lru_cache(maxsize=4)
def _read(place: Path, changed: int) -> dict[str, Model]:
    """The models of a folder; descriptions that are damaged are logged and left out."""
    found: dict[str, Model] = {}
    for path in sorted(place.glob("*.json"))[:MOST_MODELS]:
        try:
            signature = ImportedSignature(**json.loads(path.read_text(encoding="utf-8")))
            if path.stem != signature.digest:
                raise ValueError("another digest")
        except (OSError, *DAMAGED_DATA_ERRORS):
            log.warning("%s does not describe an imported model", path.name, exc_info=True)
            continue
        found[signature.name] = imported_class(signature)(signature, place)
    return found


@lru_cache(maxsize=4)
def _session(path: Path, digest: str) -> InferenceSession:
    """The file, if it is what was imported, loaded once; it runs in the thread that calls it."""
    import onnxruntime

    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError("The file of this model is gone or was changed; import it again.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises where a file cannot be loaded or run."""
    try:
        from onnxruntime.capi import onnxruntime_pybind11_state as state
    except ImportError as error:
        raise ModelError("An imported model needs the package onnxruntime: pip install onnxruntime.") from error
    names = (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NotImplemented",
        "RuntimeException",
        "EPFail",
    )
    return (RuntimeError, ValueError, *(getattr(state, name) for name in names if hasattr(state, name)))


@contextmanager
def limited_memory(more: int) -> Iterator[None]:
    """Inside, this process gets at most so many bytes more of address space; without limit where the system has none."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = used + more
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def store(content: bytes, signature: ImportedSignature) -> None:
    """Put a checked file into the folder. Raises `RequestError` where there are too many, or another has this name."""
    from forecasting.support.atomic_file import write_atomically

    place = folder()
    place.mkdir(mode=0o700, exist_ok=True)
    others = imported_models()
    known = others.get(signature.name)
    if isinstance(known, ImportedModel) and known.signature.digest != signature.digest:
        raise RequestError(f"There is another imported model '{signature.name}'; give this one another --name.")
    if known is None and len(others) >= MOST_MODELS:
        raise RequestError(f"There are {MOST_MODELS} imported models already; remove one with import --remove NAME.")
    write_atomically(place / f"{signature.digest}.onnx", content)
    write_atomically(place / f"{signature.digest}.json", json.dumps(signature.to_json(), indent=1).encode())


def remove(name: str) -> ImportedModel:
    """Delete an imported model, and return what it was. Raises `RequestError` where none is called so."""
    others = imported_models()
    found = others.get(name)
    if not isinstance(found, ImportedModel):
        there = f"there are {', '.join(others)}" if others else "there is none"
        raise RequestError(f"No imported model is called '{name}'; {there}.")
    for ending in ("json", "onnx"):  # no list has a model without its file
        (folder() / f"{found.signature.digest}.{ending}").unlink(missing_ok=True)
    return found
