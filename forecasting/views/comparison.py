"""Tables and sentences on Compare: models on one region, or one model on several, scored against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from forecasting.data.columns import HORIZON, MODEL, ORIGIN, REGION
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.training_options import TrainingOptions
from forecasting.evaluation.forecast_tables import BANDS
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, State
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.views.headline import ERROR, MEDIAN_ERROR, error_words

#: The name of the model that others are compared with: no change, the last season repeated.
NAIVE = "naive"
#: Column of a score table, the most telling first -> its ideal value.
IDEAL_SCORES = {
    ERROR: 0,
    "80 % held": 80,
    "Bias": 0,
    MEDIAN_ERROR: 0,
    "Mean error": 0,
    "50 % held": 50,
    "95 % held": 95,
}
#: The column that is in counts, so that it says nothing across regions of different size.
COUNT_COLUMN = "Mean error"
#: How many regions are compared unless a reader chooses others.
DEFAULT_REGIONS = 3
#: The quantile levels beyond which an outcome is in the outer fifth of a forecast.
OUTER_FIFTH = (0.1, 0.9)
#: The distance from a half of outcomes above the median from which on forecasts lean.
MAX_LEANING = 0.15
#: The share of outcomes in the outer fifth above which forecasts are too narrow.
TOO_NARROW_SHARE = 0.32
#: The share of outcomes in the outer fifth below which forecasts are too wide.
TOO_WIDE_SHARE = 0.10
#: How many outcomes a histogram of ten bars needs; fewer get five bars.
OUTCOMES_FOR_TEN_BINS = 100


def default_regions(panel: Panel, statistic: str, region: str) -> list[str]:
    """`region` and the largest others by all that was ever counted; not what it is part of, and its parts where there is no other."""
    table = panel.as_of(None).table if panel.has_vintages() else panel.table
    asked = panel.statistic(statistic)
    rows = table[table["statistic"] == asked.column].groupby(REGION, observed=True, sort=False)["value"]
    size = (rows.max() if asked.reported_cumulative else rows.sum()).sort_values(ascending=False, kind="stable")
    related = {region, panel.parents.get(region)}
    others = [other for other in size.index if other not in related]
    beside = [other for other in others if panel.parents.get(other) != region] or others
    return [region, *beside[: DEFAULT_REGIONS - 1]]


def cancelled_requests(past: TrackRecord, training: TrainingOptions) -> list[Request]:
    """The requests of a look back that somebody has cancelled, to be made again."""
    cancelled = {job.key for job in past.jobs if job.state is State.cancelled}
    names = dict.fromkeys(job.model for job in past.jobs)
    requests = (cut.with_training(training).request(name, past.ahead) for cut in past.cutoffs for name in names)
    return [request for request in requests if request.key in cancelled]


def cancellable_keys(jobs: Sequence[Job]) -> list[str]:
    """The keys of jobs that wait or run, waiting ones first: a worker that was ended would take those up meanwhile."""
    left = [job for job in jobs if not job.finished]
    return [job.key for job in sorted(left, key=lambda job: job.state is State.running)]


def score_table(scores: Mapping[str, ModelScore], what: str) -> pd.DataFrame:
    """A table of scores with a row for each label; `what` is the name of the labels' column, all others are numbers."""
    table = pd.DataFrame({what: list(scores)})
    rows = scores.values()
    table[ERROR] = [s.relative_wis for s in rows]
    table["80 % held"] = [100 * s.held_80 / s.periods for s in rows]
    if any(s.bias == s.bias for s in rows):  # a share of what came, which of figures around zero means nothing
        table["Bias"] = [100 * s.bias for s in rows]
    table[MEDIAN_ERROR] = [s.relative_error for s in rows]
    table["Mean error"] = [s.error for s in rows]
    table["50 % held"] = [100 * s.held_50 / s.periods for s in rows]
    table["95 % held"] = [100 * s.held_95 / s.periods for s in rows]
    return table


def best_cells(table: pd.DataFrame, but: Sequence[str] = ()) -> pd.DataFrame:
    """Mark the best cell of each column of a score table, in a table of its shape; none in a table of one row."""
    marks = pd.DataFrame(False, index=table.index, columns=table.columns)
    for column, aim in IDEAL_SCORES.items():
        if column in table and column not in but and len(table) > 1:
            distance = (table[column] - aim).abs()
            marks[column] = distance == distance.min()
    return marks


def closer_dates(cells: pd.DataFrame, name: str, other: str) -> tuple[int, int]:
    """From how many dates a model's WIS was lower than another's, and from how many both have a forecast."""
    errors = cells.groupby([ORIGIN, MODEL], observed=True)["wis"].mean().unstack(MODEL)[[name, other]].dropna()
    return int((errors[name] < errors[other]).sum()), len(errors)


def across_regions_sentence(name: str, scores: Mapping[str, ModelScore]) -> str:
    """Sentences on where a model is good and where it is not; `scores` are by region."""
    ratios = {region: s.relative_wis for region, s in scores.items() if np.isfinite(s.relative_wis)}
    return " ".join([*_against_repeating(model(name).label, ratios), _bands(scores)])


def _against_repeating(label: str, ratios: Mapping[str, float]) -> list[str]:
    if not ratios:
        return []
    first, last = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    if len(ratios) == 1:
        verb = "beat" if ratios[first] < 1 else "did not beat"
        return [f"**{label}** {verb} no change in {first}: its error was {error_words(ratios[first])} no change's."]
    better, count = sum(ratio < 1 for ratio in ratios.values()), len(ratios)
    how_many = {0: f"none of {count}", count: f"all {count}"}.get(better, f"{better} of {count}")
    typical = float(np.exp(np.log([max(ratio, 1e-9) for ratio in ratios.values()]).mean()))
    ends = f"Best in **{first}** ({error_words(ratios[first])}), worst in **{last}** ({error_words(ratios[last])}"
    advice = ", where no change would have been better)." if ratios[last] > 1 else ")."
    return [
        f"**{label}** beat no change in {how_many} regions; its error was {error_words(typical)} no change's on (geometric) average.",
        ends + advice,
    ]


def _bands(scores: Mapping[str, ModelScore]) -> str:
    held, of = sum(s.held_80 for s in scores.values()), sum(s.periods for s in scores.values())
    shares = {region: s.held_80 / s.periods for region, s in scores.items()}
    least = min(shares, key=shares.__getitem__)
    sentence = f"{held:,} of {of:,} outcomes fell in its 80 % range"
    return f"{sentence}, least in {least} ({100 * shares[least]:.0f} %)." if len(scores) > 1 else f"{sentence}."


def horizon_group_size(frequency: Frequency) -> int:
    """How many steps ahead are grouped: a week of days, a day of hours, else single periods."""
    return frequency.cycle


def coverage_by_horizon(cells: pd.DataFrame, by: str, size: int) -> pd.DataFrame:
    """Coverage of the bands in percent by group of horizons: ``by, first, last, count, coverage_50, _80, _95``."""
    table = cells.assign(first=(cells[HORIZON] - 1) // size * size + 1)
    parts = table.groupby([by, "first"], sort=False, observed=True)
    held = 100 * parts[[f"coverage_{percent}" for percent in BANDS]].mean()
    held.insert(0, "last", parts[HORIZON].max())
    held.insert(1, "count", parts.size())
    return held.reset_index().sort_values("first", kind="stable", ignore_index=True)


def relative_error_by_horizon(cells: pd.DataFrame, name: str, size: int) -> pd.DataFrame:
    """A model's mean error over seasonal naive's, by region and group of horizons: ``region, first, last, ratio``."""
    table = cells.assign(first=(cells[HORIZON] - 1) // size * size + 1)
    wide = table.pivot_table(
        index=[REGION, ORIGIN, "first", HORIZON], columns=MODEL, values="ae", observed=True, sort=False
    )
    if name not in wide or NAIVE not in wide:
        return pd.DataFrame(columns=[REGION, "first", "last", "ratio"])
    both = wide[[name, NAIVE]].dropna().reset_index(HORIZON)
    parts = both.groupby([REGION, "first"], sort=False, observed=True)
    repeated = parts[NAIVE].sum()
    ratio = (parts[name].sum() / repeated.where(repeated > 0)).rename("ratio")
    found = pd.concat([parts[HORIZON].max().rename("last"), ratio], axis=1).reset_index()
    return found.sort_values("first", kind="stable", ignore_index=True)


def near_and_far_sentence(cells: pd.DataFrame, frequency: Frequency) -> str:
    """A sentence on which model was closest at the start of the horizon, and which at its end."""
    size, ends = horizon_group_size(frequency), int(cells[HORIZON].max())
    if cells[MODEL].nunique() < 2 or ends <= size:
        return ""
    near, far = (_closest(cells[part]) for part in (cells[HORIZON] <= size, cells[HORIZON] > ends - size))
    reach = frequency.steps(size) if size > 1 else frequency.step
    if near == far:
        return f"**{near}** was closest over the first {reach} and over the last."
    return f"Closest over the first {reach}: **{near}**; over the last: **{far}**."


def _closest(cells: pd.DataFrame) -> str:
    return model(str(cells.groupby(MODEL, observed=True)["ae"].mean().idxmin())).label


def histogram_bins(outcomes: int) -> int:
    """How many bars a histogram of so many outcomes has."""
    return 10 if outcomes >= OUTCOMES_FOR_TEN_BINS else 5


def calibration_sentence(pit: np.ndarray, series: int) -> str:
    """A sentence on calibration: whether forecasts were too low, too high, too narrow, too wide or about right.

    Args:
        pit: of every outcome, 0 to 1.
        series: how many forecasts they come from. The periods of one forecast go wrong together, so these are what
            counts as evidence: less than two standard errors of a share is only "perhaps".
    """
    above, tails = (
        float((pit > 0.5).mean()),
        [float((pit < OUTER_FIFTH[0]).mean()), float((pit > OUTER_FIFTH[1]).mean())],
    )
    outer, error = sum(tails), 2 / np.sqrt(max(series, 1))
    sure_leaning, sure_outer = abs(above - 0.5) > 0.5 * error, abs(outer - 0.2) > 0.4 * error
    if outer > TOO_NARROW_SHARE and min(tails) > OUTER_FIFTH[0]:
        share = f"{100 * outer:.0f} % of outcomes fell into the outer fifth of its forecasts."
        return f"{_perhaps('too narrow', sure_outer)}: {share}"
    if above > 0.5 + MAX_LEANING:
        return f"{_perhaps('too low', sure_leaning)}: {100 * above:.0f} % of outcomes came above its median."
    if above < 0.5 - MAX_LEANING:
        return f"{_perhaps('too high', sure_leaning)}: {100 * (1 - above):.0f} % of outcomes came below its median."
    if outer > TOO_NARROW_SHARE:
        share = f"{100 * outer:.0f} % of outcomes fell into the outer fifth of its forecasts."
        return f"{_perhaps('too narrow', sure_outer)}: {share}"
    if outer < TOO_WIDE_SHARE:
        share = f"only {100 * outer:.0f} % of outcomes fell into the outer fifth of its forecasts."
        return f"{_perhaps('too wide', sure_outer)}: {share}"
    return (
        f"**About right**: {100 * above:.0f} % of outcomes came above its median, {100 * outer:.0f} % fell into the "
        "outer fifth of its forecasts."
    )


def _perhaps(verdict: str, sure: bool) -> str:
    return f"**{verdict.capitalize()}**" if sure else f"**Perhaps {verdict}**"


def relative_skill_sentence(pairs: pd.DataFrame) -> str:
    """A sentence on what relative skill, the last column of `evaluation.pairwise`, means for the best model."""
    name, skill = str(pairs.index[0]), float(pairs["relative_skill"].iloc[0])
    meaning = (
        "Each number is the mean WIS of the row's model over the column's on the forecasts that both made: below 1, the "
        "row was better. **Relative skill** is the (geometric) mean of a row, scaled so that no change "
        "is 1."
    )
    if name == NAIVE or not np.isfinite(skill):
        return meaning
    return (
        f"{meaning} {model(name).label}'s {skill:.2f} says: scores {100 * (1 - skill):.0f} % better than no change's."
    )


def pairwise_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """The table of `evaluation.pairwise` with labels for people, and relative skill first."""
    skill = pairs["relative_skill"].rename("Relative skill")
    ratios = pairs.drop(columns="relative_skill").rename(columns=lambda name: f"over {model(str(name)).label}")
    table = pd.concat([skill, ratios], axis=1)
    table.insert(0, "Model", [model(str(name)).label for name in pairs.index])
    return table.reset_index(drop=True)
