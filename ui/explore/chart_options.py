"""How Explore's chart is drawn: the choices on its edge, what each is offered for, and their names in the address."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from forecasting.data.panel import Panel, Statistic
from forecasting.data.population import population
from forecasting.data.series import Series
from forecasting.services.service import Service
from forecasting.views import charts
from forecasting.views.earlier_seasons import has_earlier_seasons
from forecasting.views.episode_lines import has_course
from forecasting.views.fan_chart import LEVELS, FanChart, fan_notes
from forecasting.views.per_population import SHORT_UNIT, PerPopulation, can_divide
from ui.components.chart import ChartStrip, ChoiceGroup
from ui.shell import axis_scale, following, sidebar, url_state
from ui.shell.axis_scale import LINEAR, LOG, SCALE
from ui.shell.choices import Choices

#: Names of the choices in the address and in the session's state, and the values of each, the default first.
PER, COUNTED, PER_100K = "per", "count", "100k"
SEASONS, THIS, EARLIER = "seasons", "this", "earlier"
LIKE, NO, WHEN = "like", "no", "when"
BANDS, ALL_BANDS = "levels", tuple(str(level) for level in LEVELS)
MEAN, SINGLE = "mean", "single"
#: The values that stand in no address.
_DEFAULTS = {SCALE: LINEAR, PER: COUNTED, SEASONS: THIS, LIKE: NO}
#: What a link asks for in vain, as a note says it.
_WHAT = {SCALE: "axis", PER: "unit", SEASONS: "choice of seasons", LIKE: "choice of past episodes"}


@dataclass(frozen=True)
class ChartOptions:
    """What was chosen on the chart's edge.

    Attributes:
        log, levels, seasons, smooth: as in `FanChart`.
        similar: past episodes that are like the last weeks are drawn.
        per: what counts are divided by; None where they are shown as counted.
        groups: the choices that there are.
    """

    log: bool
    levels: tuple[int, ...]
    seasons: bool
    similar: bool
    smooth: bool
    per: PerPopulation | None
    groups: tuple[ChoiceGroup, ...]

    def strip(self, fan: FanChart) -> ChartStrip:
        """What stands on the edge of the chart of `fan`."""
        return ChartStrip(self.groups, tuple(fan_notes(fan)), _choose)

    @property
    def view(self) -> str:
        """What of it changes the dates on show, as a part of the name of what the chart shows."""
        return f"{self.smooth}/{EARLIER}" if self.seasons else f"{self.smooth}"


def address_fields(service: Service, panel: Panel, statistic: Statistic, region: str) -> dict[str, str]:
    """Give the choices their first values; gives those that are not the default for the address."""
    offered = _offered(panel, statistic, region, service.series(panel, region, statistic.name))
    for name, options in offered.items():
        url_state.seed(name, options, options[0], _WHAT[name])
    url_state.seed_many(BANDS, ALL_BANDS, ALL_BANDS, "band")
    return {name: value for name in offered if (value := st.session_state[name]) != _DEFAULTS[name]} | _bands_field()


def chart_options(choices: Choices) -> ChartOptions:
    """What is chosen now: a choice on the chart's edge runs the chart's part of the page only, and not the sidebar."""
    panel, statistic, region, series = choices.panel, choices.statistic, choices.region, choices.series
    offered = _offered(panel, statistic, region, series)
    chosen = {name: _among(options, st.session_state[name]) for name, options in offered.items()}
    people = population(region, tuple(panel.regions(statistic.name)))
    bands, means = tuple(st.session_state[BANDS]), charts.can_smooth(choices.whole)
    smooth = means and st.session_state[sidebar.MEAN_KEY]
    single = {MEAN: f"{series.frequency.season_length} average", SINGLE: series.frequency.name.capitalize()}
    groups = [
        ChoiceGroup(MEAN, "Figures", single, (MEAN if smooth else SINGLE,)) if means else None,
        _group(SCALE, "Axis", {LINEAR: "Linear", LOG: "Log"}, offered, chosen),
        _group(PER, "Unit", {COUNTED: "Counts", PER_100K: SHORT_UNIT.capitalize()}, offered, chosen),
        ChoiceGroup(BANDS, "Bands", dict(zip(ALL_BANDS, ["50", "80", "95 %"], strict=True)), bands),
        _group(SEASONS, "Seasons", {EARLIER: "Earlier seasons"}, offered, chosen),
        _group(LIKE, "Past episodes", {WHEN: "Like when?"}, offered, chosen),
    ]
    return ChartOptions(
        chosen[SCALE] == LOG,
        tuple(level for level in LEVELS if str(level) in bands),
        chosen[SEASONS] == EARLIER,
        chosen[LIKE] == WHEN,
        smooth,
        PerPopulation(people) if people and chosen[PER] == PER_100K else None,
        tuple(group for group in groups if group),
    )


def _offered(panel: Panel, statistic: Statistic, region: str, series: Series) -> dict[str, list[str]]:
    """The values that make sense here, the default first, of each choice of one of two."""
    divisible = can_divide(series, population(region, tuple(panel.regions(statistic.name))))
    return {
        SCALE: axis_scale.scales(series),
        PER: [COUNTED, PER_100K] if divisible else [COUNTED],
        SEASONS: [THIS, EARLIER] if has_earlier_seasons(series) else [THIS],
        LIKE: [NO, WHEN] if has_course(series) and following.streaming(panel) is None else [NO],
    }


def _among(options: list[str], value: str) -> str:
    return value if value in options else options[0]


def _group(
    name: str, label: str, labels: dict[str, str], offered: dict[str, list[str]], chosen: dict[str, str]
) -> ChoiceGroup | None:
    """The buttons of one choice; None where there is nothing to choose."""
    return ChoiceGroup(name, label, labels, (chosen[name],)) if len(offered[name]) > 1 else None


def _bands_field() -> dict[str, str]:
    bands = st.session_state[BANDS]
    return {} if len(bands) == len(ALL_BANDS) else {BANDS: ",".join(bands) or url_state.NONE}


def _choose(name: str, value: str) -> None:
    """Take over what was pressed, into the address too: bands, earlier seasons and past episodes are switched on and off."""
    url_state.forget_notes()
    state = st.session_state
    if name == MEAN:
        state[sidebar.MEAN_KEY] = value == MEAN
        url_state.change_address(sidebar.mean_field())
    elif name == BANDS:
        state[BANDS] = [band for band in ALL_BANDS if (band in state[BANDS]) != (band == value)]
        url_state.change_address({BANDS: None} | _bands_field())
    else:
        state[name] = _DEFAULTS[name] if name in (SEASONS, LIKE) and state[name] == value else value
        url_state.change_address({name: None if state[name] == _DEFAULTS[name] else state[name]})
