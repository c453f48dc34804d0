import gc
import sys
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import Series
from forecasting.data.frequency import DAILY
from forecasting.evaluation.backtest import series_at_cutoff
from forecasting.jobs import State
from forecasting.jobs.board import MAX_FINISHED_STEPS
from forecasting.jobs.request import Request
from forecasting.models import model, pretrained
from forecasting.preparation.prepare import prepare
from forecasting.services.run import IN_FLIGHT
from forecasting.services.service import forecasts_table
from forecasting.support.errors import RequestError
from forecasting.tables.panel_file import read_panel


@pytest.fixture(scope="module")
def italy(service) -> Series:
    return service.series(service.panel("bundled"), "Italy", "new_cases", window=180)


def test_a_forecast_through_a_worker_is_the_library_s_own_to_the_last_digit(service, italy):
    (job,) = service.wait(service.submit([Request(italy, "ets", 14)]).values())
    assert job.state == State.done
    assert (job.forecast.values == model("ets").forecast(italy, 14).values).all()


def test_asking_again_is_the_same_job(service, italy):
    first = service.submit([Request(italy, "theta", 14)])["theta"]
    second = service.submit([Request(italy, "theta", 14)])["theta"]
    assert first.key == second.key
    service.wait([first])
    assert service.submit([Request(italy, "theta", 14)])["theta"].state == State.done


def finished_look_back(service, panel, *what):
    service.wait(service.track_records.track_record(panel, *what).jobs)
    return service.track_records.track_record(panel, *what)


def test_looking_back_forecasts_from_what_was_known_then_and_scores_it_against_what_came(service):
    panel = service.panel("bundled")
    past = finished_look_back(service, panel, "Italy", "new_cases", ["ets"])
    assert not past.waiting
    assert [origin.day_name() for origin in past.origins] == ["Sunday"] * 4
    now = prepare(panel, "Italy", "new_cases")
    errors = []
    for origin in past.origins:
        then = prepare(panel.as_of(origin), "Italy", "new_cases")
        came = now.values[len(now.until(origin)) :][:28]
        errors.append(np.abs(model("ets").forecast(then, 28).median - came))
    assert past.of("ets").error == pytest.approx(np.mean(errors))
    assert past.of("ets").periods == 4 * 28
    assert past.of("naive").relative_error == 1


def test_what_came_later_changes_no_request_of_a_look_back(service):
    panel = service.panel("bundled")
    origins = service.track_records.track_record(panel, "Italy", "new_cases", []).origins
    table = panel.table.copy()
    table.loc[table["date"] > origins[0], "value"] = 1e9 * (1 + np.arange((table["date"] > origins[0]).sum()))
    poisoned = replace(panel, table=table)
    clean, bad = (
        series_at_cutoff(figures, "Italy", "new_cases", origins[0]).request("ets", 28) for figures in (panel, poisoned)
    )
    assert clean.key == bad.key


def test_too_short_a_series_is_not_looked_back_on_and_says_why(service):
    panel = service.panel("bundled").as_of(pd.Timestamp("2020-03-10"))
    past = service.track_records.track_record(panel, "Italy", "new_cases", ["ets"])
    assert past.scores == ()
    assert "too few to look back" in past.why_not


def test_a_vintage_that_lacks_the_region_is_no_date_to_look_back_from_and_the_others_are(service):
    weeks = pd.date_range("2024-01-06", periods=40, freq="W-SAT")
    tables = [
        pd.DataFrame({"as_of": weeks[n - 1] + pd.Timedelta(days=4), "region": region, "date": weeks[:n], "value": 50.0})
        for n in range(20, 41)
        for region in "AB"
        if (region, n) != ("B", 34)
    ]
    panel = read_panel(pd.concat(tables).to_csv(index=False).encode(), "lacking.csv")
    both = {region: service.track_records.track_record(panel, region, "value", ["naive"]) for region in "AB"}
    assert set(both["A"].origins) - set(both["B"].origins) == {weeks[33]}
    assert len(both["B"].origins) == len(both["A"].origins) - 1
    assert both["B"].why_not is None


def test_the_training_window_is_all_that_a_model_sees(service):
    panel = service.panel("bundled")
    whole = service.series(panel, "Italy", "new_cases")
    assert service.series(panel, "Italy", "new_cases", window=90).dates[0] == whole.dates[-90]


def test_an_unknown_region_is_refused_in_words(service):
    with pytest.raises(RequestError, match="no region 'Atlantis'"):
        service.series(service.panel("bundled"), "Atlantis", "new_cases")


def test_the_first_answer_is_the_networks_and_of_a_single_figure_that_figure(service, italy):
    first = service.first_answer(italy, 9)
    assert first.model == "pretrained"
    np.testing.assert_array_equal(first.values, model("pretrained").forecast(italy, 9).values)
    assert service.first_answer(italy.tail(2), 9).model == "pretrained"
    alone = service.first_answer(italy.tail(1), 9)
    assert (alone.model, alone.notes) == ("naive", ())


def test_without_the_networks_package_the_first_answer_repeats_the_last_season(service, italy, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    pretrained._network.cache_clear()
    assert service.first_answer(italy, 8).model == "naive"


def test_many_requests_all_end_and_equal_ones_are_fitted_once(service, italy):
    requests = [Request(italy.tail(60 + i % 5), "ets", 7) for i in range(40)]
    ended = list(service.run(requests))
    assert len(ended) == 40
    assert all(job.state == State.done for _, job in ended)
    assert len({job.key for _, job in ended}) == 5


def test_instant_models_between_others_are_fitted_many_at_once_and_each_request_ends_once(service, italy, monkeypatch):
    sizes, network = [], type(model("pretrained"))
    many = network.forecast_many
    monkeypatch.setattr(network, "forecast_many", lambda self, *what: sizes.append(len(what[0])) or many(self, *what))
    asked = [
        Request(italy.tail(61 + place), name, 5) for place in range(100) for name in ("pretrained", "ets", "naive")
    ]
    most, submit = [], service.queue.submit

    def counting(*args, **options):
        answer = submit(*args, **options)
        with service.queue._board.changed:
            most.append(len(service.queue._board.active()))
        return answer

    monkeypatch.setattr(service.queue, "submit", counting)
    ended = list(service.run(asked))
    assert sorted(request.key for request, _ in ended) == sorted(request.key for request in asked)
    assert all(request.key == job.key and job.state == State.done for request, job in ended)
    assert sum(sizes) == 100
    assert len(sizes) <= 10
    assert max(most) <= IN_FLIGHT


def test_series_that_a_worker_fits_at_once_are_stored_each_under_its_key_and_end_once(service, italy, monkeypatch):
    batches, submit = [], service.queue.submit_batch
    monkeypatch.setattr(service.queue, "submit_batch", lambda what: batches.append(len(what)) or submit(what))
    asked = [Request(italy.tail(100 + place), "ets", 6) for place in range(40)]
    asked += [Request(one.series, "ets", 6) for one in asked[:3]]
    ended = list(service.run(asked))
    assert sorted(request.key for request, _ in ended) == sorted(request.key for request in asked)
    assert sum(batches) == 40
    for request, job in ended[::10]:
        assert job.state == State.done
        alone = model("ets").forecast(request.series, 6)
        assert (service.store.get(request.key).values == job.forecast.values).all()
        assert (job.forecast.values == alone.values).all()
        assert job.forecast.fitted == alone.fitted
    list(service.run(asked))
    assert sum(batches) == 40


def test_of_a_batch_a_series_without_a_forecast_fails_with_its_own_sentence(service, italy):
    bad = replace(italy, values=np.r_[italy.values[:-1], np.nan])
    asked = [Request(one, "ets", 5) for one in (italy.tail(90), bad, italy.tail(91))]
    ended = {request.key: job for request, job in service.run(asked)}
    first, second, third = (ended[request.key] for request in asked)
    assert (first.state, second.state, third.state) == (State.done, State.failed, State.done)
    assert "no finite numbers" in second.error


def test_no_more_requests_are_taken_up_than_can_be_remembered(service, italy):
    taken = []

    def asked():
        for place in range(1_000):
            taken.append(place)
            yield Request(italy.tail(61 + place % 100), "naive", 300)

    next(service.run(asked()))
    assert len(taken) * 300 < MAX_FINISHED_STEPS


def test_running_totals_are_tabled_as_running_totals(service):
    panel = service.panel("bundled")
    series = service.series(panel, "Italy", "cumulative_cases")
    table = forecasts_table("Italy", series, [model("naive").forecast(series, 3)])
    raw = panel.counts("Italy", "cumulative_cases")
    assert table["value"].min() >= raw.iloc[-1] - 1e-6


def test_figures_that_take_long_to_come_are_none_until_they_are_here(service, monkeypatch):
    import threading

    from forecasting import sources

    bundled, released = sources.source("bundled").panel(), threading.Event()

    class Slow:
        live = True

        def panel(self):
            assert released.wait(60)
            return bundled

    monkeypatch.setattr(sources, "source", lambda name: Slow())
    assert service.panel("slow", patience=0.01) is None
    released.set()
    assert service.panel("slow", patience=60) is bundled


def test_a_daily_series_without_history_is_still_forecast(service):
    series = Series(pd.Timestamp("2021-01-01"), DAILY, np.array([5.0]))
    jobs = service.wait(
        service.submit([Request(series, name, 7) for name in ("sarima", "ets", "theta", "prophet")]).values()
    )
    assert [job.state for job in jobs] == [State.done] * 4
    assert all(np.isfinite(job.forecast.values).all() for job in jobs)


def test_what_was_kept_of_a_reader_s_figures_is_forgotten_when_they_want_that(service):
    days = pd.date_range("2021-01-01", periods=120).strftime("%Y-%m-%d")
    rows = [f"{region},{day},{10 + place % 7}" for region in "AB" for place, day in enumerate(days)]
    panel = read_panel("\n".join(["region,date,value", *rows]).encode(), "mine.csv")
    statistic = panel.statistics[0].name
    service.series(panel, "A", statistic)
    service.track_records.track_record(panel, "A", statistic, ["naive"])
    service.track_records.cutoffs(panel, "A", statistic, 7)
    table = weakref.ref(panel.table)
    service.forget(panel)
    del panel
    gc.collect()
    assert table() is None
