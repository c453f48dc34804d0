"""What an alert would have done at earlier dates: hits, misses, false alarms and how long before."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import weekly
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.event_record import EventRecord, event_record, record_sentence
from forecasting.evaluation.events import EventKind, EventQuestion
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, State

FIRST = pd.Timestamp("2026-01-03")
#: Weeks of which the fourth, fifth and tenth are above 500.
NOW = Series(FIRST, weekly(), np.array([100.0, 150, 300, 600, 650, 400, 200, 150, 450, 520, 300, 100]))


def past(medians: dict[int, float]) -> TrackRecord:
    """Forecasts two weeks ahead from after so many weeks, each with this median and 10 % to either side."""
    cuts, asked = [], {}
    for place, (weeks, median) in enumerate(medians.items()):
        known = NOW.until(NOW.dates[weeks - 1])
        cuts.append(Cutoff("Ohio", known.origin, known, known.origin))
        values = np.full((2, 1), median) * (1 + np.linspace(-0.1, 0.1, len(QUANTILES)))
        said = Forecast("ets", "known", known.origin, known.frequency, values, values.cumsum(axis=0), values)
        asked["ets", place] = Job(f"{place}", "ets", 2, State.done, forecast=said)
    return TrackRecord(asked=asked, horizon=2, ahead=2, cutoffs=tuple(cuts))


def test_hits_misses_and_false_alarms_are_counted_and_the_first_telling_of_an_event_is_its_lead():
    told, silent = 700.0, 200.0
    record = event_record(
        EventQuestion(EventKind.above, 500, 2),
        0.3,
        past({1: told, 2: told, 3: told, 4: told, 6: told, 7: silent, 8: silent, 9: told, 10: silent, 11: told}),
        NOW,
        "ets",
    )
    # After one week nothing came within two; after two and three it did, the fourth week; after eight and nine the tenth.
    assert (record.hits, record.misses, record.false_alarms, record.quiet) == (3, 1, 2, 1)
    assert record.already == 2
    assert record.lead == pytest.approx(1.5)
    assert (record.first, record.last) == (FIRST.isoformat(), NOW.dates[8].isoformat())
    assert record.dates == 7


def test_a_fall_is_told_of_too_and_dates_whose_weeks_have_not_all_come_are_left_out():
    record = event_record(EventQuestion(EventKind.rise, 25, 2), 0.5, past({1: 700.0, 11: 10.0, 12: 10.0}), NOW, "ets")
    assert (record.hits, record.dates) == (1, 1)
    assert event_record(EventQuestion(EventKind.above, 500, 3), 0.5, past({1: 700.0}), NOW, "ets").dates == 0
    assert event_record(EventQuestion(EventKind.above, 500, 2), 0.5, past({1: 700.0}), NOW, "theta").dates == 0


def test_a_record_is_said_in_a_sentence_and_kept_as_json():
    record = EventRecord(3, 1, 2, 20, 2, 1.6, "2026-01-03T00:00:00", "2026-06-27T00:00:00", "W-SAT")
    assert record_sentence(record) == (
        "On 26 earlier dates (3 Jan to 27 Jun 2026) it was to come 4 times: the alert would have told of 3 (typically 2 weeks "
        "before) and missed 1; 2 false alarms. At 2 dates it had come already."
    )
    once = EventRecord(1, 0, 0, 3, 0, 1.0, "2026-01-03T00:00:00", "2026-01-24T00:00:00", "W-SAT")
    assert record_sentence(once) == (
        "On 4 earlier dates (3 Jan to 24 Jan 2026) it was to come once, and the alert would have told of it 1 week before; "
        "no false alarms."
    )
    assert EventRecord.from_json(record.to_json()) == record
    assert record_sentence(EventRecord(already=1)).startswith("How such an alert would have done is not known")
    quiet = EventRecord(quiet=1, first="2026-01-03T00:00:00", last="2026-01-03T00:00:00", frequency="W-SAT")
    assert record_sentence(quiet) == "On 1 earlier date (3 Jan 2026) it never came; no false alarms."
