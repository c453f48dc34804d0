"""Deep: what it is without PyTorch, before it has learned, when learning pays and when it does not, and what it makes of bad input."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optional_packages import needs_torch

from forecasting.data.forecast import Forecast
from forecasting.data.frequency import weekly
from forecasting.data.panel import Panel
from forecasting.data.pool import Pool
from forecasting.data.series import Series
from forecasting.jobs.request import GatheredRequest, PoolRequest
from forecasting.jobs.workers.fit import fit_request
from forecasting.models import deep as deep_module
from forecasting.models import model, models
from forecasting.models._deep_covariates import covariate_table
from forecasting.models._deep_state import Learned, digest_of, milestone
from forecasting.models._deep_windows import PanelTable, panel_table, windows
from forecasting.preparation.gather_pool import gather_pool, prepared_series
from forecasting.preparation.prepare import prepare
from forecasting.support.errors import ModelError
from forecasting.tables.panel_file import read_panel

DEEP, PRETRAINED = model("deep"), model("pretrained")


def panel_of(values: np.ndarray, start: str = "2024-01-01", freq: str = "D", **columns: np.ndarray) -> Panel:
    """A panel of the columns of `values`."""
    dates = pd.date_range(start, periods=len(values), freq=freq).strftime("%Y-%m-%d")
    table = pd.DataFrame(
        {
            "region": np.repeat([f"R{place}" for place in range(values.shape[1])], len(values)),
            "date": np.tile(dates, values.shape[1]),
            "value": values.T.ravel(),
        }
        | {name: column.T.ravel() for name, column in columns.items()}
    )
    return read_panel(table.to_csv(index=False).encode(), "panel.csv")


def fortnights(days: int = 70, regions: int = 4) -> np.ndarray:
    """Days with a pattern of a fortnight, which a network that was told of a week does not know."""
    random = np.random.default_rng(0)
    level = 100 * np.arange(1, regions + 1) * np.exp(np.cumsum(random.normal(0, 0.01, (days, regions)), axis=0))
    pattern = np.array([1, 1.3, 0.8, 1.5, 0.9, 0.4, 0.3, 1, 0.5, 1.6, 0.7, 1.2, 0.4, 0.6])
    return np.round(level * pattern[np.arange(days) % 14, None] * np.exp(random.normal(0, 0.02, (days, regions))), 2)


def pool_of(panel: Panel) -> Pool:
    around = prepare(panel, panel.regions()[0]).around
    assert around is not None
    return gather_pool(around)


def table_of(pool: Pool) -> PanelTable:
    series = prepared_series(pool)
    return panel_table(series, covariate_table(pool, series), 7)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Few and cheap steps; what they bring is kept whether or not it pays."""
    from forecasting.models.networks import fine_tuning

    for name, value in {"STEPS": 8, "CHECK_STEPS": 4, "BATCH": 32, "CONTINUED_STEPS": 4, "PAYS": 1e9}.items():
        monkeypatch.setattr(fine_tuning, name, value)
    monkeypatch.setattr(fine_tuning, "MOST_WINDOWS", 300)
    monkeypatch.setattr(fine_tuning, "MOST_HELD", 100)
    return fine_tuning


def learned_by(made: dict[str, Forecast]) -> dict[str, Any]:
    """What a fit has learned, which one of its forecasts carries."""
    (found,) = (one.fitted for one in made.values() if one.fitted)
    return found


@cache
def usual_pool() -> Pool:
    return pool_of(panel_of(fortnights()))


def assert_sound(made: dict[str, Forecast], horizon: int) -> None:
    assert made
    for one in made.values():
        assert one.model == "deep"
        assert one.values.shape == (horizon, 23)
        assert one.is_finite
        assert (np.diff(one.values, axis=1) >= 0).all()


# ---------------------------------------------------------------------------------------------- without PyTorch


@pytest.mark.parametrize("package", ["torch", "onnx"])
def test_without_its_packages_it_says_in_one_sentence_what_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match=r"^Deep needs PyTorch.*pip install -r requirements-deep\.txt") as failure:
        DEEP.forecast(prepare(panel_of(fortnights()), "R0"), 7)
    assert str(failure.value).count(".") <= 2  # one sentence, and the name of a file
    outcome = fit_request(GatheredRequest(usual_pool(), "deep", 7))
    assert outcome.error == deep_module.MISSING
    assert not outcome.trace


def test_it_is_listed_whether_or_not_it_can_run_and_no_part_of_the_ensemble() -> None:
    assert list(models()).index("deep") > list(models()).index("pretrained")
    assert "deep" not in model("ensemble").members


# --------------------------------------------------------------------------------------- before it has learned


@needs_torch
def test_the_network_has_the_weights_of_the_file_and_an_adapted_one_says_the_same_before_it_learns() -> None:
    import torch

    from forecasting.models.networks.adapted_network import AdaptedNetwork
    from forecasting.models.networks.adapted_quantiles import quantiles_of_panel

    pool = usual_pool()
    table, series = table_of(pool), prepared_series(pool)
    found = windows(table, [40, 50], np.random.default_rng(0))
    torch.manual_seed(0)
    network = AdaptedNetwork(len(table.regions), found.panel.shape[1], found.calendar.shape[2])
    network.normalise_by(found.panel)
    for region, quantiles in quantiles_of_panel(network, series, table, 9).items():
        expected = PRETRAINED.forecast(series[region], 9).values
        np.testing.assert_allclose(quantiles[0], expected, rtol=1e-4)


@needs_torch
def test_a_series_without_others_is_what_the_pretrained_network_says_with_a_sentence() -> None:
    series = replace(prepare(panel_of(fortnights()), "R0"), pool=None)
    made = DEEP.forecast(series, 7)
    np.testing.assert_array_equal(made.values, PRETRAINED.forecast(series, 7).values)
    assert made.notes[-1] == deep_module.ALONE
    assert made.model == "deep"


# ------------------------------------------------------------------------------------------------- what it learns


def test_windows_know_nothing_of_what_comes_after_them_but_their_truth() -> None:
    table = table_of(usual_pool())
    changed = table.values.copy()
    changed[41:] *= 3
    before, after = (
        windows(replace(table, values=values), [40], np.random.default_rng(0)) for values in (table.values, changed)
    )
    for name in ("series", "steps", "bases", "unit", "panel", "calendar"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert (before.truth != after.truth).any()


def test_truths_beyond_the_end_of_the_table_are_unknown() -> None:
    table = table_of(usual_pool())
    found = windows(table.until(42), [40], np.random.default_rng(0))
    known = np.isfinite(found.truth)
    steps = np.round((found.steps[..., -1] / 0.3) ** 2).astype(int)
    assert known.any()
    np.testing.assert_array_equal(known, steps <= 1)


def test_covariates_are_seen_up_to_a_window_s_date_and_no_further() -> None:
    values, tests = fortnights(), np.cumsum(np.ones((70, 4)), axis=0)
    panel = panel_of(values, tests=tests)
    around = prepare(panel, "R0").with_covariates(("tests",)).around
    assert around is not None
    pool = gather_pool(around)
    series = prepared_series(pool)
    table = panel_table(series, covariate_table(pool, series), 7)
    found = windows(table, [40], np.random.default_rng(0))
    np.testing.assert_allclose(found.panel[:, -3], np.arcsinh(41.0), rtol=1e-6)
    assert found.panel.shape[1] == windows(table_of(usual_pool()), [40], np.random.default_rng(0)).panel.shape[1] + 3


@needs_torch
def test_it_learns_a_pattern_that_the_pretrained_network_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    from forecasting.models.networks import fine_tuning

    for name, value in {"STEPS": 60, "CHECK_STEPS": 30, "BATCH": 64, "MOST_WINDOWS": 600, "MOST_HELD": 150}.items():
        monkeypatch.setattr(fine_tuning, name, value)
    values = fortnights(120)
    reports: list[str] = []
    made = DEEP.forecast_pool(pool_of(panel_of(values[:106])), 14, lambda news: reports.append(news.trying))
    errors = {}
    for name, forecasts in (
        ("deep", made),
        (
            "pretrained",
            {r: PRETRAINED.forecast(s, 14) for r, s in prepared_series(pool_of(panel_of(values[:106]))).items()},
        ),
    ):
        errors[name] = np.mean(
            [np.abs(one.median / values[106:, int(region[1:])] - 1).mean() for region, one in forecasts.items()]
        )
    assert errors["deep"] < 0.9 * errors["pretrained"]
    assert "smaller than the pretrained network's" in made["R1"].method
    assert any("of the error" in one for one in reports)
    assert any("what came since" in one for one in reports)


@needs_torch
def test_where_learning_does_not_pay_it_says_so_and_is_the_pretrained_network(few_steps: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(few_steps, "PAYS", 0.0)
    made = DEEP.forecast_pool(usual_pool(), 7)
    assert_sound(made, 7)
    for region, series in prepared_series(usual_pool()).items():
        np.testing.assert_allclose(made[region].values, PRETRAINED.forecast(series, 7).values, rtol=1e-9)
        assert made[region].notes[-1].startswith("Learning here did not pay: ")


# ------------------------------------------------------------------------------------------------- going on from it


@needs_torch
def test_it_goes_on_from_what_it_has_learned_and_says_the_same_as_if_it_had_begun_anew(
    few_steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = fortnights(71)
    earlier = learned_by(DEEP.forecast_pool(pool_of(panel_of(values[:70])), 7))
    later = pool_of(panel_of(values))
    anew = DEEP.forecast_pool(later, 7)

    def learn_again(*_: object) -> Learned:
        raise AssertionError("the training began anew")

    monkeypatch.setattr(few_steps, "learn", learn_again)
    gone_on = DEEP.continue_pool(later, 7, earlier)
    for region, one in anew.items():
        np.testing.assert_array_equal(gone_on[region].values, one.values)


@needs_torch
def test_new_points_change_the_weights_and_old_windows_are_learned_from_again(few_steps: Any) -> None:
    table = table_of(usual_pool())
    state = Learned.from_json(few_steps.learn(table.until(milestone(70)), lambda _: None).to_json())
    restored = few_steps.restored_network(state, table)
    seen: list[np.ndarray] = []
    step = few_steps._Training.step

    def note(self: Any, rows: Any, data: Any) -> None:
        seen.append(rows.numpy())
        step(self, rows, data)

    few_steps._Training.step = note
    try:
        network = few_steps.continued_network(state, table, lambda _: None)
    finally:
        few_steps._Training.step = step
    assert any((a != b).any() for a, b in zip(network.parameters(), restored.parameters(), strict=True))
    new = few_steps._windows(table, 75, np.random.default_rng(1), np.full(4, state.periods - 28))
    shares = [(rows < len(new)).mean() for rows in seen]
    assert min(shares) >= 0.2  # four times the share that they are of all periods
    assert max(shares) <= 0.7


DAMAGES = {
    "nothing": lambda _: {},
    "another version": lambda data: data | {"format": 0},
    "other figures": lambda data: data | {"digest": "0" * 64},
    "a flipped bit": lambda data: (
        data | {"weights": "A" + data["weights"][1:] if data["weights"][0] != "A" else "B" + data["weights"][1:]}
    ),
    "cut short": lambda data: data | {"weights": data["weights"][:40]},
    "no base64": lambda data: data | {"weights": "%"},
    "wrong shapes": lambda data: data | {"shapes": data["shapes"][:-1]},
    "shapes that are none": lambda data: data | {"shapes": [["x", [-1]]]},
    "a list": lambda _: [1, 2],
    "a number": lambda _: 7,
}


@needs_torch
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damaged_weights_are_noticed(few_steps: Any, damage: str) -> None:
    table = table_of(usual_pool())
    state = Learned(digest_of(table), 70, 0.9, 8, {"region": np.ones((5, 8), np.float32)})
    assert deep_module._restored({"learned": state.to_json()}, table) is not None
    assert deep_module._restored({"learned": DAMAGES[damage](state.to_json())}, table) is None


@needs_torch
def test_after_damage_the_training_begins_anew(few_steps: Any) -> None:
    fitted = learned_by(DEEP.forecast_pool(usual_pool(), 7))
    damaged = {"learned": fitted["learned"] | {"checksum": "0"}}
    made = DEEP.continue_pool(usual_pool(), 7, damaged)
    assert learned_by(made) == fitted


@needs_torch
def test_weights_of_another_network_with_a_right_checksum_are_learned_anew(few_steps: Any) -> None:
    fitted = learned_by(DEEP.forecast_pool(usual_pool(), 7))
    state = Learned.from_json(fitted["learned"])
    other = replace(state, weights={name: value for name, value in state.weights.items() if name != "region"})
    made = DEEP.continue_pool(usual_pool(), 7, {"learned": other.to_json()})
    assert learned_by(made) == fitted


def test_what_is_stored_is_small_plain_json_and_comes_back_to_half_precision() -> None:
    values = np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)
    state = Learned("d", 9, 0.8, 120, {"a": values, "b": np.float32([2.5])})
    data = state.to_json()
    assert len(data["weights"]) < 1.4 * 2 * 6001
    back = Learned.from_json(data)
    np.testing.assert_allclose(back.weights["a"], values, atol=2e-3)
    assert back.to_json() == data


def test_the_training_proper_ends_at_a_milestone_that_stays_while_the_panel_grows_a_little() -> None:
    found = [milestone(periods) for periods in range(30, 400)]
    assert all(0.8 * periods < one <= 0.95 * periods for periods, one in zip(range(30, 400), found, strict=True))
    assert len(set(found)) < 35


def test_what_was_learned_is_found_for_any_horizon_and_later_dates_of_the_same_table() -> None:
    values = fortnights(71)
    spec, later = (prepare(panel_of(each), "R0").around for each in (values[:70], values))
    assert spec is not None
    assert later is not None
    request = PoolRequest(spec, "deep", 7)
    assert request.lineage == PoolRequest(later, "deep", 14).lineage != ""
    assert request.newest == pd.Timestamp("2024-03-10")
    assert request.key != PoolRequest(later, "deep", 7).key
    assert PoolRequest(spec, "pooled", 7).lineage == ""


# ---------------------------------------------------------------------------------------------------- bad input

STRANGE: dict[str, np.ndarray] = {
    "three weeks": fortnights(3),
    "two points": fortnights(2),
    "gaps": np.where(np.random.default_rng(1).random((70, 4)) < 0.2, np.nan, fortnights()),
    "1e12": fortnights() * 1e10,
    "1e-9": fortnights() * 1e-11,
    "a giant and a tiny region": fortnights() * np.array([1e10, 1e-9, 1, 1]),
    "nothing but zeros": np.zeros((70, 4)),
    "constant": np.full((70, 4), 7.0),
    "regions of different lengths": np.where(np.arange(70)[:, None] < np.array([0, 66, 69, 40]), np.nan, fortnights()),
}


@needs_torch
@pytest.mark.parametrize("name", list(STRANGE))
def test_strange_panels_get_a_forecast_or_a_sentence(few_steps: Any, name: str) -> None:
    panel = panel_of(STRANGE[name], freq="7D" if name == "three weeks" else "D")
    outcome = fit_request(GatheredRequest(pool_of(panel), "deep", 7))
    assert not outcome.trace
    assert outcome.error == ""
    assert_sound(outcome.parts, 7)
    assert set(outcome.parts) == set(panel.regions())


@needs_torch
@pytest.mark.parametrize("values", [[5.0], [5.0, 7.0], [1e12] * 30, [1e-9, 2e-9, 0.0]], ids=str)
def test_a_region_alone_gets_a_forecast_with_a_sentence_however_short(values: list[float]) -> None:
    made = DEEP.forecast(Series(pd.Timestamp("2024-01-06"), weekly(), np.array(values)), 9)
    assert_sound({"": made}, 9)
    assert made.notes


@needs_torch
def test_figures_that_are_no_numbers_are_a_sentence() -> None:
    pool = replace(usual_pool(), values=np.full((70, 4), np.nan))
    outcome = fit_request(GatheredRequest(pool, "deep", 7))
    assert outcome.error == "No region has a single figure to learn from."


@needs_torch
def test_what_is_left_out_is_the_last_part_of_each_region_wherever_it_ends(few_steps: Any) -> None:
    values = fortnights()
    values[40:, 1] = np.nan
    table = table_of(pool_of(panel_of(values)))
    cut = few_steps._first_held(table)
    assert cut.tolist() == [42, 20, 42, 42]
    train = few_steps._windows(few_steps._without(table, cut), 300, np.random.default_rng(0))
    steps = np.round((train.steps[..., -1] / 0.3) ** 2).astype(int)
    known = np.isfinite(train.truth)
    assert (
        (train.origin[:, None] + steps)[known] < np.broadcast_to(cut[train.region][:, None], steps.shape)[known]
    ).all()
    held = few_steps._windows(table, 300, np.random.default_rng(0), cut - 1)
    assert set(held.region) == {0, 1, 2, 3}
    assert (held.origin >= cut[held.region] - 1).all()


@needs_torch
def test_a_thousand_steps_ahead_are_a_forecast(few_steps: Any) -> None:
    assert_sound(DEEP.forecast_pool(usual_pool(), 1000), 1000)


@needs_torch
def test_the_same_panel_gets_the_same_numbers(few_steps: Any) -> None:
    first, second = (DEEP.forecast_pool(usual_pool(), 7) for _ in range(2))
    for region, one in first.items():
        np.testing.assert_array_equal(one.values, second[region].values)
