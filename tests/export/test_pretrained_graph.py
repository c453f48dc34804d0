"""The pretrained network as ONNX: onnxruntime alone gives the app's quantiles."""

import json
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.kind import AMOUNT, COUNT, MEASUREMENT, PERCENT
from forecasting.data.series import Series
from forecasting.export.model_files import Origin, export_model
from forecasting.export.model_files.pretrained_graph import pretrained_onnx
from forecasting.models import model
from forecasting.support.errors import ModelError, RequestError
from tests.export.export_examples import example, run_example
from tests.sweeps import examples

ORIGIN = Origin("bundled", "new_cases", "Here", "cases", "CC BY 4.0", "Somebody")
pytest.importorskip("onnx", reason="it is optional")


def series_of(values, alias, kind=COUNT, **others) -> Series:
    frequency = frequency_of_alias(alias)
    return Series(
        frequency.grid(pd.Timestamp("2024-01-06"), 1)[0], frequency, np.asarray(values, float), kind=kind, **others
    )


def opened(series, horizon):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    content = pretrained_onnx(series, horizon, ORIGIN)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def right_aligned(histories):
    longest = max(map(len, histories))
    return np.array([[*[np.nan] * (longest - len(one)), *one] for one in histories])


@pytest.fixture(scope="module")
def graphs():
    """``graphs(alias, kind, doubted)``: a session for 6 steps, made once."""
    made = {}

    def graph(alias, kind, doubted=0):
        key = alias, kind.name, doubted
        if key not in made:
            made[key] = opened(series_of(np.arange(9.0), alias, kind, doubt=(0.1,) * doubted), 6)
        return made[key]

    return graph


RNG = np.random.default_rng(3)
WAVE = np.round(300 + 200 * np.sin(np.arange(900) / 20) + 30 * RNG.normal(size=900))
HISTORIES = {
    "wave": WAVE,
    "short": WAVE[:30],
    "three": WAVE[:3],
    "two": [5.0, 9.0],
    "two of one kind": [4.0, 4.0],
    "constant": np.full(80, 7.0),
    "zeros": np.zeros(80),
    "intermittent": np.where(np.arange(200) % 5 == 0, 4.0, 0.0),
    "long ago large, intermittent now": np.r_[np.full(500, 90.0), np.where(np.arange(200) % 7 == 0, 1.0, 0.0)],
    "mostly zeros": np.where(np.arange(60) % 3 == 0, 0.0, np.where(np.arange(60) < 40, 0.0, 9.0)),
    "single zeros": np.where(np.arange(150) % 40 == 7, 0.0, WAVE[:150]),
    "huge": WAVE * 1e12,
    "tiny": WAVE * 1e-9,
    "steep": np.round(np.exp(np.arange(60) / 3)),
}


@pytest.mark.parametrize(
    ("alias", "kind"),
    [
        ("D", COUNT),
        ("W-SAT", COUNT),
        ("W-SAT", AMOUNT),
        ("MS", COUNT),
        ("D", AMOUNT),
        ("MS", MEASUREMENT),
        ("12M31", MEASUREMENT),
        ("h", AMOUNT),
        ("D", PERCENT),
    ],
)
def test_many_series_at_once_have_the_app_s_quantiles(alias, kind, graphs):
    histories = [
        np.clip(figures, kind.low, kind.high) - (50 if kind is MEASUREMENT else 0) for figures in HISTORIES.values()
    ]
    wanted = [
        one.values for one in model("pretrained").forecast_many([series_of(one, alias, kind) for one in histories], 6)
    ]
    found = graphs(alias, kind).run(None, {"history": right_aligned(histories)})[0]
    assert found.shape == (len(histories), 6, len(QUANTILES))
    for name, own, want in zip(HISTORIES, found, wanted, strict=True):
        np.testing.assert_allclose(own, want, rtol=1e-5, atol=1e-5 * np.abs(want).max(), err_msg=name)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=40), st.sampled_from([1.0, 1e-9, 1e6]))
def test_any_history_has_the_app_s_quantiles(graphs, figures, unit):
    history = np.array(figures) * unit
    want = model("pretrained").forecast(series_of(history, "W-SAT", AMOUNT), 6).values
    found = graphs("W-SAT", AMOUNT).run(None, {"history": history[None]})[0][0]
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5 * np.abs(want).max())


def test_doubt_about_the_last_figures_widens_the_bands_as_in_the_app(graphs):
    session = graphs("D", COUNT, 3)
    for doubt in ((0.1, 0.2, 0.4), (0.0, 0.0, 0.0)):
        series = series_of(WAVE[:200], "D", doubt=doubt if any(doubt) else ())
        want = model("pretrained").forecast(series, 6).values
        found = session.run(None, {"history": series.values[None], "doubt": np.array([doubt])})[0][0]
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5 * want.max())


def test_a_series_has_the_same_quantiles_alone_and_among_others(graphs):
    session = graphs("D", COUNT)
    together = session.run(None, {"history": np.stack([WAVE[:300], WAVE[300:600], WAVE[600:]])})[0]
    alone = session.run(None, {"history": WAVE[300:600][None]})[0]
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-6)


def test_a_series_without_figures_spoils_no_other(graphs):
    session, figures = graphs("D", COUNT), WAVE[:60]
    rows = np.stack([np.full(60, np.nan), np.r_[np.full(59, np.nan), 5.0], figures, np.r_[figures[:-1], 1e12]])
    found = session.run(None, {"history": rows})[0]
    np.testing.assert_allclose(found[2], session.run(None, {"history": figures[None]})[0][0], rtol=1e-6)
    assert np.isfinite(found[2:]).all()
    assert np.isnan(found[0]).all()


@pytest.mark.parametrize("horizon", [1, 64, 400])
def test_every_horizon_is_one_pass(horizon):
    series = series_of(WAVE[:200], "D")
    found = opened(series, horizon).run(None, {"history": series.values[None]})[0][0]
    want = model("pretrained").forecast(series, horizon).values
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5 * want.max())


@pytest.mark.parametrize("doubt", [(), (0.0,) * 3])
def test_the_example_of_the_docs_gives_the_app_s_quantiles(doubt, tmp_path):
    series = series_of(WAVE[:200], "D", doubt=doubt)
    forecast = model("pretrained").forecast(series, 6)
    np.savetxt(tmp_path / "figures.csv", series.values, fmt="%.17g")
    made = export_model(series, forecast, "onnx", ORIGIN)
    found = run_example("Pretrained", tmp_path, "pretrained.onnx", made.content)["quantiles"]
    np.testing.assert_allclose(found, forecast.values, rtol=1e-5)
    assert (made.name, len(example("Pretrained").splitlines()) <= 20) == ("pretrained_here_new_cases.onnx", True)


def test_the_file_has_its_signature_and_standard_operators_only(graphs):
    session = graphs("D", COUNT, 3)
    about = session.get_modelmeta().custom_metadata_map
    said = {name: about[name] for name in ("format", "model", "kind", "frequency", "units", "licence", "attribution")}
    assert said == {
        "format": "forecast-explorer", "model": "pretrained", "kind": "count", "frequency": "D", "units": "cases",
        "licence": "CC BY 4.0", "attribution": "Somebody",
    }  # fmt: skip
    numbers = {
        name: json.loads(about[name])
        for name in ("format_version", "version", "cycle", "horizon", "shortest", "levels")
    }
    assert numbers == {
        "format_version": 1, "version": model("pretrained").version, "cycle": 7, "horizon": 6, "shortest": 2,
        "levels": list(QUANTILES),
    }  # fmt: skip
    declared = [(one["name"], one["shape"]) for one in json.loads(about["inputs"])]
    assert declared == [("history", ["series", "periods"]), ("doubt", ["series", 3])]
    assert [(one.name, one.shape, one.type) for one in session.get_inputs()] == [
        (name, shape, "tensor(double)") for name, shape in declared
    ]
    assert [(one.name, one.shape) for one in session.get_outputs()] == [("quantiles", ["series", 6, 23])]


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    series = series_of(WAVE[:50], "D")
    with pytest.raises(RequestError, match=r"needs the package onnx.*pip install -r requirements-export.txt"):
        pretrained_onnx(series, 6, ORIGIN)


def test_a_single_figure_is_a_sentence():
    with pytest.raises(ModelError, match="has only 1 figure"):
        pretrained_onnx(replace(series_of(WAVE[:50], "D"), values=np.array([3.0])), 6, ORIGIN)
