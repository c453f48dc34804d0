"""The pretrained network as one ONNX graph from figures to quantiles: features, changes of scale and passes inside.

The graph is traced from the functions that the app runs (`traced_array`), for one season, kind and horizon.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np

from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT, Kind
from forecasting.data.series import INTERMITTENT_PERIODS, Series
from forecasting.export.model_files.onnx_graph import OnnxGraph, need_onnx
from forecasting.export.model_files.signature import Origin, Signature, Tensor
from forecasting.export.model_files.traced_array import ROWS, TracedArray
from forecasting.models import model
from forecasting.models.predictive import MOST_OF_INTERMITTENT
from forecasting.models.pretrained import (
    AS_THEY_ARE,
    ENOUGH_WEEKS,
    SHORTEST,
    Pass,
    mean_within_bounds,
    passes,
    quantiles_on_scale,
    second_season,
    widened_by_doubt,
)
from forecasting.models.pretrained_features import Inputs, context_length
from forecasting.support.errors import ModelError

#: ONNX's number for double precision.
DOUBLE = 11
#: The end of any axis.
END = np.array([np.iinfo(np.int64).max])


def pretrained_onnx(series: Series, horizon: int, origin: Origin) -> bytes:
    """The ONNX file of the pretrained network for figures such as those of `series`, `horizon` steps ahead.

    Inputs, float64: ``history`` of shape (series, periods), the newest figure last, NaN before the first of a shorter series; where
    last figures of `series` are in doubt also ``doubt`` of shape (series, so many), how far off each is expected to be on the log
    scale. Output, float64: ``quantiles`` of shape (series, horizon, 23), in the figures' own units. Raises `RequestError` without
    the package onnx, and `ModelError` for a series that the network is not asked about.
    """
    if len(series) < SHORTEST:
        raise ModelError(
            f"{origin.region} has only {len(series)} figure: the network needs {SHORTEST}, so there is nothing to export."
        )
    graph, doubted = OnnxGraph(), len(series.doubt)
    graph.rows_of = "history"
    empty, history = _filled(graph)
    if doubted:
        history = _with_doubt(graph, history, doubted)
        graph.rows_of = history
    quantiles = _Forecaster(graph, series.frequency, series.kind, horizon).quantiles(history)
    if doubted:
        quantiles = _widened(graph, quantiles, horizon)
    limited = _limited(graph, quantiles, series.frequency, series.kind)
    inputs = [Tensor("history", "float64", ("series", "periods"), _HISTORY)]
    if doubted:
        inputs.append(Tensor("doubt", "float64", ("series", doubted), _DOUBT))
    signature = Signature.of(model("pretrained"), series, horizon, origin, tuple(inputs), SHORTEST, many=True)
    shapes = [(one.name, one.shape) for one in inputs]
    deeper = graph.add("Unsqueeze", [empty, *_int64(graph, [2])])
    answer = graph.add("Where", [deeper, graph.constant(np.array(np.nan)), limited.name])
    output = (answer, "quantiles", ("series", horizon, len(QUANTILES)))
    made: bytes = graph.model(shapes, output, signature.to_metadata()).SerializeToString()
    return made


_HISTORY = "figures as they are published, one a period, the newest last; NaN before the first of a shorter series"
_DOUBT = "how far off each of the last figures is expected to be, on the log scale; 0 where it is certain"


class _Forecaster:
    """Traces the app's forecast for one frequency, kind and horizon."""

    def __init__(self, graph: OnnxGraph, frequency: Frequency, kind: Kind, horizon: int) -> None:
        self._graph, self._kind, self._horizon = graph, kind, horizon
        self._season, self._second = frequency.season, second_season(frequency)
        weights = (files("forecasting.models") / "pretrained.onnx").read_bytes()
        self._network = need_onnx("Writing ONNX").load_from_string(weights).graph
        self._found: dict[tuple[Pass, str], Any] = {}

    def quantiles(self, history: str) -> Any:
        """Quantiles of shape (series, horizon, 23) of figures of shape (series, periods), as `quantiles_of_many` gives them."""
        known = _last(self._graph, history, context_length(self._season))
        exists = ~np.isnan(known)
        figures, last = np.where(exists, known, 0.0), known[:, -1]
        of_few, usual = (passes(self._kind, self._season, length) for length in (0, ENOUGH_WEEKS))
        chosen = self._mean(history, usual)
        if of_few != usual:
            short = exists.sum(1) < ENOUGH_WEEKS
            chosen = np.where(short[:, None, None], self._mean(history, of_few), chosen)
        if self._kind.low == 0 and usual != AS_THEY_ARE:
            few = 2 * (exists & ~(figures == 0)).sum(1) <= exists.sum(1)
            chosen = np.where(few[:, None, None], self._mean(history, AS_THEY_ARE), chosen)
        if self._kind is not COUNT:
            has_unit = np.nanmax(known, axis=1) > np.nanmin(known, axis=1)
            if self._kind.low == 0:
                has_unit = has_unit | ~(last == 0)
            chosen = np.where(has_unit[:, None, None], chosen, last[:, None, None])
        return chosen

    def _mean(self, history: str, chosen: tuple[Pass, ...]) -> Any:
        found: list[Any] = [self._pass(history, one) for one in chosen]
        mean: Any = mean_within_bounds(found, self._kind)
        return mean

    def _pass(self, history: str, chosen: Pass) -> Any:
        if (chosen, history) not in self._found:
            season, second = (self._season, self._second) if chosen.seasonal else (1, 0)
            values: Any = _last(self._graph, history, context_length(season))
            made: Any = quantiles_on_scale(
                values, season, second, self._horizon, self._kind, chosen.transform, self._run
            )
            self._found[chosen, history] = made
        return self._found[chosen, history]

    def _run(self, inputs: Inputs) -> Any:
        feed: dict[str, Any] = dict(inputs.feed())
        names = {name: table.name for name, table in feed.items()}
        shape = (ROWS, self._horizon, len(QUANTILES))
        return TracedArray(self._graph, self._graph.copy(self._network, names), shape, np.float32)


def _last(graph: OnnxGraph, history: str, length: int) -> Any:
    """The last `length` figures of a value of shape (series, periods), NaN before the first of a shorter history."""
    rows = graph.add("Slice", [graph.add("Shape", [history]), *_int64(graph, [0], [1])])
    shape = graph.add("Concat", [rows, *_int64(graph, [length])], axis=0)
    before = graph.add("Expand", [graph.constant(np.array(np.nan)), shape])
    padded = graph.add("Concat", [before, history], axis=1)
    name = graph.add("Slice", [padded, *_int64(graph, [-length], END, [1])])
    return TracedArray(graph, name, (ROWS, length), float)


def _int64(graph: OnnxGraph, *lists: Any) -> list[str]:
    return [graph.constant(np.array(numbers, np.int64)) for numbers in lists]


def _filled(graph: OnnxGraph) -> tuple[str, str]:
    """Which series have no figure at all, shape (series, 1), and the histories with zeros in these: they get no quantiles."""
    known = graph.add("Cast", [graph.add("Not", [graph.add("IsNaN", ["history"])])], to=DOUBLE)
    most = graph.add("ReduceMax", [known, *_int64(graph, [1])], keepdims=1)
    nothing = graph.constant(np.array(0.0))
    empty = graph.add("Equal", [most, nothing])
    return empty, graph.add("Where", [empty, nothing, "history"])


def _with_doubt(graph: OnnxGraph, history: str, doubted: int) -> str:
    """The histories, and after them those moved up and down by their doubt: three times as many series."""
    certain = graph.add("Slice", [history, *_int64(graph, [0], [-doubted], [1])])
    last = graph.add("Slice", [history, *_int64(graph, [-doubted], END, [1])])
    moved = []
    for sign in (1.0, -1.0):
        factor = graph.add("Exp", [graph.add("Mul", ["doubt", graph.constant(np.array(sign))])])
        moved.append(graph.add("Concat", [certain, graph.add("Mul", [last, factor])], axis=1))
    return graph.add("Concat", [history, *moved], axis=0)


def _widened(graph: OnnxGraph, quantiles: Any, horizon: int) -> Any:
    """The quantiles of the first third of the series, widened by how far those of the others differ."""
    shape = (ROWS, horizon, len(QUANTILES))
    parted = graph.add("Reshape", [quantiles.name, *_int64(graph, [3, -1, horizon, len(QUANTILES)])])
    parts: list[Any] = [
        TracedArray(graph, graph.add("Gather", [parted, graph.constant(np.array(place))], axis=0), shape, float)
        for place in range(3)
    ]
    made: Any = widened_by_doubt(*parts)
    return made


def _limited(graph: OnnxGraph, quantiles: Any, frequency: Frequency, kind: Kind) -> Any:
    """The quantiles in order, within the bounds of the kind, and not far above all that an intermittent series has had."""
    made: Any = np.sort(kind.clip(quantiles), axis=-1)
    if kind.low != 0:
        return made
    recent = _last(graph, "history", INTERMITTENT_PERIODS[frequency.cycle == 1])
    zeros, seen = (recent == 0).sum(1), (~np.isnan(recent)).sum(1)
    figures = graph.add("Where", [graph.add("IsNaN", ["history"]), graph.constant(np.array(0.0)), "history"])
    name = graph.add("ReduceMax", [figures, *_int64(graph, [1])], keepdims=0)
    intermittent = (zeros < seen) & (2 * zeros >= seen)
    limit = np.where(intermittent, MOST_OF_INTERMITTENT * TracedArray(graph, name, (ROWS,), float), np.inf)
    return np.minimum(made, limit[:, None, None])
