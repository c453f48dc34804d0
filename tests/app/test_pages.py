"""What a visitor finds on the pages, by Streamlit's own harness."""

import sys

import pandas as pd
import pytest

from forecasting.data.formatting import format_compact
from forecasting.data.population import population
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, State
from forecasting.jobs.request import Request
from forecasting.models import model, models, pretrained
from forecasting.sources import source, sources
from forecasting.views import answer, headline
from forecasting.views.per_population import PerPopulation
from ui.shell.markdown import escape_markdown

COUNTRIES = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
DEFAULT_MODELS = {"ensemble", "sarima", "ets", "prophet"}
#: Links that cannot be honoured: what they ask for, and what is shown instead.
WRONG_LINKS = [
    ({"source": "nowhere"}, "source", "bundled"),
    ({"statistic": "new_moons"}, "statistic", "new_admissions"),
    ({"region": "Atlantis"}, "region", "United States"),
    ({"models": "oracle"}, "models", "ets"),
    ({"models": "ets,oracle"}, "models", "ets"),
    ({"horizon": "9999"}, "horizon", "120"),
    ({"horizon": "0"}, "horizon", "1"),
    ({"horizon": "abc"}, "horizon", "28"),
    ({"horizon": "١٢"}, "horizon", "28"),
    ({"window": "7"}, "window", None),
    ({"band": "oracle"}, "band", None),
    ({"scale": "cubic"}, "scale", None),
    ({"seasons": "earlier"}, "seasons", None),
    ({"like": "never"}, "like", None),
]


def link_of(page):
    return {name: value[-1] if isinstance(value, list) else value for name, value in page.query_params.items()}


def notes(page):
    return [info.value for info in page.info if "This link asks for" in info.value]


def assert_opened(page, title):
    assert not page.exception
    assert not page.error
    assert [heading.value for heading in page.subheader] == [title]
    (said,) = page.title
    assert said.value.startswith("About ")


def series_of(service, region, statistic):
    return service.series(service.panel("bundled"), region, statistic)


def look_back(service, region, statistic, names):
    """The finished look back, as Explore asks for it."""
    panel = service.panel("bundled")
    service.wait(service.track_records.track_record(panel, region, statistic, names).jobs)
    return service.track_records.track_record(panel, region, statistic, names)


def fit(service, region, statistic, names, horizon):
    """Wait for everything that Explore asks for: the forecasts and the look back. Gives the latter."""
    series = series_of(service, region, statistic)
    service.wait(service.submit([Request(series, name, horizon) for name in names]).values())
    return look_back(service, region, statistic, names)


def test_explore_opens_on_the_newest_figures_of_the_united_states_with_four_models_and_four_weeks(visit, monkeypatch):
    monkeypatch.delenv("FORECAST_MODELS")
    page = visit(statistic=None)
    assert_opened(page, "United States: new hospital admissions")
    assert page.sidebar.selectbox(key="source").value == "bundled"
    assert set(page.session_state["models"]) == DEFAULT_MODELS
    assert page.sidebar.slider(key="horizon_weekly").value == 4
    assert not notes(page)


def test_a_small_installation_says_which_models_a_visitor_finds_chosen(visit, monkeypatch, caplog):
    monkeypatch.setenv("FORECAST_MODELS", "theta, naive,arime")
    assert set(visit().session_state["models"]) == {"theta", "naive"}
    assert "FORECAST_MODELS has 'arime', which is none of the models: " in caplog.text
    monkeypatch.setenv("FORECAST_MODELS", "arime")
    assert set(visit().session_state["models"]) == DEFAULT_MODELS


def test_a_link_to_a_region_alone_opens_the_newest_figures_that_it_has(visit):
    assert_opened(visit(statistic=None, region="Spain", models="ets"), "Spain: new cases")
    assert_opened(visit(statistic=None, region="Ohio", models="ets"), "Ohio: new hospital admissions")


@pytest.mark.sweep
@pytest.mark.parametrize("region", COUNTRIES)
@pytest.mark.parametrize("statistic", ["new_cases", "cumulative_cases"])
def test_cases_of_every_country_open(visit, region, statistic):
    page = visit(region=region, statistic=statistic, models="ets")
    assert_opened(page, f"{region}: {source('bundled').panel().statistic(statistic).label.lower()}")


@pytest.mark.parametrize("region", ["United States", "Puerto Rico", "Wyoming", "Vermont"])
def test_admissions_of_large_and_small_places_open(visit, region):
    assert_opened(visit(region=region, statistic="new_admissions", models="ets"), f"{region}: new hospital admissions")


def test_every_region_is_offered_for_each_statistic(visit):
    panel = source("bundled").panel()
    page = visit(models="naive")
    for statistic in panel.statistics:
        page.sidebar.selectbox(key="statistic").select(statistic.name).run()
        assert page.sidebar.selectbox(key="region").options == panel.regions(statistic.name)


def test_a_region_that_the_new_statistic_lacks_gives_way_to_the_first_one(visit):
    page = visit(region="France", models="ets")
    page.sidebar.selectbox(key="statistic").select("new_admissions").run()
    assert_opened(page, "United States: new hospital admissions")
    assert link_of(page)["region"] == "United States"


def test_weekly_figures_after_daily_ones_have_their_own_usual_horizon(visit):
    page = visit(models="ets")
    page.sidebar.selectbox(key="statistic").select("new_admissions").run()
    assert page.sidebar.slider(key="horizon_weekly").value == 4
    assert not notes(page)
    page.sidebar.slider(key="horizon_weekly").set_value(9).run()
    page.sidebar.selectbox(key="statistic").select("new_cases").run()
    assert page.sidebar.slider(key="horizon_daily").value == 28
    assert link_of(page)["horizon"] == "28"


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("statistic", "key", "longest", "usual"),
    [("new_cases", "horizon_daily", 120, 28), ("new_admissions", "horizon_weekly", 26, 4)],
)
@pytest.mark.parametrize("end", ["shortest", "longest"])
def test_the_horizon_is_offered_in_the_figures_own_periods(visit, statistic, key, longest, usual, end):
    page = visit(statistic=statistic, models="ets")
    slider = page.sidebar.slider(key=key)
    assert (slider.min, slider.max, slider.value) == (1, longest, usual)
    steps = 1 if end == "shortest" else longest
    slider.set_value(steps).run()
    assert not page.exception
    assert link_of(page)["horizon"] == str(steps)
    assert len(page.dataframe[-1].value) == steps


def test_the_address_follows_every_choice_and_opens_the_same_view(visit):
    page = visit()
    page.sidebar.selectbox(key="region").select("Spain").run()
    page.sidebar.slider(key="horizon_daily").set_value(14).run()
    page.session_state["models"] = ["theta", "ets"]
    page.run()
    page.sidebar.selectbox(key="window").select("180").run()
    page.sidebar.selectbox(key="band").select("theta").run()
    for name, value in {"mean": False, "scale": "log", "per": "100k", "levels": ["80"], "like": "when"}.items():
        page.session_state[name] = value
    page.run()
    link = link_of(page)
    assert link == {
        "source": "bundled",
        "statistic": "new_cases",
        "region": "Spain",
        "models": "ets,theta",
        "horizon": "14",
        "window": "180",
        "band": "theta",
        "smooth": "0",
        "scale": "log",
        "per": "100k",
        "levels": "80",
        "like": "when",
    }
    other = visit(**link)
    assert_opened(other, "Spain: new cases")
    assert link_of(other) == link
    assert not notes(other)
    assert set(other.session_state["models"]) == {"ets", "theta"}
    assert other.sidebar.slider(key="horizon_daily").value == 14
    assert other.sidebar.selectbox(key="window").value == "180"
    assert other.sidebar.selectbox(key="band").value == "theta"
    assert other.session_state["mean"] is False
    assert [other.session_state[name] for name in ("scale", "per", "levels", "like")] == ["log", "100k", ["80"], "when"]


def test_the_switch_of_means_on_other_pages_is_the_choice_on_explore_s_chart(visit):
    page = visit(region="Italy", models="theta", smooth="0")
    assert not page.sidebar.toggle
    compare = page.switch_page("pages/compare.py").run()
    assert compare.sidebar.toggle(key="mean").value is False
    compare.sidebar.toggle(key="mean").set_value(True).run()
    page = compare.switch_page("pages/explore.py").run()
    assert page.session_state["mean"] is True
    assert "smooth" not in link_of(page)
    page.session_state["mean"] = False
    page = page.run().switch_page("pages/compare.py").run()
    assert page.sidebar.toggle(key="mean").value is False


def test_a_link_to_no_models_opens_without_any(visit):
    page = visit()
    page.session_state["models"] = []
    page.run()
    assert list(visit(**link_of(page)).session_state["models"]) == []


def test_names_in_a_link_may_be_in_any_case(visit):
    page = visit(region="puerto rico", statistic="NEW_ADMISSIONS", models="ETS")
    assert_opened(page, "Puerto Rico: new hospital admissions")
    assert not notes(page)


@pytest.mark.parametrize(("link", "name", "instead"), WRONG_LINKS, ids=[str(link) for link, *_ in WRONG_LINKS])
def test_a_wrong_link_opens_something_sensible_and_says_so_until_the_reader_moves_on(visit, link, name, instead):
    page = visit(**link)
    opened = (
        "United States: new hospital admissions"
        if "source" in link or "moons" in str(link)
        else "United States: new cases"
    )
    assert_opened(page, opened)
    assert len(notes(page)) == 1
    assert link_of(page).get(name) == instead
    page.run()
    assert len(notes(page)) == 1, "the note must stay until the reader changes something"
    slider = next(one for one in page.sidebar.slider if one.key.startswith("horizon_"))
    slider.set_value(3).run()
    assert not notes(page)
    assert_opened(page, opened)


def test_markup_in_a_link_is_shown_as_text(visit):
    page = visit(region="<b>x</b> ![](http://example.org/a.png) :red[y]")
    (note,) = notes(page)
    assert "![](" not in note
    assert not page.exception


@pytest.mark.parametrize("name", [name for name, one in sources().items() if one.live])
def test_a_source_that_cannot_be_reached_is_one_sentence_and_another_can_be_chosen(visit, name):
    page = visit(source=name)
    assert not page.exception
    (error,) = page.error
    assert error.value.endswith(".")
    assert "\n" not in error.value
    assert "Traceback" not in error.value
    page.sidebar.selectbox(key="source").select("bundled").run()
    assert_opened(page, "United States: new hospital admissions")


@pytest.mark.parametrize("name", [name for name, one in sources().items() if not one.live])
def test_every_source_that_needs_no_network_opens(visit, name):
    page = visit(source=name, models="ets")
    assert not page.exception
    assert not page.error
    assert link_of(page)["source"] == name


def columns_and_captions(page):
    return list(page.dataframe[-1].value.columns)[:2], [caption.value for caption in page.caption]


@pytest.fixture
def every_job(service, monkeypatch):
    """Has every job that the page asks for be in a state; what is drawn meanwhile is asked for otherwise."""

    def every_job(state):
        def submit(requests, **_):
            return {one.model: Job(one.key, one.model, one.horizon, state, error="No.") for one in requests}

        monkeypatch.setattr(service, "submit", submit)

    return every_job


def test_without_any_model_the_networks_forecast_is_shown_and_repeating_is_the_yardstick(visit, service):
    page = visit(region="Italy")
    page.session_state["models"] = []
    page.run()
    assert_opened(page, "Italy: new cases")
    columns, captions = columns_and_captions(page)
    assert columns == ["Date", "Pretrained network"]
    assert any(text.startswith("No model is chosen, so the chart shows the pretrained network's") for text in captions)
    assert page.dataframe[0].value["Model"].tolist() == [model("naive").label]
    series = series_of(service, "Italy", "new_cases")
    lead = model("pretrained").forecast(series, series.frequency.default_horizon)
    said = answer.answer("Italy", "New cases", series, lead, today=pd.Timestamp.now())
    assert page.title[0].value == said.sentence


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.queued, "Until SARIMA or Prophet is ready, the chart shows the pretrained network's forecast"),
        (State.failed, "SARIMA and Prophet gave no forecast, so the chart shows the pretrained network's forecast"),
    ],
)
def test_until_a_chosen_model_is_ready_the_networks_forecast_is_drawn_and_said(visit, every_job, state, words):
    every_job(state)
    page = visit(region="Spain", models="sarima,prophet", band="best")
    assert_opened(page, "Spain: new cases")
    columns, captions = columns_and_captions(page)
    assert columns == ["Date", "Pretrained network"]
    assert any(text.startswith(words) for text in captions)


def test_without_the_networks_package_the_last_season_is_drawn_and_said(visit, every_job, monkeypatch):
    every_job(State.running)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    pretrained._network.cache_clear()
    page = visit(region="Spain", models="sarima", horizon="11")
    assert_opened(page, "Spain: new cases")
    columns, captions = columns_and_captions(page)
    assert columns == ["Date", "No-change baseline"]
    assert "Until SARIMA is ready, the chart shows no change." in captions


def test_the_look_back_table_says_what_the_models_give_when_asked_directly(visit, service):
    scores = fit(service, "Puerto Rico", "new_admissions", ["ets", "theta"], 4).scores
    assert {score.model for score in scores} == {"ets", "theta", "naive"}
    page = visit(region="Puerto Rico", statistic="new_admissions", models="ets,theta")
    table = page.dataframe[0].value
    assert table["Model"].tolist() == [model(score.model).label for score in scores]
    expected = pd.DataFrame(
        {
            "Error vs no change": [score.relative_wis for score in scores],
            "Median vs no change": [score.relative_error for score in scores],
            "Mean error": [score.error for score in scores],
            "Bias": [100 * score.bias for score in scores],
        }
    )
    pd.testing.assert_frame_equal(table[expected.columns], expected, rtol=1e-6)
    for percent in (50, 80, 95):
        held_by = [headline.format_percent(getattr(score, f"held_{percent}"), score.periods) for score in scores]
        assert table[f"{percent} % held"].tolist() == held_by


def test_the_answer_is_that_of_the_finished_forecast_and_its_track_record(visit, service):
    series = series_of(service, "Germany", "new_cases")
    past = fit(service, "Germany", "new_cases", ["ets", "theta"], 28)
    said = answer.answer(
        "Germany", "New cases", series, service.forecast(series, "theta", 28), past, today=pd.Timestamp.now()
    )
    page = visit(region="Germany", models="ets,theta", band="theta")
    assert page.title[0].value == said.sentence
    assert f"the {format_compact(series.values[-7:].sum())} of the 7 days before." in said.sentence
    below = escape_markdown(" · ".join([*said.details, said.dated]))
    assert below in [one.value for one in page.markdown]
    assert "the last 4 such forecasts were " in said.past


def test_per_100_000_people_is_said_by_the_answer_and_by_the_score_table(visit, service):
    series = series_of(service, "Puerto Rico", "new_admissions")
    past = fit(service, "Puerto Rico", "new_admissions", ["ets"], 4)
    page = visit(region="Puerto Rico", statistic="new_admissions", models="ets", per="100k")
    per = PerPopulation(population("Puerto Rico", ("Puerto Rico",)))
    said = answer.answer(
        "Puerto Rico",
        "New hospital admissions",
        series,
        service.forecast(series, "ets", 4),
        past,
        per,
        pd.Timestamp.now(),
    )
    assert page.title[0].value == said.sentence
    assert " per 100,000 people in the week to " in said.sentence
    errors = [score.error * 100_000 / 3_193_694 for score in past.scores]
    assert page.dataframe[0].value["Mean error"].tolist() == pytest.approx(errors)


def test_another_horizon_is_judged_at_that_horizon_and_says_so(visit, service):
    past = fit(service, "Spain", "new_cases", ["ets"], 28)
    fit(service, "Spain", "new_cases", ["ets"], 7)
    week, month = (visit(region="Spain", models="ets", horizon=steps) for steps in (7, 28))
    weeks, months = (page.dataframe[0].value["Error vs no change"].tolist() for page in (week, month))
    assert months == [score.relative_wis for score in past.scores]
    assert weeks != months
    assert any("7 days ahead" in one.value for one in week.caption)
    assert any("28 days ahead" in one.value for one in month.caption)


def test_the_bands_of_the_best_here_come_with_the_reason_and_with_the_link(visit, service):
    past = fit(service, "Puerto Rico", "new_admissions", ["ets", "theta"], 4)
    best = min((past.of(name) for name in ("ets", "theta")), key=lambda score: score.relative_wis)
    page = visit(region="Puerto Rico", statistic="new_admissions", models="ets,theta", band="best")
    assert not page.exception
    assert not notes(page)
    assert link_of(page)["band"] == "best"
    assert page.sidebar.selectbox(key="band").value == "best"
    (why,) = [one.value for one in page.caption if "of that of no change over 8 earlier dates" in one.value]
    assert f"ands of {model(best.model).label}, " in why
    assert f"{model(best.model).label}, 80 %" in page.dataframe[-1].value.columns


def test_while_looking_back_the_bands_are_those_of_the_first_model_that_is_ready(visit, service, monkeypatch):
    fit(service, "Puerto Rico", "new_admissions", ["ets", "theta"], 4)
    monkeypatch.setattr(service.track_records, "track_record", lambda *_, **__: TrackRecord(begun=False))
    page = visit(region="Puerto Rico", statistic="new_admissions", models="ets,theta", band="best")
    assert "ETS, 80 %" in page.dataframe[-1].value.columns
    assert any(one.value.startswith("Bands of ETS, the first that is ready; ") for one in page.caption)


def test_the_ensemble_is_on_the_page_as_any_model_is(visit, service):
    scores = fit(service, "France", "new_cases", ["ensemble", "ets"], 28).scores
    assert {score.model for score in scores} == {"ensemble", "ets", "naive"}
    page = visit(region="France", models="ets,ensemble")
    assert_opened(page, "France: new cases")
    assert list(page.dataframe[-1].value.columns)[:2] == ["Date", "Ensemble"]
    assert "Ensemble, 80 %" in page.dataframe[-1].value.columns
    assert set(page.dataframe[0].value["Model"]) == {"Ensemble", "ETS", "No-change baseline"}


def test_a_shorter_training_window_leads_to_other_forecasts_of_the_same_last_week(visit, service):
    series = series_of(service, "France", "new_cases")
    for one in (series, series.tail(90)):
        service.wait(service.submit([Request(one, "ets", 28)]).values())
    whole, short = (visit(region="France", models="ets", **link) for link in ({}, {"window": "90"}))
    assert whole.title[0].value.rpartition("than")[2] == short.title[0].value.rpartition("than")[2]
    assert whole.title[0].value != short.title[0].value


def test_methods_tells_of_every_model_and_every_source(visit):
    page = visit().switch_page("pages/methods.py").run()
    assert not page.exception
    text = "\n".join(element.value for element in [*page.markdown, *page.caption])
    for one in models().values():
        assert one.summary in text
        assert one.reference in text
    for one in sources().values():
        assert one.summary in text
        assert one.licence in text
        assert one.home in text
