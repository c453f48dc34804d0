"""TrainingOptions: what of a series a person wants models to learn from, besides the series itself."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.data.series import Series


@dataclass(frozen=True)
class TrainingOptions:
    """The training window, covariates and holidays that models may use.

    Attributes:
        window: the last so many periods; None is all of them.
        covariates: further columns of the panel, for models that use them.
        holidays: the country whose holidays matter, as of `forecasting.data.holidays`; empty for none.
    """

    window: int | None = None
    covariates: tuple[str, ...] = ()
    holidays: str = ""

    def of(self, series: Series) -> Series:
        """What models see of `series`."""
        seen = series.tail(self.window) if self.window else series
        return seen.with_covariates(self.covariates).with_holidays(self.holidays)


ALL_HISTORY = TrainingOptions()
