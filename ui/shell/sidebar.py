"""The sidebar of the pages about figures: its controls, and what was chosen with them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext

import streamlit as st

from forecasting import sources
from forecasting.data import holidays
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.data.training_options import TrainingOptions
from forecasting.models import model, models
from forecasting.services.service import Service
from forecasting.support import settings
from forecasting.support.errors import RequestError
from forecasting.views import charts
from ui.shell import controls, runtime, uploads, url_state
from ui.shell.choices import Choices

log = logging.getLogger(__name__)

#: The models that a new visitor finds chosen, unless `FORECAST_MODELS` says others.
DEFAULT_MODELS = ("ensemble", "sarima", "prophet", "ets")
#: What may be chosen beside a model to draw the bands of: name in the link -> label.
AUTO = "auto"
BEST = "best"
BANDS_OF = {AUTO: "Automatic", BEST: "Best on past dates"}
#: Training windows on offer: name in the link -> label. A year holds every season that daily models use.
WINDOWS = {"all": "All", "730": "Last 2 years", "365": "Last year", "180": "Last 6 months", "90": "Last 3 months"}


#: What a visitor is told who opens a link to somebody's own file.
ELSEWHERE = (
    "This link shows a file of its sender's, which is kept nowhere but with them: the link holds a fingerprint of it, neither "
    "the file nor its name. Ask them for the file and give it, unchanged and under any name, on Your data to see the same. "
    "Until then you see the bundled figures."
)
#: What a visitor is told whose own file was too large to be kept over a reload.
LOST = (
    "This link shows your file “{}”, which was too large to be kept over a reload: bring the same file again on Your data, and "
    "you are back at the same view. Until then you see the bundled figures."
)
#: What the app is for.
ABOUT = "What comes next, how sure that is, and how good such forecasts were."
#: Not in the link to a file with one region only, which may be called after the file.
_REGIONS = ("region", "regions")
#: The key of the switch of means in the session's state, and its name in the link.
MEAN_KEY, MEAN_FIELD = "mean", "smooth"
#: Seconds a page waits for figures before it says that they are being fetched.
PATIENCE = 0.4


class StillLoading(Exception):  # noqa: N818 - nothing is wrong
    """Raised while figures are on their way; the page looks again shortly."""


def draw_sidebar(
    service: Service, more: Callable[[Panel, Statistic, str], dict[str, str]] | None = None, mean_on_chart: bool = False
) -> Choices:
    """Draw the sidebar's controls and keep the address in step with them.

    `more` draws what else the page has, told what the sidebar shows, and gives its state for the address. With
    `mean_on_chart` the switch of means stands on the page's chart, and not here.

    Raises `ForecastingError` or `StillLoading`.
    """
    with nullcontext() if controls.are_hidden() else st.sidebar:
        if not controls.are_hidden():
            st.caption(ABOUT)
        panel = _panel(service)
        statistic = _statistic(panel)
        region = _region(panel, statistic)
        chosen = _models()
        whole = service.series(panel, region, statistic.name)
        horizon = _horizon(whole.frequency)
        with nullcontext() if controls.are_hidden() else st.expander("More", expanded=False):
            training = TrainingOptions(
                _window(whole.frequency), _covariates(panel, chosen), _holidays(whole.frequency, chosen)
            )
            smooth = _smooth(whole, drawn=not mean_on_chart)
            band = _band(chosen)
    also = more(panel, statistic, region) if more else {}
    state = _state(panel, statistic, region, chosen, horizon, training, smooth, band) | also
    if uploads.is_upload(panel.source) and len(panel.regions(statistic.name)) == 1:
        state = {name: value for name, value in state.items() if name not in _REGIONS}
    url_state.write_address(state)
    seen = training.of(whole)
    return Choices(panel, statistic, region, tuple(chosen), horizon, training, whole, seen, smooth, band)


def _panel(service: Service) -> Panel:
    own = uploads.selectable()
    known = {name: source.short_label or source.label for name, source in sources.sources().items()} | {
        name: file.label for name, file in own.items()
    }
    if "source" not in st.session_state and uploads.is_missing_upload(url_state.link_value("source") or ""):
        name = uploads.lost_name(url_state.link_value("source") or "")
        url_state.postpone_link(LOST.format(name) if name else ELSEWHERE)
    url_state.seed("source", list(known), "bundled", "source")
    name = controls.selectbox(
        "Data",
        list(known),
        format_func=known.__getitem__,
        key="source",
        help="Where the figures come from. The bundled ones need no network; your own come from the page Your data.",
    )

    def look(patience: float) -> Panel | None:
        if name not in own:
            return service.panel(name, patience)
        read = own[name].read(patience)
        return read.panel if read else None

    panel = look(0)
    if panel is None:
        with runtime.script_turns.released():
            panel = look(PATIENCE)
    if panel is None:
        raise StillLoading(known[name])
    return panel


def _statistic(panel: Panel) -> Statistic:
    names = [statistic.name for statistic in panel.statistics]
    default = names[0]
    if not url_state.keeps_value("statistic"):
        default = panel.newest_statistic(url_state.link_value("region")).name
    url_state.seed("statistic", names, default, "statistic")
    name = controls.selectbox(
        "Statistic",
        names,
        format_func=lambda statistic: panel.statistic(statistic).label,
        key="statistic",
    )
    return panel.statistic(name)


def _region(panel: Panel, statistic: Statistic) -> str:
    regions = panel.regions(statistic.name)
    url_state.seed("region", regions, regions[0], "region")
    return controls.selectbox(
        "Region",
        regions,
        key="region",
        help="Type to search.",
    )


def _models() -> list[str]:
    known = models()
    url_state.seed_many("models", list(known), _first_models(list(known)), "model")
    chosen = controls.pills(
        "Models",
        list(known),
        format_func=lambda name: known[name].label,
        key="models",
        help="Each is fitted in the background and appears when it is ready. The Methods page says what each does.",
    )
    return [name for name in known if name in chosen]


def _first_models(known: list[str]) -> list[str]:
    """The models that a new visitor finds chosen."""
    wanted = settings.chosen_models()
    if unknown := [name for name in wanted if name not in known]:
        log.warning("FORECAST_MODELS has %r, which is none of the models: %s.", unknown[0], ", ".join(known))
    return [name for name in known if name in wanted] or [name for name in DEFAULT_MODELS if name in known]


def model_picker(known: list[str], default: str, hint: str) -> str:
    """Draw a select box of one model, for pages that show one at a time."""
    url_state.seed("model", known, default, "model")
    return controls.selectbox(
        "Model",
        known,
        format_func=lambda name: model(name).label,
        key="model",
        help=hint,
    )


def _horizon(frequency: Frequency) -> int:
    key = f"horizon_{frequency.name}"
    url_state.seed_number(key, 1, frequency.max_horizon, frequency.default_horizon, "a horizon of", "horizon")
    return controls.slider(
        f"Horizon ({frequency.step}s)",
        1,
        frequency.max_horizon,
        key=key,
        help=f"How many {frequency.step}s ahead.",
    )


def _window(frequency: Frequency) -> int | None:
    """Periods to learn from, or None for all."""
    if frequency.name != "weekly" and not frequency.uses_holidays:  # others always learn from all they have
        return None
    url_state.seed("window", list(WINDOWS), "all", "training window")
    days = controls.selectbox(
        "Training period",
        list(WINDOWS),
        format_func=WINDOWS.__getitem__,
        key="window",
        help="Models see only this much of the past. Less forgets old waves; more knows more seasons.",
    )
    return None if days == "all" else round(int(days) / frequency.days)


def _covariates(panel: Panel, chosen: list[str]) -> tuple[str, ...]:
    """Further columns to learn from, where there are any and a chosen model uses them."""
    known = panel.covariates()
    if not known or not any(model(name).uses_covariates for name in chosen):
        return ()
    url_state.seed_many("covariates", known, [], "column")
    st.session_state["covariates"] = [name for name in st.session_state["covariates"] if name in known]
    return tuple(
        controls.multiselect(
            "Extra columns to use",
            known,
            key="covariates",
            help="Further columns of these figures. Pooled, and the Ensemble through it, regresses on them, as far as they "
            "are known up to now, and gives them the weight that they have earned. Other models do without.",
        )
    )


def _holidays(frequency: Frequency, chosen: list[str]) -> str:
    """The country whose public holidays matter, for counts of days and models that use them; empty for none."""
    if not frequency.uses_holidays or not any(model(name).uses_holidays for name in chosen):
        return ""
    known = holidays.holiday_countries()
    wish = url_state.link_value("holidays")
    url_state.seed("holidays", ["", *known, *_subdivision_option(wish)], "", "country's holidays")
    return controls.selectbox(
        "Holidays of",
        ["", *known, *_subdivision_option(st.session_state["holidays"])],
        format_func=lambda code: known.get(code, code) or "No country",
        key="holidays",
        help="Counts often fall on public holidays, and catch up after them. Prophet and Pooled learn by how much.",
    )


def _subdivision_option(code: str | None) -> list[str]:
    """A part of a country that a link asks for, as ``US-CA``; the picker offers whole countries only."""
    try:
        return [holidays.check_country(code)] if code and "-" in code else []
    except RequestError:
        return []


def _smooth(series: Series, drawn: bool) -> bool:
    if not charts.can_smooth(series):
        return False
    url_state.seed_switch(MEAN_KEY, "choice of mean", MEAN_FIELD)
    if not drawn:
        return bool(st.session_state[MEAN_KEY])
    return controls.toggle(
        f"{series.frequency.season_length.capitalize()} average",
        key=MEAN_KEY,
        help="The weekday pattern makes a comb of daily counts; a mean over a week shows where they are going.",
    )


def _band(chosen: list[str]) -> str:
    options = [*BANDS_OF, *chosen]
    url_state.seed("band", options, AUTO, "band")
    return controls.selectbox(
        "Bands of",
        options,
        format_func=lambda name: BANDS_OF.get(name) or model(name).label,
        key="band",
        help="The shaded bands hold 50, 80 and 95 % of possible futures, if that model is right about its own errors. "
        "The best so far is the one whose forecasts from earlier dates were best in this region, bands and all.",
    )


def _state(
    panel: Panel,
    statistic: Statistic,
    region: str,
    chosen: list[str],
    horizon: int,
    training: TrainingOptions,
    smooth: bool,
    band: str,
) -> dict[str, str]:
    state = {
        "source": panel.source,
        "statistic": statistic.name,
        "region": region,
        "models": ",".join(chosen) or url_state.NONE,
        "horizon": str(horizon),
    } | uploads.address_fields(panel.source)
    if training.window:
        state["window"] = st.session_state["window"]
    if training.covariates:
        state["covariates"] = ",".join(training.covariates)
    if training.holidays:
        state["holidays"] = training.holidays
    state |= {name: value for name, value in mean_field().items() if value}
    if band != AUTO:
        state["band"] = band
    return state


def mean_field() -> dict[str, str | None]:
    """What the address says of means: nothing where they are drawn."""
    return {MEAN_FIELD: "0" if st.session_state.get(MEAN_KEY) is False else None}
