"""Why a forecast moved, in sentences that page and command line share. They are plain text."""

from __future__ import annotations

import numpy as np

from forecasting.data.formatting import format_change, format_date, format_difference, format_figure
from forecasting.data.series import Series
from forecasting.evaluation.forecast_change import ForecastChange
from forecasting.views.answer import dated_stretch, stretch_steps


def change_sentences(series: Series, change: ForecastChange) -> list[str]:
    """What is expected now and what was, and then each cause with its part; the parts add up to the digit."""
    parts, decimals = change.rounded_parts(series.decimals), series.decimals
    before, now = (format_figure(one, decimals) for one in (change.before, change.now))
    when = dated_stretch(series, stretch_steps(series), change.last)
    known = f"with figures to {format_date(change.since)}"
    if before == now:
        first = f"{now} expected {when}, as it was {known}."
    else:
        relative = f" ({format_change(change.now, change.before)})" if change.before > 0 else ""
        moved = _signed(round(change.now, decimals) - round(change.before, decimals), decimals)
        first = f"{now} expected {when}; {known} it was {before}: {moved}{relative}."
    causes = [_new(series, change, parts["new"]), _revised(series, change, parts["revised"])]
    if parts["model"]:
        causes.append(f"{_signed(parts['model'], decimals)} from other weights of its members.")
    return [first, *causes]


def last_time_sentence(series: Series, change: ForecastChange) -> str:
    """How far off the earlier forecast was of what has come since: ``"The forecast before was 4 % off."``"""
    off = abs(change.expected - change.came)
    known = series.kind.low >= 0 and change.came > 0
    told = f"{100 * off / change.came:.0f} %" if known else format_figure(off, series.decimals)
    return f"The forecast before was {told} off."


def _new(series: Series, change: ForecastChange, added: float) -> str:
    decimals = series.decimals
    part = _signed(added, decimals)
    came, expected = (format_figure(one, decimals) for one in (change.came, change.expected))
    what = "the new figure" if change.periods == 1 else f"the {change.periods} new figures"
    mean = "" if change.periods == 1 or series.kind.adds_up else " on average"
    if came == expected:
        return f"{part} from {what}: {came}{mean}, as expected."
    return f"{part} from {what}: {came}{mean}, where {expected} was expected."


def _revised(series: Series, change: ForecastChange, added: float) -> str:
    if not change.vintages:
        return "Whether earlier figures were revised is not known: this source tells only what it says now."
    if not change.revised:
        return "Nothing from revisions of earlier figures."
    return f"{_signed(added, series.decimals)} from revisions of earlier figures."


def _signed(value: float, decimals: int) -> str:
    """A difference with its sign; of nothing ``"±0"``."""
    return format_difference(value, 0.0, decimals) if np.round(value, decimals) else f"±{format_figure(0.0, decimals)}"
