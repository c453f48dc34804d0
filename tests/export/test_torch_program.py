"""The pretrained network as a program of torch."""

import sys

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.export.model_files import Origin, export_model
from forecasting.export.model_files.torch_program import pretrained_torch
from forecasting.models import model
from forecasting.support.errors import RequestError
from tests.export.export_examples import example, run_example

ORIGIN = Origin("bundled", "new_cases", "Here", "cases", "CC BY 4.0", "Somebody")
FIGURES = np.round(300 + 200 * np.sin(np.arange(120) / 9) + 40 * np.random.default_rng(2).normal(size=120))


@pytest.mark.whole  # recording the program takes a minute
def test_torch_alone_gives_the_app_s_quantiles_for_other_numbers_of_series_and_figures(tmp_path):
    torch = pytest.importorskip("torch", reason="it is optional")
    pytest.importorskip("onnx", reason="it is optional")
    series = Series(pd.Timestamp("2024-01-01"), DAILY, FIGURES)
    forecast = model("pretrained").forecast(series, 5)
    np.savetxt(tmp_path / "figures.csv", FIGURES, fmt="%.17g")
    made = export_model(series, forecast, "torch", ORIGIN)
    assert made.name == "pretrained_here_new_cases.pt2"
    names = run_example("Torch", tmp_path, "pretrained.pt2", made.content)
    np.testing.assert_allclose(names["quantiles"], forecast.values, rtol=1e-5)
    many = np.stack([FIGURES[:40], FIGURES[40:80], FIGURES[80:], np.zeros(40)])
    found = names["program"](torch.from_numpy(many)).numpy()
    for own, figures in zip(found, many, strict=True):
        want = model("pretrained").forecast(Series(pd.Timestamp("2024-01-01"), DAILY, figures), 5).values
        np.testing.assert_allclose(own, want, rtol=1e-5, atol=1e-5 * want.max())
    assert len(example("Torch").splitlines()) <= 20


def test_without_torch_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RequestError, match=r"needs the package torch.*pip install -r requirements-training.txt"):
        pretrained_torch(Series(pd.Timestamp("2024-01-01"), DAILY, FIGURES), 5, ORIGIN)
