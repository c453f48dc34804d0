"""Data notes: sentences on what was done to the figures of a request, as the command line prints and the API sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from forecasting.data.forecast import Forecast
from forecasting.data.formatting import format_date
from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.preparation.note_summary import MOST_NAMES, summarise_notes


def lost_region_notes(panel: Panel, statistics: Iterable[str]) -> list[str]:
    """A sentence for each statistic of whose regions the newest vintage lacks some that earlier ones have."""
    found = []
    for statistic in statistics:
        if lost := panel.lost_regions(statistic):
            more = f" and {len(lost) - MOST_NAMES} more" if len(lost) > MOST_NAMES else ""
            named = ", ".join(lost[:MOST_NAMES]) + more
            at = panel.published_on(statistic)
            verb = "is" if len(lost) == 1 else "are"
            found.append(
                f"{named} {verb} not in the newest vintage, of {format_date(at)}, but in earlier ones; "
                f"there is nothing to forecast {statistic} from."
            )
    return found


def series_notes(series: Mapping[str, Series]) -> list[str]:
    """What was repaired in the series, by name: one sentence a kind."""
    return summarise_notes({name: one.notes for name, one in series.items()})


def forecast_notes(forecasts: Sequence[tuple[str, Forecast]]) -> list[str]:
    """What models note on the forecasts of named series: one sentence a kind, with the models where not all say it."""
    return model_notes((name, forecast.model, forecast.notes) for name, forecast in forecasts)


def model_notes(noted: Iterable[tuple[str, str, tuple[str, ...]]]) -> list[str]:
    """`forecast_notes` of named series, each with a model and what that notes on its forecast, if anything."""
    by_model: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, chosen, said_of_it in noted:
        notes = by_model.setdefault(chosen, {})
        notes[name] = (*notes.get(name, ()), *said_of_it)
    said: dict[str, list[str]] = {}
    for chosen, notes in by_model.items():
        for sentence in summarise_notes(notes):
            said.setdefault(sentence, []).append(model(chosen).label)
    return [
        sentence if len(labels) == len(by_model) else f"{', '.join(labels)}: {sentence}"
        for sentence, labels in said.items()
    ]


def unused_holiday_notes(series: Mapping[str, Series], code: str) -> list[str]:
    """A sentence where holidays were asked for and some series have no use for them, as those of weeks."""
    without = [name for name, one in series.items() if code and not one.holidays]
    if not without:
        return []
    if len(without) == len(series):
        steps = sorted({one.frequency.name for one in series.values()})
        return [f"Holidays are for figures of days, and these are {' and '.join(steps)}, so they change nothing."]
    named = ", ".join(without[:MOST_NAMES]) + (f" and {len(without) - MOST_NAMES} more" if without[MOST_NAMES:] else "")
    return [f"{len(without):,} of {len(series):,} regions are not of days, so holidays change nothing there ({named})."]
