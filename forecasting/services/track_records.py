"""Track records: forecast again from earlier dates, as ordinary jobs in the background, and score what came."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from forecasting.data.columns import REGION
from forecasting.data.forecast import Forecast
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.panel_cache import PerPanel
from forecasting.data.pool_spec import PoolSpec
from forecasting.data.series import Series
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.evaluation.backtest import LEAST_HISTORY, Cutoff, rolling_origins, series_at_cutoff
from forecasting.evaluation.forecast_tables import SCORES
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord, score_cutoffs, track_record_scores
from forecasting.jobs import Job, JobQueue, QueueFull
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.preparation import prepare
from forecasting.support.caching import IdentityMemo, SingleFlight
from forecasting.support.errors import DataError, ForecastingError, RequestError

#: Lists of dates of a panel's regions kept in memory.
DATES_KEPT = 256
#: Earlier states of a panel's regions kept in memory.
CUTS_KEPT = 1_500
#: Earlier dates that a series of days or shorter steps, and of longer periods, is judged from.
FEW_ORIGINS, MANY_ORIGINS = 4, 8
#: Dates that one can go back to.
STOPS = 26
#: Earlier forecasts whose instant ones are made at once, between two looks at the clock.
INSTANT_AT_ONCE = 64
#: Scores of a model's earlier forecasts of a region kept in memory.
SCORES_KEPT = 2_000
#: Tables of scores kept in memory.
SCORE_TABLES_KEPT = 32
#: Rows of earlier states of a panel kept in memory.
ROWS_KEPT = 1_000_000


class TrackRecords:
    """Backtests of a panel's regions; part of a `Service`, whose queue and prepared series it uses."""

    def __init__(self, queue: JobQueue, series: Callable[[Panel, str, str], Series], loader: SingleFlight) -> None:
        self._queue, self._series, self._loader = queue, series, loader
        self._rolled: PerPanel[list[pd.Timestamp]] = PerPanel(DATES_KEPT)
        self._tails: PerPanel[dict[pd.Timestamp, pd.Timestamp]] = PerPanel(DATES_KEPT)
        self._alone: PerPanel[Panel] = PerPanel(4)
        self._known: PerPanel[Cutoff] = PerPanel(CUTS_KEPT)
        self._stood: PerPanel[_Stood] = PerPanel(1)
        self._scored: IdentityMemo[ModelScore | None] = IdentityMemo(SCORES_KEPT)
        self._score_tables: IdentityMemo[pd.DataFrame] = IdentityMemo(SCORE_TABLES_KEPT)

    def track_record(
        self,
        panel: Panel,
        region: str,
        statistic: str,
        models: Sequence[str],
        training: TrainingOptions = ALL_HISTORY,
        origins: int | None = None,
        *,
        dates: Sequence[pd.Timestamp] | None = None,
        horizon: int | None = None,
        first: pd.Timestamp | None = None,
        at_once: int | None = None,
        retry: bool = False,
        watched: bool = True,
        patience: float | None = None,
    ) -> TrackRecord:
        """Forecast again from earlier dates with what was known then, in the background; seasonal naive beside the rest.

        Which dates, and how far ahead, says `lookback`, so that every page has the same figures.

        Args:
            training: what models learn from, as of each date.
            origins: how many of the last origins.
            dates: forecast from these instead, e.g. those of `cutoffs`, at least `horizon` periods ahead.
            horizon: the periods that are judged, the frequency's default unless given.
            first: the one of `dates` that somebody looks at: its forecasts go before the others, which then wait behind
                whatever else is asked for.
            at_once: how many of the others may wait or be fitted at a time, all unless given; ask again for the rest.
            retry: begin those again that failed or were cancelled.
            watched: somebody looks at this now, so it goes before what nobody looks at.
            patience: seconds for models that are fitted at once, without a worker; ask again for what they did not reach.
        """
        until = time.monotonic() + patience if patience else float("inf")
        now = self._series(panel, region, statistic)
        usual = lookback(now, horizon, origins)
        judged = usual.judged if dates is None else horizon or usual.judged
        ahead = usual.ahead if dates is None else max(judged, usual.ahead)  # the same requests as without `dates`
        try:
            if dates is None:
                dates = self._dates(panel, region, statistic, ahead, usual.origins, usual.step)
            cutoffs = self._cuts(panel, region, statistic, dates)
        except (DataError, RequestError) as error:
            return TrackRecord(why_not=str(error))
        names = tuple(dict.fromkeys(["naive", *models]))
        requests = {
            (name, i): cutoff.with_training(training).request(name, ahead)
            for i, cutoff in enumerate(cutoffs)
            for name in names
        }
        places = {place for place, cutoff in enumerate(cutoffs) if cutoff.at == first}
        asked, full = self._submit(requests, places, len(requests) if at_once is None else at_once, retry, until)
        if watched:
            self._queue.watch([job.key for name, job in asked.items() if not places or name[1] in places])
        done = {name: job.forecast for name, job in asked.items() if job.forecast is not None}
        scores = [found for name in names if (found := self._score(name, cutoffs, done, now, judged))]
        best_first = tuple(sorted(scores, key=lambda s: s.wis))
        left = len(requests) - len(asked)
        return TrackRecord(best_first, asked, judged, ahead, cutoffs=tuple(cutoffs), full=full, left=left)

    def scores(self, pasts: Mapping[str, TrackRecord], nows: Mapping[str, Series]) -> pd.DataFrame:
        """The scores of track records as far as they are done, by region: `track_record_scores` of all of them, one after the other."""
        tables = [self._table(region, past, nows[region]) for region, past in pasts.items() if past.forecasts]
        if len(tables) < 2:
            return tables[0] if tables else pd.DataFrame(columns=list(SCORES))
        return self._score_tables.get("", tables, lambda: pd.concat(tables, ignore_index=True))

    def _table(self, region: str, past: TrackRecord, now: Series) -> pd.DataFrame:
        parts = [now, *past.cutoffs, *past.forecasts.values()]
        return self._score_tables.get((region, *past.forecasts), parts, lambda: track_record_scores(past, now))

    def _score(
        self, name: str, cutoffs: Sequence[Cutoff], done: dict[tuple[str, int], Forecast], now: Series, horizon: int
    ) -> ModelScore | None:
        """What `score_cutoffs` gives; kept, for a page asks twice a second."""
        there = [done.get((one, place)) for place in range(len(cutoffs)) for one in (name, "naive")]
        parts = [now, *cutoffs, *(forecast for forecast in there if forecast is not None)]
        which = (name, horizon, *(forecast is not None for forecast in there))
        return self._scored.get(which, parts, lambda: score_cutoffs(name, cutoffs, done, now, horizon))

    def _submit(
        self, requests: dict[tuple[str, int], Request], first: set[int], at_once: int, retry: bool, until: float
    ) -> tuple[dict[tuple[str, int], Job], str]:
        """The jobs that there are now, by model and place, and the queue's sentence when it would not take more.

        The places in `first` are asked for in person, then those next to them, so that what leads up to them is known first;
        without such a place the newest comes first. Of the others no more than `at_once` are unfinished: after those,
        and of instant models after `until`, only what is known already is given.
        """
        asked: dict[tuple[str, int], Job] = {}
        later: list[tuple[str, int]] = []
        full, open_jobs = "", 0
        start = min(first, default=max((place for _, place in requests), default=0))
        in_order = sorted(requests, key=lambda name: (name[1] not in first, abs(name[1] - start), name[1] > start))
        self._fit_instant([requests[name] for name in in_order], until)
        for name in in_order:
            mine = name[1] in first
            instant = model(name[0]).instant
            if time.monotonic() > until if instant else not mine and open_jobs >= at_once:
                later.append(name)
                continue
            try:
                asked[name] = self._queue.submit(requests[name], background=not mine, retry=retry)
            except QueueFull as error:
                full = str(error)
                continue
            open_jobs += not mine and not asked[name].finished
        known = {job.key: job for job in self._queue.jobs(requests[name].key for name in later)} if later else {}
        asked |= {name: known[requests[name].key] for name in later if requests[name].key in known}
        return {name: asked[name] for name in requests if name in asked}, full

    def _fit_instant(self, requests: Sequence[Request], until: float) -> None:
        """Fit what is instant of these, some at once, so that nobody has to wait for them one by one; not after `until`."""
        for start in range(0, len(requests), INSTANT_AT_ONCE):
            if time.monotonic() > until:
                return
            self._queue.fit_instant(requests[start : start + INSTANT_AT_ONCE])

    def cutoffs(
        self, panel: Panel, region: str, statistic: str, horizon: int, patience: float | None = None
    ) -> list[Cutoff] | None:
        """The region at each of the last dates that one can go back to, oldest first; after each, something has come.

        With vintages the dates on which figures were published. None when not all are prepared after `patience` seconds:
        ask again, it goes on. Raises `DataError` when there is no such date.
        """
        name = (panel.source, id(panel.table), region, statistic, horizon)
        return self._loader.result(name, lambda: self._earlier_cutoffs(panel, region, statistic, horizon), patience)

    def at(self, panel: Panel, region: str, statistic: str, date: pd.Timestamp) -> Cutoff:
        """The region as it stood before a date; kept, for preparing is work. Raises `DataError`, `RequestError`."""
        return self._cut(panel, region, statistic, date)

    def usual_origins(self, panel: Panel, region: str, statistic: str, horizon: int) -> list[pd.Timestamp]:
        """The dates that every other page, report and table judges a region by at a horizon, as `lookback` says, oldest first."""
        usual = lookback(self._series(panel, region, statistic), horizon)
        try:
            dates = self._dates(panel, region, statistic, usual.ahead, usual.origins, usual.step)
            return [cutoff.origin for cutoff in self._cuts(panel, region, statistic, dates)]
        except (DataError, RequestError):
            return []

    def _earlier_cutoffs(self, panel: Panel, region: str, statistic: str, horizon: int) -> list[Cutoff]:
        usual = lookback(now := self._series(panel, region, statistic), horizon)
        came = usual.step + usual.ahead % usual.step  # so that the dates of `lookback` are among these
        dates = self._dates(panel, region, statistic, horizon, STOPS, usual.step, came)
        found = [cutoff for cutoff in self._cuts(panel, region, statistic, dates) if cutoff.origin < now.origin]
        if not found:
            raise DataError("There is no earlier date to go back to; choose another region, or a shorter horizon.")
        return found

    def _dates(
        self, panel: Panel, region: str, statistic: str, horizon: int, count: int, step: int, came: int | None = None
    ) -> list[pd.Timestamp]:
        """`rolling_origins`; kept, for it prepares the region anew."""
        name = (panel.source, region, statistic, horizon, count, step, came)
        return self._rolled.get(
            panel, name, lambda: rolling_origins(panel, region, statistic, horizon, count, step, came)
        )

    def _cuts(self, panel: Panel, region: str, statistic: str, dates: Sequence[pd.Timestamp]) -> list[Cutoff]:
        """The region at each date, less those at which nothing new had come or which lack it; kept, for preparing is work.

        Raises what the first date raised if there is nothing to learn from on any.
        """
        found, errors = dict[pd.Timestamp, Cutoff](), list[ForecastingError]()
        for date in dates:
            try:
                known = self._cut(panel, region, statistic, date)
            except (DataError, RequestError) as error:
                errors.append(error)
                continue
            found.setdefault(known.origin, known)
        if errors and not found:
            raise errors[0]
        return list(found.values())

    def _cut(self, panel: Panel, region: str, statistic: str, date: pd.Timestamp) -> Cutoff:
        name = (panel.source, region, statistic, date)
        return self._known.get(panel, name, lambda: self._prepared(panel, region, statistic, date))

    def _prepared(self, panel: Panel, region: str, statistic: str, date: pd.Timestamp) -> Cutoff:
        """What `series_at_cutoff` gives. Without vintages, what all regions say of their last days at a date is looked at only once."""
        if panel.has_vintages():
            return series_at_cutoff(self._as_of(panel, date), region, statistic, date)
        name = (panel.source, panel.statistic(statistic).name, date)
        tails = self._tails.get(panel, name, lambda: prepare.incomplete_from(self._as_of(panel, date), statistic))
        alone = self._alone.get(panel, (panel.source, region), lambda: _alone(panel, region))
        known = series_at_cutoff(alone, region, statistic, date, tails)
        return replace(known, series=replace(known.series, pool=PoolSpec(panel, statistic, date)))

    def _as_of(self, panel: Panel, date: pd.Timestamp) -> Panel:
        """The panel as it stood then; the last few are kept, for every region asks for the same dates."""
        return self._stood.get(panel, panel.source, _Stood).as_of(panel, date)


class _Stood:
    """A panel as it stood at the last dates that were asked for, `ROWS_KEPT` rows of them at most."""

    def __init__(self) -> None:
        self._kept: OrderedDict[pd.Timestamp, Panel] = OrderedDict()
        self._lock = threading.Lock()

    def as_of(self, panel: Panel, date: pd.Timestamp) -> Panel:
        with self._lock:
            if date in self._kept:
                return self._kept[date]
        known = panel.as_of(date)
        with self._lock:
            self._kept[date] = known
            while sum(len(one.table) for one in self._kept.values()) > ROWS_KEPT and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return known


@dataclass(frozen=True)
class Lookback:
    """Which earlier dates a series is forecast from again, and what is judged of those forecasts.

    Attributes:
        origins: how many of the last dates that have a whole forecast behind them.
        step: periods between them.
        ahead: periods that are forecast.
        judged: the first of these, which are scored.
    """

    origins: int
    step: int
    ahead: int
    judged: int


def usual_origins(frequency: Frequency) -> int:
    """How many earlier dates a series is judged from unless somebody asks for others."""
    return FEW_ORIGINS if frequency.cycle > 1 else MANY_ORIGINS


def lookback(series: Series, horizon: int | None = None, origins: int | None = None) -> Lookback:
    """The one backtest of a series that every page, report and table shows at a horizon.

    Four origins a season apart for days and shorter steps, else eight origins a period apart. A shorter horizon than the
    frequency's default judges the first periods of forecasts of that length, which are made anyhow. A longer one than
    half of the dates have history for is judged as far ahead as they have.

    Args:
        horizon: the periods to judge, the frequency's default unless given.
        origins: another number of dates.
    """
    frequency = series.frequency
    count, step = origins or usual_origins(frequency), frequency.cycle
    usual = frequency.default_horizon
    horizon = horizon or usual
    longest = (len(series) - step * (count // 2)) // (LEAST_HISTORY + 1)
    ahead = max(usual, horizon) if max(usual, horizon) <= longest else max(min(usual, horizon), longest)
    return Lookback(count, step, ahead, min(horizon, ahead))


def _alone(panel: Panel, region: str) -> Panel:
    """The panel with one region only."""
    return replace(panel, table=panel.table[(panel.table[REGION] == region).to_numpy()])
