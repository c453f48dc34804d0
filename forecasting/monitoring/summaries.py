"""What is remembered, as tables that a page and the command line show. Times in milliseconds and seconds, shares in percent.

A table of fits has the attributes of `Fit` as columns, a row a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd

from forecasting.monitoring.histogram import quantile, together
from forecasting.monitoring.request_counters import Answers, beginning

#: What answers are put together by.
By = Literal["route", "kind", "server"]
_GROUPS: dict[str, tuple[str, ...]] = {"route": ("kind", "route"), "kind": ("kind",), "server": ("server",)}
LATENCY = ("requests", "median", "p95", "p99", "refused", "failed")
_SERIES = ["source", "statistic", "region"]
#: How a fit may end, in the order of the tables.
OUTCOMES = ("done", "failed", "timed_out", "cancelled")
FAILED = ("failed", "timed_out")


@dataclass(frozen=True)
class Fit:
    """One fit that has ended.

    Attributes:
        ended: when.
        server: which of the servers it was begun on.
        model, outcome, seconds: what was fitted, what became of it (`OUTCOMES`), and how long that took.
        source, statistic, region: of which series; empty where it is not of a source that everybody may choose, and the
            region also where many were fitted at once.
        regions: how many were.
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


def latency(answers: Iterable[Answers], by: By) -> pd.DataFrame:
    """Columns of `by`, then ``requests``, ``median``, ``p95``, ``p99`` (ms), ``refused``, ``failed`` (%); most asked first."""
    names = _GROUPS[by]
    table = _grouped(answers, names, lambda one: tuple(getattr(one, name) for name in names))
    return table.sort_values(["requests", *names], ascending=[False, *[True] * len(names)], ignore_index=True)


def over_time(answers: Iterable[Answers], step: timedelta) -> pd.DataFrame:
    """The same for each `step` that had any, by the column ``begins``."""
    return _grouped(answers, ("begins",), lambda one: (beginning(one.begins, step),)).sort_values(
        "begins", ignore_index=True
    )


def _grouped(
    answers: Iterable[Answers], names: Sequence[str], group: Callable[[Answers], tuple[object, ...]]
) -> pd.DataFrame:
    found: dict[tuple[object, ...], list[Answers]] = {}
    for one in answers:
        found.setdefault(group(one), []).append(one)
    rows = [(*name, *_figures(ones)) for name, ones in found.items()]
    return pd.DataFrame(rows, columns=[*names, *LATENCY])


def _figures(answers: Sequence[Answers]) -> tuple[float, ...]:
    whole = together(one.histogram for one in answers)
    count = sum(one.count for one in answers)
    shares = [100 * sum(getattr(one, name) for one in answers) / count for name in ("refused", "failed")]
    return (count, *(quantile(whole, level) for level in (0.5, 0.95, 0.99)), *shares)


def failures(answers: Sequence[Answers], fits: pd.DataFrame) -> pd.DataFrame:
    """What failed: columns ``kind`` (api, page or fit), ``name``, ``failed``, ``of``, ``percent``; most first."""
    counts: dict[tuple[str, str], list[int]] = {}
    for one in answers:
        of = counts.setdefault((one.kind, one.route), [0, 0])
        of[0] += one.failed
        of[1] += one.count
    for name, outcomes in fits.groupby("model")["outcome"]:
        counts["fit", str(name)] = [int(outcomes.isin(FAILED).sum()), len(outcomes)]
    rows = [(*name, failed, of, 100 * failed / of) for name, (failed, of) in counts.items() if failed]
    table = pd.DataFrame(rows, columns=["kind", "name", "failed", "of", "percent"])
    return table.sort_values(["failed", "kind", "name"], ascending=[False, True, True], ignore_index=True)


def fits_by_model(fits: pd.DataFrame) -> pd.DataFrame:
    """Columns ``model``, one of each of `OUTCOMES` with their number, and ``median`` and ``longest`` seconds of those done."""
    counts = fits.groupby(["model", "outcome"]).size().unstack(fill_value=0).reindex(columns=OUTCOMES, fill_value=0)
    done = fits[fits["outcome"] == "done"].groupby("model")["seconds"]
    found = counts.join(done.median().rename("median")).join(done.max().rename("longest"))
    found = found.rename_axis(columns=None).reset_index()
    return found.iloc[found[list(OUTCOMES)].sum(axis=1).argsort(kind="stable")[::-1]].reset_index(drop=True)


def slowest(fits: pd.DataFrame, count: int) -> pd.DataFrame:
    """Series whose fits took longest, cancelled ones not counted.

    Columns ``source``, ``statistic``, ``region``, ``model``, ``regions``, ``fits``, ``mean``, ``longest`` (seconds) and
    ``ended`` (the last one). A fit of many regions counts as one of all of them, without a region.
    """
    known = fits[(fits["outcome"] != "cancelled") & (fits["source"] != "")]
    found = known.groupby([*_SERIES, "model"], sort=False).agg(
        regions=("regions", "max"),
        fits=("seconds", "size"),
        mean=("seconds", "mean"),
        longest=("seconds", "max"),
        ended=("ended", "max"),
    )
    return found.sort_values("longest", ascending=False, kind="stable").head(count).reset_index()
