"""The printable report of one view: one HTML file for A4 that needs no network and says how to make it again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import pandas as pd

from forecasting.data.formatting import format_date, format_figure, format_signed_percent
from forecasting.data.series import Series
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model
from forecasting.views import answer, charts, fan_chart, fan_table, headline
from forecasting.views.headline import HeadlineFigure
from forecasting.views.line_breaks import keep_together
from forecasting.views.palette import LIGHT
from forecasting.views.reproduce import ReproducibleView, command_line, python_snippet

#: The width of the chart on paper in pixels: that of A4 between its margins.
WIDTH = 680
#: The height of the chart in pixels.
HEIGHT = 380
#: Rows up to which a table is kept on one page of paper.
SHORT = 14
#: Nothing is fetched from anywhere, whatever a text in the page says.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 "Source Sans 3", "Helvetica Neue", Arial, sans-serif; color: #1f2733; background: #fff;
  max-width: 680px; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .2rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; break-after: avoid; }
.quiet { color: #5b6675; font-size: .9em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: .6rem; margin: 1rem 0; }
.figures div { border: 1px solid #dde3ea; border-radius: .5rem; padding: .5rem .7rem; break-inside: avoid; }
.figures b { display: block; font-size: 1.4rem; font-weight: 600; }
.print { float: right; margin: .2rem 0 .6rem 1rem; font: inherit; font-size: .9rem; padding: .3rem .8rem; cursor: pointer;
  color: #1f2733; background: #f4f6f9; border: 1px solid #dde3ea; border-radius: .5rem; }
.print:hover, .print:focus-visible { border-color: #0a6ea8; color: #0a6ea8; }
.wide { overflow-x: auto; }
.chart { break-inside: avoid; }
table { border-collapse: collapse; width: 100%; font-size: .82rem; font-variant-numeric: tabular-nums;
  overflow-wrap: normal; }
th, td { text-align: right; padding: .2rem .45rem; border-bottom: 1px solid #dde3ea; }
td { white-space: nowrap; }
th { vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
pre { background: #f4f6f9; border-radius: .5rem; padding: .7rem; font-size: .76rem; line-height: 1.4;
  white-space: pre-wrap; overflow-wrap: anywhere; }
@page { size: A4; margin: 15mm; }
@media print {
  .print, .rangeselector { display: none; }
  body { max-width: none; margin: 0; padding: 0; font-size: 10pt; }
  .wide { overflow: visible; }
  thead { display: table-header-group; }
  tr, li, .short { break-inside: avoid; }
  p { orphans: 3; widows: 3; }
  pre { border: 1px solid #dde3ea; background: none; }
}
"""
#: The button prints; the chart is as wide as the screen, and on paper as wide as the paper.
_SCRIPT = f"""
const resize = (change) => document.querySelectorAll(".js-plotly-plot").forEach((chart) => Plotly.relayout(chart, change));
document.querySelector(".print").addEventListener("click", () => print());
addEventListener("beforeprint", () => resize({{ width: {WIDTH} }}));
addEventListener("afterprint", () => resize({{ width: null, autosize: true }}));
"""


@dataclass(frozen=True)
class ReportText:
    """The sentences of a page that go into its report.

    Attributes:
        title: the heading.
        notes: what was repaired, and what the last figures usually become, in sentences.
        why: why the bands are those of that model, where there is something to say.
    """

    title: str
    notes: tuple[str, ...] = ()
    why: str = ""


def report_html(
    view: ReproducibleView, fan: fan_chart.FanChart, past: TrackRecord, texts: ReportText, made: datetime | None = None
) -> bytes:
    """The report: one HTML file that needs nothing else.

    Args:
        view: what is shown, and how to ask for it again.
        fan: its chart, with the forecasts there are; drafts are called so.
        past: how good the models were here, as far as that is known.
        texts: the sentences of the page.
        made: when; now by default.
    """
    made = made or datetime.now(UTC)
    series, lead, today = view.series, fan.forecasts[fan.banded_model], pd.Timestamp(made.replace(tzinfo=None))
    figures = [
        headline.latest_count(series),
        headline.next_stretch(series, lead, today),
        headline.total_by_horizon(series, lead),
        headline.track_record_figure(past.of(lead.model), past.waiting),
    ]
    said = answer.answer(view.region, fan.unit, series, lead, past, today=today)
    body = [
        '<button class="print" type="button">Print or save as PDF</button>',
        f"<h1>{_text(texts.title)}</h1>",
        f"<p><b>{_text(said.sentence)}</b> {_text(' · '.join(said.details))}</p>",
        _quiet(
            f"Made on {format_date(pd.Timestamp(made.date()))} with Forecast Explorer. {series.frequency.name.capitalize()} "
            f"figures to {format_date(series.origin)}; {series.frequency.steps(view.horizon)} ahead"
            + (f"; learned from the last {series.frequency.steps(view.window)}." if view.window else ".")
        ),
        _figures(figures),
        _chart(fan),
        _quiet(_caption(fan)),
        _quiet(texts.why) if texts.why else "",
        "<h2>The figures and what was repaired</h2>",
        _list(texts.notes) if texts.notes else "<p>No data problems found.</p>",
        _list(view.panel.notes) if view.panel.notes else "",
        _quiet(f"{view.panel.attribution_of(view.statistic)}. Licence: {view.panel.licence_of(view.statistic)}."),
        f"<h2>Forecasts of {_text(fan.unit)}</h2>",
        _table(_forecasts(fan)),
        "<h2>How good was it here?</h2>",
        *_track_record(past, series, lead.model),
        "<h2>Methods</h2>",
        _list(_method(fan, name) for name in fan.forecasts),
        "<h2>Reproduce</h2>",
        _code(command_line(view)),
        _code(python_snippet(view)),
        _quiet(f"The figures as prepared go by the name {series.digest()}."),
    ]
    return _document(texts.title, body)


def _document(title: str, body: Iterable[str]) -> bytes:
    """A whole HTML file with its title, style and policy."""
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style>"
    )
    page = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(body)
    page += f"\n<script>{_SCRIPT}</script>\n</body></html>\n"
    return page.encode(errors="replace")


def _text(text: str) -> str:
    """Text, whatever it looks like, with no line that ends between a number and its unit."""
    return escape(keep_together(text))


def _code(text: str) -> str:
    """What is copied from the report to be used elsewhere, sign by sign."""
    return f"<pre>{escape(text)}</pre>"


def _sentence(text: str) -> str:
    """One of our sentences: **bold** is bold, the rest is text."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", _text(text))


def _quiet(text: str) -> str:
    return f'<p class="quiet">{_text(text)}</p>'


def _list(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(text)}</li>" for text in texts) + "</ul>"


def _figures(figures: Sequence[HeadlineFigure]) -> str:
    cells = (
        f'<div><span class="quiet">{_text(one.label)}</span><b>{_text(one.value)}</b>{_text(one.detail)}</div>'
        for one in figures
    )
    return f'<div class="figures">{"".join(cells)}</div>'


def _chart(fan: fan_chart.FanChart) -> str:
    """The chart with all of plotly.js, as wide as there is room. A text in it may not become a link, as Plotly's may."""
    from plotly.io import to_html

    figure = charts.with_minus_signs(fan_chart.fan_figure(fan, LIGHT))
    margin = {"t": 40, "l": 60, "r": figure["layout"]["margin"]["r"], "b": 40}
    layout = {**figure["layout"], "autosize": True, "height": HEIGHT, "margin": margin}
    drawn = to_html(
        {"data": figure["data"], "layout": layout},
        config={"displayModeBar": False, "responsive": True},
        include_plotlyjs=True,
        full_html=False,
        validate=False,
    )
    return f'<div class="wide chart" role="img" aria-label="{_text(fan_table.describe_fan_chart(fan))}">{drawn}</div>'


def _caption(fan: fan_chart.FanChart) -> str:
    notes = fan_chart.fan_notes(fan)
    if fan.levels:
        levels = [str(level) for level in sorted(fan.levels)]
        names = " and ".join([", ".join(levels[:-1]), levels[-1]] if levels[1:] else levels)
        which = f"bands hold {names}" if levels[1:] else f"band holds {names}"
        notes.insert(
            0,
            f"The shaded {which} % of possible futures, if {model(fan.banded_model).label} is right about its own errors.",
        )
    bands = " ".join(notes)
    if fan.smooth and not fan.series.cumulative:
        season = fan.series.frequency.steps(fan.series.season)
        return f"Means over the last {season}, here and in the table of forecasts. {bands}"
    return bands


def _forecasts(fan: fan_chart.FanChart) -> pd.DataFrame:
    """The numbers behind the chart as text."""
    table = fan_table.fan_table(fan)
    dates = table["Date"].map(format_date)
    decimals = fan.series.decimals
    texts = {name: [_cell(value, decimals) for value in table[name]] for name in table.columns if name != "Date"}
    return table.assign(**texts, Date=dates)


def _cell(value: object, decimals: int) -> str:
    if isinstance(value, str):
        return value
    return format_figure(float(value), decimals) if isinstance(value, float | int) and value == value else ""


def _table(table: pd.DataFrame) -> str:
    """A table of texts; its first column is that of the rows' names."""
    header = "".join(f'<th scope="col">{_text(str(name))}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in table.itertuples(index=False)
    )
    kind = "wide short" if len(table) <= SHORT else "wide"
    return f'<div class="{kind}"><table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>'


def _track_record(past: TrackRecord, series: Series, speaker: str) -> list[str]:
    if past.why_not:
        return [_quiet(past.why_not)]
    if not past.scores:
        return [_quiet("Earlier dates were still being forecast again when this was made.")]
    said = headline.track_record_sentence(past.scores, series.frequency, past.horizon, speaker)
    return [
        f"<p>{_sentence(said)}</p>",
        _quiet(
            headline.judged_sentence(past, series, past.horizon)
            + (" Some were not finished when this was made." if past.waiting else "")
        ),
        _table(pd.DataFrame([_scored(score, series.decimals) for score in past.scores])),
    ]


def _scored(score: ModelScore, decimals: int) -> dict[str, str]:
    held = {50: score.held_50, 80: score.held_80, 95: score.held_95}
    return {
        "Model": model(score.model).label,
        headline.ERROR: f"{score.relative_wis:.2f}×",
        headline.MEDIAN_ERROR: f"{score.relative_error:.2f}×",
        "Mean error": format_figure(score.error, decimals),
        **{f"{level} % held": headline.format_percent(count, score.periods) for level, count in held.items()},
        "Bias": format_signed_percent(100 * score.bias, 1),
    }


def _method(fan: fan_chart.FanChart, name: str) -> str:
    forecast, known = fan.forecasts[name], model(name)
    draft = " Still a draft when this was made." if name in fan.drafts else ""
    notes = " ".join(note if note.endswith(".") else f"{note}." for note in forecast.notes)
    return f"{known.label}: {forecast.method}. {notes + ' ' if notes else ''}{known.reference}.{draft}"
