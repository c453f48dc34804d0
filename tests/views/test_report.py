import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from forecasting import Series
from forecasting.data.frequency import DAILY
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from forecasting.tables.panel_file import read_panel
from forecasting.views import charts, fan_chart, fan_table, report
from forecasting.views.line_breaks import NO_BREAK_SPACE
from forecasting.views.reproduce import ReproducibleView, command_line, python_snippet

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'><a href="http://evil">&amp;</a></pre></title>'
MADE = datetime(2024, 5, 6)
#: Elements without an end.
VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """What a browser would find: elements, their attributes, the text outside of scripts."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "elements overlap"

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data if "pre" in self.open else data.replace(NO_BREAK_SPACE, " ")


def score(name, error):
    return ModelScore(name, 20, error, error / 4, error, error / 4, held_50=10, held_80=16, held_95=19, bias=0.1)


def report_of(panel, region, statistic, models=("naive", "theta"), horizon=10, scores=True, **told):
    series = prepare(panel, region, statistic)
    forecasts = {name: model(name).forecast(series, horizon) for name in models}
    label = panel.statistic(statistic).label.lower()
    fan = fan_chart.FanChart(series, forecasts, frozenset(), models[-1], label, charts.can_smooth(series))
    view = ReproducibleView(panel, region, statistic, models, horizon, series)
    past = TrackRecord(
        (score("theta", 3.0), score("naive", 4.0)) if scores else (), why_not=None if scores else "No past."
    )
    if scores:
        past = replace(past, cutoffs=(_Cut(pd.Timestamp("2021-03-01")), _Cut(pd.Timestamp("2021-04-01"))), horizon=28)
    said = report.ReportText(f"{region}: {label}", told.get("notes", series.notes), told.get("why", ""))
    return view, fan, report.report_html(view, fan, past, said, MADE).decode()


class _Cut:
    def __init__(self, origin):
        self.origin = origin


@pytest.fixture(scope="module")
def italy():
    return report_of(source("bundled").panel(), "Italy", "new_cases")


def test_it_says_what_it_is_about_when_it_was_made_and_where_the_figures_come_from(italy):
    text = Page(italy[2]).text
    assert "Italy: new cases" in text
    assert "6 May 2024" in text
    assert "Daily figures to 16 May 2021; 10 days ahead." in text
    assert "Johns Hopkins" in text
    assert "Licence: CC BY 4.0" in text
    assert "1 negative correction spread" in text


def test_it_has_the_headline_the_forecasts_the_track_record_and_each_method(italy):
    _, fan, content = italy
    text = Page(content).text
    assert "Last 7 days" in text
    table = fan_table.fan_table(fan)
    assert content.count("<tr>") == 1 + len(table) + 1 + 2
    assert f"{table['Theta'].iloc[-1]:,.0f}" in text
    for column in ("Theta, 50 %", "Theta, 80 %", "Theta, 95 %", "No-change baseline"):
        assert f'<th scope="col">{column}</th>' in content.replace(NO_BREAK_SPACE, " ")
    assert table["Theta, 95 %"].iloc[0] in text
    assert "<b>Theta</b> was best. Error " in content
    assert "80 %" in text
    for forecast in fan.forecasts.values():
        assert forecast.method in text
        assert model(forecast.model).reference in text


def test_it_says_how_to_make_it_again(italy):
    view, _, content = italy
    text = Page(content).text
    assert command_line(view) in text
    assert python_snippet(view) in text


def test_it_is_one_file_that_asks_nobody_for_anything_and_prints_on_a4(italy):
    content = italy[2]
    page = Page(content)
    assert not [value for name, value in page.attributes if name in ("src", "href", "srcset", "data")]
    assert "Plotly.newPlot" in content
    assert "default-src 'none'" in content
    assert "@page { size: A4" in content
    assert not page.open


@pytest.mark.parametrize("scores", [True, False])
def test_hostile_names_and_sentences_are_text(scores):
    dates = pd.date_range("2024-01-01", periods=40)
    table = pd.DataFrame({"region": HOSTILE, "statistic": HOSTILE, "date": dates, "value": np.arange(40) % 7 + 20})
    panel = read_panel(table.to_csv(index=False).encode(), f"{HOSTILE}.csv")
    panel = replace(panel, source="yours-1", notes=(HOSTILE,), attribution=HOSTILE, licence=HOSTILE)
    name = panel.statistics[0].name
    _, _, content = report_of(panel, panel.regions()[0], name, scores=scores, notes=(HOSTILE,), why=HOSTILE)
    page = Page(content)
    assert set(page.tags).isdisjoint({"img", "a", "iframe", "object", "svg"})
    assert page.tags.count("script") == 4, "plotly.js, its settings, the figure, and its width on paper"
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert HOSTILE in page.text
    assert not page.open
    (figure,) = re.findall(r"Plotly\.newPlot\(.*?</script>", content, flags=re.DOTALL)
    assert "&lt;a href" in figure
    assert "\\u003ca href" not in figure, "Plotly would make a link of it"


def test_no_line_ends_between_a_number_and_its_unit(italy):
    _, _, content = italy
    assert f"80{NO_BREAK_SPACE}% range" in content
    assert not re.search(r"\d %", re.sub(r"(?s)<(script|pre)\b.*?</\1>", "", content))


def test_what_is_unfinished_is_called_so():
    series = Series(pd.Timestamp("2024-01-01"), DAILY, np.arange(60) % 7 + 20.0)
    panel = source("bundled").panel()
    forecasts = {"theta": model("theta").forecast(series, 3)}
    fan = fan_chart.FanChart(series, forecasts, frozenset({"theta"}), "theta", "new cases", False)
    view = ReproducibleView(panel, "Italy", "new_cases", ("theta",), 3, series, window=60)
    text = Page(report.report_html(view, fan, TrackRecord(begun=False), report.ReportText("T")).decode()).text
    assert "Still a draft" in text
    assert "still being forecast again" in text
    assert "learned from the last 60 days" in text
    assert "No data problems found" in text
