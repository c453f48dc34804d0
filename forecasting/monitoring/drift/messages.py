"""Sentences for drifts: what is different since when, with the figure now and the one before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.formatting import format_date
from forecasting.data.frequency import Frequency
from forecasting.monitoring.drift.residuals import DailyCounts, jump, unexplained
from forecasting.monitoring.drift.statistics import RECENT_WEEKS, weekday_shares
from forecasting.preparation.messages import DAYS

#: Bound of the logarithm of a ratio of errors, either of which may be 0.
FARTHEST = 5.0


def level_message(
    of: str, seen: np.ndarray | DailyCounts, frequency: Frequency, dates: pd.DatetimeIndex, began: int
) -> str:
    """Sentence for a step in the level of the counts, with its size."""
    return (
        f"{of}: from {format_date(dates[began])} on the counts are {np.exp(jump(seen, began)):.2g} times what they were, from one "
        f"{frequency.step} to the next, as in no wave here before; is the same still counted?"
    )


def variance_message(
    of: str, seen: np.ndarray | DailyCounts, frequency: Frequency, dates: pd.DatetimeIndex, began: int
) -> str:
    """Sentence for counts that scatter more, with the ratio."""
    scatter = np.abs(unexplained(seen))
    after, before = np.nanmedian(scatter[began:]), np.nanmedian(scatter[:began])
    return (
        f"{of}: since {format_date(dates[began])} the counts scatter {after / max(before, 1e-9):.2g} times as much from {frequency.step} "
        f"to {frequency.step} as before."
    )


def weekday_message(of: str, known: DailyCounts, dates: pd.DatetimeIndex, at: int) -> str:
    """Sentence for a changed weekday pattern, with the weekday that has changed most by place `at`."""
    usual, recent, first = weekday_shares(known, at)
    most = int(np.argmax(np.abs(recent - usual)))
    name = DAYS[int(dates[first + most].day_of_week)]
    return (
        f"{of}: the weekday pattern of the {RECENT_WEEKS} weeks from {format_date(dates[first])} differs from before: {name} now hold "
        f"{100 * recent[most]:.0f} % of a week, {100 * usual[most]:.0f} % before."
    )


def missing_message(of: str, flags: np.ndarray, frequency: Frequency, dates: pd.DatetimeIndex, began: int) -> str:
    """Sentence for missing periods, with their number."""
    count, among = int(flags[began:].sum()), len(flags) - began
    before = 100 * flags[:began].mean() if began else 0.0
    weeks = 4 * frequency.cycle
    share = f"{before:.0f} % before" if began >= weeks else "too little is known of before"
    return f"{of}: {count} of the {frequency.steps(among)} from {format_date(dates[began])} to {format_date(dates[-1])} have no figure; {share}."


def error_message(of: str, model: str, baseline: str, ratios: np.ndarray, origins: pd.Index, began: int) -> str:
    """Sentence for larger errors of a model, with the ratio."""
    more = np.exp(np.nanmedian(ratios[began:]) - np.nanmedian(ratios[:began]))
    return (
        f"{of}: since {format_date(origins[began])} the forecasts of {model} are off {more:.2g} times as much as before, "
        f"against those of {baseline} for the same dates."
    )


def coverage_message(of: str, model: str, scores: pd.DataFrame, began: int) -> str:
    """Sentence for bands that hold too little, with the shares that they hold."""
    held = [
        100 * scores[f"coverage_{band}"].iloc[part].mean()
        for band in (50, 95)
        for part in (slice(began, None), slice(began))
    ]
    return (
        f"{of}: since {format_date(scores.index[began])} the bands of {model} hold too little of what comes: the 50 % band "
        f"{held[0]:.0f} % ({held[1]:.0f} % before), the 95 % band {held[2]:.0f} % ({held[3]:.0f} % before)."
    )


def error_ratios(own: pd.DataFrame, yardstick: pd.DataFrame) -> np.ndarray:
    """Logarithms of a model's errors over the yardstick's from the same origins; shape (n,), NaN where that has none."""
    other = yardstick["wis"].reindex(own.index).to_numpy(float)
    return np.clip(np.log(own["wis"].to_numpy(float) + 1e-9) - np.log(other + 1e-9), -FARTHEST, FARTHEST)
