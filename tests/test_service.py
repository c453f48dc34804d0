import numpy as np
import pandas as pd
import pytest

from forecasting import Series
from forecasting.backtest import hold_out
from forecasting.errors import DataError, RequestError
from forecasting.frequency import DAILY
from forecasting.jobs import JobQueue, State
from forecasting.models import model
from forecasting.request import Request
from forecasting.series import MEDIAN
from forecasting.service import Service, forecasts_table
from forecasting.store import Store


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'forecasts.sqlite'}")
    service = Service(store, JobQueue(store, workers=1))
    yield service
    service.close()


@pytest.fixture(scope="module")
def italy(service) -> Series:
    return service.series(service.panel("bundled"), "Italy", "new_cases", window=180)


def test_a_forecast_through_a_worker_is_the_library_s_own_to_the_last_digit(service, italy):
    (job,) = service.wait(service.ask([Request(italy, "ets", 14)]).values())
    assert job.state == State.done
    assert (job.forecast.values == model("ets").forecast(italy, 14).values).all()


def test_asking_again_is_the_same_job(service, italy):
    first = service.ask([Request(italy, "theta", 14)])["theta"]
    second = service.ask([Request(italy, "theta", 14)])["theta"]
    assert first.key == second.key
    service.wait([first])
    assert service.ask([Request(italy, "theta", 14)])["theta"].state == State.done


def test_looking_back_uses_only_what_came_before_and_scores_it_against_what_came(service, italy):
    past = service.look_back(italy, ["ets"])
    service.wait(past.jobs.values())
    past = service.look_back(italy, ["ets"])
    assert not past.waiting
    assert past.of("ets").periods == 28
    train = italy.until(italy.dates[-29])
    expected = np.abs(model("ets").forecast(train, 28).values[:, MEDIAN] - italy.values[-28:]).mean()
    assert past.of("ets").error == pytest.approx(expected)
    assert past.of("naive").relative_error == 1


def test_poisoning_the_held_out_weeks_changes_no_look_back_request(italy):
    poisoned = Series(italy.start, italy.frequency, np.r_[italy.values[:-28], np.full(28, 1e9)])
    keys = [[request.key for request in hold_out(series).requests(["ets", "sarima"])] for series in (italy, poisoned)]
    assert keys[0] == keys[1]


def test_too_short_a_series_is_not_looked_back_on_and_says_why(service, italy):
    past = service.look_back(italy.tail(40), ["ets"])
    assert past.scores == ()
    assert "40 days of figures are too few" in past.why_not
    with pytest.raises(DataError):
        hold_out(italy.tail(40))


def test_the_training_window_is_all_that_a_model_sees(service):
    panel = service.panel("bundled")
    whole = service.series(panel, "Italy", "new_cases")
    assert service.series(panel, "Italy", "new_cases", window=90).dates[0] == whole.dates[-90]


def test_an_unknown_region_is_refused_in_words(service):
    with pytest.raises(RequestError, match="no region 'Atlantis'"):
        service.series(service.panel("bundled"), "Atlantis", "new_cases")


def test_many_requests_all_end_and_equal_ones_are_fitted_once(service, italy):
    requests = [Request(italy.tail(60 + i % 5), "ets", 7) for i in range(40)]
    ended = list(service.run(requests))
    assert len(ended) == 40
    assert all(job.state == State.done for _, job in ended)
    assert len({job.key for _, job in ended}) == 5


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
        service.ask([Request(series, name, 7) for name in ("sarima", "ets", "theta", "prophet")]).values()
    )
    assert [job.state for job in jobs] == [State.done] * 4
    assert all(np.isfinite(job.forecast.values).all() for job in jobs)
