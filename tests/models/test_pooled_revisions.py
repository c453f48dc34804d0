"""Correction of last rows by how such rows have grown."""

import numpy as np
import pytest

from forecasting.models._pooled_revisions import corrected_tables


def published(first: float, weeks: int = 40, regions: int = 6) -> list[np.ndarray]:
    """Tables of 200 a week whose last row was first published as a share of that, and complete a week later."""
    tables = []
    for rows in range(10, weeks):
        table = np.full((rows, regions), 200.0)
        table[-1] *= first
        tables.append(table)
    return tables


def test_a_last_row_that_always_grows_by_a_fifth_is_raised_by_a_fifth():
    corrected = corrected_tables(published(1 / 1.2))[-1]
    assert corrected[-1] == pytest.approx(np.full(6, 200.0), rel=0.03)
    assert corrected[:-1] == pytest.approx(np.full_like(corrected[:-1], 200.0), rel=0.01)


def test_figures_that_are_never_revised_stay_as_they_are():
    assert corrected_tables(published(1.0))[-1] == pytest.approx(np.full((39, 6), 200.0))


def test_no_table_is_corrected_by_what_was_published_after_it():
    tables = published(0.8)
    np.testing.assert_array_equal(corrected_tables(tables)[5], corrected_tables(tables[:6])[5])
    np.testing.assert_array_equal(corrected_tables(tables)[0], tables[0])


def test_a_habit_that_ended_is_forgotten():
    old, new = published(0.8, weeks=60), published(1.0, weeks=100)[50:]
    assert corrected_tables([*old, *new])[-1][-1] == pytest.approx(np.full(6, 200.0), rel=0.01)


def test_what_is_missing_stays_missing():
    tables = published(0.8)
    for table in tables:
        table[:, 0] = np.nan
    assert np.isnan(corrected_tables(tables)[-1][:, 0]).all()
    assert np.isfinite(corrected_tables(tables)[-1][:, 1:]).all()
