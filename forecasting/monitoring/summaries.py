"""Summary tables of the history: latency, failures, fits by model, slowest series.

Latencies are in milliseconds, fits in seconds, shares in percent. A table of fits has the attributes of `FitRecord` as
columns, a row a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd

from forecasting.monitoring.histogram import merge, quantile
from forecasting.monitoring.request_counters import RouteCounts, interval_start

#: What requests are grouped by.
GroupBy = Literal["route", "kind", "server"]
_GROUPS: dict[str, tuple[str, ...]] = {"route": ("kind", "route"), "kind": ("kind",), "server": ("server",)}
#: Columns of a latency table after those of its groups.
LATENCY = ("requests", "median", "p95", "p99", "refused", "failed")
_SERIES = ["source", "statistic", "region"]
#: How a fit may end, in the order of the tables.
OUTCOMES = ("done", "failed", "timed_out", "cancelled")
#: Outcomes that count as failures.
FAILED = ("failed", "timed_out")


@dataclass(frozen=True)
class FitRecord:
    """One fit that has ended, as the history keeps it.

    Attributes:
        ended: when.
        server: which of the servers has begun it.
        model, outcome, seconds: what was fitted, what became of it (`OUTCOMES`), and how long that took.
        source, statistic, region: the series; empty where it is not of a source that everybody may choose, and the
            region also where many were fitted at once.
        regions: how many regions were fitted at once.
    """

    ended: datetime
    server: str
    model: str
    outcome: str
    seconds: float
    source: str = ""
    statistic: str = ""
    region: str = ""
    regions: int = 1


def latency(counts: Iterable[RouteCounts], by: GroupBy) -> pd.DataFrame:
    """Summarise latency by group: its columns, ``requests``, ``median``, ``p95``, ``p99`` (ms), ``refused``, ``failed`` (%).

    Groups with the most requests come first.
    """
    names = _GROUPS[by]
    table = _latency_by(counts, names, lambda one: tuple(getattr(one, name) for name in names))
    return table.sort_values(["requests", *names], ascending=[False, *[True] * len(names)], ignore_index=True)


def latency_over_time(counts: Iterable[RouteCounts], step: timedelta) -> pd.DataFrame:
    """Summarise latency by time, with the columns of `latency`: a row for each `step` that had any, its start in ``begins``."""
    return _latency_by(counts, ("begins",), lambda one: (interval_start(one.begins, step),)).sort_values(
        "begins", ignore_index=True
    )


def _latency_by(
    counts: Iterable[RouteCounts], names: Sequence[str], group: Callable[[RouteCounts], tuple[object, ...]]
) -> pd.DataFrame:
    groups: dict[tuple[object, ...], list[RouteCounts]] = {}
    for one in counts:
        groups.setdefault(group(one), []).append(one)
    rows = [(*name, *_latency_row(ones)) for name, ones in groups.items()]
    return pd.DataFrame(rows, columns=[*names, *LATENCY])


def _latency_row(counts: Sequence[RouteCounts]) -> tuple[float, ...]:
    merged = merge(one.histogram for one in counts)
    requests = sum(one.count for one in counts)
    shares = [100 * sum(getattr(one, name) for one in counts) / requests for name in ("refused", "failed")]
    return (requests, *(quantile(merged, level) for level in (0.5, 0.95, 0.99)), *shares)


def failures(counts: Sequence[RouteCounts], fits: pd.DataFrame) -> pd.DataFrame:
    """List what failed: columns ``kind`` (api, page or fit), ``name``, ``failed``, ``of``, ``percent``; most first."""
    totals: dict[tuple[str, str], list[int]] = {}
    for one in counts:
        total = totals.setdefault((one.kind, one.route), [0, 0])
        total[0] += one.failed
        total[1] += one.count
    for name, outcomes in fits.groupby("model")["outcome"]:
        totals["fit", str(name)] = [int(outcomes.isin(FAILED).sum()), len(outcomes)]
    rows = [(*name, failed, of, 100 * failed / of) for name, (failed, of) in totals.items() if failed]
    table = pd.DataFrame(rows, columns=["kind", "name", "failed", "of", "percent"])
    return table.sort_values(["failed", "kind", "name"], ascending=[False, True, True], ignore_index=True)


def fits_by_model(fits: pd.DataFrame) -> pd.DataFrame:
    """Summarise fits by ``model``: the number of each of `OUTCOMES`, and ``median`` and ``longest`` seconds of those done."""
    counts = fits.groupby(["model", "outcome"]).size().unstack(fill_value=0).reindex(columns=OUTCOMES, fill_value=0)
    done = fits[fits["outcome"] == "done"].groupby("model")["seconds"]
    table = counts.join(done.median().rename("median")).join(done.max().rename("longest"))
    table = table.rename_axis(columns=None).reset_index()
    return table.iloc[table[list(OUTCOMES)].sum(axis=1).argsort(kind="stable")[::-1]].reset_index(drop=True)


def slowest_series(fits: pd.DataFrame, count: int) -> pd.DataFrame:
    """List the series whose fits took longest, cancelled ones not counted.

    Columns ``source``, ``statistic``, ``region``, ``model``, ``regions``, ``fits``, ``mean``, ``longest`` (seconds) and
    ``ended`` (the last one). A fit of many regions counts as one of all of them, without a region.
    """
    known = fits[(fits["outcome"] != "cancelled") & (fits["source"] != "")]
    table = known.groupby([*_SERIES, "model"], sort=False).agg(
        regions=("regions", "max"),
        fits=("seconds", "size"),
        mean=("seconds", "mean"),
        longest=("seconds", "max"),
        ended=("ended", "max"),
    )
    return table.sort_values("longest", ascending=False, kind="stable").head(count).reset_index()
