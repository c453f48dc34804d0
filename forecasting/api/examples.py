"""Example requests of the OpenAPI page; a test runs each of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

_DAYS = [(date(2024, 1, 1) + timedelta(days=i)).isoformat() for i in range(21)]
#: Three weeks of made-up counts, fewer at weekends.
_COUNTS = [12, 15, 14, 13, 11, 6, 5, 14, 17, 15, 16, 12, 7, 6, 15, 18, 19, 16, 14, 8, 7]

REQUESTS: dict[str, dict[str, Any]] = {
    "a region of a source": {
        "summary": "A region of a source",
        "value": {"source": "bundled", "region": "Italy", "model": "naive", "horizon": 7},
    },
    "models and quantiles": {
        "summary": "Several models, only some quantiles",
        "value": {
            "source": "bundled",
            "region": "Italy",
            "models": ["naive", "theta"],
            "horizon": 14,
            "quantiles": [0.025, 0.5, 0.975],
        },
    },
    "as of": {
        "summary": "Every state, from what was known at a date",
        "value": {
            "source": "bundled",
            "statistic": "new_admissions",
            "model": "naive",
            "horizon": 4,
            "as_of": "2026-01-10",
            "quantiles": [0.5],
        },
    },
    "a job": {
        "summary": "A model that takes a while: the answer within 10 seconds, or a job to follow",
        "value": {"source": "bundled", "region": "Italy", "model": "ets", "horizon": 28, "wait": 10},
    },
    "records": {
        "summary": "Figures of one's own, as records",
        "value": {
            "data": [{"date": day, "value": count} for day, count in zip(_DAYS, _COUNTS, strict=True)],
            "model": "naive",
            "horizon": 3,
        },
    },
    "split": {
        "summary": 'A region of a table that pandas wrote with orient="split"',
        "value": {
            "data": {
                "columns": ["region", "date", "value"],
                "index": list(range(2 * len(_DAYS))),
                "data": [
                    [region, day, times * count]
                    for region, times in (("North", 1), ("South", 3))
                    for day, count in zip(_DAYS, _COUNTS, strict=True)
                ],
            },
            "region": "South",
            "model": "theta",
            "horizon": 3,
        },
    },
    "mapping": {
        "summary": "Columns that are called otherwise, and days that are written otherwise",
        "value": {
            "data": [
                {"Tag": f"{day[8:]}/{day[5:7]}/{day[:4]}", "Fälle": count}
                for day, count in zip(_DAYS[:12], _COUNTS, strict=False)
            ],
            "mapping": {"date": "Tag", "value": "Fälle", "day_first": True},
            "model": "naive",
            "horizon": 3,
        },
    },
}
