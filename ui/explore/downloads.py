"""The downloads of the Explore page: forecasts, scores, the cleaned series, a report, and how to reproduce them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from forecasting.data.formatting import format_date
from forecasting.evaluation.track_record import TrackRecord, track_record_scores
from forecasting.export import file_formats, hub_format, hub_rules
from forecasting.export.model_files import FORMATS, MEDIA_TYPES, Origin, export_model, served_formats
from forecasting.models import model
from forecasting.services.service import forecasts_table
from forecasting.views import charts, fan_chart, report, reproduce
from forecasting.views.per_population import UNIT
from ui.explore import provenance
from ui.shell import uploads
from ui.shell.choices import Choices

#: The media type of Parquet files.
PARQUET = "application/vnd.apache.parquet"
#: The media type of Excel workbooks.
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw_downloads(
    choices: Choices, fan: fan_chart.FanChart, past: TrackRecord, why: str, shown: fan_chart.FanChart | None = None
) -> None:
    """Draw the popover with all downloads; its buttons are made only while somebody looks at them.

    `shown` is the chart in the unit on show where that is not `fan`'s, the figures as counted.
    """
    box = st.popover("Downloads", icon=":material/download:", width="content", key="downloads", on_change="rerun")
    if box.open:
        with box:
            draw_buttons(choices, fan, past, why, shown)


def draw_buttons(
    choices: Choices, fan: fan_chart.FanChart, past: TrackRecord, why: str, shown: fan_chart.FanChart | None = None
) -> None:
    """Draw the download buttons, and how to reproduce the forecasts. Files are made when they are asked for."""
    shown = shown or fan
    statistic = choices.statistic
    name = re.sub(r"[^\w-]+", "_", f"{choices.region} {statistic.name}").lower()[:80]
    title = f"{choices.region}: {statistic.phrase}"
    view = _reproducible_view(choices, fan)

    def forecasts() -> pd.DataFrame:
        return forecasts_table(choices.region, choices.series, fan.forecasts.values())

    def scores() -> pd.DataFrame:
        return track_record_scores(past, choices.whole)

    def cleaned() -> pd.DataFrame:
        return file_formats.cleaned_series_table(choices.panel, choices.region, statistic.name, choices.series)

    def workbook() -> bytes:
        tables = {"Forecasts": forecasts(), "Scores": scores(), "Cleaned series": cleaned()}
        return file_formats.to_xlsx({sheet: table for sheet, table in tables.items() if len(table)})

    def page() -> bytes:
        about = f"{choices.region}: {shown.unit}. {choices.panel.attribution_of(statistic.name)}"
        return charts.standalone_html(fan_chart.fan_figure(shown), charts.escape_html(about))

    def printed() -> bytes:
        texts = report.ReportText(title, tuple(provenance.figure_notes(choices, fan.revisions)), why)
        return report.report_html(view, fan, past, texts)

    with _row_of_buttons("Forecasts"):
        _download_button("Forecasts, CSV", lambda: file_formats.to_csv(forecasts()), f"{name}.csv", "text/csv")
        _download_button(
            "XLSX", workbook, f"{name}.xlsx", XLSX, "A sheet each for forecasts, scores and cleaned series."
        )
        _download_button("Parquet", lambda: file_formats.to_parquet(forecasts()), f"{name}.parquet", PARQUET)
        if reference := _hub_reference(choices, fan):
            _download_button(
                "Hub format, CSV",
                lambda: file_formats.to_csv(_hub_table(choices, fan, reference)),
                f"{reference:%Y-%m-%d}-{fan.banded_model}.csv",
                "text/csv",
                f"{model(fan.banded_model).label} as the US forecast hubs take it; reference date {format_date(reference)}.",
            )
    with _row_of_buttons("Behind them"):
        if past.forecasts:
            _download_button("Scores, CSV", lambda: file_formats.to_csv(scores()), f"{name}_scores.csv", "text/csv")
        _download_button(
            "Cleaned series, CSV", lambda: file_formats.to_csv(cleaned()), f"{name}_series.csv", "text/csv"
        )
    if files := [(name, how) for name in fan.forecasts if name not in fan.drafts for how in served_formats(name)]:
        with _row_of_buttons("Models, to run elsewhere"):
            for model_name, how in files:
                _model_button(choices, fan, model_name, how)
    with _row_of_buttons("To look at"):
        _download_button(
            "Report, HTML", printed, f"{name}_report.html", "text/html", "To read, print or mail: one file."
        )
        _download_button("Chart, HTML", page, f"{name}.html", "text/html")
    if shown.per:
        st.caption(f"Tables and the report hold figures as counted; the chart's files hold them {UNIT}.")
    st.caption("PNG and SVG: the buttons at the top right of the chart.")
    st.markdown("### Reproduce")
    st.caption("The same forecasts on the command line, and in Python.")
    st.code(reproduce.command_line(view), language="bash", wrap_lines=True)
    st.code(reproduce.python_snippet(view), language="python", wrap_lines=True)


def _row_of_buttons(heading: str) -> DeltaGenerator:
    """A row of buttons under a heading."""
    st.markdown(f"### {heading}")
    return st.container(horizontal=True)


def _reproducible_view(choices: Choices, fan: fan_chart.FanChart) -> reproduce.ReproducibleView:
    source = choices.panel.source
    own = uploads.files().get(source) if uploads.is_upload(source) else None
    read = own.read() if own else None
    return reproduce.ReproducibleView(
        choices.panel,
        choices.region,
        choices.statistic.name,
        choices.models or tuple(fan.forecasts),
        choices.horizon,
        choices.series,
        choices.training.window,
        choices.training.covariates,
        file=own.name if own else "",
        mapping=read.mapping if read and read.report and not read.report.needs_no_mapping else None,
    )


def _hub_reference(choices: Choices, fan: fan_chart.FanChart) -> pd.Timestamp | None:
    """The Saturday after the last week that was published, if the model with the bands says something of what follows."""
    if choices.series.frequency.alias != "W-SAT" or choices.series.cumulative or fan.banded_model in fan.drafts:
        return None
    late = choices.series.provisional
    published = choices.series.origin if late is None or late.empty else late.index[-1]
    reference = published + hub_rules.WEEK
    return reference if fan.forecasts[fan.banded_model].dates[-1] >= reference else None


def _hub_table(choices: Choices, fan: fan_chart.FanChart, reference: pd.Timestamp) -> pd.DataFrame:
    """The hubs' format of the model with the bands; of what the horizon reaches, the weeks that a hub takes."""
    places = hub_format.unique_hub_locations([choices.region], choices.panel.regions(choices.statistic.name))
    table = forecasts_table(choices.region, choices.series, [fan.forecasts[fan.banded_model]])
    return hub_format.to_hub_table(table, hub_format.hub_target(choices.statistic), reference, places)


def _model_button(choices: Choices, fan: fan_chart.FanChart, name: str, format_name: str) -> None:
    """The button of one model's file in one format."""

    def content() -> bytes:
        origin = Origin.of(choices.panel, choices.statistic, choices.region)
        return export_model(choices.series, fan.forecasts[name], format_name, origin).content

    ending = FORMATS[format_name]
    file_name = re.sub(r"[^\w-]+", "_", f"{name} {choices.region} {choices.statistic.name}").lower()[:80]
    label, hint = f"{model(name).label}, {format_name.upper()}", "docs/export.md says what is in it and runs it."
    _download_button(label, content, f"{file_name}{ending}", MEDIA_TYPES[format_name], hint)


def _download_button(label: str, data: Callable[[], bytes], file_name: str, mime: str, hint: str | None = None) -> None:
    st.download_button(label, data, file_name, mime, key=f"download {label}", on_click="ignore", help=hint)
