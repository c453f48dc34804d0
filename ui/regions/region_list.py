"""The list of regions and the map of tiles: a component, the data it gets, and what a click in it does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from forecasting.data.formatting import format_compact
from forecasting.models import models
from forecasting.services.all_regions import newest_date
from forecasting.services.region_row import CLASSES, DIRECTIONS, RegionRow, comparison_periods, past_periods
from forecasting.views import region_table, tile_map
from forecasting.views.answer import against_no_change
from forecasting.views.palette import DARK, LIGHT
from ui.components.sequence import with_number
from ui.shell import polling, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Orders of the list by their name in the link; those with a minus are turned round.
SORTS = [*region_table.SORTS, *(f"-{sort}" for sort in region_table.SORTS)]
#: What each direction is called on the page.
LABELS = {"rising": "Rising", "falling": "Falling", "unsure": "Unclear"}
#: A name in the session's state.
_LEAVES = "regions leaves"

_here = Path(__file__).parent

_component = st.components.v2.component(
    "regions",
    html=(
        '<div class="regions"><div class="map" hidden><div class="tiles"></div><div class="beside">'
        '<div class="card"></div><div class="legend"></div></div></div>'
        '<div class="list" role="table"><div class="head" role="row"></div>'
        '<div class="body" role="rowgroup"></div></div></div>'
    ),
    css=(_here / "regions.css").read_text(),
    js=(_here / "regions.js").read_text(),
)


def is_leaving() -> bool:
    """Whether the reader has just chosen a region to explore."""
    return bool(st.session_state.get(_LEAVES))


def take_leave_request() -> bool:
    """Whether the reader has just chosen a region to explore; forgets it, so the page that asks must go to Explore."""
    return bool(st.session_state.pop(_LEAVES, False))


def draw_region_list(choices: Choices, rows: list[RegionRow], ordered: list[RegionRow], busy: bool) -> None:
    """Draw the list and, for US states, the map of tiles above it; a click on a region, a tile or a heading is carried out."""
    if not ordered:
        waits = busy and st.session_state["only"] != "all"
        st.info("None yet." if waits else _none_found(choices), icon=":material/search_off:")
    key = "regions list"
    asked = _component(
        data=with_number(_data(choices, rows, ordered, busy), key),
        key=key,
        on_open_change=partial(_open, key),
        on_choose_change=partial(_choose, key),
        on_sort_change=partial(_sort, key),
    )
    if asked.open or asked.choose or asked.sort:
        polling.rerun_page()


def _none_found(choices: Choices) -> str:
    """That no region is like what is asked for, and what that is."""
    search, only = st.session_state["search"].strip(), st.session_state["only"]
    wanted = [f"‘{escape_markdown(search)}’"] if search else []
    wanted += [LABELS[only]] if only in LABELS else []
    return (
        f"No region matches {' and '.join(wanted)}."
        if wanted
        else f"No region of {escape_markdown(choices.statistic.phrase)}."
    )


def _data(choices: Choices, rows: list[RegionRow], ordered: list[RegionRow], busy: bool) -> dict[str, Any]:
    last, name = newest_date(rows), st.session_state["model"]
    frequency = choices.series.frequency
    steps = comparison_periods(frequency)
    last_stretch = f"last {frequency.stretch(steps)}"
    return {
        "rows": [_row(row, last, last_stretch, _explore_address(choices, row.region)) for row in rows],
        "order": [row.region for row in ordered],
        "tiles": [vars(tile) for tile in tile_map.tiles([row.region for row in rows])],
        "chosen": choices.region,
        "sort": st.session_state["sort"],
        "heads": {
            "name": "Region",
            "spark": f"Last {_past(choices)}, and the forecast",
            "latest": f"{last_stretch.capitalize()}, vs before",
            "change": f"Expected in {frequency.steps(choices.horizon)}",
            "record": "Error vs no change",
        },
        "colours": [LIGHT.model(name), DARK.model(name)],
        "classes": {"name": f"Expected change in {frequency.steps(choices.horizon)}", "ends": _classes()},
        "busy": busy,
    }


def _explore_address(choices: Choices, region: str) -> str:
    """Where a region is explored, for a new tab; the same tab goes there without being loaded anew."""
    state = {"source": choices.panel.source, "statistic": choices.statistic.name, "region": region}
    state |= {"models": ",".join(_with_model(list(choices.models))), "horizon": str(choices.horizon)}
    state["band"] = st.session_state["model"]
    return url_state.page_address(state)


def _past(choices: Choices) -> str:
    frequency = choices.series.frequency
    count = past_periods(frequency)
    return "year" if (frequency.name, count) == ("weekly", 52) else frequency.stretch(count)


def _classes() -> list[str]:
    """Where the map's colours change, from the deepest fall to the highest rise."""
    up = [f"+{100 * (times - 1):.0f} %" for times in CLASSES]
    down = [f"−{100 * (1 - 1 / times):.0f} %" for times in reversed(CLASSES)]
    return [*down, *up]


def _row(row: RegionRow, last: Any, last_stretch: str, address: str) -> dict[str, Any]:
    change, record, spark = row.change, row.record, row.spark
    return {
        "region": row.region,
        "address": address,
        "state": row.state,
        "spoken": region_table.row_sentence(row, last_stretch),
        "latest": "" if row.latest is None else format_compact(row.latest, row.decimals),
        "moved": region_table.lagging_note(row, last) or row.moved,
        "late": bool(region_table.lagging_note(row, last)),
        "direction": change.direction if change else "",
        "arrow": DIRECTIONS[change.direction] if change else "",
        "expected": change.expected if change else "",
        "range": f"({change.expected_band})" if change else _waiting(row),
        "change": change.text if change else "",
        "band": f"{change.text} ({change.band})" if change else "",
        "few": bool(change and change.few),
        "level": change.level if change else None,
        "record": f"{against_no_change(record.relative_wis)}"
        if record and record.relative_wis == record.relative_wis
        else "",
        "held": f"{record.held_80:,} of {record.periods:,} in the 80 % range" if record else "",
        "spark": vars(spark) if spark else None,
    }


def _waiting(row: RegionRow) -> str:
    return {"failed": "no forecast", "cancelled": "cancelled"}.get(row.state, "…")


def _with_model(names: list[str]) -> list[str]:
    """Explore's models, this page's among them."""
    mine = st.session_state["model"]
    return [name for name in models() if name in {*names, mine}]


def _open(key: str) -> None:
    """The reader has chosen a region: Explore shall show it. Runs before the page does, when its controls may be set."""
    st.session_state["region"] = st.session_state[key]["open"]
    st.session_state["models"] = _with_model(st.session_state.get("models", []))
    st.session_state["band"] = st.session_state["model"]
    st.session_state[_LEAVES] = True


def _choose(key: str) -> None:
    """The reader has tapped a tile: its region is the one that every page shows from now on."""
    st.session_state["region"] = st.session_state[key]["choose"]


def _sort(key: str) -> None:
    """The reader has clicked on a heading; another click on the same turns the order round."""
    wanted = str(st.session_state[key]["sort"])
    if wanted in SORTS:
        st.session_state["sort"] = wanted
