"""The Compare page: what is asked, how far it has come, and the way to end it. Its other modules draw what is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel, Statistic
from forecasting.evaluation.track_record import TrackRecord, track_record_forecasts
from forecasting.jobs import Job, QueueFull, State
from forecasting.models import model, models
from forecasting.services.service import Service
from forecasting.services.track_records import usual_origins
from forecasting.support.errors import ForecastingError
from forecasting.views import comparison
from ui.compare import details, earlier_forecasts, layout, score_tables, several_regions
from ui.compare.results import ComparisonResults
from ui.shell import axis_scale, controls, downloads, polling, runtime, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import model_picker

#: The mode that looks ahead, by its name in links.
TOGETHER = "together"
#: Name in the link -> label.
MODES = {
    "models": "Models on one region",
    "regions": "One model on several regions",
    TOGETHER: "Several regions on one chart",
}
#: How many earlier dates a reader may choose.
ORIGINS = (4, 8, 12)
#: Regions that a reader may choose at once.
MOST_REGIONS = 8
#: Regions whose lines and bands can be told apart on one chart.
MOST_TOGETHER = 6
#: A name in the session's state.
_USUAL_ORIGINS = "usual origins"
#: Between the regions of a link; their names may hold commas.
SEPARATOR = ";"
#: Seconds in which regions are prepared before what is there is drawn; the next look prepares more.
PATIENCE = 0.4


@dataclass(frozen=True)
class ComparisonRequest:
    """What a reader wants compared: `models` on one region, or, `across` regions, one model."""

    across: bool
    models: tuple[str, ...]
    regions: tuple[str, ...]
    origins: int


def draw_controls(panel: Panel, statistic: Statistic, region: str) -> dict[str, str]:
    """The controls that Compare has beside those of every page; gives their state for the address."""
    with st.container(horizontal=True, gap="medium"):
        mode = _mode()
        if mode != TOGETHER:
            origins = _origins(panel.frequencies[statistic.column])
    axis_scale.seed(runtime.service().series(panel, region, statistic.name))
    state = {"compare": mode} | axis_scale.field()
    if mode != "models":
        left, right = st.columns([1, 3])
        with left:
            name = _model(mode)
        with right:
            regions = _regions(panel, statistic, region, MOST_TOGETHER if mode == TOGETHER else MOST_REGIONS)
        state |= {"model": name, "regions": SEPARATOR.join(regions) or url_state.NONE}
    if mode == TOGETHER:
        return state | several_regions.draw_controls(panel, statistic, region)
    layout.seed()
    return state | {"origins": origins} | layout.state()


def looks_ahead() -> bool:
    """Whether the reader compares what comes next in several regions, and not how good forecasts were."""
    return bool(st.session_state["compare"] == TOGETHER)


def question(choices: Choices) -> ComparisonRequest:
    """The comparison that the controls ask for."""
    state = st.session_state
    if state["compare"] == "regions":
        return ComparisonRequest(True, (state["model"],), tuple(state["regions"]), int(state["origins"]))
    return ComparisonRequest(False, choices.models, (choices.region,), int(state["origins"]))


def _mode() -> str:
    url_state.seed("compare", list(MODES), "models", "comparison")
    return controls.segmented_control(
        "Compare",
        list(MODES),
        format_func=MODES.__getitem__,
        key="compare",
    )


def _origins(frequency: Frequency) -> str:
    """From how many earlier dates; unless the reader chooses, those that the other pages judge by."""
    usual, before = str(usual_origins(frequency)), st.session_state.get(_USUAL_ORIGINS)
    if before not in (None, usual) and st.session_state.get("origins") == before:
        url_state.set_value("origins", usual)
    st.session_state[_USUAL_ORIGINS] = usual
    url_state.seed("origins", [str(count) for count in ORIGINS], usual, "number of dates")
    return controls.segmented_control(
        "Earlier dates to forecast from",
        [str(count) for count in ORIGINS],
        key="origins",
        help="From how many earlier dates every model forecasts again.",
    )


def _model(mode: str) -> str:
    known = [name for name in models() if name != comparison.NAIVE]
    chosen = [name for name in st.session_state.get("models", []) if name in known]
    hint = "Held against no change in every region."
    return model_picker(known, (chosen or known)[0], "One model for all regions." if mode == TOGETHER else hint)


def _regions(panel: Panel, statistic: Statistic, region: str, most: int) -> list[str]:
    options = panel.regions(statistic.name)
    usual = _usual_regions(panel, statistic, region)
    url_state.seed_many("regions", options, usual, "region", SEPARATOR, ordered=True)
    st.session_state["regions"] = _follow_sidebar(st.session_state["regions"], options, usual, region)[:most]
    return controls.multiselect(
        "Regions",
        options,
        key="regions",
        max_selections=most,
        help=f"Up to {most}. Until you choose, the sidebar's region and the largest others.",
    )


def _usual_regions(panel: Panel, statistic: Statistic, region: str) -> list[str]:
    """The regions that are compared unless the reader chooses others; worked out once for what the sidebar shows."""
    name = (statistic.name, region)
    kept = st.session_state.get("usual regions")
    if kept is None or kept[0] is not panel.table or kept[1] != name:
        kept = panel.table, name, comparison.default_regions(panel, statistic.name, region)
        st.session_state["usual regions"] = kept
    return list(kept[2])


def _follow_sidebar(chosen: list[str], options: list[str], usual: list[str], region: str) -> list[str]:
    """The chosen regions after the sidebar has changed: the usual ones follow it, a choice only takes its region in."""
    before = st.session_state.get("regions before") if url_state.keeps_value("regions before") else None
    url_state.set_value("regions before", (region, usual))
    left = [one for one in chosen if one in options]
    if (before and set(chosen) == set(before[1])) or (chosen and not left):
        return usual
    moved = before and before[0] != region and region not in left
    return [region, *left][:MOST_REGIONS] if moved else left


def heading(choices: Choices, asked: ComparisonRequest) -> None:
    """Draw the heading: what is compared, and what the link asked for that is not there."""
    counted = choices.statistic.phrase
    if asked.across:
        count = len(asked.regions)
        what = f"{model(asked.models[0]).label} on {count} region{'' if count == 1 else 's'}, {counted}"
        how = (
            "The model forecasts every region again from earlier dates, each time with what was known then, and is held"
        )
    else:
        what = f"{choices.region}, {counted}"
        how = "Every model forecasts again from earlier dates, each time with what was known then, and is held"
    layout.draw_heading(choices, what, f"{how} against the actual figures.")


def live(service: Service, choices: Choices, asked: ComparisonRequest) -> None:
    """Draw everything that changes while models are judged; it polls alone, and stops when all is done."""
    if not asked.regions:
        st.info("Choose at least one region.", icon=":material/add_location:")
        return
    at_first = [_track_records(service, choices, asked)]
    busy = _any_waiting(at_first[0])

    def draw() -> None:
        pasts = at_first.pop() if at_first else _track_records(service, choices, asked)
        _draw(service, pasts, choices, asked)
        if busy and not _any_waiting(pasts):
            polling.rerun_page()

    polling.draw_and_poll(draw, polling.INTERVAL if busy else None)


def _any_waiting(pasts: Mapping[str, TrackRecord]) -> bool:
    return any(past.waiting for past in pasts.values())


def _track_records(
    service: Service, choices: Choices, asked: ComparisonRequest, patience: float | None = PATIENCE
) -> dict[str, TrackRecord]:
    """Each region's look back; those that cannot be prepared in time have not begun."""
    until = time.monotonic() + patience if patience else float("inf")
    pasts: dict[str, TrackRecord] = {}
    for region in asked.regions:
        late = time.monotonic() > until
        pasts[region] = TrackRecord(begun=False) if late else _track_record(service, choices, asked, region, patience)
    return pasts


def _track_record(
    service: Service, choices: Choices, asked: ComparisonRequest, region: str, patience: float | None
) -> TrackRecord:
    try:
        return service.track_records.track_record(
            choices.panel,
            region,
            choices.statistic.name,
            asked.models,
            choices.training,
            asked.origins,
            horizon=choices.horizon,
            patience=patience and polling.WORK_PER_LOOK,
        )
    except ForecastingError as error:  # figures of a region beside the sidebar's may be of no use
        return TrackRecord(why_not=str(error))


def _draw(service: Service, pasts: dict[str, TrackRecord], choices: Choices, asked: ComparisonRequest) -> None:
    for region, past in pasts.items():
        if past.why_not:
            st.info(
                escape_markdown(f"{region}: {past.why_not}" if asked.across else past.why_not),
                icon=":material/history:",
            )
    pasts = {region: past for region, past in pasts.items() if not past.why_not}
    _progress(service, pasts, choices, asked)
    pasts = {region: past for region, past in pasts.items() if past.scores}
    if not pasts:
        return
    wholes = {region: service.series(choices.panel, region, choices.statistic.name) for region in pasts}
    cells = service.track_records.scores(pasts, wholes)
    results = ComparisonResults(choices, pasts, wholes, cells, asked.models[0] if asked.across else None)
    score_tables.draw_scores(results)
    earlier_forecasts.draw_forecasts(results)
    details.draw_details(results)
    score_tables.draw_pairs(results)
    jobs = _jobs(pasts)
    for error in dict.fromkeys(f"{model(job.model).label}: {job.error}" for job in jobs if job.error):
        st.caption(escape_markdown(error))
    _downloads(pasts, cells, choices, asked)


def _jobs(pasts: Mapping[str, TrackRecord]) -> list[Job]:
    return [job for past in pasts.values() for job in past.jobs]


def _progress(service: Service, pasts: dict[str, TrackRecord], choices: Choices, asked: ComparisonRequest) -> None:
    """How far it has come with the way to end it, or that somebody has ended it with the way to go on."""
    jobs = _jobs(pasts)
    if _any_waiting(pasts):
        done, of = sum(job.finished for job in jobs), len(jobs)
        coming = sum(not past.begun for past in pasts.values())
        text = f"{done} of {of} forecasts made" + (f", {coming} more regions to prepare" if coming else "")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(done / max(of, 1), text)
            st.button(
                "Cancel",
                key="cancel comparison",
                icon=":material/close:",
                help="End what still waits or runs of this comparison, for everybody who looks at it.",
                on_click=_cancel,
                args=(service, choices, asked),
            )
        for full in dict.fromkeys(past.full for past in pasts.values() if past.full):
            st.caption(full)
    elif any(job.state is State.cancelled for job in jobs):
        made, of = sum(job.forecast is not None for job in jobs), len(jobs)
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(
                f"**Cancelled.** {made} of {of} forecasts were made; what is below is from those, and models may be "
                "judged by different dates."
            )
            if st.button("Go on", key="go on", icon=":material/play_arrow:", type="primary"):
                _go_on(service, pasts, choices)


def _cancel(service: Service, choices: Choices, asked: ComparisonRequest) -> None:
    """End all of the comparison, that of the regions too that would have been asked for next."""
    for key in comparison.cancellable_keys(_jobs(_track_records(service, choices, asked, patience=None))):
        service.cancel(key)


def _go_on(service: Service, pasts: dict[str, TrackRecord], choices: Choices) -> None:
    try:
        for past in pasts.values():
            service.submit(comparison.cancelled_requests(past, choices.training), background=True, retry=True)
    except QueueFull as error:
        st.warning(str(error), icon=":material/hourglass_top:")
        return
    polling.rerun_page()


def _downloads(pasts: dict[str, TrackRecord], cells: pd.DataFrame, choices: Choices, asked: ComparisonRequest) -> None:
    what = asked.models[0] if asked.across else choices.region

    def forecasts() -> pd.DataFrame:
        return pd.concat(map(track_record_forecasts, pasts.values()), ignore_index=True)

    downloads.draw_csv_buttons(
        f"{what} {choices.statistic.name}",
        [("Forecasts, CSV", "forecasts", forecasts), ("Scores, CSV", "scores", lambda: cells)],
        "All regions, and no change beside the model." if asked.across else "",
    )
