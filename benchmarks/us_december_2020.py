"""Six countries' daily cases, known to 30 November 2020, forecast to 1 January 2021 by every model.

Two figures a country and model. *Cumulative* accuracy is 1 - |forecast total - true total| / true total on 1 January;
it flatters any model, because most of that total was known. *Growth* accuracy is the same for the growth since 30
November alone. The forecast total is the median of the sampled totals (`Forecast.totals`), which is a forecast of the
total; a sum of medians is not the median of anything, for medians do not add up where counts are skewed.

`reference` is the same figure of seasonal naive, and `ratio` is the model's over it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from forecasting import sources
from forecasting.data.forecast import MEDIAN
from forecasting.data.series import Series
from forecasting.models import Model, models
from forecasting.preparation.prepare import prepare

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
STATISTIC = "new_cases"
ORIGIN = pd.Timestamp("2020-11-30")
UNTIL = pd.Timestamp("2021-01-01")


def run() -> Iterator[dict[str, object]]:
    panel = sources.source("bundled").panel()
    for region in REGIONS:
        published = panel.counts(region, STATISTIC)
        known = prepare(panel.as_of(ORIGIN), region, STATISTIC)
        references = accuracies(models()["naive"], known, published)
        for name, model in models().items():
            if name == "deep":  # without a pool it is the pretrained one
                continue
            for kind, value in accuracies(model, known, published).items():
                yield figure(f"us_december_2020/{region}/{name}/{kind}", value, references[kind])


def accuracies(model: Model, known: Series, published: pd.Series) -> dict[str, float]:
    """Both accuracies of one model; `published` holds running totals."""
    horizon = (UNTIL - known.origin).days
    total = known.total + model.forecast(known, horizon).totals[-1, MEDIAN]
    before, after = published[ORIGIN], published[UNTIL]
    return {
        "cumulative": 1 - abs(total - after) / after,
        "growth": 1 - abs(total - after) / (after - before),
    }


def figure(name: str, value: float, reference: float) -> dict[str, object]:
    ratio = round(value / reference, 4) if reference else None
    return {
        "name": name,
        "value": round(value, 4),
        "unit": "fraction",
        "reference": round(reference, 4),
        "ratio": ratio,
    }
