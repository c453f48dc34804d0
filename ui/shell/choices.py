"""The choices of the sidebar."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.data.training_options import TrainingOptions


@dataclass(frozen=True)
class Choices:
    """What a reader has chosen in the sidebar: `series` is what models learn from, `whole` all there is of it."""

    panel: Panel
    statistic: Statistic
    region: str
    models: tuple[str, ...]
    horizon: int
    training: TrainingOptions
    whole: Series
    series: Series
    smooth: bool
    band: str

    @property
    def view(self) -> str:
        """A name for what the chart shows; while it stays the same, zoom and legend stay too."""
        return f"{self.place}/{self.smooth}"

    @property
    def place(self) -> str:
        """Whose figures, and how far ahead: the view but for how it is drawn."""
        return f"{self.panel.source}/{self.statistic.name}/{self.region}/{self.horizon}"
