"""Which earlier dates a series is judged from, and how far ahead: one rule for every page."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, every_minutes, weekly
from forecasting.data.series import Series
from forecasting.evaluation.track_record import track_record_forecasts, track_record_scores
from forecasting.preparation.prepare import prepare
from forecasting.services.track_records import Lookback, lookback


def series(frequency, length: int) -> Series:
    return Series(pd.Timestamp("2020-01-04"), frequency, np.arange(1.0, length + 1))


@pytest.mark.parametrize(
    ("frequency", "length", "horizon", "expected"),
    [
        (DAILY, 400, None, Lookback(4, 7, 28, 28)),
        (DAILY, 400, 7, Lookback(4, 7, 28, 7)),
        (DAILY, 400, 60, Lookback(4, 7, 60, 60)),
        (weekly(), 73, 4, Lookback(8, 1, 4, 4)),
        (weekly(), 73, 10, Lookback(8, 1, 10, 10)),
        (weekly(), 73, 26, Lookback(8, 1, 23, 23)),  # as far ahead as half of the dates have history for
        (every_minutes(60), 900, None, Lookback(4, 24, 48, 48)),
        (DAILY, 40, 28, Lookback(4, 7, 28, 28)),  # too little for the usual horizon: nothing to look back on
    ],
)
def test_a_series_is_judged_at_the_horizon_that_is_asked_for(frequency, length, horizon, expected):
    assert lookback(series(frequency, length), horizon) == expected


def test_other_numbers_of_dates_change_nothing_else():
    assert lookback(series(weekly(), 200), 4, origins=12) == Lookback(12, 1, 4, 4)


def finished(service, *what, **how):
    service.wait(service.track_records.track_record(*what, **how).jobs)
    return service.track_records.track_record(*what, **how)


def test_a_shorter_horizon_is_the_first_part_of_the_same_forecasts(service):
    panel = service.panel("bundled")
    where = (panel, "Italy", "new_cases", ["ets"])
    week, month = finished(service, *where, horizon=7), finished(service, *where, horizon=28)
    assert {job.key for job in week.jobs} == {job.key for job in month.jobs}
    assert (week.horizon, week.of("ets").periods) == (7, 4 * 7)
    assert (month.horizon, month.of("ets").periods) == (28, 4 * 28)
    near = track_record_scores(month, prepare(panel, "Italy", "new_cases"))
    near = near[(near["model"] == "ets") & (near["horizon"] <= 7)]
    assert week.of("ets").wis == pytest.approx(near["wis"].mean())
    assert week.of("ets").wis != pytest.approx(month.of("ets").wis)
    assert track_record_forecasts(week)["horizon"].max() == 7


def test_a_longer_horizon_is_judged_as_far_ahead_as_there_is_history_for(service):
    panel = service.panel("bundled")
    past = service.track_records.track_record(panel, "Ohio", "new_admissions", ["naive"], horizon=26)
    ahead = (len(prepare(panel, "Ohio", "new_admissions")) - 4) // 3
    assert past.why_not is None
    assert past.horizon == ahead < 26
    assert past.of("naive").periods == len(past.origins) * ahead


def test_dates_next_to_the_one_on_the_screen_come_first_and_else_the_newest(service):
    panel = service.panel("bundled")
    dates = [stop.at for stop in service.track_records.cutoffs(panel, "Ohio", "new_admissions", 4)]

    def asked(region, **how):
        what = (panel, region, "new_admissions", ["ets"])
        past = service.track_records.track_record(*what, dates=dates, horizon=4, **how)
        for job in past.jobs:
            service.cancel(job.key)
        return {place for name, place in past.asked if name == "ets"}

    assert asked("Ohio", at_once=2) == {len(dates) - 1, len(dates) - 2}
    assert asked("Utah", first=dates[5], at_once=2) == {4, 5, 6}
