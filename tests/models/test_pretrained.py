"""The pretrained network: its file, its units, its bounds, and what it makes of figures whose future is known."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.frequency import DAILY, frequency_of_alias, weekly
from forecasting.data.kind import AMOUNT, COUNT, MEASUREMENT, PERCENT, SHARE
from forecasting.data.series import Series
from forecasting.models import model, models, pretrained
from forecasting.models.pretrained import quantiles_of_many, second_season
from forecasting.models.pretrained_features import Batch, context_length, make_inputs, right_aligned
from forecasting.support.errors import ModelError

#: What the network itself said to a few windows when the file was written (`training.export.record`).
RECORDED = Path(__file__).with_name("pretrained_outputs.npz")
LOW_50, HIGH_50 = QUANTILES.index(0.25), QUANTILES.index(0.75)
LOW_95, HIGH_95 = QUANTILES.index(0.025), QUANTILES.index(0.975)
SEASONS = [1, 2, 4, 5, 6, 7, 12, 13, 24, 26, 48, 52, 73, 96, 288, 365]
random = np.random.default_rng(5)


def seasonal(season: int, count: int = 200, level: float = 100.0) -> np.ndarray:
    walk = np.cumsum(np.random.default_rng(season).normal(0, 1, count))
    return level + walk + 20 * np.sin(2 * np.pi * np.arange(count) / season)


def one(values, season=1, horizon=8, kind=AMOUNT, second=0):
    return quantiles_of_many([np.asarray(values, dtype=float)], season, horizon, kind, second)[0]


def test_the_file_says_what_the_trained_network_said() -> None:
    recorded = np.load(RECORDED)
    feed = {name: recorded[name] for name in ("series", "steps", "bases", "unit")}
    found = pretrained._network().run(None, feed)[0]
    np.testing.assert_allclose(found, recorded["quantiles"], rtol=1e-4, atol=1e-4)


def test_the_file_is_small() -> None:
    assert Path(pretrained.__file__).with_suffix(".onnx").stat().st_size < 3_000_000


@pytest.mark.parametrize("season", SEASONS)
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_amounts_in_another_unit_have_the_same_forecast(season: int, factor: float) -> None:
    for values in (seasonal(season), np.maximum(seasonal(season, level=5.0), 0.0)):  # the second has zeros
        here, there = one(values, season), one(values * factor, season)
        np.testing.assert_allclose(there / factor, here, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("season", SEASONS)
def test_measurements_in_another_unit_and_from_another_zero_have_the_same_forecast(season: int) -> None:
    values = seasonal(season, level=0.0)
    here, there = (one(some, season, kind=MEASUREMENT) for some in (values, 1000 + 9 / 5 * values))
    np.testing.assert_allclose((there - 1000) * 5 / 9, here, atol=1e-2)


@pytest.mark.parametrize("season", SEASONS)
@pytest.mark.parametrize("count", [2, 3, 7, 30])
def test_short_histories_have_a_forecast_whatever_the_season(season: int, count: int) -> None:
    found = one(seasonal(season, count), season, horizon=30)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
    assert (np.abs(found[:3, MEDIAN] - 100) < 60).all()


@pytest.mark.parametrize(
    "alias",
    [
        "D",
        "DAYS-1111100",
        "DAYS-1111110",
        "W-SAT",
        "MS",
        "QS-JAN",
        "12M1",
        "6M1",
        "28D",
        "14D",
        "5D",
        "h",
        "15min",
        "5min",
        "1min",
        "6h",
    ],
)
def test_every_calendar_is_carried_on(alias: str) -> None:
    frequency = frequency_of_alias(alias)
    count = max(4 * frequency.season, 40)
    ahead = np.arange(count, count + 12)
    wave = 100 + 40 * np.sin(2 * np.pi * np.arange(count + 12) / frequency.season)
    series = Series(pd.Timestamp("2020-01-06"), frequency, wave[:count], kind=AMOUNT)
    found = model("pretrained").forecast(series, 12)
    assert found.values.shape == found.totals.shape == found.means.shape == (12, 23)
    np.testing.assert_allclose(found.median, wave[ahead], atol=12)


def test_hours_learn_the_days_of_the_week() -> None:
    hours = np.arange(24 * 7 * 5)
    weekend = hours // 24 % 7 >= 5
    values = (100 + 40 * np.sin(2 * np.pi * hours / 24)) * np.where(weekend, 0.4, 1.0)
    known, truth = values[:-72], values[-72:]  # Friday to Sunday
    assert second_season(frequency_of_alias("h")) == 168
    assert second_season(DAILY) == 0
    found = one(known, 24, 72, AMOUNT, 168)[:, MEDIAN]
    assert np.abs(found - truth).mean() < 8


def test_many_at_once_are_those_one_by_one() -> None:
    histories = [seasonal(12, count) for count in (2, 9, 30, 200, 500)]
    rough, exact = (quantiles_of_many(histories, 12, 18, together=together) for together in (0, 1))
    for place, history in enumerate(histories):
        alone = quantiles_of_many([history], 12, 18)[0]
        np.testing.assert_allclose(rough[place], alone, rtol=1e-4)
        np.testing.assert_allclose(exact[place], alone, rtol=1e-9)


def test_none_at_once_is_no_error() -> None:
    assert quantiles_of_many([], 12, 18).shape == (0, 18, 23)


@pytest.mark.parametrize("kind", [COUNT, AMOUNT, SHARE, PERCENT], ids=lambda kind: kind.name)
def test_no_forecast_leaves_the_bounds_of_its_kind(kind) -> None:
    top = min(kind.high, 50.0)
    values = np.clip(top * (0.5 + np.cumsum(random.normal(0, 0.3, 120))), 0, top)
    found = one(values, 7, 60, kind)
    assert found.min() >= 0
    assert found.max() <= kind.high


def test_counts_that_are_mostly_zero_stay_of_their_size() -> None:
    values = np.random.default_rng(8).poisson(0.4, 120).astype(float)
    for frequency in (DAILY, weekly(), frequency_of_alias("MS")):
        found = model("pretrained").forecast(Series(pd.Timestamp("2024-01-31"), frequency, values), 12).values
        assert (found[:, MEDIAN] <= 1).all()
        assert (found[:, HIGH_95] >= 1).all()
        assert (found[:, HIGH_95] <= values.max() + 1).all()
        assert (found[:, -1] <= 2 * values.max()).all()


@pytest.mark.parametrize("kind", [COUNT, AMOUNT, MEASUREMENT], ids=lambda kind: kind.name)
@pytest.mark.parametrize("season", [1, 7, 52])
def test_figures_that_never_change_have_a_narrow_band(season: int, kind) -> None:
    found = one(np.full(60, 50.0), season, 8, kind)
    np.testing.assert_allclose(found[:, MEDIAN], 50, rtol=0.02)
    assert (found[:, HIGH_95] - found[:, LOW_95] < 5).all()


def test_nothing_but_zeros_goes_on_as_zeros() -> None:
    for season in (1, 7, 52):
        assert one(np.zeros(60), season, 8, COUNT)[:, HIGH_95].max() < 0.5


@pytest.mark.parametrize("season", [1, 7, 12])
def test_a_level_that_has_shifted_stays(season: int) -> None:
    before, after = random.normal(100, 3, 60), random.normal(160, 3, 10)
    found = one(np.r_[before, after], season, 7)
    assert (np.abs(found[:, MEDIAN] - 160) < 15).all()


@pytest.mark.parametrize("season", [1, 7, 12])
def test_one_last_outlier_does_not_take_the_forecast_along(season: int) -> None:
    found = one(np.r_[random.normal(100, 3, 60), 200.0], season, 7)
    assert (np.abs(found[:, MEDIAN] - 100) < 35).all()


def test_bands_of_a_random_walk_hold_what_they_promise() -> None:
    paths = 1000 + np.cumsum(random.normal(0, 5, (300, 72)), axis=1)
    found, came = quantiles_of_many(list(paths[:, :60]), 1, 12, MEASUREMENT), paths[:, 60:]
    for low, high, share, slack in ((LOW_50, HIGH_50, 0.5, 0.09), (LOW_95, HIGH_95, 0.95, 0.045)):
        inside = (came >= found[..., low]) & (came <= found[..., high])
        assert inside.mean() == pytest.approx(share, abs=slack)


def test_totals_are_sums_that_hang_together() -> None:
    found = model("pretrained").forecast(Series(pd.Timestamp("2024-01-06"), weekly(), seasonal(1, 60)), 8)
    np.testing.assert_allclose(found.totals[:, MEDIAN], np.cumsum(found.median), rtol=0.02)
    np.testing.assert_allclose(found.totals[0], found.values[0], rtol=0.01)
    width, apart = (
        found.totals[:, HIGH_95] - found.totals[:, LOW_95],
        found.values[:, HIGH_95] - found.values[:, LOW_95],
    )
    assert width[-1] > np.sqrt((apart**2).sum())  # wider than of independent errors
    assert width[-1] < apart.sum()


def test_figures_in_doubt_widen_the_bands() -> None:
    sure = Series(pd.Timestamp("2024-01-06"), weekly(), seasonal(1, 60))
    unsure = Series(sure.start, sure.frequency, sure.values, doubt=(0.05, 0.3))
    one_band, other = (model("pretrained").forecast(series, 4).values for series in (sure, unsure))
    assert ((other[:, HIGH_95] - other[:, LOW_95]) > 1.05 * (one_band[:, HIGH_95] - one_band[:, LOW_95])).all()
    np.testing.assert_allclose(other[:, MEDIAN], one_band[:, MEDIAN])


def test_a_single_figure_is_repeated_with_a_note() -> None:
    found = model("pretrained").forecast(Series(pd.Timestamp("2024-01-06"), DAILY, np.array([4.0])), 3)
    assert "needs 2" in found.notes[0]
    np.testing.assert_allclose(found.median, 4)


def test_what_is_before_the_context_is_not_seen() -> None:
    length = context_length(12)
    old = np.r_[random.normal(5, 1, 50), seasonal(12, length)]
    np.testing.assert_array_equal(one(old, 12), one(old[-length:], 12))


def test_inputs_are_finite_and_the_same_alone_and_among_others() -> None:
    histories = [np.array([0.0, 0.0]), np.array([1e300, 1e-300, 5.0]), seasonal(12), np.full(9, 7.0)]
    steps = np.tile(np.arange(1, 5), (4, 1))
    batch = Batch(right_aligned(histories, context_length(12)), 12, 0, steps, np.zeros(4), np.zeros(4))
    found = make_inputs(batch)
    alone = make_inputs(Batch(batch.values[2:3], 12, 0, steps[:1], np.zeros(1), np.zeros(1)))
    assert all(np.isfinite(table).all() for table in found.feed().values())
    np.testing.assert_allclose(found.series[2:3], alone.series, atol=1e-6)


def test_without_onnxruntime_it_says_so_and_the_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    pretrained._network.cache_clear()
    series = Series(pd.Timestamp("2024-01-06"), DAILY, seasonal(7, 60))
    with pytest.raises(ModelError, match="needs the package onnxruntime"):
        model("pretrained").forecast(series, 7)
    assert model("theta").forecast(series, 7).is_finite
    assert "pretrained" in models()


def test_listing_the_models_imports_no_onnxruntime() -> None:
    code = "import sys; from forecasting.models import models; models(); print('onnxruntime' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_the_weights_name_no_file_of_the_machine_that_they_were_made_on() -> None:
    content = (Path(pretrained.__file__).parent / "pretrained.onnx").read_bytes()
    assert b".py" not in content
    assert b"stack_trace" not in content


@pytest.mark.parametrize("what", ["damaged", "cut", "empty", "of another version"])
def test_weights_that_cannot_be_used_are_one_sentence(what, tmp_path, monkeypatch):
    weights = (pretrained.files("forecasting.models") / "pretrained.onnx").read_bytes()
    other = weights.replace(b"unit", b"tinu")
    content = {"damaged": b"x" * 1000, "cut": weights[:-5000], "empty": b"", "of another version": other}[what]
    (tmp_path / "pretrained.onnx").write_bytes(content)
    monkeypatch.setattr(pretrained, "files", lambda package: tmp_path)
    pretrained._network.cache_clear()
    try:
        with pytest.raises(ModelError, match="damaged or of another version"):
            pretrained.Pretrained().forecast(Series(pd.Timestamp("2024-01-01"), DAILY, np.arange(30.0)), 3)
    finally:
        pretrained._network.cache_clear()
