"""The interface of a model: one class, one method `forecast`, and where it is faster so, `forecast_many`.

To add a model, write one file here with one `Model` subclass; the registry finds it::

    class Mean(Model):
        name, label, version = "mean", "Mean", 1
        summary = "The mean of all past counts."
        reference = "Hyndman & Athanasopoulos, Forecasting: Principles and Practice, ch. 5"

        def forecast(self, series, horizon, report=ignore_progress):
            scale = self.scale(series)
            past = scale.forward(series.values)
            middle = np.full(horizon, past.mean())
            return from_normal(self, series, scale, middle, past - past.mean(), np.eye(1, horizon)[0])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models.transforms import Transform, shifted, transform
from forecasting.support.errors import ForecastingError

if TYPE_CHECKING:
    from forecasting.data.pool import Pool


@dataclass(frozen=True)
class Progress:
    """A progress report from a model that is still fitting.

    Attributes:
        trying: what it has just tried, for a person, e.g. ``"SARIMA (1,1,1)(0,1,1)[7]"``.
        done, of: candidates tried, of how many.
        score: the error of `trying` out of sample, relative to seasonal naive (lower is better), or None.
        best: the best such error so far, or None.
        draft: the forecast of the best so far, sent when it has changed.
    """

    trying: str
    done: int
    of: int
    score: float | None = None
    best: float | None = None
    draft: Forecast | None = None


#: What `Model.forecast` calls with each report of its progress.
ProgressCallback = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """A `ProgressCallback` that does nothing, for callers who do not watch."""


class Model(ABC):
    """A way to forecast one series.

    Class attributes:
        name: what requests, links and files call it.
        label: what a page calls it.
        summary: one paragraph for the Methods page: what it does, when it is good, when it is not.
        reference: where the method comes from.
        version: raised whenever the same series would now get another forecast; stored ones are then made anew.
        order: where it stands in lists.
        instant: cheap enough to run inside the caller (milliseconds, numpy only).
        batched: no `instant` one, whose `forecast_many` takes a fraction of the time of one by one.
        time_limit: seconds after which a background fit is ended.
        members: names of the models that a `BlendedModel` blends.
        seasonal: it learns a season, such as the days of the week.
        uses_covariates: it, or a member, learns from the covariates of a series' pool.
        uses_holidays: it, or a member, uses the holidays of a series of days.
        continues: a `PooledModel` that goes on from what an earlier fit of the same pool has learned (`PooledModel.continue_pool`).
    """

    name: ClassVar[str]
    label: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str]
    version: ClassVar[int] = 1
    order: ClassVar[int] = 100
    instant: ClassVar[bool] = False
    batched: ClassVar[bool] = False
    time_limit: ClassVar[float] = 60.0
    members: ClassVar[tuple[str, ...]] = ()
    seasonal: ClassVar[bool] = True
    uses_covariates: ClassVar[bool] = False
    uses_holidays: ClassVar[bool] = False
    continues: ClassVar[bool] = False

    @abstractmethod
    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit `series` and forecast the `horizon` periods after its origin.

        Tells `report` what it tries when there is more than one candidate. Raises `ModelError` with one sentence when
        this series is beyond it. The same series and horizon always give the same numbers.
        """

    def forecast_many(self, series: Sequence[Series], horizon: int) -> list[Forecast | ForecastingError]:
        """Forecast each of `series` as `forecast` does, in their order; what it would raise stands in the place of a forecast.

        One after the other, unless a model gains from seeing them at once; the numbers are the same either way.
        """

        def one_by_one(one: Series) -> Forecast | ForecastingError:
            try:
                return self.forecast(one, horizon)
            except ForecastingError as error:
                return error

        return [one_by_one(one) for one in series]

    def extend(self, series: Series, horizon: int, fitted: dict[str, Any]) -> Forecast | None:
        """Forecast `series` with the parameters `fitted` (`Forecast.fitted`) before its last few points, without a new fit.

        They are filtered through all of it; nothing is searched for or optimised, so this takes milliseconds. None
        where this model, or `fitted` as it is, does not allow that: never an error, for it comes from a database.
        """
        return None

    def warm_up(self) -> None:  # noqa: B027 - most models have nothing to import
        """Import what `forecast` will need; background workers call it before the first request."""

    def scale(self, series: Series) -> Transform:
        """The scale that this model works on.

        The cube root for figures of days and shorter steps, the fourth root for others; no root of what may be negative,
        and none where single zeros stand between much larger counts, for a root takes them far away from the others.
        """
        if series.true_zeros:
            return transform("none")
        if series.kind.low < 0:
            return shifted(float(series.values[0]))
        return transform("cube_root" if series.frequency.cycle > 1 else "fourth_root")


class PooledModel(Model):
    """A model that learns from all regions of a pool at once, in one fit, and forecasts each of them.

    Its `forecast` forecasts a single series.
    """

    @abstractmethod
    def forecast_pool(
        self, pool: Pool, horizon: int, report: ProgressCallback = ignore_progress
    ) -> dict[str, Forecast]:
        """Forecast every region's `horizon` periods after its own origin, by region; one that cannot be is left out.

        Raises `ModelError` with one sentence when none can be. The same pool and horizon always give the same numbers.
        """

    def continue_pool(
        self, pool: Pool, horizon: int, learned: dict[str, Any], report: ProgressCallback = ignore_progress
    ) -> dict[str, Forecast]:
        """`forecast_pool`, going on from the `Forecast.fitted` of an earlier fit where that saves time: the same numbers, sooner.

        What was `learned` comes from a database and may be anything, or empty; what cannot be used is left aside.
        """
        return self.forecast_pool(pool, horizon, report)


class BlendedModel(Model):
    """A model that combines the forecasts of other models, its `members`.

    They are fitted as if somebody had asked for them; it has no fit of its own.
    """

    def taking_part(self, series: Series) -> tuple[str, ...]:
        """The members that are asked for a forecast of this series; pooled ones only if there is a pool."""
        return self.members

    @abstractmethod
    def blend(self, series: Series, horizon: int, forecasts: dict[str, Forecast]) -> Forecast:
        """Combine the members' `forecasts`, at least one, into one; takes milliseconds."""
