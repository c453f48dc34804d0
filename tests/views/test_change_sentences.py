"""Why a forecast moved in sentences, on changes whose parts are known."""

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.frequency import weekly
from forecasting.data.kind import MEASUREMENT
from forecasting.data.series import Series
from forecasting.evaluation.forecast_change import ForecastChange
from forecasting.views.change_sentences import change_sentences

WEEK = pd.Timestamp("2026-03-28")
SERIES = Series(pd.Timestamp("2026-01-03"), weekly(), np.full(12, 900.0))
CHANGE = ForecastChange(
    *("A", "ets", WEEK - pd.Timedelta(days=14), WEEK, WEEK),
    *(1000.0, 1100.4, 80.2, 21.2, -1.0, 1, 950.0, 900.0, True),
)


def test_the_whole_comes_first_and_the_parts_add_up():
    assert change_sentences(SERIES, CHANGE) == [
        "1,100 expected in the week to 28 Mar 2026; with figures to 14 Mar 2026 it was 1,000: +100 (+10 %).",
        "+80 from the new figure: 950, where 900 was expected.",
        "+21 from revisions of earlier figures.",
        "−1 from other weights of its members.",
    ]


def test_nothing_that_happened_is_said_so():
    still = replace(CHANGE, now=1000.0, new=0.0, revised=0.0, model_change=0.0, came=900.0)
    assert change_sentences(SERIES, still) == [
        "1,000 expected in the week to 28 Mar 2026, as it was with figures to 14 Mar 2026.",
        "±0 from the new figure: 900, as expected.",
        "Nothing from revisions of earlier figures.",
    ]
    assert "is not known" in change_sentences(SERIES, replace(still, vintages=False))[-1]


def test_measurements_have_decimals_and_no_percentage_below_zero():
    degrees = replace(SERIES, kind=MEASUREMENT, values=np.linspace(-3.4, 2.1, 12))
    colder = replace(CHANGE, before=-1.25, now=-2.31, new=-1.06, revised=0.0, model_change=0.0, came=-2.0, expected=0.5)
    first, new, _ = change_sentences(degrees, colder)
    assert first.endswith(" it was −1.25: −1.06.")
    assert new == "−1.06 from the new figure: −2.00, where 0.50 was expected."
