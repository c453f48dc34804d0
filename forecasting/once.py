"""Work that is done once for everybody who asks: kept results, and results that are on their way."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import pandas as pd

from forecasting.panel import Panel

T = TypeVar("T")


class Kept(Generic[T]):
    """The last results for a panel's table, by name; those of another table are forgotten when asked for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[pd.DataFrame, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable, panel: Panel, make: Callable[[], T]) -> T:
        """What is kept under `name`, else what `make` gives, which is then kept."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept[0] is panel.table:
                self._kept.move_to_end(name)
                return kept[1]
        made = make()
        with self._lock:
            self._kept[name] = panel.table, made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def forget(self, panel: Panel) -> None:
        """Keep nothing more that was made of the panel's table."""
        with self._lock:
            for name in [name for name, (table, _) in self._kept.items() if table is panel.table]:
                del self._kept[name]


class Loader:
    """Reads and downloads in the background; who asks for the same waits for the same."""

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
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
