import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import Series, model
from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import DAILY, frequency_of_alias, weekly
from forecasting.data.kind import MEASUREMENT
from forecasting.data.revisions import Revision
from forecasting.models import models
from forecasting.views import charts, fan_chart, fan_table, line_labels, palette


@pytest.fixture
def series() -> Series:
    week = np.array([100, 120, 130, 125, 110, 60, 40.0])
    return Series(pd.Timestamp("2021-01-04"), DAILY, np.tile(week, 12), before=1000.0)


def fan(series: Series, smooth=True, drafts=frozenset(), models=("naive",)) -> fan_chart.FanChart:
    forecasts = {name: model(name).forecast(series, 14) for name in models}
    return fan_chart.FanChart(series, forecasts, drafts, next(iter(forecasts), ""), "new cases", smooth)


def trace(figure, uid):
    return next(t for t in figure["data"] if t["uid"] == uid)


def test_a_figure_is_plain_json(series):
    figure = fan_chart.fan_figure(fan(series))
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def test_means_over_a_week_take_the_comb_out_of_history_and_forecast_alike(series):
    smooth, daily = fan_chart.fan_figure(fan(series, smooth=True)), fan_chart.fan_figure(fan(series, smooth=False))
    mean = series.values[:7].mean()
    assert trace(smooth, "history")["y"][10:] == pytest.approx([mean] * (len(series) - 10), abs=0.06)
    assert trace(smooth, "naive")["y"][1:] == pytest.approx([mean] * 14, rel=0.05)
    assert np.ptp(trace(daily, "naive")["y"]) > 80


def test_a_forecast_line_starts_at_the_last_point_of_the_past(series):
    figure = fan_chart.fan_figure(fan(series))
    assert trace(figure, "naive")["x"][0] == trace(figure, "history")["x"][-1]
    assert trace(figure, "naive")["y"][0] == trace(figure, "history")["y"][-1]


def test_running_totals_are_drawn_on_from_the_total_at_the_origin():
    series = Series(pd.Timestamp("2021-01-04"), DAILY, np.full(30, 10.0), before=500.0, cumulative=True)
    figure = fan_chart.fan_figure(fan(series, smooth=False))
    assert trace(figure, "history")["y"][-1] == 800
    assert trace(figure, "naive")["y"][1:3] == pytest.approx([810, 820])


def test_the_axis_of_running_totals_does_not_begin_at_zero():
    series = Series(pd.Timestamp("2021-01-04"), DAILY, np.full(30, 10.0), before=5e6, cumulative=True)
    assert fan_chart.fan_figure(fan(series, smooth=False))["layout"]["yaxis"]["rangemode"] == "normal"


def test_models_are_named_where_their_lines_end_and_names_do_not_lie_upon_each_other(series):
    chart = fan(series, models=("naive", "theta", "ets"))
    notes = [note for note in fan_chart.fan_figure(chart)["layout"]["annotations"] if "yshift" in note]
    assert sorted(note["text"] for note in notes) == ["<b>No-change baseline</b>", "ETS", "Theta"]
    last = chart.forecasts["ets"].dates[-1]
    assert {note["x"] for note in notes} == {f"{last:%Y-%m-%d}"}
    top = max(chart.history().max(), *(note["y"] for note in notes))
    places = sorted(note["y"] / top * line_labels.PLOT_HEIGHT + note["yshift"] for note in notes)
    assert min(np.diff(places)) >= line_labels.LABEL_HEIGHT - 1
    assert not any(trace(fan_chart.fan_figure(chart), name)["showlegend"] for name in chart.forecasts)


def test_weeks_open_on_a_year_and_buttons_offer_the_ranges_that_there_are():
    long = Series(pd.Timestamp("2021-01-02"), weekly("SAT"), np.full(200, 9.0))
    first, last = fan_chart.opening_window(fan(long, smooth=False))
    assert 365 <= (long.origin - first).days <= 372
    assert last == long.origin + pd.Timedelta(days=14 * 7)

    def labels(one):
        return [
            button["label"] for button in fan_chart.fan_figure(fan(one))["layout"]["xaxis"]["rangeselector"]["buttons"]
        ]

    assert labels(long) == ["1 m", "3 m", "6 m", "1 y", "All"]
    assert labels(Series(pd.Timestamp("2021-01-02"), weekly("SAT"), np.full(20, 9.0))) == ["1 m", "3 m", "All"]
    assert labels(Series(pd.Timestamp("2001-12-31"), frequency_of_alias("12M31"), np.full(20, 9.0))) == ["All"]


def test_what_has_not_come_yet_has_a_ground_of_its_own(series):
    layout = fan_chart.fan_figure(fan(series))["layout"]
    (zone,) = layout["shapes"]
    assert (zone["x0"][:10], zone["x1"][:10]) == ("2021-03-28", "2021-04-11")


def test_a_draft_is_dotted_and_says_so(series):
    line = trace(fan_chart.fan_figure(fan(series, drafts=frozenset({"naive"}))), "naive")
    assert line["line"]["dash"] == "dot"
    assert "(draft)" in line["name"]


def test_a_provisional_point_is_a_hollow_marker():
    late = pd.Series([3.0], index=pd.DatetimeIndex(["2021-03-13"]))
    series = Series(pd.Timestamp("2021-01-02"), weekly("SAT"), np.full(10, 9.0), provisional=late)
    marker = trace(fan_chart.fan_figure(fan(series, smooth=False)), "provisional")
    assert (marker["x"], marker["y"], marker["marker"]["symbol"]) == (["2021-03-13"], [3.0], "circle-open")


def test_wider_bands_lie_behind_narrower_ones_and_contain_them(series):
    traces = fan_chart.fan_figure(fan(series))["data"]
    bands = [t for t in traces if t["uid"].startswith("band-")]
    assert [t["uid"] for t in bands] == ["band-95", "band-80", "band-50"]
    assert max(bands[0]["y"]) >= max(bands[1]["y"]) >= max(bands[2]["y"])


def test_only_the_bands_that_are_asked_for_are_drawn_and_named(series):
    some = fan_chart.fan_figure(replace(fan(series), levels=(50, 95)))["data"]
    bands = [t for t in some if t["uid"].startswith("band-")]
    assert [t["uid"] for t in bands] == ["band-95", "band-50"]
    assert [t["name"] for t in bands if t["showlegend"]] == ["50, 95 %"]
    none = fan_chart.fan_figure(replace(fan(series), levels=()))["data"]
    assert not any(t["uid"].startswith("band-") for t in none)


def test_public_holidays_are_marked_on_the_line_where_models_are_told_of_them(series):
    chart = fan(series.with_holidays("IT"), smooth=False)
    marks = trace(fan_chart.fan_figure(chart), "holidays")
    assert dict(zip(marks["x"], marks["customdata"], strict=True)) == {
        "2021-01-06": "Epiphany",
        "2021-04-04": "Easter Sunday",
        "2021-04-05": "Easter Monday",
    }
    assert marks["y"][0] == series.values[2]
    assert not any(t["uid"] == "holidays" for t in fan_chart.fan_figure(fan(series, smooth=False))["data"])


def test_every_model_keeps_its_colour_and_dark_differs_from_light():
    assert palette.LIGHT.model("sarima") != palette.DARK.model("sarima")
    pairs = [*palette.MODEL_COLOURS.values(), *palette.SPARE_COLOURS, palette.OTHER_COLOUR]
    assert len({light for light, _ in pairs}) == len({dark for _, dark in pairs}) == len(pairs)
    colours = [palette.LIGHT.model(name) for name in models()]
    assert len(set(colours)) == min(len(colours), len(palette.MODEL_COLOURS) + len(palette.SPARE_COLOURS))


def test_models_without_a_colour_of_their_own_take_the_spare_ones_in_turn(monkeypatch):
    names = ["newest", *palette.MODEL_COLOURS, *(f"new {i}" for i in range(len(palette.SPARE_COLOURS)))]
    monkeypatch.setattr(palette, "models", lambda: dict.fromkeys(names))
    new = [palette.DARK.model(name) for name in names if name not in palette.MODEL_COLOURS]
    assert new == [dark for _, dark in palette.SPARE_COLOURS] + [palette.SPARE_COLOURS[0][1]]
    assert palette.DARK.model("nobody's") == palette.OTHER_COLOUR[1]


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_charts_know_the_page_s_background():
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]
    assert palette.LIGHT.background == config["light"]["backgroundColor"]
    assert palette.DARK.background == config["dark"]["backgroundColor"]


def test_the_usual_model_has_the_page_s_accent():
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]
    assert palette.LIGHT.model("ensemble") == config["light"]["primaryColor"]
    assert palette.DARK.model("ensemble") == config["dark"]["primaryColor"]


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK])
def test_lines_stand_out_from_their_background(theme):
    for pair in (*palette.MODEL_COLOURS.values(), *palette.SPARE_COLOURS, palette.OTHER_COLOUR):
        bright, dim = sorted((_luminance(pair[theme.dark]), _luminance(theme.background)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 3, pair


def test_the_chart_opens_on_a_window_that_suits_the_horizon(series):
    first, last = fan_chart.opening_window(fan(series))
    assert last == pd.Timestamp("2021-03-28") + pd.Timedelta(days=14)
    assert series.start <= first < series.origin


def test_the_table_behind_the_chart_is_what_is_drawn(series):
    chart = fan(series, smooth=False)
    table = fan_table.fan_table(chart)
    assert table["No-change baseline"].tolist() == pytest.approx(
        chart.forecasts["naive"].values[:, MEDIAN].round(1).tolist()
    )
    assert list(table.columns) == ["Date", "No-change baseline", *(f"No-change baseline, {p} %" for p in (50, 80, 95))]


def test_a_standalone_page_carries_its_own_plotly(series):
    page = charts.standalone_html(fan_chart.fan_figure(fan(series)), "Utopia").decode()
    assert "Plotly.newPlot" in page
    assert "cdn.plot.ly" not in page.split("Plotly.newPlot")[1]
    assert "Utopia" in page


def test_where_plotly_writes_the_box_on_hover_a_figure_below_zero_has_a_minus_sign(series):
    cold = replace(series, values=series.values - 120.0, kind=MEASUREMENT)
    history = trace(charts.with_minus_signs(fan_chart.fan_figure(fan(cold, smooth=False))), "history")
    assert history["hovertemplate"][:3] == ["−20", "%{y:,.0f}", "%{y:,.0f}"]


def test_what_the_last_figures_usually_become_is_drawn_beside_them():
    series = Series(pd.Timestamp("2025-01-04"), weekly(), np.full(20, 80.0))
    revision = Revision(series.origin, 80.0, 1.1, 1.25, 1.5, 12)
    chart = fan_chart.FanChart(series, {}, frozenset(), "", "new cases", False, (revision,))
    (trace,) = [trace for trace in fan_chart.fan_figure(chart)["data"] if trace["uid"] == "revised"]
    assert trace["y"] == [100.0]
    assert trace["error_y"]["array"] == [20.0]
    assert trace["error_y"]["arrayminus"] == [12.0]
    assert trace["customdata"] == ["88 – 120"]
