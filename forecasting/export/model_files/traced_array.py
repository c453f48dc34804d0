"""A stand-in for a numpy array that writes down what is done to it as an ONNX graph.

Code that is written for arrays of shape (series, …), as `forecasting/models/pretrained_features.py`, is run on it once: each call
of numpy (NEP 13 and NEP 18) becomes nodes, and what does not depend on the figures stays numpy and becomes constants. So the graph is
that code, not a second version of it. How many series there are is left open: that axis is a `SeriesAxis`, which counts as 1, so
constants that have one row stand for all series.

Every other shape is known while tracing. Code may not write into an array, nor ask what is in it but by `any`, which says yes:
where nothing is, what the branch makes must not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from forecasting.export.model_files.onnx_graph import OnnxGraph

#: Numbers of the types that are traced, the narrower first, as ONNX counts types.
TYPES = {np.dtype(bool): 9, np.dtype(np.int64): 7, np.dtype(np.float32): 1, np.dtype(np.float64): 11}
#: Operators of the same meaning as numpy's functions, of floating point numbers but for the last.
SAME = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.maximum: "Max",
    np.minimum: "Min",
    np.matmul: "MatMul",
}
COMPARISONS = {
    np.less: "Less",
    np.less_equal: "LessOrEqual",
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.equal: "Equal",
}
LOGICAL = {np.bitwise_and: "And", np.logical_and: "And", np.bitwise_or: "Or", np.logical_or: "Or"}
UNARY = {np.absolute: "Abs", np.negative: "Neg", np.sqrt: "Sqrt", np.exp: "Exp", np.log: "Log", np.sign: "Sign"}


class SeriesAxis(int):
    """The length of the axis of series, which is not known; it counts as 1."""


ROWS = SeriesAxis(1)


class TracedArray(NDArrayOperatorsMixin):
    """An array whose figures are not known yet: a value of a graph, with its shape and type."""

    def __init__(self, graph: OnnxGraph, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.graph, self.name, self.shape, self.dtype = graph, name, tuple(shape), np.dtype(dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        raise TypeError("what is in a traced array is not known")

    def __iter__(self) -> Iterator[TracedArray]:
        return (self[place] for place in range(self.shape[0]))

    @property
    def T(self) -> TracedArray:  # noqa: N802 - numpy's name
        """The axes in reverse order."""
        return self._node("Transpose", [self], self.shape[::-1], self.dtype, perm=list(range(self.ndim))[::-1])

    def astype(self, dtype: Any) -> TracedArray:
        """The same numbers in another type."""
        wanted = np.dtype(dtype)
        if wanted == self.dtype:
            return self
        return self._node("Cast", [self], self.shape, wanted, to=TYPES[wanted])

    def reshape(self, *shape: Any) -> TracedArray:
        """Another shape; the axis of series stays one."""
        wanted = list(shape[0] if isinstance(shape[0], tuple) else shape)
        if -1 in wanted:
            rest = -int(np.prod(wanted))
            size = int(np.prod(self.shape)) // rest
            wanted[wanted.index(-1)] = ROWS if self._has_rows and size == 1 else size
        target = np.array([-1 if isinstance(length, SeriesAxis) else length for length in wanted], np.int64)
        return self._node("Reshape", [self, target], tuple(wanted), self.dtype)

    def any(self) -> bool:
        """Yes: what depends on it has to be the same where nothing is."""
        return True

    def sum(self, axis: int, keepdims: bool = False) -> TracedArray:
        """Sums along an axis; of truths, how many."""
        return (self.astype(np.int64) if self.dtype == bool else self)._reduce("ReduceSum", axis, keepdims)

    def mean(self, axis: int, keepdims: bool = False) -> TracedArray:
        """Means along an axis."""
        return self._reduce("ReduceMean", axis, keepdims)

    def max(self, axis: int, keepdims: bool = False) -> TracedArray:
        """The largest along an axis."""
        return self._reduce("ReduceMax", axis, keepdims)

    def min(self, axis: int, keepdims: bool = False) -> TracedArray:
        """The smallest along an axis."""
        return self._reduce("ReduceMin", axis, keepdims)

    def __getitem__(self, key: Any) -> TracedArray:
        items = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [item for item in items if not isinstance(item, np.ndarray | tuple)]:
            place = next(place for place, item in enumerate(items) if item is Ellipsis)
            used = sum(item is not None and item is not Ellipsis for item in items)
            items[place : place + 1] = [slice(None)] * (self.ndim - used)
        found, axis, dropped, added = self, 0, list[int](), list[int]()
        for item in items:
            if item is None:
                added.append(axis - len(dropped) + len(added))
                continue
            if isinstance(item, slice):
                found = found._sliced(axis, item)
            else:
                found = found._gathered(axis, np.atleast_1d(np.asarray(item)))
                if np.ndim(item) == 0:
                    dropped.append(axis)
            axis += 1
        if dropped:
            shape = tuple(length for axis, length in enumerate(found.shape) if axis not in dropped)
            found = found._node("Squeeze", [found, np.array(dropped, np.int64)], shape, found.dtype)
        if added:
            wider = list(found.shape)
            for axis in added:
                wider.insert(axis, 1)
            found = found._node("Unsqueeze", [found, np.array(added, np.int64)], tuple(wider), found.dtype)
        return found

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        options.pop("out", None)  # of `x /= y`: a new value under the old name
        if method != "__call__" or options:
            return NotImplemented
        return _of_function(self, function, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            return NotImplemented
        return FUNCTIONS[function](self, *args, **kwargs)

    @property
    def _has_rows(self) -> bool:
        return any(isinstance(length, SeriesAxis) for length in self.shape)

    def _node(
        self, operator: str, inputs: list[Any], shape: tuple[int, ...], dtype: Any, **attributes: Any
    ) -> TracedArray:
        names = [one.name if isinstance(one, TracedArray) else self.graph.constant(np.asarray(one)) for one in inputs]
        return TracedArray(self.graph, self.graph.add(operator, names, **attributes), shape, dtype)

    def _reduce(self, operator: str, axis: int, keepdims: bool) -> TracedArray:
        axis %= self.ndim
        assert not isinstance(self.shape[axis], SeriesAxis), "series do not know each other"
        after = (1,) if keepdims else ()
        shape = (*self.shape[:axis], *after, *self.shape[axis + 1 :])
        return self._node(operator, [self, np.array([axis])], shape, self.dtype, keepdims=int(keepdims))

    def _sliced(self, axis: int, part: slice) -> TracedArray:
        start, stop, step = part.indices(self.shape[axis])
        if (start, stop, step) == (0, self.shape[axis], 1):
            return self
        assert not isinstance(self.shape[axis], SeriesAxis)
        shape = (*self.shape[:axis], len(range(start, stop, step)), *self.shape[axis + 1 :])
        bounds = [np.array([number], np.int64) for number in (start, stop, axis, step)]
        return self._node("Slice", [self, *bounds], shape, self.dtype)

    def _gathered(self, axis: int, places: np.ndarray) -> TracedArray:
        length = self.shape[axis]
        assert not isinstance(length, SeriesAxis), "series do not know each other"
        shape = (*self.shape[:axis], *places.shape, *self.shape[axis + 1 :])
        return self._node("Gather", [self, (places % length).astype(np.int64)], shape, self.dtype, axis=axis)

    def expanded(self, shape: tuple[int, ...]) -> TracedArray:
        """The same, repeated along axes of length 1, to `shape` but for the axis of series."""
        if tuple(map(int, shape)) == tuple(map(int, self.shape)):
            return self
        plain = np.array([int(length) for length in shape], np.int64)
        return self._node("Expand", [self, plain], _broadcast([self.shape, tuple(shape)]), self.dtype)


def _broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of a result; the axis of series stays open."""
    plain = np.broadcast_shapes(*[tuple(map(int, shape)) for shape in shapes])
    found = list(plain)
    for shape in shapes:
        for back, length in enumerate(reversed(shape), 1):
            if isinstance(length, SeriesAxis):
                assert plain[-back] == 1, "an axis of series beside another one"
                found[-back] = ROWS
    return tuple(found)


def _promoted(arrays: list[Any]) -> list[Any]:
    """The arrays in the widest of their types, as numpy has it: Python's numbers take that of the others."""
    strong = [np.dtype(one.dtype) for one in arrays if hasattr(one, "dtype")]
    wanted = np.result_type(*strong, *[one for one in arrays if not hasattr(one, "dtype")])
    return [one.astype(wanted) if hasattr(one, "dtype") else np.asarray(one, wanted) for one in arrays]


def _of_function(this: Any, function: Any, inputs: tuple[Any, ...]) -> TracedArray:
    """What one of numpy's elementwise functions makes of arrays, some of which are traced."""
    if function in UNARY:
        return this._node(UNARY[function], [this], this.shape, this.dtype)
    if function is np.isnan:
        return this._node("IsNaN", [this], this.shape, bool)
    if function is np.isfinite:
        return ~(np.isnan(this) | this._node("IsInf", [this], this.shape, bool))
    if function in (np.invert, np.logical_not):
        return this._node("Not", [this], this.shape, bool)
    if function is np.log1p:
        return np.log(this.astype(float) + 1.0)
    if function is np.arcsinh:  # onnxruntime has it for float32 alone
        size = np.abs(this)
        return np.sign(this) * np.log(size + np.sqrt(size * size + 1.0))
    if function is np.hypot:
        one, other = (np.abs(part) for part in inputs)
        largest = np.maximum(np.maximum(one, other), np.finfo(float).tiny)
        return largest * np.sqrt((one / largest) * (one / largest) + (other / largest) * (other / largest))
    if function is np.power:
        return _power(inputs[0], inputs[1])
    first, second = _promoted(list(inputs))
    if function is np.matmul:
        shape = (*_broadcast([first.shape[:-2], second.shape[:-2]]), first.shape[-2], second.shape[-1])
        return this._node("MatMul", [first, second], shape, first.dtype)
    shape = _broadcast([first.shape, second.shape])
    if function in COMPARISONS:
        return this._node(COMPARISONS[function], [first, second], shape, bool)
    if function in LOGICAL:
        return this._node(LOGICAL[function], [first, second], shape, bool)
    if function is np.true_divide:
        return this._node("Div", [first.astype(float), second.astype(float)], shape, float)
    if function is np.floor_divide and first.dtype == np.int64:  # of numbers from zero on
        return this._node("Div", [first, second], shape, np.int64)
    if function in SAME:
        return this._node(SAME[function], [first, second], shape, first.dtype)
    raise NotImplementedError(f"{function} is not traced")


def _power(base: Any, exponent: Any) -> TracedArray:
    if exponent == 2:
        return base * base
    if exponent == 4:
        return (base * base) * (base * base)
    if exponent == 0.25:
        return np.sqrt(np.sqrt(base))
    raise NotImplementedError(f"a power of {exponent} is not traced")


def _where(this: TracedArray, condition: Any, yes: Any, no: Any) -> TracedArray:
    yes, no = _promoted([yes, no])
    shape = _broadcast(
        [np.shape(one) if not isinstance(one, TracedArray) else one.shape for one in (condition, yes, no)]
    )
    return this._node("Where", [condition, yes, no], shape, yes.dtype)


def _clip(this: TracedArray, values: Any, low: Any, high: Any) -> TracedArray:
    return np.minimum(np.maximum(values, low), high)


def _concatenate(this: TracedArray, arrays: Any, axis: int = 0) -> TracedArray:
    arrays = [one for one in _promoted(list(arrays)) if one.shape[axis]]
    axis %= len(arrays[0].shape)
    assert not any(isinstance(one.shape[axis], SeriesAxis) for one in arrays)
    shape = list(_broadcast([(*one.shape[:axis], 1, *one.shape[axis + 1 :]) for one in arrays]))
    full = [_expanded_like(this, one, axis, shape) for one in arrays]
    total = sum(one.shape[axis] for one in full)
    return this._node("Concat", full, (*shape[:axis], total, *shape[axis + 1 :]), full[0].dtype, axis=axis)


def _expanded_like(this: TracedArray, array: Any, axis: int, shape: list[int]) -> Any:
    """An array with a row for each series, where it has one for all: added to zeros that have."""
    has_rows = isinstance(array, TracedArray) and array._has_rows
    if has_rows or not any(isinstance(length, SeriesAxis) for length in shape):
        return array
    (rows_at,) = [place for place, length in enumerate(shape) if isinstance(length, SeriesAxis)]
    count = this.graph.add("Shape", [this.graph.rows_of])
    count = this.graph.add("Slice", [count, *(this.graph.constant(np.array([n], np.int64)) for n in (0, 1))])
    plain = [int(length) for length in array.shape]
    before, after = (np.array(part, np.int64) for part in (plain[:rows_at], plain[rows_at + 1 :]))
    target = this.graph.add("Concat", [this.graph.constant(before), count, this.graph.constant(after)], axis=0)
    name = array.name if isinstance(array, TracedArray) else this.graph.constant(np.asarray(array))
    whole = tuple(ROWS if place == rows_at else length for place, length in enumerate(plain))
    return TracedArray(this.graph, this.graph.add("Expand", [name, target]), whole, array.dtype)


def _stack(this: TracedArray, arrays: Any, axis: int = 0) -> TracedArray:
    arrays = list(arrays)
    axis %= len(arrays[0].shape) + 1
    key = (slice(None),) * axis + (None,)
    return _concatenate(this, [one[key] for one in arrays], axis)


def _take_along_axis(this: TracedArray, values: Any, places: Any, axis: int) -> TracedArray:
    axis %= len(values.shape)
    others = [length for place, length in enumerate(places.shape) if place != axis]
    if isinstance(places, TracedArray) and isinstance(values, TracedArray):
        return this._node("GatherElements", [values, places], places.shape, values.dtype, axis=axis)
    assert all(length == 1 for length in others), "each series has its own places"
    if isinstance(values, TracedArray):
        return values._gathered(axis, np.asarray(places).ravel())
    flat = places.reshape(places.shape[axis])
    shape = (*values.shape[:axis], places.shape[axis], *values.shape[axis + 1 :])
    return this._node("Gather", [values, flat], shape, values.dtype, axis=axis)


def _einsum(this: TracedArray, equation: str, first: Any, second: Any) -> TracedArray:
    lengths = {
        letter: length
        for letters, one in zip(equation.split("->")[0].split(","), (first, second), strict=True)
        for letter, length in zip(letters, one.shape, strict=True)
    }
    shape = tuple(ROWS if letter == "r" else lengths[letter] for letter in equation.split("->")[1])
    return this._node("Einsum", [first, second], shape, float, equation=equation)


def _diff(this: TracedArray, values: Any) -> Any:
    return values[..., 1:] - values[..., :-1]


def _nanmax(this: TracedArray, values: Any, axis: int) -> Any:
    return np.where(np.isnan(values), -np.inf, values).max(axis)


def _nanmin(this: TracedArray, values: Any, axis: int) -> Any:
    return np.where(np.isnan(values), np.inf, values).min(axis)


def _sort(this: TracedArray, values: Any, axis: int) -> Any:
    count = np.array([values.shape[axis]], np.int64)
    return values._node("TopK", [values, count], values.shape, values.dtype, axis=axis, largest=0)


def _ones_like(this: TracedArray, values: TracedArray) -> np.ndarray:
    return np.ones(values.shape)


#: What numpy's other functions are traced by.
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.clip: _clip,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.take_along_axis: _take_along_axis,
    np.einsum: _einsum,
    np.diff: _diff,
    np.nanmax: _nanmax,
    np.nanmin: _nanmin,
    np.sort: _sort,
    np.ones_like: _ones_like,
}
