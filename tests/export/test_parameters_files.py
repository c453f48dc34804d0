"""JSON of parameters: the examples of docs/export.md, as printed, give the app's quantiles."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.kind import AMOUNT, COUNT, MEASUREMENT, PERCENT
from forecasting.data.series import Series
from forecasting.export.model_files import Origin, check_export, export_model, formats_of
from forecasting.models import model
from forecasting.support.errors import ModelError, RequestError
from tests.export.export_examples import example, run_example

ORIGIN = Origin("bundled", "new_cases", "Here", "cases", "CC BY 4.0", "Somebody")
HEADINGS = {"ets": "ETS", "theta": "Theta", "sarima": "SARIMA", "naive": "Seasonal naive"}
FORM_HEADINGS = {"ets": "ETS", "theta": "Theta", "sarima": "SARIMA", "seasonal_naive": "Seasonal naive"}


def series_of(values, alias="D", kind=COUNT, **others) -> Series:
    frequency = frequency_of_alias(alias)
    first = frequency.grid(pd.Timestamp("2024-01-06"), 1)[0]
    return Series(first, frequency, np.asarray(values, float), kind=kind, **others)


def noise(count, seed=1):
    return np.random.default_rng(seed).normal(size=count)


WAVE = 300 + 200 * np.sin(np.arange(200) / 20)
SERIES = {
    "days of counts": series_of(np.round(WAVE * (1 + 0.3 * (np.arange(200) % 7 < 2)) + 20 * noise(200))),
    "counts in doubt": series_of(np.round(WAVE + 20 * noise(200)), doubt=(0.1, 0.2, 0.4)),
    "weeks": series_of(np.round(WAVE[:130] + 30 * noise(130)), "W-SAT"),
    "temperatures": series_of(280 + 10 * noise(90), "MS", MEASUREMENT),
    "percent": series_of(np.clip(95 + 4 * noise(60), 0, 100), "D", PERCENT),
    "amounts": series_of(np.exp(20 + noise(60)), "QS", AMOUNT),
    "intermittent": series_of(np.where(np.arange(120) % 5 == 0, 4, 0) + (np.arange(120) % 11 == 0)),
    "true zeros": series_of(np.where(np.arange(60) == 30, 0, 1000 + 50 * noise(60)), "W-SAT", true_zeros=True),
    "constant": series_of(np.full(50, 7.0)),
    "zeros": series_of(np.zeros(50)),
    "one figure": series_of([12.0]),
    "huge": series_of(1e12 * (2 + 0.1 * noise(80)), "D", AMOUNT),
    "tiny": series_of(1e-9 * (2 + 0.1 * noise(80)), "D", AMOUNT),
    "runs away": series_of(np.round(np.exp(np.arange(40) / 3)), "W-SAT"),
}


@pytest.mark.parametrize("horizon", [1, 30])
@pytest.mark.parametrize("name", HEADINGS)
@pytest.mark.parametrize("what", SERIES)
def test_a_few_lines_of_numpy_give_the_app_s_quantiles(what, name, horizon, tmp_path):
    series = SERIES[what]
    forecast = Forecast.from_json(model(name).forecast(series, horizon).to_json())
    content = export_model(series, forecast, "json", ORIGIN).content
    heading = FORM_HEADINGS[json.loads(content)["form"]]
    file_name = example(heading).split('open("')[1].split('"')[0]
    found = run_example(heading, tmp_path, file_name, content)["quantiles"]
    assert found.shape == (horizon, len(QUANTILES))
    np.testing.assert_allclose(found, forecast.values, rtol=1e-5, atol=1e-5 * np.abs(forecast.values).max())


def test_the_file_says_what_it_is():
    series = SERIES["days of counts"]
    made = export_model(series, model("ets").forecast(series, 7), "json", ORIGIN)
    said = json.loads(made.content)
    assert made.name == "ets_here_new_cases.json"
    assert (said["format"], said["format_version"], said["model"], said["version"]) == (
        "forecast-explorer",
        1,
        "ets",
        model("ets").version,
    )
    assert (said["frequency"], said["cycle"], said["kind"], said["units"]) == ("D", 7, "count", "cases")
    assert (said["horizon"], said["levels"], said["dates"][0]) == (7, list(QUANTILES), "2024-07-24T00:00:00")
    assert (said["origin"], said["licence"], said["attribution"]) == (
        "2024-07-23T00:00:00",
        "CC BY 4.0",
        "Somebody",
    )
    assert said["outputs"][0]["shape"] == [7, 23]


@pytest.mark.parametrize("name", HEADINGS)
def test_an_example_is_short(name):
    assert len(example(HEADINGS[name]).splitlines()) <= 22


def test_a_fit_that_is_not_of_these_figures_is_refused():
    series = SERIES["days of counts"]
    forecast = model("ets").forecast(series, 7)
    for damaged in (
        replace(forecast, values=forecast.values * 1.01),
        replace(forecast, fitted=forecast.fitted | {"version": 0}),
        replace(forecast, fitted=forecast.fitted | {"smoothing": {}}),
        replace(forecast, fitted={}),
    ):
        with pytest.raises(ModelError, match="forecast them anew"):
            export_model(series, damaged, "json", ORIGIN)


@pytest.mark.parametrize(
    ("name", "format_name", "sentence"),
    [("prophet", "json", "Prophet cannot be exported; these can: .*ets"), ("ets", "onnx", "ETS is exported as json")],
)
def test_what_cannot_be_exported_is_said_with_what_can(name, format_name, sentence):
    with pytest.raises(RequestError, match=sentence):
        check_export(name, format_name)
    assert format_name not in formats_of(name)
