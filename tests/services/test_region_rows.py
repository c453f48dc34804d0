"""Every region at a glance: its row, the order of the rows, and the roll call that fills them."""

import math
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.formatting import format_compact, format_interval
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.data.training_options import TrainingOptions
from forecasting.data.us_states import STATES
from forecasting.evaluation.scores import ModelScore
from forecasting.models import model
from forecasting.preparation.prepare import prepare
from forecasting.services.all_regions import AllRegions, RegionsView, newest_date
from forecasting.services.region_row import (
    HEIGHT,
    LEAST_AHEAD,
    POINTS,
    ExpectedChange,
    RegionRow,
    expected_change,
    latest_row,
    sparkline,
)
from forecasting.services.run import IN_FLIGHT
from forecasting.sources import source
from forecasting.support.errors import RequestError
from forecasting.views import region_table
from forecasting.views.tile_map import tiles

ADMISSIONS = RegionsView("new_admissions", "theta", 4)


@pytest.fixture(scope="module")
def panel():
    return source("bundled").panel()


def series(values, frequency=DAILY):
    return Series(pd.Timestamp("2024-01-06"), frequency, np.asarray(values, dtype=float))


def score(wis):
    return ModelScore("ets", 10, 1.0, 1.0, 1.0, wis, 5, 8, 9, 0.0)


def row(region, latest=1.0, middle=None, wis=None, now=100.0, low=0.0, high=1e9):
    change = None if middle is None else ExpectedChange(now, low, middle, high)
    record = None if wis is None else score(wis)
    return RegionRow(region, latest, change=change, record=record)


def names(rows):
    return [row.region for row in rows]


def test_a_week_of_days_and_a_single_week_are_what_was_counted_last():
    days = latest_row("Italy", series([10] * 7 + [20] * 7))
    assert (days.latest, days.moved, days.at) == (140, "+100 %", pd.Timestamp("2024-01-19"))
    weeks = latest_row("Ohio", series([100, 94], weekly("SAT")))
    assert (weeks.latest, weeks.moved) == (94, "−6 %")


def test_the_expected_change_is_the_last_week_of_the_forecast_against_the_last_that_was_counted(panel):
    italy = prepare(panel, "Italy", "new_cases")
    forecast = model("naive").forecast(italy, 28)
    change = expected_change(italy, forecast)
    assert change.now == pytest.approx(italy.values[-7:].mean())
    assert (change.low, change.middle, change.high) == tuple(forecast.means[-1, [3, 11, 19]])
    vermont = prepare(panel, "Vermont", "new_admissions")
    weeks = expected_change(vermont, model("naive").forecast(vermont, 4))
    assert weeks.now == vermont.values[-1]


@pytest.mark.parametrize(
    ("change", "direction", "text", "band", "level"),
    [
        (ExpectedChange(100, 80, 112, 155), "unsure", "+12 %", "−20 to +55 %", 1),
        (ExpectedChange(100, 120, 180, 300), "rising", "+80 %", "+20 to +200 %", 3),
        (ExpectedChange(100, 20, 50, 90), "falling", "−50 %", "−80 to −10 %", -3),
        (ExpectedChange(100, 90, 101, 110), "unsure", "+1 %", "−10 to +10 %", 0),
        (ExpectedChange(100, 70, 78, 110), "unsure", "−22 %", "−30 to +10 %", -2),
        (ExpectedChange(0, 0, 2, 12_000), "unsure", "up from 0", "0 to 12.0 k", 3),
        (ExpectedChange(0, 0, 0, 1), "unsure", "no change", "0 to 1", 0),
        (ExpectedChange(1, 1, 3, 20), "unsure", "+200 %", "±0 % to 20 times", 3),
    ],
)
def test_a_change_in_words(change, direction, text, band, level):
    assert (change.direction, change.text, change.band, change.level) == (direction, text, band, level)


def test_what_is_expected_is_told_for_a_week_of_days_beside_what_was_counted_then(panel):
    italy = prepare(panel, "Italy", "new_cases")
    change = expected_change(italy, model("naive").forecast(italy, 28))
    assert change.expected == format_compact(7 * change.middle)
    assert change.expected_band == format_interval(7 * change.low, 7 * change.high)
    assert not change.few


@pytest.mark.parametrize(("now", "middle", "few"), [(1, 3, True), (9, 9.9, True), (2, 12, False), (12, 2, False)])
def test_few_counts_are_no_deep_colour_and_do_not_come_first(now, middle, few):
    change = ExpectedChange(now, 0, middle, 2 * middle, counts=True)
    assert change.few is few
    assert (change.level == 0) is (few or round(middle) == now)
    rows = [replace(row("Few", 1, 3), change=change), row("Many", 100, 120)]
    assert names(region_table.sort_rows(rows, "change"))[0] == ("Many" if few or middle < now else "Few")
    said = region_table.few_counts_sentence(rows)
    assert said.startswith("1 region with fewer than 10 counts ") if few else said == ""


def test_amounts_below_ten_are_not_few():
    assert not ExpectedChange(1.0, 1.0, 3.0, 4.0).few


def test_a_sparkline_holds_the_last_year_and_a_fan_within_its_height(panel):
    ohio = prepare(panel, "Ohio", "new_admissions")
    small = sparkline(ohio, model("naive").forecast(ohio, 4))
    assert len(small.past) == 52
    assert len(small.low) == len(small.middle) == len(small.high) == 5
    assert small.low[0] == small.middle[0] == small.high[0] == small.past[-1], "the fan is attached"
    heights = np.array([small.low, small.middle, small.high])
    assert (np.diff(heights, axis=0) >= 0).all()
    assert 0 <= heights.min() <= heights.max() <= HEIGHT
    assert small.share == pytest.approx(1 - LEAST_AHEAD)


def test_days_are_drawn_as_weekly_means_of_120_days():
    comb = series(np.tile([0, 0, 0, 0, 0, 0, 70], 60))
    small = sparkline(comb)
    assert set(small.past) == {HEIGHT}, "the weekday pattern is gone"
    assert len(small.past) <= POINTS


@pytest.mark.parametrize("values", [[0.0] * 60, [3.0], [1.0, 2.0]])
def test_empty_and_short_series_are_drawn_too(values):
    short = series(values)
    small = sparkline(short, model("naive").forecast(short, 3))
    assert len(small.past) >= 1
    assert latest_row("X", short).latest is not None


ROWS = [row("Östland", 5, 90, 0.8), row("Atlantis", 7, 120), row("Zenda", 6, None, 0.5), row("Utopia", None)]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["Atlantis", "Östland", "Utopia", "Zenda"]),
        ("-name", ["Zenda", "Utopia", "Östland", "Atlantis"]),
        ("latest", ["Atlantis", "Zenda", "Östland", "Utopia"]),
        ("-latest", ["Östland", "Zenda", "Atlantis", "Utopia"]),
        ("change", ["Atlantis", "Östland", "Utopia", "Zenda"]),
        ("-change", ["Östland", "Atlantis", "Utopia", "Zenda"]),
        ("record", ["Zenda", "Östland", "Atlantis", "Utopia"]),
        ("-record", ["Östland", "Zenda", "Atlantis", "Utopia"]),
    ],
)
def test_what_is_not_known_yet_goes_last_in_either_direction(sort, order):
    assert names(region_table.sort_rows(ROWS, sort)) == order


def test_a_region_is_found_without_accents_in_any_order_and_by_its_postal_code():
    assert region_table.search_regions("ostl", ["Östland", "Zenda"]) == ["Östland"]
    assert region_table.search_regions("york new", ["New York", "York"]) == ["New York"]
    assert region_table.search_regions("tx", ["Texas", "Utah"]) == ["Texas"]
    assert region_table.search_regions(" ", ["Texas", "Utah"]) == ["Texas", "Utah"]


def test_only_one_direction_can_be_shown_and_all_are_counted():
    rows = [row("Up", middle=120, low=110), row("Down", middle=80, high=90), row("Open", middle=101), row("Later")]
    assert names(region_table.filter_rows(rows, "", "rising")) == ["Up"]
    assert names(region_table.filter_rows(rows, "", "falling")) == ["Down"]
    assert names(region_table.filter_rows(rows, "", "unsure")) == ["Open"]
    assert names(region_table.filter_rows(rows, "o", "all")) == ["Down", "Open"]
    said = region_table.summary_sentence(rows, DAILY, 28)
    assert said.startswith("In 28 days, of 3 regions, **2** are expected higher than now and **1** lower.")
    assert "above the present in **1**" in said
    assert region_table.summary_sentence([row("Later")], DAILY, 28) == ""
    assert "a rise and a fall are both possible" in region_table.summary_sentence([row("Open", middle=101)], DAILY, 28)


def test_a_row_as_a_sentence_and_as_numbers():
    up = row("Up", 1234, 112, 0.5, low=80, high=155)
    assert region_table.row_sentence(up, "last week") == (
        "Up: 1,234 in the last week; a rise and a fall are both possible: 112 expected, 80 % range 80–155, +12 %"
    )
    assert "not made yet" in region_table.row_sentence(row("Later"), "last week")
    table = region_table.regions_table([up, row("None", None)])
    assert list(table.columns) == list(region_table.COLUMNS)
    assert table.loc[0, ["change_percent", "change_percent_low_80", "held_80_percent"]].tolist() == pytest.approx(
        [12, -20, 80]
    )
    assert table.loc[1].isna().sum() == len(region_table.COLUMNS) - 1


def test_a_region_whose_figures_end_earlier_says_when():
    late, now = (replace(row(name), at=pd.Timestamp(date)) for name, date in (("A", "2024-03-02"), ("B", "2024-03-09")))
    assert region_table.lagging_note(late, newest_date([late, now])) == "to 2 Mar 2024"
    assert region_table.lagging_note(now, newest_date([late, now])) == ""


def test_the_states_have_each_a_tile_of_its_own_and_countries_have_none(panel):
    found = tiles(panel.regions("new_admissions"))
    assert len(found) == 53
    assert len({(tile.column, tile.row) for tile in found}) == 53
    assert {tile.code for tile in found} == {"US", *STATES} - {"AS", "GU", "MP", "VI"}
    assert len(tiles(list(STATES))) == len(STATES)
    assert tiles(panel.regions("new_cases")) == []
    assert tiles(["DE", "GA", "Italy"]) == []


def many(count):
    """So many regions of a few weeks; the higher the number, the larger."""
    dates = pd.date_range("2024-01-06", periods=12, freq="7D")
    table = pd.DataFrame(
        {
            "region": np.repeat([f"County {i:05d}" for i in range(count)], len(dates)),
            "statistic": "x",
            "date": np.tile(dates, count),
            "value": np.repeat(np.arange(count, dtype=float), len(dates)),
        }
    )
    return Panel("many", table, (Statistic("x", "X", "x", "x"),), {"x": weekly("SAT")}, "", "")


def test_of_thousands_of_regions_the_first_200_are_looked_at_and_any_can_be_searched():
    panel = many(3000)
    regions = panel.regions("x")
    largest = region_table.regions_to_show(panel, "x", regions, "", "change")
    assert (len(largest), largest[0]) == (region_table.MAX_ROWS, "County 02999")
    assert region_table.regions_to_show(panel, "x", regions, "", "-latest")[0] == "County 00000"
    assert region_table.regions_to_show(panel, "x", regions, "", "name")[0] == "County 00000"
    assert region_table.regions_to_show(panel, "x", regions, "", "-name")[0] == "County 02999"
    assert region_table.regions_to_show(panel, "x", regions, "00017", "change") == ["County 00017"]
    assert region_table.regions_to_show(panel, "x", regions[:50], "nothing", "change") == regions[:50]


def test_the_size_of_running_totals_is_what_came_last(panel):
    size = region_table.region_sizes(panel, "cumulative_cases")
    italy = panel.counts("Italy", "cumulative_cases")
    assert size["Italy"] == italy.iloc[-1] - italy.iloc[-8]


# --- the roll call


def finish(call, regions, **how):
    """Look until nothing more comes."""
    for _ in range(600):
        rows = call.look(regions, 0.2, **how)
        if not call.looking(regions):
            return rows
        time.sleep(0.05)
    raise AssertionError("the roll call did not end")


REGIONS = ["Vermont", "Maine", "Ohio"]


def test_every_region_is_forecast_as_the_library_does_it(service, panel):
    rows = finish(AllRegions(service, panel, ADMISSIONS), REGIONS)
    assert [row.state for row in rows] == ["ready"] * 3
    ohio = prepare(panel, "Ohio", "new_admissions")
    assert rows[2].change == expected_change(ohio, model("theta").forecast(ohio, 4))
    assert rows[2].spark.middle


def test_what_is_in_the_store_is_there_at_the_first_look_and_is_not_asked_for_again(service, panel, monkeypatch):
    finish(AllRegions(service, panel, ADMISSIONS), REGIONS)
    monkeypatch.setattr(service, "submit", lambda *args, **options: pytest.fail("asked again"))
    rows = AllRegions(service, panel, ADMISSIONS).look(REGIONS, 5)
    assert [row.state for row in rows] == ["ready"] * 3


def test_without_patience_a_look_prepares_little_and_waits_for_nothing(service, panel):
    call = AllRegions(service, panel, ADMISSIONS)
    rows = call.look(REGIONS, 0, ask=False, records=False)
    assert [row.latest is None for row in rows] == [False, True, True]
    assert call.looking(REGIONS)


def test_no_more_than_a_few_wait_in_the_queue_and_the_rest_follows(service, monkeypatch):
    panel = many(IN_FLIGHT + 10)
    regions = panel.regions("x")
    call = AllRegions(service, panel, RegionsView("x", "ets", 2))
    most, submit = [], service.submit

    def counting(*args, **options):
        answer = submit(*args, **options)
        with service.queue._board.changed:
            most.append(len(service.queue._board.active()))
        return answer

    monkeypatch.setattr(service, "submit", counting)
    rows = finish(call, regions)
    assert {row.state for row in rows} == {"ready"}
    assert max(most) <= IN_FLIGHT


@pytest.mark.parametrize(("name", "horizon"), [("pretrained", 5), ("ensemble", 6)])
def test_the_network_sees_all_regions_at_once(service, panel, monkeypatch, name, horizon):
    sizes, network = [], type(model("pretrained"))
    many = network.forecast_many
    monkeypatch.setattr(network, "forecast_many", lambda self, *what: sizes.append(len(what[0])) or many(self, *what))
    regions = panel.regions("new_admissions")
    call = AllRegions(service, panel, RegionsView("new_admissions", name, horizon))
    call.look(regions, 30, records=False)
    call.stop(regions)
    assert (sum(sizes), len(sizes)) == (53, 2)
    if name == "pretrained":
        rows = call.look(regions, 0, records=False)
        ohio = prepare(panel, "Ohio", "new_admissions")
        alone = expected_change(ohio, model("pretrained").forecast(ohio, horizon))
        assert {row.state for row in rows} == {"ready"}
        assert rows[regions.index("Ohio")].change.middle == pytest.approx(alone.middle, rel=1e-9)


def test_a_look_back_of_the_network_sees_all_origins_at_once(service, panel, monkeypatch):
    sizes, network = [], type(model("pretrained"))
    many = network.forecast_many
    monkeypatch.setattr(network, "forecast_many", lambda self, *what: sizes.append(len(what[0])) or many(self, *what))
    past = service.track_records.track_record(panel, "Ohio", "new_admissions", ["pretrained"], origins=9)
    assert sizes == [9]
    assert not past.waiting
    service.track_records.track_record(panel, "Ohio", "new_admissions", ["pretrained"], origins=9)
    assert sizes == [9]


def test_a_full_queue_is_said_and_asked_again_later(service, panel, monkeypatch):
    call = AllRegions(service, panel, RegionsView("new_admissions", "ets", 3))
    monkeypatch.setattr(service.queue, "_capacity", 0)
    call.look(REGIONS, 5)
    assert "queue is full" in call.full
    monkeypatch.undo()
    assert {row.state for row in finish(call, REGIONS)} == {"ready"}
    assert call.full == ""


def test_a_stopped_roll_call_asks_no_more_and_goes_on_when_told(service, panel):
    regions = panel.regions("new_admissions")
    call = AllRegions(service, panel, RegionsView("new_admissions", "auto_arima", 4))
    call.look(regions, 5, records=False)
    call.stop(regions)
    rows = call.look(regions, 30, ask=False)
    states = {row.state for row in rows}
    assert "cancelled" in states
    assert states <= {"cancelled", "ready"}
    assert not call.looking(regions, ask=False)
    cancelled = [row.region for row in rows if row.state == "cancelled"]
    call.refresh(regions)
    assert {row.state for row in call.look(cancelled, 5, ask=False)} == {"cancelled"}, "nobody has asked again"
    call.again(cancelled[:1])
    (row,) = call.look(cancelled[:1], 5)
    assert row.state in ("coming", "ready")
    call.stop(cancelled[:1])


def test_a_region_that_cannot_be_prepared_is_one_sentence_and_stops_nobody(service, panel, monkeypatch):
    series = service.series

    def broken(panel, region, statistic, window=None):
        if region == "Maine":
            raise RequestError("Maine is of no use.")
        return series(panel, region, statistic, window)

    monkeypatch.setattr(service, "series", broken)
    rows = finish(AllRegions(service, panel, ADMISSIONS), REGIONS)
    assert [row.state for row in rows] == ["ready", "failed", "ready"]
    assert rows[1].why == "Maine is of no use."


def test_records_are_those_of_look_backs_that_were_made_and_none_is_begun(service, panel):
    view = RegionsView("new_admissions", "ets", 4)
    rows = finish(AllRegions(service, panel, view), REGIONS)
    assert [row.record for row in rows] == [None] * 3
    service.wait(service.track_records.track_record(panel, "Maine", "new_admissions", ["ets"]).jobs)
    past = service.track_records.track_record(panel, "Maine", "new_admissions", ["ets"])
    rows = finish(AllRegions(service, panel, view), REGIONS)
    assert [row.record for row in rows] == [None, past.of("ets"), None]


@pytest.mark.parametrize(
    ("statistic", "region", "window"), [("new_cases", "Italy", 180), ("new_admissions", "Ohio", 52)]
)
def test_a_look_back_is_found_with_its_training_window(service, panel, statistic, region, window):
    service.wait(service.track_records.track_record(panel, region, statistic, ["theta"], TrainingOptions(window)).jobs)
    (there,) = finish(AllRegions(service, panel, RegionsView(statistic, "theta", 4, TrainingOptions(window))), [region])
    (other,) = finish(
        AllRegions(service, panel, RegionsView(statistic, "theta", 4, TrainingOptions(window + 1))), [region]
    )
    assert (there.record is not None, other.record) == (True, None)


def test_a_record_made_elsewhere_is_found_at_the_next_visit(service, panel):
    call = AllRegions(service, panel, RegionsView("new_admissions", "sarima", 4))
    (row,) = finish(call, ["Utah"])
    assert row.record is None
    service.wait(service.track_records.track_record(panel, "Utah", "new_admissions", ["sarima"]).jobs)
    call.refresh(["Utah"])
    assert call.look(["Utah"], 1)[0].record is not None


def judged(call, regions):
    for _ in range(600):
        rows = call.judge(regions, 0.2)
        if call.judged(regions) == len(regions):
            return rows
        time.sleep(0.05)
    raise AssertionError("judging did not end")


def test_all_regions_are_judged_as_explore_does_it(service, panel):
    call = AllRegions(service, panel, ADMISSIONS)
    rows = judged(call, REGIONS)
    past = service.track_records.track_record(panel, "Vermont", "new_admissions", ["theta"])
    assert not past.waiting
    assert rows[0].record == past.of("theta")
    assert math.isfinite(rows[2].record.relative_wis)


def test_judging_can_be_ended_and_begun_again(service, panel):
    regions = panel.regions("new_admissions")[:20]
    call = AllRegions(service, panel, RegionsView("new_admissions", "prophet", 6))
    finish(call, regions[:1])
    call.judge(regions, 2)
    call.stop_judging(regions)
    with service.queue._board.changed:
        assert {entry.job.horizon for entry in service.queue._board.active()} <= {6}, "a look back goes on"
    call.stop(regions)
    assert call.judged(regions) < len(regions)
    call.refresh(regions[:1])
    assert judged(call, regions[:1])[0].record is not None


def test_regions_that_nobody_looks_at_are_forgotten(service, monkeypatch):
    monkeypatch.setattr("forecasting.services.all_regions.REMEMBERED", 5)
    panel = many(40)
    call = AllRegions(service, panel, RegionsView("x", "naive", 2))
    regions = panel.regions("x")
    finish(call, regions[:10])
    finish(call, regions[20:30])
    assert set(call._entries) == set(regions[20:30])
