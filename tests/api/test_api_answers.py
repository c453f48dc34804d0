"""The words on forecasts: those of Explore, with its track record where it is asked for."""

import pandas as pd
import pytest

from forecasting.api import answers
from forecasting.evaluation.track_record import score_cutoffs
from forecasting.models import model
from forecasting.sources import source
from forecasting.views import answer

QUESTION = {"source": "bundled", "region": "Italy", "statistic": "new_cases", "horizon": 28, "quantiles": [0.5]}


def done(ask, follow, **question):
    """The answer of a request, at once or by its job."""
    given = ask(**question)
    return follow(given) if given.status_code == 202 else given.json()


def test_a_forecast_comes_with_the_sentence_range_and_trend_of_explore(ask, api_service):
    (said,) = ask(**QUESTION, model="naive").json()["answers"]
    series = api_service.series(source("bundled").panel(), "Italy", "new_cases")
    forecast = model("naive").forecast(series, 28)
    shown = answer.answer("Italy", "New cases", series, forecast, today=pd.Timestamp.now())
    assert (said["region"], said["statistic"], said["model"]) == ("Italy", "new_cases", "naive")
    assert (said["sentence"], said["trend"], said["total"], said["text"]) == (
        shown.sentence, shown.trend, shown.total, shown.text,
    )  # fmt: skip
    low, middle, high = answer.next_stretch(series, forecast)
    assert (said["periods"], said["expected"], said["range_80"]) == (
        7,
        pytest.approx(middle),
        pytest.approx([low, high]),
    )
    assert said["chance_of_rise"] == answer.chance_of_rise(series, forecast)
    assert said["track_record"] is None


def test_the_track_record_is_that_of_the_page_and_a_job_waits_for_it(ask, follow, api_service):
    plain = done(ask, follow, **QUESTION, model="ets")["answers"][0]
    said = done(ask, follow, **QUESTION, model="ets", track_record=True)["answers"][0]
    past = api_service.track_records.track_record(
        source("bundled").panel(), "Italy", "new_cases", ["ets"], horizon=QUESTION["horizon"]
    )
    assert not past.waiting, "the request has made all of it"
    whole = api_service.series(source("bundled").panel(), "Italy", "new_cases")
    score = score_cutoffs("ets", past.cutoffs, past.forecasts, whole, past.horizon)
    record = said["track_record"]
    assert record["error_against_no_change"] == score.relative_wis
    assert (record["held_80"], record["outcomes"], record["horizon"]) == (score.held_80, score.periods, past.horizon)
    assert record["origins"] == [f"{origin:%Y-%m-%d}" for origin in past.origins]
    assert record["sentence"].endswith(f"{score.held_80} of {score.periods} outcomes fell in the 80 % range.")
    assert record["next"] == answer.past_words(whole, past, "ets")
    assert record["next"] in said["text"]
    assert {**said, "track_record": None, "text": plain["text"]} == plain


def test_a_track_record_of_several_series_is_refused_with_a_sentence(ask):
    given = ask(source="bundled", model="naive", horizon=7, track_record=True)
    assert given.status_code == 422
    assert given.json()["errors"][0]["field"] == "track_record"


def test_posted_figures_have_a_track_record_too(ask):
    records = [
        {"date": f"2024-{month:02}-{day:02}", "value": 10 + day % 7} for month in range(1, 7) for day in range(1, 29)
    ]
    (said,) = ask(data=records, model="naive", horizon=7, track_record=True).json()["answers"]
    assert said["track_record"]["outcomes"] > 0


def test_a_request_of_very_many_figures_is_answered_without_words(ask, monkeypatch):
    monkeypatch.setattr(answers, "MAX_FIGURES", 100)
    given = ask(**{**QUESTION, "horizon": 3}, model="naive").json()
    assert given["answers"] == []
    assert given["forecasts"]
