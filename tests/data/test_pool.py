"""All regions of a panel at once: which pool it is, what is in it, and what it takes to know that."""

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data import snapshots
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.kind import MEASUREMENT
from forecasting.data.panel import Panel, Statistic
from forecasting.data.pool import Pool
from forecasting.data.pool_spec import PoolSpec
from forecasting.data.training_options import TrainingOptions
from forecasting.evaluation.backtest import series_at_cutoff
from forecasting.evaluation.shocks import shocks
from forecasting.evaluation.stress_tests import apply_shock
from forecasting.jobs.request import PoolRequest, Request
from forecasting.models import models
from forecasting.models.pooled import Pooled
from forecasting.preparation.gather_pool import gather_pool, prepared_series
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from forecasting.support.errors import DataError, RequestError

NEW = Statistic("new", "New", "cases", "new")
WEEKS = pd.date_range("2023-01-07", periods=80, freq="W-SAT")
REGIONS = ("Aland", "Bornholm", "Corsica", "Dragør")


def table(weeks=WEEKS, regions=REGIONS, as_of=None) -> pd.DataFrame:
    """What was published by the end of `weeks`: each figure a little less in the week after."""
    rows = []
    for place, region in enumerate(regions):
        values = np.random.default_rng(place).poisson(50 * (place + 1), len(WEEKS)).astype(float)[: len(weeks)]
        rows.append(pd.DataFrame({"region": region, "statistic": "new", "date": weeks, "value": values}))
    whole = pd.concat(rows, ignore_index=True)
    if as_of is not None:
        whole.loc[whole["date"] == weeks[-1], "value"] *= 0.9
        whole["as_of"] = as_of
    return whole


def panel(figures=None) -> Panel:
    return Panel("test", table() if figures is None else figures, (NEW,), {"new": weekly()}, "", "")


def vintages(count=40) -> Panel:
    """The last `count` weeks as they were published, each a day after its end."""
    ends = range(len(WEEKS) - count, len(WEEKS))
    parts = [table(WEEKS[: end + 1], as_of=WEEKS[end] + pd.Timedelta(days=1)) for end in ends]
    return panel(pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize("statistic", ["new_cases", "cumulative_cases", "new_admissions"])
def test_every_series_of_a_pool_is_that_of_prepare_before_corrections(statistic):
    bundled = source("bundled").panel()
    pool = gather_pool(prepare(bundled, bundled.regions(statistic)[0], statistic).pool)
    together = prepared_series(Pool.from_json(json.loads(json.dumps(pool.to_json()))))
    assert list(together) == sorted(bundled.regions(statistic))
    for region, series in together.items():
        alone = prepare(bundled, region, statistic)
        assert (series.region, series.start, series.origin) == (region, alone.start, alone.origin)
        np.testing.assert_array_equal(series.values, alone.published)


def test_late_ends_gaps_and_regions_without_a_figure_are_as_in_prepare():
    figures = table()
    at = {region: figures["region"] == region for region in REGIONS}
    figures = figures[~(at["Bornholm"] & figures["date"].isin(WEEKS[[10, 11, 30]]))]
    figures = figures[(figures["region"] != "Corsica") | (figures["date"] <= WEEKS[70])]
    figures.loc[at["Dragør"] & figures["date"].isin(WEEKS[[0, 1, 78, 79]]), "value"] = np.nan
    figures.loc[figures["date"] == WEEKS[-1], "value"] *= 0.1  # not yet in, everywhere
    nothing = table(WEEKS[:5], ("Elba",)).assign(value=np.nan)
    whole = panel(pd.concat([figures, nothing], ignore_index=True))
    pool = gather_pool(PoolSpec(whole, "new"))
    together = prepared_series(pool)
    assert list(together) == list(REGIONS)
    assert PoolSpec(whole, "new").around("Elba") is None
    assert pool.provisional_from
    for region, series in together.items():
        alone = prepare(whole, region)
        assert (series.start, series.origin) == (alone.start, alone.origin)
        np.testing.assert_array_equal(series.values, alone.published)


def test_dates_off_the_grid_are_put_on_it_as_in_prepare():
    shifted = panel(table(WEEKS - pd.Timedelta(days=2)))
    together = prepared_series(gather_pool(PoolSpec(shifted, "new")))
    for region, series in together.items():
        alone = prepare(shifted, region)
        assert (series.start, series.origin) == (alone.start, alone.origin)
        np.testing.assert_array_equal(series.values, alone.published)


def test_a_pool_of_a_date_is_the_same_whatever_comes_later():
    early = panel(table(WEEKS[:60]))
    later = panel(pd.concat([table(), table(WEEKS[65:], ("Aaland", "Elba"))], ignore_index=True))
    then = PoolSpec(later, "new", WEEKS[59])
    assert then.key == PoolSpec(early, "new").key == PoolSpec(early.as_of(WEEKS[59]), "new", WEEKS[59]).key
    assert then == PoolSpec(early, "new")
    assert then.around("Elba") is None
    assert gather_pool(then).values.shape == (60, 4)
    poisoned = later.table.assign(value=later.table["value"].where(later.table["date"] <= WEEKS[59], 1e9))
    np.testing.assert_array_equal(
        gather_pool(PoolSpec(panel(poisoned), "new", WEEKS[59])).values, gather_pool(then).values
    )


def test_the_order_of_the_rows_does_not_matter():
    assert PoolSpec(panel(table().sample(frac=1, random_state=1)), "new").key == PoolSpec(panel(), "new").key


@pytest.mark.parametrize("change", ["a value", "a gap", "a region", "a name", "a date"])
def test_another_pool_has_another_key(change):
    figures = table()
    if change == "a value":
        figures.loc[100, "value"] += 1
    elif change == "a gap":
        figures = figures.drop(index=100)
    elif change == "a region":
        figures = figures[figures["region"] != "Dragør"]
    elif change == "a name":
        figures["region"] = figures["region"].replace("Dragør", "Dublin")
    else:
        figures["date"] += pd.Timedelta(days=7)
    assert PoolSpec(panel(figures), "new").key != PoolSpec(panel(), "new").key


def test_the_date_and_the_window_are_part_of_the_key_where_they_matter():
    whole = PoolSpec(panel(), "new")
    assert len({whole.key, PoolSpec(panel(), "new", WEEKS[-2]).key, whole.tail(30).key, whole.tail(31).key}) == 4
    assert PoolSpec(panel(), "new", WEEKS[-1] + pd.Timedelta(days=3)).key == whole.key
    assert whole.tail(200).key == whole.key
    assert whole.tail(30).tail(200).key == whole.tail(30).key


def test_a_window_is_all_that_is_seen_of_every_region():
    series = prepare(panel(), "Corsica").tail(30)
    together = prepared_series(gather_pool(series.pool))
    assert {len(one) for one in together.values()} == {30}
    np.testing.assert_array_equal(together["Corsica"].values, series.published)


def test_a_short_series_keeps_to_the_window_of_the_others():
    figures = table()
    short = panel(figures[(figures["region"] != "Corsica") | (figures["date"] >= WEEKS[60])])
    assert prepare(short, "Corsica").tail(30).pool.key == prepare(short, "Aland").tail(30).pool.key


def test_earlier_vintages_come_along_and_later_ones_change_nothing(monkeypatch):
    monkeypatch.setattr("forecasting.data.pool.MOST_SNAPSHOTS", 26)
    all_of_them, some = vintages(), vintages()
    some = replace(some, table=some.table[some.table["as_of"] <= WEEKS[70] + pd.Timedelta(days=1)])
    at = WEEKS[70] + pd.Timedelta(days=2)
    then = PoolSpec(all_of_them, "new", at)
    assert then.key == PoolSpec(some, "new").key != PoolSpec(all_of_them, "new").key
    pool = Pool.from_json(json.loads(json.dumps(gather_pool(then).to_json())))
    assert len(pool.snapshots) == 26
    assert [one.date for one in pool.snapshots] == [end + pd.Timedelta(days=1) for end in WEEKS[44:70]]
    assert [len(one.values) for one in pool.snapshots] == list(range(45, 71))
    was = pool.snapshots[-1].values[69]
    np.testing.assert_allclose(was, 0.9 * pool.values[69])
    assert series_at_cutoff(all_of_them, "Aland", "new", at).series.pool.key == then.key
    assert prepare(all_of_them.as_of(at), "Bornholm").pool.key == then.key


def test_a_vintage_that_was_revised_is_another_pool_though_the_newest_is_the_same():
    whole = vintages()
    figures = whole.table.copy()
    figures.loc[(figures["as_of"] == figures["as_of"].unique()[-2]) & (figures["date"] == WEEKS[5]), "value"] += 1
    assert PoolSpec(panel(figures), "new").key != PoolSpec(whole, "new").key


def test_a_look_back_s_pool_is_the_whole_panel_s_at_that_date(service):
    bundled = source("bundled").panel()
    past = service.track_records.track_record(bundled, "Italy", "new_cases", [], TrainingOptions(90))
    for one in past.cutoffs:
        of_all = PoolSpec(bundled, "new_cases", one.at)
        assert (
            one.series.pool.key == of_all.key == series_at_cutoff(bundled, "Spain", "new_cases", one.at).series.pool.key
        )


def test_without_others_or_with_changed_figures_there_is_no_pool():
    alone = table(regions=("Aland",))
    assert prepare(panel(alone), "Aland").pool is None
    series = prepare(panel(), "Aland")
    assert series.until(WEEKS[50]).pool is None
    struck = apply_shock(panel(), "Aland", "new", shocks()["spike"])
    assert struck.real.pool is struck.series.pool is None


def test_many_regions_are_parted_by_size(monkeypatch):
    whole = PoolSpec(panel(), "new")
    assert whole.around("Aland") is whole
    requests = [Request(prepare(panel(), region), "pooled", 4) for region in REGIONS]
    assert len({request.pool.key for request in requests}) == 1
    monkeypatch.setattr(snapshots, "MOST_REGIONS", 3)
    whole = PoolSpec(panel(), "new")
    assert [whole.around(region).part for region in REGIONS] == [1, 1, 0, 0]
    assert gather_pool(whole).regions == ("Corsica", "Dragør")
    assert gather_pool(whole.around("Aland")).regions == ("Aland", "Bornholm")
    assert whole.around("Elba") is None
    requests = [Request(prepare(panel(), region), "pooled", 4) for region in REGIONS]
    assert len({request.pool.key for request in requests}) == 2
    assert len({request.key for request in requests}) == 4


def test_a_region_that_has_a_part_to_itself_learns_alone(monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_REGIONS", 1)
    assert Request(prepare(panel(), "Aland"), "pooled", 4).pool is None


def test_a_table_of_the_wrong_size_is_refused():
    data = gather_pool(PoolSpec(panel(), "new")).to_json()
    data["values"][0] += 1
    with pytest.raises(DataError, match="81 × 4 figures has 2560 bytes"):
        Pool.from_json(data)


def test_the_key_of_a_large_table_is_there_at_once():
    days = pd.date_range("2021-01-01", periods=1000)
    names = [f"Region {number:03d}" for number in range(300)]
    values = np.random.default_rng(1).poisson(50, 300_000).astype(float)
    figures = pd.DataFrame(
        {"region": np.repeat(names, 1000), "statistic": "new", "date": np.tile(days, 300), "value": values}
    )
    large = Panel("large", figures, (NEW,), {"new": DAILY}, "", "")
    assert PoolSpec(large, "new").key
    start = time.process_time()
    assert PoolSpec(large, "new", days[900]).key
    assert time.process_time() - start < 0.1  # a few milliseconds, on a machine that has nothing else to do


def test_a_request_for_a_pooled_model_is_named_by_its_pool_and_its_region():
    assert models()["pooled"].__class__ is Pooled
    one, other = (Request(prepare(panel(), region), "pooled", 4) for region in ("Aland", "Corsica"))
    assert one.pool.key == other.pool.key == PoolRequest(PoolSpec(panel(), "new"), "pooled", 4).key
    assert len({one.key, other.key, one.pool.key, replace(one, horizon=5).key}) == 4
    assert one.key == one.pool.part("Aland")
    alone = Request(replace(one.series, pool=None), "pooled", 4)
    assert alone.pool is None
    assert alone.key != one.key
    assert Request(one.series, "ets", 4).key == Request(alone.series, "ets", 4).key


def test_an_ensemble_is_named_by_its_members_and_has_a_pooled_one_only_with_a_pool():
    series = prepare(panel(), "Aland")
    whole, alone = Request(series, "ensemble", 4), Request(replace(series, pool=None), "ensemble", 4)
    assert "pooled" in [member.model for member in whole.members]
    assert "pooled" not in [member.model for member in alone.members]
    assert whole.key != alone.key


def test_a_request_of_a_pool_survives_the_way_to_a_worker():
    request = PoolRequest(PoolSpec(panel(), "new"), "pooled", 4)
    there = PoolRequest.from_json(json.loads(json.dumps(request.to_json())))
    assert (there.model, there.horizon, there.pool.regions) == ("pooled", 4, REGIONS)
    np.testing.assert_array_equal(there.pool.values, gather_pool(request.pool).values)


def with_rain(figures=None, name="rain", seed=7) -> Panel:
    """A panel with a further column of numbers."""
    figures = table() if figures is None else figures
    return panel(figures.assign(**{name: np.random.default_rng(seed).normal(size=len(figures))}))


def test_covariates_come_along_on_the_same_grid_as_they_were_published():
    whole = with_rain()
    whole.table.loc[whole.table["date"] == WEEKS[10], "rain"] = np.nan
    lines = whole.table[~((whole.table["region"] == "Corsica") & (whole.table["date"] == WEEKS[20]))]
    pool = gather_pool(PoolSpec(panel(lines.sample(frac=1, random_state=1)), "new", covariates=("rain",)))
    expected = lines.pivot(index="date", columns="region", values="rain").to_numpy()
    np.testing.assert_array_equal(pool.covariates["rain"], expected)
    there = Pool.from_json(json.loads(json.dumps(pool.to_json())))
    np.testing.assert_array_equal(there.covariates["rain"], expected)
    np.testing.assert_array_equal(there.values, pool.values)


def test_a_covariate_s_dates_off_the_grid_are_put_on_it_and_of_several_in_a_period_the_mean_is_taken():
    figures = table(WEEKS - pd.Timedelta(days=2)).assign(rain=1.0)
    between = figures[figures["region"] == "Aland"].assign(rain=3.0, value=0.0)
    between["date"] -= pd.Timedelta(days=1)
    pool = gather_pool(PoolSpec(panel(pd.concat([figures, between], ignore_index=True)), "new", covariates=("rain",)))
    assert pool.values.shape == pool.covariates["rain"].shape == (80, 4)
    np.testing.assert_array_equal(pool.covariates["rain"], np.tile([2.0, 1.0, 1.0, 1.0], (80, 1)))


def test_covariates_are_part_of_the_key_with_what_is_known_of_them_and_in_any_order():
    whole = with_rain(with_rain(name="sun", seed=8).table)
    plain = PoolSpec(whole, "new", WEEKS[59])
    assert plain.key == PoolSpec(panel(), "new", WEEKS[59]).key
    rain, both = replace(plain, covariates=("rain",)), replace(plain, covariates=("rain", "sun"))
    assert len({plain.key, rain.key, replace(plain, covariates=("sun",)).key, both.key}) == 4
    assert both.key == replace(plain, covariates=("sun", "rain")).key
    assert both.tail(30).covariates == both.covariates

    def changed(week) -> PoolSpec:
        other = whole.table.copy()
        other.loc[other["date"] == week, "rain"] += 1
        return PoolSpec(panel(other), "new", WEEKS[59], covariates=("rain",))

    assert changed(WEEKS[59]).key != rain.key
    assert changed(WEEKS[60]).key == rain.key
    np.testing.assert_array_equal(
        gather_pool(changed(WEEKS[60])).covariates["rain"], gather_pool(rain).covariates["rain"]
    )


def test_of_vintages_the_covariates_are_those_of_the_newest_before_the_date():
    figures = vintages().table
    number = figures["as_of"].rank(method="dense")
    whole = panel(figures.assign(rain=number + figures["date"].dt.day_of_year / 1000))
    at = WEEKS[70] + pd.Timedelta(days=2)
    then = PoolSpec(whole, "new", at, covariates=("rain",))
    later = whole.table.assign(rain=whole.table["rain"].where(whole.table["as_of"] < at, 1e9))
    assert PoolSpec(panel(later), "new", at, covariates=("rain",)).key == then.key
    rain = gather_pool(then).covariates["rain"]
    assert (np.floor(rain) == 31).all()
    assert len(rain) == 71


def test_a_series_asks_for_covariates_of_its_pool_and_another_model_s_request_stays_the_same():
    whole = with_rain()
    series = prepare(whole, "Aland")
    further = series.with_covariates(["rain"])
    assert further.pool.covariates == ("rain",)
    assert further.tail(30).pool.covariates == ("rain",)
    assert Request(further, "pooled", 4).key != Request(series, "pooled", 4).key
    assert Request(further, "ensemble", 4).key != Request(series, "ensemble", 4).key
    assert Request(further, "ets", 4).key == Request(series, "ets", 4).key
    alone = replace(series, pool=None)
    assert alone.with_covariates(["rain"]) is alone


@pytest.mark.parametrize("name", ["snow", "value", "region"])
def test_a_column_that_is_no_covariate_is_refused(name):
    wanted = PoolSpec(with_rain(), "new", covariates=(name,))
    with pytest.raises(RequestError, match=f"no column '{name}' to use as a covariate"):
        gather_pool(wanted)


def test_a_covariate_of_the_wrong_size_is_refused():
    data = gather_pool(PoolSpec(with_rain(), "new", covariates=("rain",))).to_json()
    good = data["covariates"]["rain"]
    data["covariates"]["rain"] = [good[0] - 1, good[1]]
    with pytest.raises(DataError, match="79 × 4 figures has 2560 bytes"):
        Pool.from_json(data)
    data["covariates"]["rain"] = gather_pool(
        PoolSpec(with_rain(table(WEEKS[:60])), "new", covariates=("rain",))
    ).to_json()["covariates"]["rain"]
    with pytest.raises(DataError, match="80 periods has 60 of the covariate 'rain'"):
        Pool.from_json(data)


def two_statistics(factor: float = 1.0, second: str = "flu") -> Panel:
    other = table(WEEKS, REGIONS[:3]).assign(statistic=second)
    other["value"] *= factor
    both = pd.concat([table(), other], ignore_index=True)
    statistics = (
        NEW,
        Statistic(second, second, "cases", second),
        Statistic("sum", "Sum", "cases", second, shown_cumulative=True),
    )
    return replace(panel(both), statistics=statistics, frequencies={"new": weekly(), second: weekly()})


def test_another_statistic_of_the_panel_comes_along_and_survives_the_way_to_a_worker():
    pool = gather_pool(PoolSpec(two_statistics(3.0), "new"))
    (other,) = Pool.from_json(json.loads(json.dumps(pool.to_json()))).others
    assert other.regions == REGIONS[:3]
    np.testing.assert_array_equal(other.values, 3 * gather_pool(PoolSpec(panel(), "new")).values[:, :3])
    assert other.others == ()
    assert gather_pool(PoolSpec(panel(), "new")).others == ()


def test_the_key_of_a_pool_follows_the_other_statistics_figures():
    one, other = PoolSpec(two_statistics(), "new"), PoolSpec(two_statistics(2.0), "new")
    assert len({one.key, other.key, PoolSpec(panel(), "new").key}) == 3
    assert PoolSpec(two_statistics(), "new", WEEKS[40]).key == PoolSpec(two_statistics(), "new", WEEKS[40]).key


def test_a_statistic_of_another_kind_or_frequency_is_not_learned_from():
    both = two_statistics()
    measured = replace(both, statistics=(both.statistics[0], replace(both.statistics[1], kind=MEASUREMENT)))
    monthly = replace(both, frequencies={"new": weekly(), "flu": DAILY})
    assert PoolSpec(measured, "new").others == PoolSpec(monthly, "new").others == ()


def test_an_earlier_date_sees_only_what_the_other_statistic_was_then():
    (other,) = gather_pool(PoolSpec(two_statistics(), "new", WEEKS[40])).others
    assert other.values.shape == (41, 3)
