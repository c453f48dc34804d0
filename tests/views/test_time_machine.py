from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from forecasting import Panel, Statistic
from forecasting.data.columns import FORECASTS
from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.frequency import DAILY, weekly
from forecasting.evaluation.backtest import series_at_cutoff
from forecasting.evaluation.forecast_tables import score_forecasts, summarise_scores
from forecasting.evaluation.track_record import track_record_forecasts, track_record_scores
from forecasting.jobs import JobQueue, State
from forecasting.models import model
from forecasting.services import align_external
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import DataError
from forecasting.views import leaderboard, skill_heatmap, time_machine
from forecasting.views.palette import DARK, LIGHT

WEEKS = pd.date_range("2024-01-06", periods=40, freq="W-SAT")
NEW = Statistic("new", "New", "people", "new")
RELEASE = pd.Timedelta(days=4)


def level(week):
    return 100.0 + 10 * np.sin(np.arange(len(WEEKS)) / 4)[week]


def vintage(weeks):
    """As published on the Wednesday after the last of so many weeks: the last week is a fifth too low."""
    values = np.array([level(week) for week in range(weeks)])
    values[-1] *= 0.8
    table = pd.DataFrame({"region": "A", "date": WEEKS[:weeks], "value": values, "statistic": "new"})
    return table.assign(as_of=WEEKS[weeks - 1] + RELEASE)


@pytest.fixture(scope="module")
def panel():
    table = pd.concat([vintage(weeks) for weeks in range(10, 41)], ignore_index=True)
    return Panel("test", table, (NEW,), {"new": weekly("SAT")}, "nobody", "none")


@pytest.fixture(scope="module")
def stops(service, panel):
    return service.track_records.cutoffs(panel, "A", "new", 4)


@pytest.fixture(scope="module")
def past(service, panel, stops):
    def ask():
        return service.track_records.track_record(
            panel, "A", "new", ["ets"], dates=[stop.at for stop in stops], horizon=4
        )

    service.wait(ask().jobs)
    return ask()


@pytest.fixture(scope="module")
def now(service, panel):
    return service.series(panel, "A", "new")


@pytest.fixture(scope="module")
def judged(past, now):
    return track_record_scores(past, now)


def published(weeks, name="team", region="A", value=100.0):
    """A hub's forecasts as `read_forecasts` gives them, with data to each of these weeks."""
    rows = [
        (region, name, WEEKS[week], step, WEEKS[week] + pd.Timedelta(weeks=step), quantile, value * (0.5 + quantile))
        for week in weeks
        for step in range(1, 5)
        for quantile in QUANTILES
    ]
    return pd.DataFrame(rows, columns=list(FORECASTS))


def placed(table, stops, panel, name="'x.csv'"):
    return align_external.align_forecasts(table, "new", "A", stops, panel, weekly("SAT"), name)


# Where one can go back to


def test_the_stops_are_the_published_dates_after_which_something_has_come(stops, panel, now):
    shown = [align_external.knowledge_date(stop, panel) for stop in stops]
    assert set(shown) <= set(panel.vintages())
    assert shown == sorted(shown)
    assert len(shown) == 26
    assert stops[-1].origin < now.origin
    assert stops[-1].origin == now.dates[-2]


def test_without_vintages_the_stops_of_daily_counts_are_a_week_apart(service):
    bundled = service.panel("bundled")
    stops = service.track_records.cutoffs(bundled, "Italy", "new_cases", 28)
    gaps = {after.origin - before.origin for before, after in pairwise(stops)}
    assert gaps == {pd.Timedelta(days=7)}
    assert all(align_external.knowledge_date(stop, bundled) == stop.origin for stop in stops)


def test_a_compare_page_and_the_time_machine_share_their_forecasts(service):
    bundled = service.panel("bundled")
    compared = service.track_records.track_record(bundled, "Italy", "new_cases", [])
    stops = service.track_records.cutoffs(bundled, "Italy", "new_cases", 28)
    gone_back = service.track_records.track_record(
        bundled, "Italy", "new_cases", [], dates=[stop.at for stop in stops], horizon=28
    )
    assert {job.key for job in compared.jobs} <= {job.key for job in gone_back.jobs}


@pytest.mark.parametrize("region", ["Italy", "Spain", "France"])
def test_a_stop_is_what_a_backtest_would_forecast_from(service, region):
    bundled = service.panel("bundled")
    for stop in service.track_records.cutoffs(bundled, region, "cumulative_cases", 28):
        plain = series_at_cutoff(bundled, region, "cumulative_cases", stop.at)
        assert plain.request("ets", 28).key == stop.request("ets", 28).key
        assert (plain.origin, plain.gap, plain.series.notes) == (stop.origin, stop.gap, stop.series.notes)


def test_what_all_regions_say_of_their_last_days_counts_for_one_alone(service):
    """Everywhere at once the last day is a third of the others: nowhere is it used."""
    days = pd.date_range("2024-01-01", periods=120)
    values = np.r_[np.full(99, 900.0), 300.0, np.full(20, 900.0)]
    tables = [pd.DataFrame({"region": name, "statistic": "new", "date": days, "value": values}) for name in "ABCD"]
    late = Panel("late", pd.concat(tables, ignore_index=True), (NEW,), {"new": DAILY}, "nobody", "none")
    (then,) = service.track_records.track_record(late, "A", "new", [], dates=[days[99]], horizon=14).cutoffs
    assert then.gap == series_at_cutoff(late, "A", "new", days[99]).gap == 1


def test_a_stop_is_prepared_once(service, panel, stops, monkeypatch):
    monkeypatch.setattr("forecasting.services.track_records.series_at_cutoff", None)
    monkeypatch.setattr("forecasting.services.track_records.rolling_origins", None)
    assert service.track_records.cutoffs(panel, "A", "new", 4) == stops


def test_nothing_to_go_back_to_is_a_sentence(service):
    bundled = service.panel("bundled").as_of(pd.Timestamp("2020-03-10"))
    with pytest.raises(DataError, match="too few to look back"):
        service.track_records.cutoffs(bundled, "Italy", "new_cases", 28)


def test_stops_that_take_long_are_none_until_they_are_there(service, panel, monkeypatch):
    import threading

    released = threading.Event()
    monkeypatch.setattr(service.track_records, "_earlier_cutoffs", lambda *what: released.wait(60) and ["there"])
    assert service.track_records.cutoffs(panel, "A", "new", 3, patience=0.01) is None
    released.set()
    assert service.track_records.cutoffs(panel, "A", "new", 3, patience=60) == ["there"]


def test_two_vintages_without_a_new_week_are_one_origin(service, panel):
    again = panel.table[panel.table["as_of"] == panel.table["as_of"].max()]
    twice = panel.table.copy()
    held = panel.table["as_of"] == WEEKS[29] + RELEASE
    twice = twice[~(held & (twice["date"] == WEEKS[29]))]
    doubled = Panel("doubled", twice, (NEW,), panel.frequencies, "nobody", "none")
    past = service.track_records.track_record(doubled, "A", "new", [], origins=12)
    assert len(again) == 40
    assert len(set(past.origins)) == len(past.origins)
    assert track_record_scores(past, service.series(doubled, "A", "new"))["origin"].nunique() > 1


# In which order forecasts are made


class Waiting(JobQueue):
    """A queue that only takes orders: nobody fits."""

    def __init__(self, store, capacity=500):
        super().__init__(store, workers=1, capacity=capacity, grace=3600)


@pytest.fixture
def idle(tmp_path):
    made = []

    def idle(capacity=500):
        store = ForecastStore(f"sqlite:///{tmp_path / 'idle.sqlite'}")
        made.append(Service(store, Waiting(store, capacity)))
        return made[-1]

    yield idle
    for service in made:
        service.close()


def looked(service, panel, stops, place, **more):
    dates = [stop.at for stop in stops]
    return service.track_records.track_record(
        panel, "A", "new", ["ets", "sarima"], dates=dates, horizon=4, first=dates[place], **more
    )


@pytest.mark.parametrize("places", [(5,), (5, 12)])
def test_the_forecasts_of_the_date_on_the_screen_go_first(idle, panel, stops, places, monkeypatch):
    service = idle()
    for place in places:
        monkeypatch.setattr(service.queue._board, "_watched", {})  # what was watched before is not any more
        past = looked(service, panel, stops, place)
    line = sorted(service.queue.jobs(job.key for job in past.jobs if not job.finished), key=lambda job: job.ahead)
    assert {job.key for job in line[:2]} == {past.asked[name, places[-1]].key for name in ("ets", "sarima")}


def test_only_a_few_others_are_asked_for_at_a_time(idle, panel, stops):
    past = looked(idle(), panel, stops, 3, at_once=6)
    waiting = [name for name, job in past.asked.items() if not job.finished]
    assert len(waiting) == 2 + 6
    assert past.left == 2 * len(stops) - len(waiting)
    assert past.waiting
    assert sum(name == "naive" for name, _ in past.forecasts) == len(stops)


def test_a_full_queue_is_said_and_what_it_took_is_kept(idle, panel, stops):
    past = looked(idle(capacity=5), panel, stops, 3)
    assert "queue is full" in past.full
    assert sum(not job.finished for job in past.jobs) == 5
    assert past.left
    assert {("ets", 3), ("sarima", 3)} <= set(past.asked)


def test_what_was_cancelled_is_made_again_only_when_asked_for(idle, panel, stops):
    service = idle()
    for job in looked(service, panel, stops, 3).jobs:
        service.cancel(job.key)
    past = looked(service, panel, stops, 3, at_once=0)
    assert not past.left
    assert {job.state for job in past.jobs} == {State.done, State.cancelled}
    assert State.queued in {job.state for job in looked(service, panel, stops, 3, retry=True).jobs}


# Scores


def test_scores_are_those_of_the_table_that_can_be_taken_away(past, now, judged):
    came = pd.DataFrame({"region": "A", "date": now.dates, "value": now.published})
    pd.testing.assert_frame_equal(judged, score_forecasts(track_record_forecasts(past), came), check_dtype=False)
    assert len(judged) > 20


def test_only_what_has_come_is_scored(judged, now):
    assert judged["date"].max() == now.origin
    counts = judged.groupby(["model", "origin"]).size()
    assert counts["ets"].iloc[-1] < 4
    assert counts["ets"].iloc[0] == 4


def test_models_stand_as_the_averages_of_their_scores(past, now, judged):
    found = leaderboard.rank_models(judged)
    summary = summarise_scores(judged, "naive").set_index("model")
    for row in found.table.itertuples():
        assert row.relative_wis == pytest.approx(summary.loc[row.model, "relative_wis"])
        assert row.coverage_80 == pytest.approx(100 * summary.loc[row.model, "coverage_80"])
    assert found.origins == judged["origin"].nunique()
    assert found.left_out == 0


def test_only_cells_that_all_have_are_compared(judged, stops, panel, now):
    theirs = placed(published([30, 31]), stops, panel)
    together = pd.concat([judged, leaderboard.score_published(theirs, now)])
    found = leaderboard.rank_models(together)
    assert (found.cells, found.origins) == (8, 2)
    assert found.left_out == len(judged[judged["model"] == "naive"]) - 8
    ours = judged[judged["origin"].isin([WEEKS[30], WEEKS[31]])]
    naive = found.table.set_index("model").loc["naive"]
    assert naive["wis"] == pytest.approx(ours[ours["model"] == "naive"]["wis"].mean())


def test_skill_is_the_ratio_of_scores_by_date_and_horizon(judged):
    ratios = skill_heatmap.skill_table(judged, "ets", weekly("SAT"))
    cell = judged[(judged["origin"] == ratios.index[3]) & (judged["horizon"] == 2)].set_index("model")
    assert ratios.iloc[3]["2"] == pytest.approx(cell.loc["ets", "wis"] / cell.loc["naive", "wis"])
    assert np.isnan(ratios.iloc[-1]["4"])


def test_days_ahead_share_a_row_by_the_week(service):
    bundled = service.panel("bundled")
    stops = service.track_records.cutoffs(bundled, "Italy", "new_cases", 28)
    past = service.track_records.track_record(
        bundled, "Italy", "new_cases", [], dates=[stop.at for stop in stops], horizon=28
    )
    now = service.series(bundled, "Italy", "new_cases")
    ratios = skill_heatmap.skill_table(track_record_scores(past, now), "naive", now.frequency)
    assert list(ratios) == ["1–7", "8–14", "15–21", "22–28"]
    assert set(np.round(ratios.to_numpy()[np.isfinite(ratios.to_numpy())], 9)) == {1.0}


# Published forecasts


def test_a_published_forecast_belongs_to_the_date_after_its_data(stops, panel):
    found = placed(published([30]), stops, panel)
    assert set(found["origin"]) == {WEEKS[30]}
    assert sorted(found["horizon"].unique()) == [1, 2, 3, 4]
    stop = next(stop for stop in stops if stop.origin == WEEKS[30])
    assert align_external.hub_reference_date(stop, panel) == WEEKS[31]


def test_when_a_vintage_lags_periods_are_still_matched_by_date(panel, service):
    late = panel.table[~((panel.table["as_of"] == WEEKS[30] + RELEASE) & (panel.table["date"] == WEEKS[30]))]
    late = late[~(late["as_of"] == WEEKS[29] + RELEASE)]
    lagging = Panel("lagging", late, (NEW,), panel.frequencies, "nobody", "none")
    stops = service.track_records.cutoffs(lagging, "A", "new", 4)
    found = placed(published([30]), stops, lagging)
    assert set(found["origin"]) == {WEEKS[29]}
    assert dict(zip(found["horizon"], found["date"], strict=True))[2] == WEEKS[31]


def test_a_forecast_that_is_called_like_one_of_ours_is_called_otherwise(stops, panel):
    assert set(placed(published([30], "ets"), stops, panel)["model"]) == {"ets (file)"}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (published([30], region="B"), "'x.csv' has no forecast for A; it has B"),
        (published([2, 3]), "none that was made at a date on the slider"),
        (
            pd.concat([published([30]).assign(statistic=name) for name in ("flu", "rsv")]),
            r"'x.csv' is about several things \(flu, rsv\), and 'new' is not among them",
        ),
    ],
)
def test_what_fits_nothing_is_said_in_one_sentence(table, words, stops, panel):
    with pytest.raises(DataError, match=words) as raised:
        placed(table, stops, panel)
    assert "\n" not in str(raised.value)


def test_real_published_forecasts_score_as_they_should(shared, tmp_path):
    """The ensemble's ratio on the development period, by way of this page's own tables, for one region."""
    from forecasting.tables.forecast_file import read_forecasts
    from forecasting.tables.panel_file import read_panel

    hub = read_panel(shared / "hub-dev" / "vintages.csv.gz")
    statistic = hub.statistics[0].name
    table = read_forecasts(shared / "hub-dev" / "forecasts.parquet")
    store = ForecastStore(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
    service = Service(store, JobQueue(store, workers=1))
    try:
        stops, now = service.track_records.cutoffs(hub, "TX", statistic, 4), service.series(hub, "TX", statistic)
    finally:
        service.close()
    found = align_external.align_forecasts(table, statistic, "TX", stops, hub, now.frequency, "it")
    assert found["origin"].nunique() == len(stops)
    assert set(found["model"]) == set(table["model"])
    kept = table[(table["region"] == "TX") & table["origin"].isin([stop.origin for stop in stops])]
    came = pd.DataFrame({"region": "TX", "date": now.dates, "value": now.published})
    direct = summarise_scores(score_forecasts(kept, came)).set_index("model")["wis"]
    through = leaderboard.score_published(found, now).groupby("model")["wis"].mean()
    pd.testing.assert_series_equal(through, direct.sort_index(), check_names=False)


def test_a_reader_s_file_is_read_once_and_what_is_wrong_is_said_again(service, monkeypatch):
    content = published([30]).to_csv(index=False).encode()
    table = service.external_forecasts.uploaded(content, "mine.csv", ["A"])
    assert len(table) == 4 * len(QUANTILES)
    for _ in range(2):
        with pytest.raises(DataError, match=r"other\.csv: no column is called"):
            service.external_forecasts.uploaded(b"a,b\n1,2\n", "other.csv", ["A"])
        monkeypatch.setattr("forecasting.services.external_forecasts._read", None)
    assert service.external_forecasts.uploaded(content, "mine.csv", ["A"]) is table


# Charts


def moment(stops, panel, now, place, others=None, **changes):
    forecast = model("naive").forecast(stops[place].series, 4)
    others = pd.DataFrame(columns=list(FORECASTS)) if others is None else others
    what = {"truth": True, "revised": panel.has_vintages(), "smooth": False, "unit": "new people"} | changes
    window = time_machine.chart_window(stops, now, 4)
    return time_machine.TimeMachineChart(stops[place], now, {"naive": forecast}, "naive", others, window, **what)


def drawn(*args, **changes):
    return {trace["uid"]: trace for trace in time_machine.time_machine_figure(moment(*args, **changes))["data"]}


def test_the_chart_shows_what_was_published_then_and_what_it_became(stops, panel, now):
    data = drawn(stops, panel, now, 10)
    origin = f"{stops[10].origin:%Y-%m-%d}"
    then = dict(zip(data["history"]["x"], data["history"]["y"], strict=True))
    became = dict(zip(data["came"]["x"], data["came"]["y"], strict=True))
    assert max(then) == origin
    assert then[origin] == pytest.approx(became[origin], abs=0.1)  # by then it had been learned what is missing
    assert data["as reported"]["x"] == [origin]
    assert data["as reported"]["y"][0] == pytest.approx(0.8 * became[origin], abs=0.1)
    assert max(became) == f"{now.origin:%Y-%m-%d}"
    assert data["naive"]["x"][0] == origin
    assert data["band"]["fill"] == "toself"


def test_what_came_can_be_hidden(stops, panel, now):
    assert "came" not in drawn(stops, panel, now, 10, truth=False)


def test_without_vintages_what_came_begins_at_the_cut(stops, panel, now):
    data = drawn(stops, panel, now, 10, revised=False)
    assert data["came"]["x"][0] == f"{stops[10].series.origin:%Y-%m-%d}"
    assert data["came"]["name"] == "Actual"


def test_the_axes_are_the_same_at_every_date(stops, panel, now, past):
    figures = [time_machine.time_machine_figure(moment(stops, panel, now, place)) for place in (0, 12, 25)]
    assert len({str(figure["layout"]["xaxis"]["range"]) for figure in figures}) == 1
    nothing = pd.DataFrame(columns=list(FORECASTS))
    top = time_machine.axis_top(past, nothing, now, time_machine.chart_window(stops, now, 4), False)
    medians = max(forecast.values[:, MEDIAN].max() for forecast in past.forecasts.values())
    assert top >= max(now.values.max(), min(medians, 2 * now.values.max()))
    assert top <= 1.06 * 2 * max(now.values.max(), *(stop.series.values.max() for stop in stops))


def test_published_forecasts_are_drawn_apart(stops, panel, now):
    others = pd.concat([placed(published([30], name), stops, panel) for name in ("one", "two")])
    place = next(i for i, stop in enumerate(stops) if stop.origin == WEEKS[30])
    data = drawn(stops, panel, now, place, others)
    assert data["published one"]["line"]["color"] != data["published two"]["line"]["color"]
    assert data["published one"]["y"] == [100.0] * 4
    assert "band one" in data


def test_tiles_are_blue_below_one_and_vermilion_above_and_blank_where_nothing_came(judged):
    for theme in (LIGHT, DARK):
        assert skill_heatmap.ratio_colour(1.0, theme) == skill_heatmap.EVEN_COLOURS[theme.dark]
        assert (
            skill_heatmap.ratio_colour(4.0, theme)
            == skill_heatmap.ratio_colour(9.0, theme)
            == skill_heatmap.WORSE_COLOURS[theme.dark]
        )
        assert skill_heatmap.ratio_colour(0.25, theme) == skill_heatmap.BETTER_COLOURS[theme.dark]
        assert skill_heatmap.ratio_colour(float("nan"), theme) == theme.background
    ratios = skill_heatmap.skill_table(judged, "ets", weekly("SAT"))
    figure = skill_heatmap.skill_heatmap(ratios, "week", ratios.index[2])
    assert [trace["uid"] for trace in figure["data"]] == ["row 1", "row 2", "row 3", "row 4"]
    assert figure["data"][3]["marker"]["color"][-1] == LIGHT.background
    assert figure["layout"]["shapes"][0]["x0"] == 1.5
