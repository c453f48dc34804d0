"""The parts of the Explore page, from top to bottom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from forecasting.data.forecast import Forecast
from forecasting.data.formatting import decimals_needed, format_date
from forecasting.data.revisions import Revision
from forecasting.evaluation.track_record import TrackRecord, track_record_scores
from forecasting.export import file_formats, hub_format, hub_rules
from forecasting.jobs import Job, QueueFull
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.preparation import messages
from forecasting.services.service import Service, forecasts_table
from forecasting.support.caching import IdentityMemo
from forecasting.views import charts, fan_chart, headline, report, reproduce
from ui.components import chart, job_rows
from ui.shell import polling, runtime, uploads, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import BEST

#: Tables of scores, ready to be sent.
_score_tables: IdentityMemo[pa.Table] = IdentityMemo(500)
PARQUET = "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def heading(choices: Choices) -> None:
    """Where and what, the frequency, and the way to share it."""
    series = choices.series
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(
            f"{escape_markdown(choices.region)}: {escape_markdown(choices.statistic.label.lower())}",
            anchor=False,
            width="content",
        )
        with st.popover("Share", icon=":material/link:", width="content"):
            st.caption(
                escape_markdown(
                    f"This link opens the same view elsewhere. {uploads.link_requirements(choices.panel.source)}".strip()
                )
            )
            st.code(url_state.shareable_link(), language=None, wrap_lines=True)
    st.caption(
        " · ".join(
            [
                f"{series.frequency.name.capitalize()} figures to {format_date(series.origin)}",
                *map(escape_markdown, choices.panel.notes),
            ]
        )
    )
    for note in runtime.service().store.notes:
        st.warning(note, icon=":material/inventory_2:")
    if unmet := url_state.link_notes():
        st.info("\n\n".join(unmet), icon=":material/link_off:")


@dataclass(frozen=True)
class ExploreProgress:
    """What there is to draw right now.

    Attributes:
        jobs: by model, those that the queue has taken.
        past: the look back at earlier dates, as far as it has come.
        full: the queue's sentence, when it would take no more.
    """

    jobs: dict[str, Job]
    past: TrackRecord
    full: str

    @property
    def busy(self) -> bool:
        """Whether there will be something new without anybody's doing."""
        return bool(self.full) or self.past.waiting or any(not job.finished for job in self.jobs.values())


def live(service: Service, choices: Choices) -> None:
    """Everything that changes while models train: it polls alone, and stops when all is done."""
    at_first = [_state(service, choices, at_first=True)]
    busy = at_first[0].busy

    def draw() -> None:
        _draw(service, choices, at_first.pop() if at_first else _state(service, choices), busy)

    polling.draw_and_poll(draw, polling.INTERVAL if busy else None)


def _state(service: Service, choices: Choices, at_first: bool = False) -> ExploreProgress:
    """Ask for everything. `at_first` the forecasts only, unless they are all there: looking back can wait a tick."""
    jobs: dict[str, Job] = {}
    full = ""
    for request in _requests(choices):
        try:
            jobs |= service.submit([request])
        except QueueFull as error:
            full = str(error)
    if at_first and any(not job.finished for job in jobs.values()):
        return ExploreProgress(jobs, TrackRecord(begun=False), full)
    past = service.track_records.track_record(
        choices.panel,
        choices.region,
        choices.statistic.name,
        choices.models,
        choices.training,
        patience=polling.WORK_PER_LOOK,
    )
    return ExploreProgress(jobs, past, full)


def _draw(service: Service, choices: Choices, state: ExploreProgress, is_polling: bool) -> None:
    naive = service.submit([Request(choices.series, "naive", choices.horizon)])["naive"]
    shown, drafts = _forecasts(state.jobs, naive)
    band, why = _lead(choices, shown, state.past)
    revisions = service.revisions(choices.panel, choices.region, choices.statistic.name)
    unit = choices.statistic.label.lower()
    fan = fan_chart.FanChart(choices.series, shown, drafts, band, unit, choices.smooth, revisions)
    above = st.container()
    _chart(choices, fan, why)  # first on its way to the screen, though not the first on it
    with above:
        _headline(choices, shown[band], state.past)
    if state.full:
        st.warning(state.full, icon=":material/hourglass_top:")
    _carry_out(service, choices, job_rows.draw(state.jobs.values(), runtime.theme(), key="rows"))
    _track_record(state.past, choices)
    _table(choices, fan)
    _downloads(choices, fan, state.past, why)
    if is_polling and not state.busy:
        polling.rerun_page()


def _carry_out(service: Service, choices: Choices, asked: tuple[str, str] | None) -> None:
    """Do what the reader's button asked: end a job, or start one again."""
    if asked is None:
        return
    what, key = asked
    if what == "cancel":
        service.cancel(key)
    else:
        requests = _requests(choices)
        service.submit([request for request in requests if request.key == key], retry=True)
    polling.rerun_page()


def _requests(choices: Choices) -> list[Request]:
    return [Request(choices.series, name, choices.horizon) for name in choices.models]


def _forecasts(jobs: dict[str, Job], naive: Job) -> tuple[dict[str, Forecast], frozenset[str]]:
    """What can be drawn now: finished forecasts, drafts, and seasonal naive until there is any."""
    shown, drafts = {}, set()
    for name, job in jobs.items():
        if job.forecast is not None:
            shown[name] = job.forecast
        elif job.draft is not None:
            shown[name] = job.draft
            drafts.add(name)
    if not shown and naive.forecast is not None:
        shown["naive"] = naive.forecast
    return shown, frozenset(drafts)


def _lead(choices: Choices, shown: dict[str, Forecast], past: TrackRecord) -> tuple[str, str]:
    """The model whose bands are drawn, and where the reader wants the best one's, why it is this one."""
    first = next(iter(shown))
    if choices.band != BEST:
        return (choices.band if choices.band in shown else first), ""
    ready = f"Bands of {model(first).label}, the first that is ready"
    if past.why_not:
        return first, f"{ready}: there are no earlier dates to tell which is best here."
    if past.waiting:
        return first, f"{ready}; which is best here is known when all earlier dates are judged."
    ratios = {score.model: score.relative_wis for score in past.scores}
    best = headline.best_model_here(ratios, choices.models, Counter(name for name, _ in past.forecasts))
    if best is None:
        return first, f"{ready}: no model could be judged here."
    if best.model not in shown:
        return first, f"{ready}: {model(best.model).label} was best here so far, but there is no forecast of it now."
    return best.model, best.why


def _headline(choices: Choices, lead: Forecast, past: TrackRecord) -> None:
    figures = [
        headline.latest_count(choices.series),
        headline.next_stretch(choices.series, lead),
        headline.total_by_horizon(choices.series, lead),
        headline.track_record_figure(past.of(lead.model), past.waiting),
    ]
    left, right = st.columns(2)
    cells = [*left.columns(2, wrap=False), *right.columns(2, wrap=False)]
    for cell, figure in zip(cells, figures, strict=True):
        cell.metric(
            figure.label,
            figure.value,
            figure.detail,
            delta_color="off",
            delta_arrow="off",
            border=True,
            help=figure.help,
        )


def _chart(choices: Choices, fan: fan_chart.FanChart, why: str) -> None:
    about = ("fan", tuple(fan.forecasts), fan.drafts, fan.band, fan.unit, fan.smooth, fan.revisions)
    parts = [fan.series, *fan.forecasts.values()]
    with st.container(border=True):
        chart.draw(
            chart.cached_figure(about, parts, lambda: fan_chart.fan_figure(fan, runtime.theme())),
            runtime.theme(),
            key="fan",
            view=choices.view,
            name=f"{choices.region} {choices.statistic.label}",
            description=fan_chart.describe_fan_chart(fan),
        )
        if why:
            st.caption(why)


def _track_record(past: TrackRecord, choices: Choices) -> None:
    with st.container(border=True):
        st.markdown("##### How good was it here?")
        if past.why_not:
            st.caption(escape_markdown(past.why_not))
            return
        frequency = choices.series.frequency
        if past.origins:
            st.caption(
                f"Forecast again from {len(past.origins)} earlier dates ({format_date(past.origins[0])} to "
                f"{format_date(past.origins[-1])}), {frequency.steps(past.horizon)} ahead, each from what was known then, and "
                "compared with what came."
            )
        if past.scores:
            if len(past.scores) > 1 or not past.waiting:  # of seasonal naive alone there is nothing to say yet
                st.markdown(headline.track_record_sentence(past.scores, frequency.step))
            table = _score_tables.get("", past.scores, lambda: pa.Table.from_pandas(_score_table(past)))
            st.dataframe(table, hide_index=True, width="stretch", column_config=_score_columns(past))
        late = dict.fromkeys(model(job.model).label for job in past.jobs if not job.finished)
        if past.waiting:
            st.caption(f"Still being judged: {', '.join(late)}." if late else "Looking back …")
        for error in dict.fromkeys(f"{model(job.model).label}: {job.error}" for job in past.jobs if job.error):
            st.caption(escape_markdown(error))


def _score_table(past: TrackRecord) -> pd.DataFrame:
    rows = [
        {
            "Model": model(score.model).label,
            "Error against repeating": score.relative_error,
            "Mean error": score.error,
            "WIS against repeating": score.relative_wis,
            "50 % band held": headline.format_percent(score.held_50, score.periods),
            "80 % band held": headline.format_percent(score.held_80, score.periods),
            "95 % band held": headline.format_percent(score.held_95, score.periods),
            "Bias": 100 * score.bias,
        }
        for score in past.scores
    ]
    return pd.DataFrame(rows)


def _score_columns(past: TrackRecord) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Error against repeating": number(
            format="%.2f×", help="Mean absolute error of the median over seasonal naive's. Below 1 beats repeating."
        ),
        "Mean error": number(
            format=f"%,.{decimals_needed(score.error for score in past.scores)}f",
            help="Mean absolute error of the median, in counts a period.",
        ),
        "WIS against repeating": number(
            format="%.2f×", help="Weighted interval score, which judges the bands too, over seasonal naive's."
        ),
        "80 % band held": st.column_config.TextColumn(help="An honest 80 % band holds about 80 % of what comes."),
        "Bias": number(
            format="%+.1f %%", help="How much too high (+) or too low (−) on average, as a share of what came."
        ),
    }


def _table(choices: Choices, fan: fan_chart.FanChart) -> None:
    """Made only while somebody looks at it."""
    box = st.expander("The numbers behind the chart", icon=":material/table:", key="numbers", on_change="rerun")
    if box.open:
        box.dataframe(
            fan_chart.fan_table(fan),
            hide_index=True,
            width="stretch",
            column_config={"Date": st.column_config.DateColumn(format="D MMM YYYY")},
        )


def _downloads(choices: Choices, fan: fan_chart.FanChart, past: TrackRecord, why: str) -> None:
    """Everything on the page to take away; the buttons are made only while somebody looks at them."""
    box = st.popover("Downloads", icon=":material/download:", width="content", key="downloads", on_change="rerun")
    if box.open:
        with box:
            _offer(choices, fan, past, why)


def _offer(choices: Choices, fan: fan_chart.FanChart, past: TrackRecord, why: str) -> None:
    """The buttons. Files are made when they are asked for."""
    statistic = choices.statistic
    name = re.sub(r"[^\w-]+", "_", f"{choices.region} {statistic.name}").lower()[:80]
    title = f"{choices.region}: {statistic.label.lower()}"
    view = _view(choices)

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
        return charts.standalone_html(
            fan_chart.fan_figure(fan), charts.escape_html(f"{title}. {choices.panel.attribution}")
        )

    def printed() -> bytes:
        told = report.ReportText(title, tuple(_notes(choices, fan.revisions)), why)
        return report.report_html(view, fan, past, told)

    with _files("Forecasts"):
        _download("Forecasts, CSV", lambda: file_formats.to_csv(forecasts()), f"{name}.csv", "text/csv")
        _download("XLSX", workbook, f"{name}.xlsx", XLSX, "A sheet each for forecasts, scores and cleaned series.")
        _download("Parquet", lambda: file_formats.to_parquet(forecasts()), f"{name}.parquet", PARQUET)
        if reference := _hub_reference(choices, fan):
            _download(
                "Hub format, CSV",
                lambda: file_formats.to_csv(_hub(choices, fan, reference)),
                f"{reference:%Y-%m-%d}-{fan.band}.csv",
                "text/csv",
                f"{model(fan.band).label} as the US forecast hubs take it; reference date {format_date(reference)}.",
            )
    with _files("Behind them"):
        if past.forecasts:
            _download("Scores, CSV", lambda: file_formats.to_csv(scores()), f"{name}_scores.csv", "text/csv")
        _download("Cleaned series, CSV", lambda: file_formats.to_csv(cleaned()), f"{name}_series.csv", "text/csv")
    with _files("To look at"):
        _download("Report, HTML", printed, f"{name}_report.html", "text/html", "To read, print or mail: one file.")
        _download("Chart, HTML", page, f"{name}.html", "text/html")
    st.caption("PNG and SVG: the buttons at the top right of the chart.")
    st.markdown("###### Reproduce")
    st.caption("The same forecasts on the command line, and in Python.")
    st.code(reproduce.command_line(view), language="bash", wrap_lines=True)
    st.code(reproduce.python_snippet(view), language="python", wrap_lines=True)


def _files(heading: str) -> DeltaGenerator:
    """A row of buttons under a heading."""
    st.markdown(f"###### {heading}")
    return st.container(horizontal=True)


def _view(choices: Choices) -> reproduce.ReproducibleView:
    source = choices.panel.source
    own = uploads.files().get(source) if uploads.is_upload(source) else None
    read = own.read() if own else None
    return reproduce.ReproducibleView(
        choices.panel,
        choices.region,
        choices.statistic.name,
        choices.models or ("naive",),
        choices.horizon,
        choices.series,
        choices.training.window,
        choices.training.covariates,
        file=own.name if own else "",
        mapping=read.mapping if read and read.report and not read.report.needs_no_mapping else None,
    )


def _hub_reference(choices: Choices, fan: fan_chart.FanChart) -> pd.Timestamp | None:
    """The Saturday after the last week that was published, if the model with the bands says something of what follows."""
    if choices.series.frequency.alias != "W-SAT" or choices.series.cumulative or fan.band in fan.drafts:
        return None
    late = choices.series.provisional
    published = choices.series.origin if late is None or late.empty else late.index[-1]
    reference = published + hub_rules.WEEK
    return reference if fan.forecasts[fan.band].dates[-1] >= reference else None


def _hub(choices: Choices, fan: fan_chart.FanChart, reference: pd.Timestamp) -> pd.DataFrame:
    """The hubs' format of the model with the bands; of what the horizon reaches, the weeks that a hub takes."""
    places = hub_format.unique_hub_locations([choices.region], choices.panel.regions(choices.statistic.name))
    table = forecasts_table(choices.region, choices.series, [fan.forecasts[fan.band]])
    return file_formats.to_hub_table(table, hub_format.hub_target(choices.statistic), reference, places)


def _download(label: str, data: Callable[[], bytes], file_name: str, mime: str, hint: str | None = None) -> None:
    st.download_button(label, data, file_name, mime, key=f"download {label}", on_click="ignore", help=hint)


def _notes(choices: Choices, revisions: tuple[Revision, ...]) -> list[str]:
    """What was repaired, and what the last figures usually become."""
    return [*choices.series.notes, *messages.revision_sentences(revisions, choices.series.frequency)]


def provenance(service: Service, choices: Choices) -> None:
    """Where the figures come from, what was repaired in them, and what the last ones usually become."""
    revisions = service.revisions(choices.panel, choices.region, choices.statistic.name)
    notes = _notes(choices, revisions)
    with st.container(border=True):
        st.markdown("##### About these figures")
        st.markdown("\n".join(f"- {note}" for note in notes) if notes else "Nothing had to be repaired.")
        st.caption(escape_markdown(f"{choices.panel.attribution}. Licence: {choices.panel.licence}."))
