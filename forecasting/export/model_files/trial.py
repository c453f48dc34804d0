"""A trial of a foreign model, in a process of its own: ``python -m forecasting.export.model_files.trial FOLDER SIGNATURE``.

It forecasts made-up figures, few, many and as many as there may be, each twice. Prints a sentence and exits with 1 where one fails.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency
from forecasting.data.kind import KINDS
from forecasting.data.series import Series
from forecasting.models.imported import MOST_PERIODS, ImportedModel, ImportedSignature, imported_class
from forecasting.support.errors import ModelError

#: Figures of the trial between the fewest and the most.
SOME = 200


def main(folder: str, text: str) -> int:
    """Run the trial; returns the exit code."""
    signature = ImportedSignature(**json.loads(text))
    model = imported_class(signature)(signature, Path(folder))
    try:
        for count in sorted({signature.shortest, max(SOME, signature.shortest), MOST_PERIODS}):
            _forecast_twice(model, count)
    except ModelError as error:
        print(error)
        return 1
    return 0


def _forecast_twice(model: ImportedModel, count: int) -> None:
    signature, kind = model.signature, KINDS[model.signature.kind]
    frequency = Frequency("D", "daily", "day", signature.cycle, 1, 400)
    wave = 0.5 + 0.3 * np.sin(np.arange(count) / 9) + 0.1 * np.random.default_rng(0).uniform(-1, 1, count)
    figures = np.round(300 * wave) if kind.name == "count" else wave * min(kind.high, 100)
    series = Series(pd.Timestamp("2020-01-01"), frequency, figures, kind=kind)
    first, again = (model.forecast(series, signature.horizon).values for _ in range(2))
    if not np.array_equal(first, again):
        raise ModelError("the same figures had another forecast the second time.")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
