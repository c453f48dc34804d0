"""What can be taken away from Explore: the buttons, and the files that they make when they are asked for."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.columns import FORECASTS
from forecasting.data.training_options import ALL_HISTORY
from forecasting.evaluation.track_record import track_record_scores
from forecasting.export import file_formats
from forecasting.jobs.request import Request
from forecasting.services.service import forecasts_table
from forecasting.views import charts, fan_chart, reproduce
from tests.export.export_examples import run_example
from ui.explore import downloads

MODELS = ["ets", "theta"]


@pytest.fixture
def files(service, monkeypatch):
    """``files(region, statistic, horizon)``: what each button's callable makes, and the file's name, by its label."""

    def files(region, statistic, horizon, drafts=frozenset()):
        panel = service.panel("bundled")
        series = service.series(panel, region, statistic)
        service.wait(service.submit([Request(series, name, horizon) for name in MODELS]).values())
        forecasts = {name: service.forecast(series, name, horizon) for name in MODELS}
        service.wait(service.track_records.track_record(panel, region, statistic, MODELS).jobs)
        past = service.track_records.track_record(panel, region, statistic, MODELS)
        asked = panel.statistic(statistic)
        choices = SimpleNamespace(
            panel=panel, region=region, statistic=asked, models=tuple(MODELS), horizon=horizon, training=ALL_HISTORY,
            series=series, whole=series,
        )  # fmt: skip
        fan = fan_chart.FanChart(series, forecasts, drafts, "ets", asked.label.lower(), charts.can_smooth(series))
        made = {}
        monkeypatch.setattr(
            downloads, "_download_button", lambda label, data, name, *_: made.update({label: (name, data)})
        )
        downloads.draw_buttons(choices, fan, past, "")
        return made, choices, fan, past

    return files


def content(made, label):
    return made[label][1]()


def test_every_file_of_a_daily_view_holds_what_is_on_the_page(files):
    made, choices, fan, past = files("Italy", "new_cases", 7)
    assert {label: name for label, (name, _) in made.items()} == {
        "Forecasts, CSV": "italy_new_cases.csv",
        "XLSX": "italy_new_cases.xlsx",
        "Parquet": "italy_new_cases.parquet",
        "Scores, CSV": "italy_new_cases_scores.csv",
        "Cleaned series, CSV": "italy_new_cases_series.csv",
        "ETS, JSON": "ets_italy_new_cases.json",
        "Theta, JSON": "theta_italy_new_cases.json",
        "Report, HTML": "italy_new_cases_report.html",
        "Chart, HTML": "italy_new_cases.html",
    }
    table = forecasts_table("Italy", choices.series, fan.forecasts.values())
    found = pd.read_csv(io.BytesIO(content(made, "Forecasts, CSV")), parse_dates=["origin", "date"])
    pd.testing.assert_frame_equal(found, table, check_dtype=False, rtol=1e-12)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content(made, "Parquet"))), table, check_dtype=False)
    scores = file_formats.read_exported_csv(content(made, "Scores, CSV"))
    assert len(scores) == len(track_record_scores(past, choices.whole))
    assert set(scores["model"]) == {"naive", *MODELS}
    series = file_formats.read_exported_csv(content(made, "Cleaned series, CSV"))
    assert series["value"].tolist() == pytest.approx(choices.series.values.tolist())
    sheets = pd.read_excel(io.BytesIO(content(made, "XLSX")), sheet_name=None)
    assert {name: len(sheet) for name, sheet in sheets.items()} == {
        "Forecasts": len(table), "Scores": len(scores), "Cleaned series": len(series),
    }  # fmt: skip
    assert tuple(sheets["Forecasts"].columns) == FORECASTS
    assert b"Italy: new cases" in content(made, "Report, HTML")
    assert b"Plotly.newPlot" in content(made, "Chart, HTML")


def test_a_weekly_view_has_the_hub_s_format_of_the_model_with_the_bands(files):
    made, choices, _, _ = files("Vermont", "new_admissions", 4)
    name, data = made["Hub format, CSV"]
    hub = pd.read_csv(io.BytesIO(data()), dtype=str)
    assert set(hub["reference_date"]) == {"2026-04-04"}
    assert name == "2026-04-04-ets.csv"
    assert set(hub["location"]) == {"50"}
    assert set(hub["target"]) == {"wk inc covid hosp"}
    late = choices.series.provisional is not None
    assert set(hub["horizon"]) == ({"0", "1", "2"} if late else {"0", "1", "2", "3"})


def test_there_is_no_hub_format_where_no_hub_would_take_it(files):
    assert "Hub format, CSV" not in files("Vermont", "new_admissions", 1)[0], "it ends before the reference date"
    assert "Hub format, CSV" not in files("Vermont", "new_admissions", 4, frozenset({"ets"}))[0], "a draft"


def test_the_page_shows_how_to_make_the_same_again(visit, service):
    page = visit(region="Spain", models="theta", horizon=5, window="180")
    assert not page.exception
    series = service.series(service.panel("bundled"), "Spain", "new_cases", 180)
    view = reproduce.ReproducibleView(service.panel("bundled"), "Spain", "new_cases", ("theta",), 5, series, 180)
    shown = [code.value for code in page.code]
    assert reproduce.command_line(view) in shown
    assert reproduce.python_snippet(view) in shown


def test_a_model_s_file_gives_what_is_on_the_page_and_a_draft_has_none(files, tmp_path):
    made, _, fan, _ = files("Italy", "new_cases", 7)
    found = run_example("ETS", tmp_path, "ets.json", content(made, "ETS, JSON"))["quantiles"]
    np.testing.assert_allclose(found, fan.forecasts["ets"].values, rtol=1e-5)
    made, *_ = files("Italy", "new_cases", 7, frozenset({"ets"}))
    assert "ETS, JSON" not in made
    assert "Theta, JSON" in made
