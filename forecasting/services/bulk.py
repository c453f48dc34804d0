"""Bulk forecasts: every region of a panel forecast in the background, for one table to download.

It goes through the same queue and store as everything else, so what is there already costs nothing, and after an
interruption another one goes on where the last one was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pandas as pd

from forecasting.data.forecast import Forecast, stack_forecasts
from forecasting.data.panel import Panel
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.jobs.request import Request
from forecasting.services.service import Service
from forecasting.support.errors import DataError, ForecastingError, RequestError

log = logging.getLogger(__name__)

#: Reasons that are kept, of so many regions.
MOST_REASONS = 1_000


class BulkForecast:
    """One model's forecasts of all regions. Every method may be called from any thread.

    Attributes:
        of: how many regions there are.
        failed: why some have no forecast, by region.
        why: why it has ended before all was done; empty unless it has.
    """

    def __init__(
        self,
        service: Service,
        panel: Panel,
        statistic: str,
        model: str,
        horizon: int,
        training: TrainingOptions = ALL_HISTORY,
    ) -> None:
        self._service, self._panel, self._statistic = service, panel, statistic
        self._model, self._horizon, self._learning = model, horizon, training
        self._regions = panel.regions(statistic)
        self._made: dict[str, tuple[Forecast, float | None]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"bulk {model}")
        self.of, self.failed, self.why = len(self._regions), dict[str, str](), ""

    def start(self) -> None:
        """Begin, once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for no more; what is made stays, and what is being fitted is stored when it is done."""
        self._stopped.set()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout)

    @property
    def running(self) -> bool:
        """Whether more is coming."""
        return self._thread.is_alive()

    @property
    def made(self) -> int:
        """How many forecasts there are."""
        return len(self._made)

    @property
    def judged(self) -> int:
        """Of how many regions it is known whether there is a forecast."""
        return len(self._made) + len(self.failed)

    def table(self) -> pd.DataFrame:
        """The forecasts table of what is made by now, in the order of the panel's regions."""
        made = dict(self._made)
        return stack_forecasts([(region, *made[region]) for region in self._regions if region in made])

    def _run(self) -> None:
        try:
            for request, job in self._service.run(self._requests()):
                region = request.series.region
                if job.forecast is not None:
                    series = request.series
                    self._made[region] = job.forecast, series.total if series.cumulative else None
                else:
                    self._fail(region, job.error or str(job.state))
        except ForecastingError as error:  # the application is closing, or the queue is full of other things
            self.why = str(error)
        except Exception:
            log.exception("Forecasting all regions went wrong")
            self.why = "It has ended by a fault of the program; the log says more."

    def _requests(self) -> Iterator[Request]:
        for region in self._regions:
            if self._stopped.is_set():
                return
            try:
                series = self._learning.of(self._service.series(self._panel, region, self._statistic))
                request = Request(series, self._model, self._horizon)
            except (DataError, RequestError) as error:
                self._fail(region, str(error))
                continue
            except Exception:  # the other regions are forecast all the same
                log.exception("Preparing %s went wrong", region)
                self._fail(region, "It could not be prepared, which is a fault of the program; the log says more.")
                continue
            yield request

    def _fail(self, region: str, reason: str) -> None:
        self.failed[region] = reason if len(self.failed) < MOST_REASONS else ""
