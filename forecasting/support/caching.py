"""Memoisation by object identity (weak references), and single-flight loading in the background."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
Owner = TypeVar("Owner")


class lazy(Generic[Owner, T]):  # noqa: N801 - used like functools.cached_property
    """`functools.cached_property` as it is from Python 3.12 on: without the lock that all instances of a class share.

    With it, everybody who asks for the name of a request would wait while somebody prepares figures for another's.
    """

    def __init__(self, make: Callable[[Owner], T]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type[Owner], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, of: None, owner: type[Owner] | None = None) -> lazy[Owner, T]: ...

    @overload
    def __get__(self, of: Owner, owner: type[Owner] | None = None) -> T: ...

    def __get__(self, of: Owner | None, owner: type[Owner] | None = None) -> lazy[Owner, T] | T:
        if of is None:
            return self
        made = of.__dict__[self._name] = self._make(of)
        return made


class IdentityMemo(Generic[T]):
    """Memoise results by the identity of the objects that they were made of, into which nobody writes.

    Asking twice a second for what has not changed then costs nothing. None of the objects is kept alive by this. Safe for
    threads; two who ask at once may both make it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[tuple[weakref.ref[object], ...], T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable, parts: Iterable[object], make: Callable[[], T]) -> T:
        """What is kept under `name` for these `parts`, else what `make` gives, which is then kept."""
        parts = tuple(parts)
        key = (name, *map(id, parts))
        with self._lock:
            kept = self._kept.get(key)
            # A number may since belong to another object.
            if kept is not None and all(ref() is part for ref, part in zip(kept[0], parts, strict=True)):
                self._kept.move_to_end(key)
                return kept[1]
        made = make()
        with self._lock:
            self._kept[key] = tuple(weakref.ref(part) for part in parts), made
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


class SingleFlight:
    """Single-flight loading: reads and downloads run in background threads, one for all who ask for the same."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="source")
        self._loading: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def result(self, name: Hashable, work: Callable[[], T], patience: float | None) -> T | None:
        """The result of `work`, done in the background once for everybody; None when it is not there in time."""
        with self._lock:
            if name not in self._loading:
                self._loading[name] = self._threads.submit(work)
            loading = self._loading[name]
        try:
            return loading.result(patience)
        except TimeoutError:
            return None
        finally:
            if loading.done():
                with self._lock:
                    self._loading.pop(name, None)

    def close(self) -> None:
        """Start no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
