"""Versions of points in memory: the same whatever the batches and the order in which they come, and a bounded number."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.sources.shared import stream_points
from forecasting.sources.shared.stream_points import StreamPoints
from forecasting.storage.stream_log import POINTS

DAY = 86_400
POINT = st.tuples(
    st.sampled_from(["Å", "B", "a b"]),
    st.sampled_from(["cases", "deaths"]),
    st.integers(-3, 3),
    st.integers(0, 4),
    st.sampled_from([math.nan, 0.0, 1.0, 2.0]),
)


def batch(points) -> pa.Table:
    regions, statistics, days, as_of, values = (list(column) for column in zip(*points, strict=True))
    names = [pa.array(column, pa.string()).dictionary_encode() for column in (regions, statistics)]
    numbers = [
        pa.array([DAY * day for day in days], pa.int64()),
        pa.array([DAY * 10**6 * day for day in as_of], pa.int64()),
    ]
    return pa.Table.from_arrays([*names, *numbers, pa.array(values, pa.float64())], schema=POINTS)


def plain(batches) -> dict:
    """The versions of each point, as anybody would keep them."""
    versions: dict = defaultdict(dict)
    for region, statistic, day, as_of, value in (point for one in batches for point in one):
        versions[region, statistic, day][as_of] = value
    return versions


def rows(table: pd.DataFrame) -> list[tuple]:
    days = (table["date"] - pd.Timestamp(0)).dt.days
    as_of = (table["as_of"] - pd.Timestamp(0)).dt.days if "as_of" in table else [None] * len(table)
    return [
        (region, statistic, day, published, None if math.isnan(value) else value)
        for region, statistic, day, published, value in zip(
            table["region"].astype(str), table["statistic"].astype(str), days, as_of, table["value"], strict=True
        )
    ]


@given(st.lists(st.lists(POINT, min_size=1, max_size=8), min_size=1, max_size=6))
@settings(max_examples=examples(200), deadline=None, derandomize=True)
def test_the_newest_version_counts_and_each_day_of_publishing_is_a_vintage(batches):
    points = StreamPoints(10_000)
    for one in batches:
        points.add(batch(one))
    versions = plain(batches)
    assert len(points) == sum(map(len, versions.values()))

    def known(day: int) -> list[tuple]:
        found = []
        for (region, statistic, date), by_time in versions.items():
            times = [time for time in by_time if time <= day]
            if times:
                value = by_time[max(times)]
                found.append((region, statistic, date, day, None if math.isnan(value) else value))
        return found

    newest = sorted((*row[:3], None, row[4]) for row in known(99))
    assert sorted(rows(points.newest_table()[0]), key=lambda row: row[:3]) == sorted(newest, key=lambda row: row[:3])
    assert rows(points.newest_table()[0]) == sorted(rows(points.newest_table()[0]), key=lambda row: row[:3])
    days = sorted({time for by_time in versions.values() for time in by_time})
    if len(days) > 1:
        expected = sorted((row for day in days for row in known(day)), key=lambda row: row[:4])
        assert rows(points.vintage_table()[0]) == expected


@given(st.lists(POINT, min_size=1, max_size=12), st.integers(1, 12))
@settings(max_examples=examples(200), deadline=None, derandomize=True)
def test_batches_that_come_again_change_nothing(sent, size):
    points = StreamPoints(10_000)
    batches = [sent[start : start + size] for start in range(0, len(sent), size)]
    for one in batches:
        points.add(batch(one))
    once = points.newest_table()[0]
    for one in batches:
        points.add(batch(one))
    pd.testing.assert_frame_equal(points.newest_table()[0], once)


def test_only_the_series_that_changed_has_changed():
    points = StreamPoints(10_000)
    points.add(batch([("A", "cases", 1, 1, 1.0), ("B", "cases", 1, 1, 1.0)]))
    before = points.changed
    assert not points.add(batch([("A", "cases", 1, 1, 1.0)]))
    assert points.add(batch([("A", "cases", 2, 1, math.nan)]))
    assert points.changed_at("A", "cases") > before
    assert points.changed_at("B", "cases") == before
    assert points.changed_at("C", "cases") == 0


def test_superseded_versions_go_before_the_oldest_dates():
    points = StreamPoints(100)
    points.add(batch([("A", "cases", 0, as_of, float(as_of)) for as_of in range(60)]))
    points.add(batch([("A", "cases", day, 0, 1.0) for day in range(1, 60)]))
    assert (len(points), points.left_out) == (60, 59)
    points.add(batch([("A", "cases", day, 0, 1.0) for day in range(60, 120)]))
    table = points.newest_table()[0]
    assert len(table) == 90
    assert table["date"].min() == pd.Timestamp(30 * DAY, unit="s")


def test_vintages_are_the_newest_days_that_there_is_room_for(monkeypatch):
    monkeypatch.setattr(stream_points, "MAX_VINTAGE_ROWS", 25)
    points = StreamPoints(10_000)
    points.add(batch([("A", "cases", day, day, 1.0) for day in range(10)]))
    table = points.vintage_table()[0]
    assert table["as_of"].nunique() == 2
    np.testing.assert_array_equal(table.groupby("as_of").size(), [9, 10])
    monkeypatch.setattr(stream_points, "MAX_VINTAGE_ROWS", 15)
    assert "as_of" not in points.vintage_table()[0]
