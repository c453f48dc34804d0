"""Options that say what is asked of the future, which `events` and `alert add` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from forecasting.evaluation.events import USUAL_RISE, EventKind, EventQuestion


@dataclass(frozen=True)
class LevelOptions:
    """Options for events that happen or do not."""

    above: Annotated[
        float | None, typer.Option("--above", help="A figure above this level in any period.", metavar="LEVEL")
    ] = None
    below: Annotated[
        float | None, typer.Option("--below", help="A figure below this level in any period.", metavar="LEVEL")
    ] = None
    rise: Annotated[
        float | None, typer.Option("--rise", help="A rise by more than so many percent at the end.", metavar="PERCENT")
    ] = None
    peak: Annotated[bool, typer.Option("--peak", help="The peak is past: no later period is higher.")] = False
    within: Annotated[
        int | None, typer.Option("--within", help="Periods ahead, counted from 1; the whole forecast by default.")
    ] = None

    def questions(self) -> list[EventQuestion]:
        """The questions that are asked. Raises `RequestError` for what is none."""
        levels = {EventKind.above: self.above, EventKind.below: self.below, EventKind.rise: self.rise}
        asked = [EventQuestion(kind, level, self.within) for kind, level in levels.items() if level is not None]
        return [*asked, *([EventQuestion(EventKind.peak, None, self.within)] if self.peak else [])]


def usual_questions(within: int | None) -> list[EventQuestion]:
    """What is answered where nothing is asked: the peak, a rise, and the total."""
    return [
        EventQuestion(EventKind.peak, None, within),
        EventQuestion(EventKind.rise, USUAL_RISE, within),
        EventQuestion(EventKind.total),
    ]
