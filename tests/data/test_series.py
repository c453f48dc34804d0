from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import QUANTILES, Forecast, Series, model
from forecasting.data.frequency import DAILY, frequency_of_alias, weekly
from forecasting.data.infer_frequency import infer_frequency
from forecasting.jobs.request import Request
from forecasting.support.errors import RequestError

START = pd.Timestamp("2021-01-01")


def daily(values) -> Series:
    return Series(START, DAILY, np.asarray(values, dtype=float))


def test_there_are_the_hubs_23_quantiles():
    assert len(QUANTILES) == 23
    assert (QUANTILES[0], QUANTILES[1], QUANTILES[11], QUANTILES[-1]) == (0.01, 0.025, 0.5, 0.99)


def test_cutting_a_series_keeps_its_running_total():
    series = Series(START, DAILY, np.arange(10.0), before=100.0)
    assert series.tail(3).before == 100 + sum(range(7))
    assert series.tail(3).total == series.total
    assert series.until(START + pd.Timedelta(days=4)).origin == pd.Timestamp("2021-01-05")


def test_a_season_counts_only_when_the_series_holds_two():
    assert daily(np.ones(13)).season == 1
    assert daily(np.ones(14)).season == 7


def test_a_series_and_a_forecast_survive_the_way_to_a_worker_to_the_last_digit():
    series = daily(np.random.default_rng(1).gamma(2, 1000 / 3, 60))
    again = Series.from_json(series.to_json())
    assert again.digest() == series.digest()
    forecast = model("naive").forecast(series, 14)
    back = Forecast.from_json(forecast.to_json())
    assert (back.values == forecast.values).all()
    assert (back.totals == forecast.totals).all()
    assert (back.means == forecast.means).all()


def test_requests_share_a_key_exactly_when_they_ask_the_same():
    series = daily(np.arange(30.0))
    key = Request(series, "naive", 7).key
    assert Request(daily(np.arange(30.0)), "naive", 7).key == key
    assert Request(series, "naive", 8).key != key
    assert Request(series.until(series.dates[-2]), "naive", 7).key != key
    shifted = Series(START + pd.Timedelta(days=1), DAILY, series.values)
    assert Request(shifted, "naive", 7).key != key


def test_an_impossible_request_is_refused_in_words():
    with pytest.raises(RequestError, match="no model 'arma'"):
        Request(daily(np.ones(5)), "arma", 7)
    with pytest.raises(RequestError, match="from 1 to 400"):
        Request(daily(np.ones(5)), "naive", 0)


@pytest.mark.parametrize("alias", ["D", "W-SAT", "W-SUN", "MS", "ME", "QS-JAN", "h"])
def test_a_frequency_is_found_from_dates_with_gaps(alias):
    dates = pd.date_range("2020-01-01", periods=40, freq=alias)
    assert infer_frequency(dates.delete([5, 6, 20])).alias == alias


def test_the_dates_after_a_week_are_weeks():
    assert list(weekly("SAT").after(pd.Timestamp("2024-11-09"), 2)) == list(
        pd.to_datetime(["2024-11-16", "2024-11-23"])
    )
    assert frequency_of_alias("W-SAT").season == 52


def test_the_forecasts_table_has_the_columns_and_rows_of_the_contract():
    table = model("naive").forecast(daily(np.arange(30.0)), 5).table("Utopia")
    assert list(table.columns) == ["region", "model", "origin", "horizon", "date", "quantile", "value"]
    assert len(table) == 5 * 23
    assert table["horizon"].min() == 1
    assert (table["origin"] == pd.Timestamp("2021-01-30")).all()
    assert (table.groupby("horizon")["value"].diff().dropna() >= 0).all()


def test_a_table_of_running_totals_starts_from_the_total_at_the_origin():
    series = Series(START, DAILY, np.full(30, 10.0), before=500.0)
    table = model("naive").forecast(series, 3).table("Utopia", cumulative_from=series.total)
    medians = table.loc[table["quantile"] == 0.5, "value"]
    assert medians.tolist() == pytest.approx([810, 820, 830], rel=1e-3)


def test_true_zeros_are_a_part_of_what_a_model_sees():
    plain = Series(pd.Timestamp("2024-01-01"), DAILY, np.arange(30.0))
    marked = replace(plain, true_zeros=True)
    assert marked.digest() != plain.digest()
    assert Series.from_json(marked.to_json()).digest() == marked.digest()
