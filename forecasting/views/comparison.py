"""Compare's tables and sentences: models on one region, or one model on several, held against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from forecasting.data.columns import HORIZON, MODEL, ORIGIN, REGION
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.training_options import Learning
from forecasting.evaluation.forecast_tables import BANDS
from forecasting.evaluation.look_back import LookBack
from forecasting.evaluation.scores import Score
from forecasting.jobs import Job, State
from forecasting.jobs.request import Request
from forecasting.models import model

#: The yardstick.
NAIVE = "naive"
#: The columns of a score table, the most telling first, and what each would ideally be.
AIMS = {"Error": 0, "80 % held": 80, "Bias": 0, "WIS": 0, "Mean error": 0, "50 % held": 50, "95 % held": 95}
#: In counts: it says nothing across regions of different size.
IN_COUNTS = "Mean error"
#: Regions that are compared unless a reader chooses others.
USUAL_REGIONS = 6
#: An outcome is in the outer fifth of a forecast when it is beyond one of these.
OUTER = (0.1, 0.9)
#: What is too far from a half of the outcomes above the median, and from a fifth of them in the outer fifth.
LEANING = 0.15
NARROW = 0.32
WIDE = 0.10
#: Outcomes that a histogram of ten bars needs; fewer get five bars.
MANY = 100


def usual_regions(panel: Panel, statistic: str, region: str) -> list[str]:
    """`region` and the largest others, judged by all that was ever counted; not what it is part of, nor its parts."""
    table = panel.as_of(None).table if panel.has_vintages() else panel.table
    asked = panel.statistic(statistic)
    rows = table[table["statistic"] == asked.column].groupby(REGION, observed=True, sort=False)["value"]
    size = (rows.max() if asked.reported_cumulative else rows.sum()).sort_values(ascending=False, kind="stable")
    related = {region, panel.parents.get(region)}
    others = [other for other in size.index if other not in related and panel.parents.get(other) != region]
    return [region, *others[: USUAL_REGIONS - 1]]


def stopped(past: LookBack, learning: Learning) -> list[Request]:
    """What to ask for again of a look back that somebody has cancelled."""
    cancelled = {job.key for job in past.jobs if job.state is State.cancelled}
    names = dict.fromkeys(job.model for job in past.jobs)
    requests = (cut.learning(learning).request(name, past.horizon) for cut in past.cuts for name in names)
    return [request for request in requests if request.key in cancelled]


def to_cancel(jobs: Sequence[Job]) -> list[str]:
    """The keys of what waits or runs. What waits goes first: a worker that was ended would take it up meanwhile."""
    left = [job for job in jobs if not job.finished]
    return [job.key for job in sorted(left, key=lambda job: job.state is State.running)]


def score_table(scores: Mapping[str, Score], what: str) -> pd.DataFrame:
    """A row for each of `scores`, which are by label; `what` is the name of the labels' column. All else are numbers."""
    table = pd.DataFrame({what: list(scores)})
    rows = scores.values()
    table["Error"] = [s.relative_error for s in rows]
    table["80 % held"] = [100 * s.held_80 / s.periods for s in rows]
    table["Bias"] = [100 * s.bias for s in rows]
    table["WIS"] = [s.relative_wis for s in rows]
    table["Mean error"] = [s.error for s in rows]
    table["50 % held"] = [100 * s.held_50 / s.periods for s in rows]
    table["95 % held"] = [100 * s.held_95 / s.periods for s in rows]
    return table


def best(table: pd.DataFrame, but: Sequence[str] = ()) -> pd.DataFrame:
    """Where in a score table the best of a column is, of the table's shape; nowhere in a table of one row."""
    marks = pd.DataFrame(False, index=table.index, columns=table.columns)
    for column, aim in AIMS.items():
        if column in table and column not in but and len(table) > 1:
            distance = (table[column] - aim).abs()
            marks[column] = distance == distance.min()
    return marks


def closer(cells: pd.DataFrame, name: str, other: str) -> tuple[int, int]:
    """From how many dates a model was closer than another, and of how many that both forecast from."""
    errors = cells.groupby([ORIGIN, MODEL], observed=True)["ae"].mean().unstack(MODEL)[[name, other]].dropna()
    return int((errors[name] < errors[other]).sum()), len(errors)


def across_regions(name: str, scores: Mapping[str, Score]) -> str:
    """Where a model is good and where it is not, in a few sentences; `scores` are by region."""
    ratios = {region: s.relative_error for region, s in scores.items() if np.isfinite(s.relative_error)}
    return " ".join([*_against_repeating(model(name).label, ratios), _bands(scores)])


def _against_repeating(label: str, ratios: Mapping[str, float]) -> list[str]:
    if not ratios:
        return []
    first, last = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    if len(ratios) == 1:
        verb = "beat" if ratios[first] < 1 else "did not beat"
        return [f"**{label}** {verb} repeating the last season in {first}: {ratios[first]:.2f}× its error."]
    better, count = sum(ratio < 1 for ratio in ratios.values()), len(ratios)
    how_many = {0: f"none of {count}", count: f"all {count}"}.get(better, f"{better} of {count}")
    typical = float(np.exp(np.log([max(ratio, 1e-9) for ratio in ratios.values()]).mean()))
    ends = f"Closest in **{first}** ({ratios[first]:.2f}×), furthest off in **{last}** ({ratios[last]:.2f}×"
    advice = ", where repeating would have been closer)." if ratios[last] > 1 else ")."
    return [
        f"**{label}** beat repeating the last season in {how_many} regions, with {typical:.2f}× its error on (geometric) "
        "average.",
        ends + advice,
    ]


def _bands(scores: Mapping[str, Score]) -> str:
    held, of = sum(s.held_80 for s in scores.values()), sum(s.periods for s in scores.values())
    shares = {region: s.held_80 / s.periods for region, s in scores.items()}
    least = min(shares, key=shares.__getitem__)
    sentence = f"Its 80 % band held {100 * held / of:.0f} % of what came"
    return f"{sentence}, least in {least} ({100 * shares[least]:.0f} %)." if len(scores) > 1 else f"{sentence}."


def stretch(frequency: Frequency) -> int:
    """Steps ahead that are looked at together: a week of days, a day of hours, else single periods."""
    return frequency.season if frequency.name in ("daily", "hourly") else 1


def held_by_stretch(cells: pd.DataFrame, by: str, size: int) -> pd.DataFrame:
    """How much the bands held, in percent, by how far ahead: ``by, first, last, count, coverage_50, _80, _95``."""
    table = cells.assign(first=(cells[HORIZON] - 1) // size * size + 1)
    parts = table.groupby([by, "first"], sort=False, observed=True)
    held = 100 * parts[[f"coverage_{percent}" for percent in BANDS]].mean()
    held.insert(0, "last", parts[HORIZON].max())
    held.insert(1, "count", parts.size())
    return held.reset_index().sort_values("first", kind="stable", ignore_index=True)


def error_by_stretch(cells: pd.DataFrame, name: str, size: int) -> pd.DataFrame:
    """A model's mean error over repeating's in each region, by how far ahead: ``region, first, last, ratio``."""
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


def near_and_far(cells: pd.DataFrame, frequency: Frequency) -> str:
    """Which model was closest at the start of the horizon, and which at its end."""
    size, ends = stretch(frequency), int(cells[HORIZON].max())
    if cells[MODEL].nunique() < 2 or ends <= size:
        return ""
    near, far = (_closest(cells[part]) for part in (cells[HORIZON] <= size, cells[HORIZON] > ends - size))
    reach = frequency.steps(size) if size > 1 else frequency.step
    if near == far:
        return f"**{near}** was closest over the first {reach} and over the last."
    return f"Closest over the first {reach}: **{near}**; over the last: **{far}**."


def _closest(cells: pd.DataFrame) -> str:
    return model(str(cells.groupby(MODEL, observed=True)["ae"].mean().idxmin())).label


def bins(outcomes: int) -> int:
    """How many bars so many outcomes can fill."""
    return 10 if outcomes >= MANY else 5


def calibration(pit: np.ndarray, series: int) -> str:
    """Where outcomes fell in their forecasts, in words: too low, too high, too narrow, too wide or about right.

    Args:
        pit: of every outcome, 0 to 1.
        series: how many forecasts they come from. The periods of one forecast go wrong together, so these are what
            counts as evidence: less than two standard errors of a share is only "perhaps".
    """
    above, tails = float((pit > 0.5).mean()), [float((pit < OUTER[0]).mean()), float((pit > OUTER[1]).mean())]
    outer, error = sum(tails), 2 / np.sqrt(max(series, 1))
    sure_leaning, sure_outer = abs(above - 0.5) > 0.5 * error, abs(outer - 0.2) > 0.4 * error
    if outer > NARROW and min(tails) > OUTER[0]:
        said = f"{100 * outer:.0f} % of outcomes fell into the outer fifth of its forecasts."
        return f"{_perhaps('too narrow', sure_outer)}: {said}"
    if above > 0.5 + LEANING:
        return f"{_perhaps('too low', sure_leaning)}: {100 * above:.0f} % of outcomes came above its median."
    if above < 0.5 - LEANING:
        return f"{_perhaps('too high', sure_leaning)}: {100 * (1 - above):.0f} % of outcomes came below its median."
    if outer > NARROW:
        said = f"{100 * outer:.0f} % of outcomes fell into the outer fifth of its forecasts."
        return f"{_perhaps('too narrow', sure_outer)}: {said}"
    if outer < WIDE:
        said = f"only {100 * outer:.0f} % of outcomes fell into the outer fifth of its forecasts."
        return f"{_perhaps('too wide', sure_outer)}: {said}"
    return (
        f"**About right**: {100 * above:.0f} % of outcomes came above its median, {100 * outer:.0f} % fell into the "
        "outer fifth of its forecasts."
    )


def _perhaps(verdict: str, sure: bool) -> str:
    return f"**{verdict.capitalize()}**" if sure else f"**Perhaps {verdict}**"


def relative_skill(pairs: pd.DataFrame) -> str:
    """What the last column of `evaluation.pairwise` means, said of the best model."""
    name, skill = str(pairs.index[0]), float(pairs["relative_skill"].iloc[0])
    meaning = (
        "Each number is the mean WIS of the row's model over the column's on the forecasts that both made: below 1, the "
        "row was better. **Relative skill** is the (geometric) mean of a row, scaled so that repeating the last season "
        "is 1."
    )
    if name == NAIVE or not np.isfinite(skill):
        return meaning
    return (
        f"{meaning} {model(name).label}'s {skill:.2f} says: scores {100 * (1 - skill):.0f} % better than repeating's."
    )


def pairs_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """What `evaluation.pairwise` returns, with labels for people and relative skill first."""
    skill = pairs["relative_skill"].rename("Relative skill")
    ratios = pairs.drop(columns="relative_skill").rename(columns=lambda name: f"over {model(str(name)).label}")
    table = pd.concat([skill, ratios], axis=1)
    table.insert(0, "Model", [model(str(name)).label for name in pairs.index])
    return table.reset_index(drop=True)
