"""Forecasts of posted figures are on the dates that their own calendar has next."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import frequency_of_alias

FIRST = {
    "15min": "2024-01-01 00:10",
    "DAYS-1111100": "2024-02-20",
    "W-WED": "2024-02-21",
    "28D": "2018-01-07",
    "1M15": "2019-11-15",
    "12M31": "2001-12-31",
}


def figures(alias, region, count=40):
    dates = frequency_of_alias(alias).grid(pd.Timestamp(FIRST[alias]), count + 3)
    values = 200 + np.arange(count) % 7
    rows = [
        {"region": region, "date": date.isoformat(), "value": int(value)}
        for date, value in zip(dates, values, strict=False)
    ]
    return rows, list(dates[count:])


@pytest.mark.parametrize("alias", FIRST)
def test_the_next_dates_are_the_calendars_own(ask, alias):
    rows, expected = figures(alias, "A")
    answer = ask(data=rows, model="naive", horizon=3)
    assert answer.status_code == 200, answer.text
    dates = list(dict.fromkeys(row["date"] for row in answer.json()["forecasts"]))
    assert list(pd.to_datetime(dates)) == expected


def test_regions_of_several_calendars_keep_their_own(ask):
    asked = {alias: figures(alias, alias) for alias in ("DAYS-1111100", "W-WED", "1M15")}
    answer = ask(data=[row for rows, _ in asked.values() for row in rows], model="naive", horizon=3)
    assert answer.status_code == 200, answer.text
    forecasts = pd.DataFrame(answer.json()["forecasts"])
    for alias, (_, expected) in asked.items():
        assert list(pd.to_datetime(forecasts.loc[forecasts["region"] == alias, "date"].unique())) == expected
    assert any("each region keeps its own dates" in note for note in answer.json()["notes"])
