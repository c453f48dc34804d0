"""What a speed benchmark prints: a figure, what it is compared with, and the ratio."""

from __future__ import annotations

from forecasting.support.errors import ForecastingError

Figure = dict[str, object]


class BenchmarkError(ForecastingError):
    """Something could not be measured here."""


def figure(name: str, value: float, unit: str, reference: float) -> Figure:
    """One line of output; `reference` is in the same unit and was measured, or set as a limit, in the same run."""
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "reference": round(reference, 4),
        "ratio": round(value / reference, 3),
    }
