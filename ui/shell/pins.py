"""Pins: views that a visitor wants on the Desk, kept in the browser's own storage (`localStorage`); the server keeps none of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from forecasting.jobs.request import MAX_HORIZON
from forecasting.models import models
from forecasting.services.service import Service
from ui.shell import polling
from ui.shell.choices import Choices

#: Pins of one browser that are shown, and letters of a name, at most.
MOST, LETTERS = 24, 200
#: Names in the session's state: the pins, what was changed of them, and the name of this visit.
_PINS, _CHANGES, _VISIT = "pinned views", "changed pins", "visit of pins"

_component = st.components.v2.component("pins", js=(Path(__file__).parent / "pins.js").read_text())


@dataclass(frozen=True)
class Pin:
    """A view: whose figures, by which model, and how far ahead."""

    source: str
    statistic: str
    region: str
    model: str
    horizon: int

    @property
    def link(self) -> dict[str, str]:
        """What the address of Explore says of it."""
        link = {"source": self.source, "statistic": self.statistic, "region": self.region}
        return link | {"models": self.model, "band": self.model, "horizon": str(self.horizon)}

    @classmethod
    def of(cls, kept: Any) -> Pin | None:
        """What a browser has kept, which may be anything; None where it is no pin."""
        if not isinstance(kept, Mapping) or not all(isinstance(kept.get(name), str) for name in _TEXTS):
            return None
        source, statistic, region, model = (str(kept[name]) for name in _TEXTS)
        horizon = kept.get("horizon")
        short = max(map(len, (source, statistic, region))) <= LETTERS
        if not short or not isinstance(horizon, int) or not 1 <= horizon <= MAX_HORIZON or model not in models():
            return None
        return cls(source, statistic, region, model, horizon)


_TEXTS = ("source", "statistic", "region", "model")


def pinned() -> list[Pin] | None:
    """The visitor's pins, the oldest first; None while the browser has not said which."""
    found: list[Pin] | None = st.session_state.get(_PINS)
    return found


def keep_pins(waits: bool = False) -> None:
    """Bring the browser's storage in step with what was changed, and ask for the pins that it has; one that `waits` is answered anyhow."""
    known = _PINS in st.session_state
    visit = st.session_state.setdefault(_VISIT, secrets.token_hex(8))
    data = {"known": known, "waits": waits, "visit": visit, "changes": st.session_state.get(_CHANGES, [])}
    told = _component(data=data, key="pins", on_given_change=_nothing)
    if not known and isinstance(told.given, list):
        found = [pin for one in told.given[-MOST:] if (pin := Pin.of(one))]
        st.session_state[_PINS] = list(dict.fromkeys(found))
        polling.rerun_page()


def draw_pin(service: Service, choices: Choices) -> None:
    """Draw the button that pins a view to the Desk, or takes it from there; tables of one's own cannot be pinned."""
    if not service.offers(choices.panel):
        return
    model = choices.models[0] if choices.models else "naive"
    pin = Pin(choices.panel.source, choices.statistic.name, choices.region, model, choices.horizon)
    on = pin in (pinned() or ())
    st.button(
        "Unpin" if on else "Pin",
        key="pin view",
        help="Take it from the Desk." if on else "Have it on the Desk, which says every day what is new.",
        icon=":material/keep_off:" if on else ":material/keep:",
        type="tertiary",
        on_click=change,
        args=(pin, not on),
    )


def change(pin: Pin, on: bool) -> None:
    """Pin a view, or take it away; the browser is told as the page is drawn."""
    st.session_state.setdefault(_CHANGES, []).append({"pin": asdict(pin), "on": on})
    if _PINS in st.session_state:
        others = [one for one in st.session_state[_PINS] if one != pin]
        st.session_state[_PINS] = [*others, *([pin] if on else [])]


def _nothing() -> None:
    """A trigger must have a callback to be reported."""
