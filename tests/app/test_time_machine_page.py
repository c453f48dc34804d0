import re
import time

import pandas as pd
import pytest
from visiting import new_visitor, settled

from forecasting.data.columns import FORECASTS
from forecasting.data.forecast import QUANTILES
from forecasting.data.panel import Panel
from forecasting.evaluation.track_record import track_record_scores
from forecasting.jobs import Job
from forecasting.support.errors import SourceError
from forecasting.views import time_machine
from ui.time_machine.page import AT_ONCE, WHEN_IDLE

PAGE = "pages/time_machine.py"
PLACE = {"region": "Puerto Rico", "statistic": "new_admissions"}


@pytest.fixture
def go_back(service):
    def go_back(**link):
        page = new_visitor(PAGE)
        for name, value in {**PLACE, **link}.items():
            page.query_params[name] = value
        return settled(page.run())

    return go_back


@pytest.fixture
def finished(service):
    """The look back at every stop, all forecasts made."""

    def finished(names, panel=None):
        panel = panel or service.panel("bundled")
        stops = service.track_records.cutoffs(panel, "Puerto Rico", "new_admissions", 4)

        def ask():
            dates = [stop.at for stop in stops]
            return service.track_records.track_record(
                panel, "Puerto Rico", "new_admissions", names, dates=dates, horizon=4
            )

        service.wait(ask().jobs)
        return ask()

    return finished


@pytest.fixture
def vintages(service, monkeypatch):
    """The bundled figures as if each week had been published on the Wednesday after it, a tenth too low at first."""
    bundled = service.panel("bundled")
    table = bundled.table
    table = table[(table["region"] == "Puerto Rico") & (table["statistic"] == "admissions")]
    weeks = sorted(table["date"])[-40:]
    parts = []
    for last in weeks[20:]:
        known = table[table["date"] <= last]
        value = known["value"].where(known["date"] < last, 0.9 * known["value"])
        parts.append(known.assign(value=value, as_of=last + pd.Timedelta(days=4)))
    statistics = tuple(statistic for statistic in bundled.statistics if statistic.name == "new_admissions")
    panel = Panel("cdc_covid", pd.concat(parts), statistics, bundled.frequencies, "nobody", "none")
    monkeypatch.setattr(service, "panel", lambda source, patience=None: panel)
    return panel


def captions(page):
    return [caption.value for caption in page.caption]


def the_slider(page):
    return page.select_slider(key="date")


def test_the_page_scores_every_model_at_this_date_and_at_those_that_other_pages_judge_by(go_back, finished, service):
    past = finished(["ets"])
    page = go_back(models="ets")
    assert not page.exception
    now = service.series(service.panel("bundled"), "Puerto Rico", "new_admissions")
    origin = pd.Timestamp(the_slider(page).value)
    judged = track_record_scores(past, now)
    usual = service.track_records.usual_origins(service.panel("bundled"), "Puerto Rico", "new_admissions", 4)
    here, before = (frame.value.set_index("model") for frame in page.dataframe)
    assert len(usual) == 8
    assert usual[-1] == origin, "the page opens at the last of the dates that other pages judge by"
    for table, scores in ((here, judged[judged["origin"] == origin]), (before, judged[judged["origin"].isin(usual)])):
        assert set(table.index) == {"ETS", "No-change baseline"}
        assert table.loc["ETS", "wis"] == pytest.approx(scores[scores["model"] == "ets"]["wis"].mean())
        assert pd.api.types.is_float_dtype(table["relative_wis"])
    explored = service.track_records.track_record(
        service.panel("bundled"), "Puerto Rico", "new_admissions", ["ets"], horizon=4
    )
    assert before.loc["ETS", "relative_wis"] == pytest.approx(explored.of("ets").relative_wis)
    assert any(text.endswith(": those that Explore, Compare and Regions judge by.") for text in captions(page))


def test_until_a_chosen_model_has_forecast_from_the_date_the_networks_forecast_is_drawn_and_said(
    go_back, service, monkeypatch
):
    drawn, seen = time_machine.time_machine_figure, []
    monkeypatch.setattr(
        time_machine, "time_machine_figure", lambda moment, *rest: seen.append(moment) or drawn(moment, *rest)
    )
    monkeypatch.setattr(service.queue, "submit", slow_to_start(service.queue.submit))
    page = go_back(models="sarima", horizon="5")
    assert not page.exception
    assert list(seen[-1].forecasts) == ["pretrained"]
    assert any(
        text.startswith("Until SARIMA is ready, the chart shows the pretrained network's") for text in captions(page)
    )
    assert not any(text.startswith("Still being made for this date") for text in captions(page))


def slow_to_start(submit):
    """A queue's `submit` by which a fit of SARIMA is never begun."""

    def submit_slowly(request, **options):
        if request.model == "sarima":
            return Job(request.key, request.model, request.horizon)
        return submit(request, **options)

    return submit_slowly


def test_without_vintages_the_page_says_that_later_corrections_are_in_it(go_back):
    assert any("keeps no earlier versions, so later corrections are in it" in text for text in captions(go_back()))


def test_with_vintages_the_page_says_when_it_was_known(go_back, vintages):
    page = go_back(models="naive")
    assert not page.exception
    date = pd.Timestamp(the_slider(page).value)
    assert date in vintages.vintages()
    known = next(text for text in captions(page) if text.startswith("Known on"))
    assert "as published then" in known


def test_the_date_is_in_the_address_and_a_link_opens_it(go_back):
    page = go_back(models="naive")
    dates = the_slider(page).options
    the_slider(page).set_value(the_slider(page).value).run()
    assert page.query_params["date"] in (the_slider(page).value, [the_slider(page).value])
    assert len(dates) == 26
    shown = pd.Timestamp(dates[3])
    other = go_back(models="naive", date=f"{shown:%Y-%m-%d}")
    assert the_slider(other).value == f"{shown:%Y-%m-%d}"


def test_a_date_that_is_not_there_is_said(go_back):
    page = go_back(models="naive", date="1999-01-01")
    assert not page.exception
    assert any("1999" in info.value for info in page.info)


def test_choices_of_a_cumulative_statistic_are_scored_as_new_counts(go_back):
    page = go_back(region="Italy", statistic="cumulative_cases", models="naive")
    assert not page.exception
    assert any("Drawn and scored as new cases" in text for text in captions(page))


def test_playing_goes_on_to_the_next_date_and_stops_at_the_last(go_back, finished, monkeypatch):
    finished(["ets"])
    monkeypatch.setattr("ui.time_machine.page.STEP", 0.0)
    page = go_back(models="ets")
    dates = [f"{pd.Timestamp(date):%Y-%m-%d}" for date in the_slider(page).options]
    page = go_back(models="ets", date=dates[-3])
    page.button(key="play").click().run()
    assert not page.exception
    seen = [the_slider(page).value]
    for _ in range(4):
        page.run()
        seen.append(the_slider(page).value)
    assert seen == sorted(seen)
    assert seen[-1] == dates[-1]
    assert page.button(key="play").label == "Play"


def test_what_waits_can_be_cancelled_and_asked_for_again(go_back, service, monkeypatch):
    cancelled = []
    monkeypatch.setattr(service, "cancel", cancelled.append)
    page = go_back(models="sarima", horizon="3")
    (progress,) = page.get("progress")
    made, of, left = (int(number) for number in re.findall(r"\d+", progress.proto.text))
    assert made + left == of
    queue = service.queue.load()
    few = WHEN_IDLE * queue.ready
    assert queue.waiting + queue.running <= few, "no more than idle workers can take"
    next(button for button in page.button if button.label == "Make all now").click().run()
    queue = service.queue.load()
    assert few < queue.waiting + queue.running <= AT_ONCE + 1, "and that of the date on the screen"
    next(button for button in page.button if button.label == "Cancel").click().run()
    assert cancelled
    assert any("the rest was cancelled" in text for text in captions(page))
    next(button for button in page.button if button.label == "Make the rest").click().run()
    assert not any("the rest was cancelled" in text for text in captions(page))


def test_too_little_history_is_one_sentence(go_back, service, monkeypatch):
    panel = service.panel("bundled").as_of(pd.Timestamp("2020-03-10"))
    monkeypatch.setattr(service, "panel", lambda source, patience=None: panel)
    page = go_back(region="Italy", statistic="new_cases", models="naive")
    assert not page.exception
    assert any("too few to look back" in error.value for error in page.error)


def published(origin, region="Puerto Rico", name="their-team"):
    rows = [
        (region, name, origin, step, origin + pd.Timedelta(weeks=step), quantile, 100 * (0.5 + quantile))
        for step in range(1, 5)
        for quantile in QUANTILES
    ]
    return pd.DataFrame(rows, columns=list(FORECASTS))


class Hub:
    """A hub that has one forecast, at once or never."""

    def __init__(self, table=None, problem=None):
        self.table, self.problem, self.asked = table, problem, []

    def __call__(self, source, team, week, patience=None):
        self.asked.append((source, team, week))
        if self.problem:
            raise self.problem
        return self.table


def fetch(go_back, service, monkeypatch, hub):
    monkeypatch.setattr(service.external_forecasts, "published", hub)
    page = go_back(models="naive")
    next(toggle for toggle in page.toggle if toggle.label == "Fetch its forecasts").set_value(True).run()
    assert not page.exception
    return page


def test_a_team_s_forecast_stands_in_the_same_tables(go_back, service, vintages, monkeypatch):
    origin = pd.Timestamp(the_slider(go_back(models="naive")).value) - pd.Timedelta(days=4)
    hub = Hub(published(origin))
    page = fetch(go_back, service, monkeypatch, hub)
    assert hub.asked[-1] == ("cdc_covid", "CovidHub-ensemble", origin + pd.Timedelta(days=7))
    for frame in page.dataframe:
        assert set(frame.value["model"]) == {"No-change baseline", "their-team"}
    assert any("that all of these have forecast" in text and "left out" in text for text in captions(page))


def test_a_team_s_forecast_that_cannot_be_had_is_one_sentence(go_back, service, vintages, monkeypatch):
    page = fetch(go_back, service, monkeypatch, Hub(problem=SourceError("The hub could not be reached.")))
    assert [info.value for info in page.info] == ["The hub could not be reached."]
    assert set(page.dataframe[0].value["model"]) == {"No-change baseline"}


def test_while_a_team_s_forecast_is_on_its_way_the_page_is_all_there(go_back, service, vintages, monkeypatch):
    page = fetch(go_back, service, monkeypatch, Hub())
    assert any(text.startswith("Fetching") for text in captions(page))
    assert len(page.dataframe) == 2


def test_a_forecast_that_fits_nothing_is_said_in_one_line(go_back, service, vintages, monkeypatch):
    page = fetch(go_back, service, monkeypatch, Hub(published(pd.Timestamp("2010-01-02"))))
    assert any("none that was made at a date on the slider" in info.value for info in page.info)


def test_a_reader_s_file_is_scored_beside_ours_and_a_wrong_one_is_one_line(go_back, service, vintages, monkeypatch):
    class File:
        def __init__(self, name, content):
            self.name, self._content = name, content

        def getvalue(self):
            return self._content

    page = go_back(models="naive")
    origin = pd.Timestamp(the_slider(page).value) - pd.Timedelta(days=4)
    good = File("theirs.csv", published(origin).to_csv(index=False).encode())
    wrong = File("wrong.csv", b"a,b\n1,2\n")
    elsewhere = File("elsewhere.csv", published(origin, "Texas").to_csv(index=False).encode())
    for file, words in ((wrong, "no column is called"), (elsewhere, "has no forecast for Puerto Rico; it has Texas")):
        monkeypatch.setattr("ui.time_machine.external.st.file_uploader", lambda *_, file=file, **__: file)
        assert [words in error.value for error in go_back(models="naive").error] == [True]
    monkeypatch.setattr("ui.time_machine.external.st.file_uploader", lambda *_, **__: good)
    page = go_back(models="naive")
    assert not page.error
    assert set(page.dataframe[0].value["model"]) == {"No-change baseline", "their-team"}
    assert any("their-team: 1 of" in text for text in captions(page))


def test_a_visit_where_everything_is_stored_is_quick(go_back, finished):
    finished(["ets"])
    page = go_back(models="ets")
    times = []
    for _ in range(3):
        start = time.process_time()
        page.run()
        times.append(time.process_time() - start)
    assert min(times) < 0.5


def test_the_best_of_the_time_machine_is_the_best_of_what_had_come_by_then(go_back, finished, service):
    past = finished(["ets", "theta"])
    page = go_back(models="ets,theta", band="best")
    assert not page.exception
    origin = pd.Timestamp(the_slider(page).value)
    judged = track_record_scores(past, service.series(service.panel("bundled"), "Puerto Rico", "new_admissions"))
    known = judged[judged["date"] <= origin].groupby("model")["wis"].mean()
    best = {"ets": "ETS", "theta": "Theta"}[known[["ets", "theta"]].idxmin()]
    assert any(f"ands of {best}, " in caption and "of that of no change over" in caption for caption in captions(page))
