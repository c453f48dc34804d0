"""Ensemble: what its members say, each as much as it counts for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.series import Series
from forecasting.jobs.request import Request
from forecasting.models import PooledModel, model, models
from forecasting.models.base import Progress
from forecasting.models.ensemble import UNTRUSTED, Ensemble, member_weights
from forecasting.preparation.prepare import prepare
from forecasting.support.errors import ModelError
from forecasting.tables.panel_file import read_panel

SERIES = Series(pd.Timestamp("2022-01-01"), frequency_of_alias("W-SAT"), 50.0 + np.arange(30))
TABLES = ("values", "totals", "means")
MEMBERS = Ensemble.members


def said(name: str, level: float, trust: float | None = None, notes: tuple[str, ...] = ()) -> Forecast:
    """A member's forecast of four weeks, whose quantiles begin at `level`."""
    table = level + np.arange(4)[:, None] + np.linspace(0, level, len(QUANTILES))
    fitted = {} if trust is None else {"trust": trust}
    return Forecast(name, name, SERIES.origin, SERIES.frequency, table, np.cumsum(table, axis=0), table, notes, fitted)


def blended(*forecasts: Forecast) -> Forecast:
    return Ensemble().blend(SERIES, 4, {forecast.model: forecast for forecast in forecasts})


def test_its_members_are_in_the_registry_and_one_of_them_learns_from_all_regions() -> None:
    assert set(MEMBERS) < set(models())
    assert [name for name in MEMBERS if isinstance(model(name), PooledModel)] == ["pooled"]


@pytest.mark.parametrize("name", MEMBERS)
def test_one_member_alone_is_all_of_it(name: str) -> None:
    only = said(name, 80.0, trust=0.3)
    forecast = blended(only)
    for table in TABLES:
        np.testing.assert_array_equal(getattr(forecast, table), getattr(only, table))
    assert forecast.model == "ensemble"
    assert forecast.fitted == {"weights": {name: 1.0}}


def test_beside_pooled_the_network_and_ets_count_for_a_fifth_and_a_tenth_and_sarima_for_nothing() -> None:
    forecast = blended(
        said("pooled", 100.0, trust=0.8), said("pretrained", 50.0), said("ets", 10.0), said("sarima", 30.0)
    )
    assert forecast.fitted["weights"] == pytest.approx({"pooled": 0.7, "pretrained": 0.2, "ets": 0.1})
    assert forecast.median[0] == pytest.approx(150 * 0.7 + 75 * 0.2 + 15 * 0.1)
    assert forecast.method == "Pooled 70 %, Pretrained network 20 %, ETS 10 %"


@pytest.mark.parametrize(
    ("alias", "pooled"), [("D", 1 / 3), ("h", 1 / 3), ("W-SAT", 0.7), ("MS", 0.7), ("QS-JAN", 0.7)]
)
def test_of_figures_by_day_and_shorter_steps_the_three_count_a_third_each(alias: str, pooled: float) -> None:
    frequency = frequency_of_alias(alias)
    three = {name: replace(said(name, 1.0), frequency=frequency) for name in ("pooled", "pretrained", "ets")}
    assert member_weights(three)["pooled"] == pytest.approx(pooled)
    assert sum(member_weights(three).values()) == pytest.approx(1.0)


def test_without_pooled_the_network_counts_for_two_thirds_and_the_others_share_the_rest() -> None:
    others = {name: said(name, 1.0) for name in ("pretrained", "ets", "sarima")}
    assert member_weights(others) == pytest.approx({"pretrained": 2 / 3, "ets": 1 / 6, "sarima": 1 / 6})
    untrusted = others | {"pooled": said("pooled", 1.0, trust=0.0)}
    assert member_weights(untrusted) == pytest.approx({"pooled": 0, "pretrained": 2 / 3, "ets": 1 / 6, "sarima": 1 / 6})


def test_the_share_of_a_member_that_is_missing_goes_to_the_others_in_proportion() -> None:
    beside_one = member_weights({"pooled": said("pooled", 1.0), "ets": said("ets", 1.0)})
    assert beside_one == pytest.approx({"pooled": 7 / 8, "ets": 1 / 8})
    two = {name: said(name, 1.0) for name in ("pretrained", "ets")}
    assert member_weights(two) == pytest.approx({"pretrained": 4 / 5, "ets": 1 / 5})


@pytest.mark.parametrize(("figures", "takes_part"), [("{}", False), ("{}.5", True)], ids=["counts", "amounts"])
def test_of_many_regions_counts_nobody_waits_for_sarima(figures: str, takes_part: bool) -> None:
    rows = [f"{region},2024-01-{day:02},{figures.format(day)}" for region in "AB" for day in (6, 13, 20, 27)]
    series = prepare(read_panel("\n".join(["region,date,value", *rows]).encode(), "regions.csv"), "A")
    names = [one.model for one in Request(series, "ensemble", 4).members]
    assert names == [name for name in MEMBERS if takes_part or name != "sarima"]


def test_a_pooled_member_that_has_earned_no_trust_is_left_out_with_a_sentence() -> None:
    forecast = blended(said("pooled", 100.0, trust=0.0, notes=("Its own.",)), said("ets", 10.0), said("sarima", 30.0))
    assert forecast.method == "ETS 50 %, SARIMA 50 %"
    assert forecast.notes == (UNTRUSTED,)


def test_the_season_of_regions_that_are_multiples_of_each_other_is_not_lost() -> None:
    months = pd.date_range("2019-01-01", periods=60, freq="MS")
    course = 100 + 60 * np.sin(2 * np.pi * np.arange(72) / 12)
    wide = pd.DataFrame({"date": months, **{f"R{k}": np.round(k * course[:60]) for k in (1, 2, 3, 5, 8, 13)}})
    panel = read_panel(wide.to_csv(index=False).encode(), "wide.csv")
    forecast = Ensemble().forecast(prepare(panel, "R5"), 12)
    assert forecast.notes == (UNTRUSTED,)
    assert forecast.median == pytest.approx(5 * course[60:], rel=0.02)


def test_without_a_pooled_member_the_others_share_equally() -> None:
    assert member_weights({"ets": said("ets", 1.0), "sarima": said("sarima", 1.0)}) == {"ets": 0.5, "sarima": 0.5}


def test_without_any_member_there_is_a_sentence() -> None:
    with pytest.raises(ModelError, match=r"^None of the ensemble's members could forecast this\.$"):
        blended()


@given(
    trust=st.floats(0, 1),
    levels=st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=4, max_size=4),
    there=st.sets(st.sampled_from(MEMBERS), min_size=1),
)
def test_a_blend_is_ordered_and_between_its_members_and_its_weights_sum_to_one(
    trust: float, levels: list[float], there: set[str]
) -> None:
    forecasts = [said(name, level, trust) for name, level in zip(MEMBERS, levels, strict=True) if name in there]
    forecast = blended(*forecasts)
    assert sum(forecast.fitted["weights"].values()) == pytest.approx(1)
    for table in TABLES:
        quantiles = getattr(forecast, table)
        parts = np.stack([getattr(one, table) for one in forecasts])
        assert (np.diff(quantiles, axis=1) >= 0).all()
        assert (quantiles >= parts.min(axis=0) * (1 - 1e-12)).all()
        assert (quantiles <= parts.max(axis=0) * (1 + 1e-12)).all()


def test_who_is_ready_first_changes_nothing() -> None:
    forecasts = [said("pooled", 0.1, trust=0.7), said("ets", 0.3), said("sarima", 0.7)]
    straight, backwards = blended(*forecasts), blended(*forecasts[::-1])
    assert straight.method == backwards.method
    for table in TABLES:
        np.testing.assert_array_equal(getattr(straight, table), getattr(backwards, table))


def test_what_several_members_say_is_said_once() -> None:
    short, runaway = "Only 3 figures.", "The trend ran away."
    forecast = blended(said("ets", 1.0, notes=(short,)), said("sarima", 1.0, notes=(runaway, short)))
    assert forecast.notes == (short, runaway)


def test_of_a_single_series_two_thirds_of_it_are_the_network_and_a_sixth_each_ets_and_sarima() -> None:
    told: list[Progress] = []
    forecast = Ensemble().forecast(SERIES, 4, told.append)
    network, ets, sarima = (model(name).forecast(SERIES, 4).values for name in ("pretrained", "ets", "sarima"))
    assert [progress.trying for progress in told] == ["Pretrained network", "ETS", "SARIMA"]
    np.testing.assert_allclose(forecast.values, 2 * network / 3 + ets / 6 + sarima / 6)
    assert forecast.origin == SERIES.origin


def test_a_member_that_fails_leaves_the_rest_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Forecast:
        raise ModelError("This is beyond it.")

    monkeypatch.setattr(type(model("sarima")), "forecast", fails)
    forecast = Ensemble().forecast(SERIES, 4)
    assert forecast.fitted["weights"] == pytest.approx({"pretrained": 4 / 5, "ets": 1 / 5})
    assert forecast.notes[-1] == "Without SARIMA, which gave no forecast: This is beyond it."
    network, ets = (model(name).forecast(SERIES, 4).values for name in ("pretrained", "ets"))
    np.testing.assert_allclose(forecast.values, (4 * network + ets) / 5)


def rates_of(regions: np.ndarray) -> pd.DataFrame:
    """Weekly figures per 100,000, a row a region and week; ``regions`` has a column a region."""
    weeks = pd.date_range("2022-01-01", periods=len(regions), freq="W-SAT")
    wide = pd.DataFrame(np.round(regions, 2) + 0.01, index=weeks, columns=[f"R{k}" for k in range(regions.shape[1])])
    return wide.rename_axis("date").reset_index().melt("date", var_name="region", value_name="value")


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("together", [True, False], ids=["one wave", "nothing in common"])
def test_rates_are_pooled_where_regions_have_something_in_common(together: bool) -> None:
    """Rates of an epidemic are no counts, and its regions tell as much of each other."""
    random = np.random.default_rng(3)
    steps = np.cumsum(random.normal(0, 0.1, (80, 1 if together else 20)), axis=0)
    course = np.exp(np.sin(np.arange(80) / 6) * together)[:, None] * np.exp(steps)
    figures = 5 * course * np.exp(random.normal(0, 0.05, (80, 20)))
    series = prepare(read_panel(rates_of(figures).to_csv(index=False).encode(), "ili.csv"), "R3")
    assert series.kind.name == "amount"
    assert [one.model for one in Request(series, "ensemble", 4).members] == list(MEMBERS)
    forecast = Ensemble().forecast(series, 4)
    assert ("Pooled 70 %" in forecast.method) == together
    assert (UNTRUSTED in forecast.notes) != together
