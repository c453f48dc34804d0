import numpy as np
import pytest

from forecasting.sources import source
from forecasting.sources.simulated import DAYS, EpidemicSettings, continue_epidemic, simulate_epidemic, simulations

CLEAN = EpidemicSettings(correction_chance=0, backlog_chance=0)


def test_the_same_seed_gives_the_same_epidemic_and_another_another():
    assert (simulate_epidemic(100, 7).reported == simulate_epidemic(100, 7).reported).all()
    assert (simulate_epidemic(100, 7).reported != simulate_epidemic(100, 8).reported).any()


def test_infections_follow_the_renewal_equation():
    setting = EpidemicSettings(imported=0, initial=300)
    simulation = simulate_epidemic(400, 3, setting)
    infections, weights = simulation.true_infections, setting.generation()
    expected = np.array(
        [simulation.reproduction_number[t] * (infections[t - 21 : t][::-1] @ weights) for t in range(21, 400)]
    )
    assert infections[21:].sum() / expected.sum() == pytest.approx(1, abs=0.02)


def test_the_generation_interval_has_the_mean_that_was_asked_for():
    weights = EpidemicSettings(generation_mean=6, generation_sd=2).generation()
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.arange(1, len(weights) + 1) == pytest.approx(6, abs=0.1)


def test_the_last_days_are_incomplete_and_older_ones_are_not():
    simulation = simulate_epidemic(200, 5, CLEAN)
    assert (simulation.reported[:-5] == simulation.cases[:-5]).all()
    assert simulation.reported[-1] < 0.7 * simulation.cases[-1]


def test_what_was_published_earlier_grew_into_what_is_published_now():
    simulation = simulate_epidemic(200, 5, CLEAN)
    assert (simulation.published(150) <= simulation.cases[:151]).all()
    assert (simulation.published(150)[:146] == simulation.cases[:146]).all()
    assert (simulation.published(199) == simulation.reported).all()


def test_sundays_count_less_than_tuesdays():
    cases = simulate_epidemic(700, 11, CLEAN, first_weekday=0).cases.reshape(-1, 7).sum(axis=0)
    assert cases[6] < 0.7 * cases[1]


def test_a_backlog_moves_counts_and_loses_none():
    simulation = simulate_epidemic(300, 2, EpidemicSettings(correction_chance=0, backlog_chance=0.05))
    assert (simulation.reported != simulation.cases)[:-5].any()
    assert simulation._adjustments[:280].any()
    released, withheld = simulation._adjustments[:, 1].sum(), -simulation._adjustments[:, 0].sum()
    assert 0 <= withheld - released <= simulation.cases[-5:].sum()


def test_corrections_make_negative_counts():
    setting = EpidemicSettings(backlog_chance=0, correction_chance=0.05)
    assert min(simulate_epidemic(300, seed, setting).reported.min() for seed in range(3)) < 0


def test_futures_begin_where_the_epidemic_stands():
    simulation = simulate_epidemic(200, 4)
    draws = continue_epidemic(simulation, 150, 1, 400).infections[:, 0]
    assert np.median(draws) == pytest.approx(simulation.true_infections[145:151].mean(), rel=0.35)


def test_futures_have_a_row_a_draw_and_repeat_themselves():
    simulation = simulate_epidemic(60, 4)
    drawn = continue_epidemic(simulation, 50, 9, 20)
    assert drawn.cases.shape == drawn.infections.shape == (20, 9)
    assert (drawn.cases == continue_epidemic(simulation, 50, 9, 20).cases).all()
    assert (drawn.cases != continue_epidemic(simulation, 50, 9, 20, seed=1).cases).any()


def test_the_true_distribution_covers_what_comes_as_often_as_it_says():
    inside = []
    for seed in range(75):
        simulation = simulate_epidemic(80, 500 + seed)
        low, high = np.quantile(continue_epidemic(simulation, 65, 14, 200).cases, [0.1, 0.9], axis=0)
        came = simulation.cases[66:80]
        inside.append(((low <= came) & (came <= high)).mean())
    # 75 epidemics; days of one are not independent, hence the wide tolerance.
    assert np.mean(inside) == pytest.approx(0.8, abs=0.06)


def test_the_source_has_twelve_regions_and_says_that_they_are_invented():
    panel = source("simulated").panel()
    assert len(panel.regions()) == 12
    assert len(panel.table) == 12 * DAYS
    assert "simulated" in panel.notes[0]
    assert [s.name for s in panel.statistics] == ["new_cases", "cumulative_cases"]


def test_the_source_shows_what_its_simulations_reported():
    panel, known = source("simulated").panel(), simulations()
    for region in ("Atlantis", "Zenda"):
        assert (panel.counts(region).to_numpy() == known[region].reported).all()


def test_the_source_has_weekends_where_the_calendar_has_them():
    counts = source("simulated").panel().counts("Ruritania")
    by_day = counts.groupby(counts.index.day_name()).median()
    assert by_day.idxmin() == "Sunday"
