"""Forecasts of every region, made in the background and taken away as one table: the foot of Regions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from forecasting.data.panel_cache import PerPanel
from forecasting.export import file_formats
from forecasting.models import model
from forecasting.services.all_regions import RegionsView
from forecasting.services.bulk import BulkForecast
from forecasting.services.service import Service
from ui.shell import polling
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Runs that are remembered of each panel, with their forecasts.
KEPT = 4
#: Seconds between two looks at how far a run has come.
INTERVAL = 1.0


_RUNS: PerPanel[dict[str, BulkForecast]] = PerPanel(KEPT)


def draw(service: Service, choices: Choices, view: RegionsView) -> None:
    """A button that begins, or how far it has come and what there is to take away; polls alone while it runs."""
    name = (id(service), choices.panel.source, view)
    runs = _RUNS.get(choices.panel, name, dict)
    begun = runs.get("run")
    st.fragment(_draw, run_every=INTERVAL if begun and begun.running else None)(service, choices, view, runs)


def _draw(service: Service, choices: Choices, view: RegionsView, runs: dict[str, BulkForecast]) -> None:
    label, run = model(view.model).label, runs.get("run")
    with st.container(border=True):
        st.markdown("## Every region's forecasts")
        if run is None:
            of = len(choices.panel.regions(view.statistic))
            st.caption(
                f"{label} for all {of:,} regions as one table. It goes on in the background, also when you leave; what is "
                "made already is not made again."
            )
            begin = partial(_start_run, service, choices, view, runs)
            st.button(f"Forecast all {of:,}", key="forecast all", icon=":material/playlist_play:", on_click=begin)
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(run.judged / max(run.of, 1), f"{run.made:,} of {run.of:,} regions")
            if run.running:
                st.button("Cancel", key="stop all", icon=":material/close:", on_click=run.stop)
            elif run.judged < run.of:
                begin = partial(_start_run, service, choices, view, runs)
                st.button("Go on", key="go on all", icon=":material/play_arrow:", on_click=begin)
        if run.why:
            st.caption(escape_markdown(run.why))
        _draw_failures(run)
        if run.made:
            _draw_downloads(run, f"forecasts {view.statistic} {view.model}".replace(" ", "_"))
    if not run.running and st.session_state.get("all seen") is not run:
        st.session_state["all seen"] = run  # once more as a whole, and then no more looking
        polling.rerun_page()


def _start_run(service: Service, choices: Choices, view: RegionsView, runs: dict[str, BulkForecast]) -> None:
    runs["run"] = BulkForecast(service, choices.panel, view.statistic, view.model, view.horizon, view.training)
    runs["run"].start()


def _draw_failures(run: BulkForecast) -> None:
    for region, reason in list(run.failed.items())[:5]:
        st.caption(escape_markdown(f"{region}: {reason}"))
    if len(run.failed) > 5:
        st.caption(f"… and {len(run.failed) - 5:,} more regions without a forecast.")


def _file_of_run(run: BulkForecast, make: Callable[[pd.DataFrame], bytes]) -> bytes:
    return make(run.table())


def _draw_downloads(run: BulkForecast, name: str) -> None:
    so_far = "" if run.judged == run.of else " so far"
    with st.container(horizontal=True):
        for ending, mime, make in (
            ("csv", "text/csv", file_formats.to_csv),
            ("parquet", "application/vnd.apache.parquet", file_formats.to_parquet),
        ):
            st.download_button(
                f"All forecasts{so_far}, {'CSV' if ending == 'csv' else 'Parquet'}",
                partial(_file_of_run, run, make),
                f"{name}.{ending}",
                mime,
                key=f"all {ending}",
                on_click="ignore",
                icon=":material/download:",
            )
