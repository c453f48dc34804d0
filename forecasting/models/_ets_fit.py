"""Fits of ETS forms to many series at once, each as it would be alone: first components, parameters, errors and AICc."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.models._ets_search import FIGURES_TOGETHER, Figures, Starts, passes, search
from forecasting.models._stored_parameters import checked_array, checked_integer, checked_number

#: Figures that a fit needs: the first level and trend are taken from them (statsmodels' heuristic, after Hyndman &
#: Athanasopoulos).
SHORTEST = 10


@dataclass(frozen=True)
class ETSForm:
    """The form of an ETS model: with a damped trend or none, with a season of so many periods or none (1)."""

    damped: bool
    season: int

    @property
    def label(self) -> str:
        """Hyndman's shorthand, e.g. ``ETS(A,Ad,A)``."""
        return f"ETS(A,{'Ad' if self.damped else 'N'},{'A' if self.season > 1 else 'N'})"


#: Called with a form that is done, how many are, and of how many.
FormReport = Callable[[ETSForm, int, int], None]


@dataclass(frozen=True)
class InitialStates:
    """The components before the first figure; `seasons`: those of the season before it, oldest first."""

    level: float
    trend: float
    seasons: np.ndarray


@dataclass(frozen=True)
class ETSFit:
    """A fitted ETS: smoothing parameters, and the components after the last figure (`seasons`: oldest first)."""

    form: ETSForm
    alpha: float
    beta: float
    gamma: float
    phi: float
    level: float
    trend: float
    seasons: np.ndarray
    errors: np.ndarray
    aicc: float
    start: InitialStates

    def mean(self, horizon: int) -> np.ndarray:
        """Shape (horizon,): point forecasts."""
        damping = np.cumsum(self.phi ** np.arange(1, horizon + 1))
        return self.level + self.trend * damping + np.resize(self.seasons, horizon)

    def psi(self, horizon: int) -> np.ndarray:
        """The response to a unit shock, shape (horizon,): Hyndman, Koehler, Ord & Snyder (2008), table 6.1."""
        lag = np.arange(1, horizon)
        season = self.gamma * (lag % self.form.season == 0)
        return np.concatenate([[1.0], self.alpha + self.beta * np.cumsum(self.phi**lag) + season])

    def filtered(self, values: np.ndarray) -> ETSFit:
        """Filter `values` of shape (n,) with the same parameters and start: new components and errors."""
        level, trend, seasons = self.start.level, self.start.trend, self.start.seasons.tolist()
        errors = []
        for t, value in enumerate(values.tolist()):
            place = t % self.form.season
            expected = level + self.phi * trend
            error = value - expected - seasons[place]
            errors.append(error)
            level, trend = expected + self.alpha * error, self.phi * trend + self.beta * error
            seasons[place] += self.gamma * error
        coming = np.roll(seasons, -(len(values) % self.form.season))
        return replace(self, level=level, trend=trend, seasons=coming, errors=np.array(errors))

    def to_json(self) -> dict[str, Any]:
        """The parameters and the start as JSON, the inverse of `from_json`."""
        smoothing = {name: getattr(self, name) for name in ("alpha", "beta", "gamma", "phi")}
        first = {"level": self.start.level, "trend": self.start.trend, "seasons": self.start.seasons.tolist()}
        return {"damped": self.form.damped, "season": self.form.season, "smoothing": smoothing, "first": first}

    @staticmethod
    def from_json(data: dict[str, Any], longest: int, values: np.ndarray) -> ETSFit:
        """Restore the fit that gave `data` and filter `values`; no season of more than `longest` periods.

        Raises one of `DAMAGED_DATA_ERRORS`.
        """
        form = ETSForm(bool(data["damped"]), checked_integer(data["season"], 1, longest))
        alpha, beta, gamma, phi = (
            checked_number(data["smoothing"][name], 0, 1) for name in ("alpha", "beta", "gamma", "phi")
        )
        first = data["first"]
        start = InitialStates(
            checked_number(first["level"]), checked_number(first["trend"]), checked_array(first["seasons"], form.season)
        )
        return ETSFit(form, alpha, beta, gamma, phi, 0.0, 0.0, np.zeros(0), np.zeros(0), np.nan, start).filtered(values)


def best_fit(
    values: np.ndarray, season: int, report: Callable[[ETSForm, int, int], None] | None = None
) -> ETSFit | None:
    """The fit of least AICc to figures of shape (n,), or None where no form can be fitted.

    By AICc, which needs one fit a form; errors at earlier dates would need one a form and date. `report` is told of each form, and
    how many of how many are done.
    """
    return best_fits([values], season, report)[0]


def best_fits(
    series: Sequence[np.ndarray], season: int, report: Callable[[ETSForm, int, int], None] | None = None
) -> list[ETSFit | None]:
    """`best_fit` of many series that may have the same season."""
    forms = [candidate_forms(len(values), season) for values in series]
    every = list(dict.fromkeys(form for some in forms for form in some))
    best: list[ETSFit | None] = [None] * len(series)
    for done, form in enumerate(every, 1):
        places = [place for place, some in enumerate(forms) if form in some]
        for place, found in zip(places, fit_forms([series[place] for place in places], form), strict=True):
            known = best[place]
            if found is not None and (known is None or found.aicc < known.aicc):
                best[place] = found
        if report:
            report(form, done, len(every))
    return best


def candidate_forms(count: int, season: int) -> list[ETSForm]:
    """The ETS forms that `count` figures are enough for."""
    smoothed = count - 2 * (season // 2)  # figures with a centred moving average, which the first states need
    seasons = (1, season) if season > 1 and smoothed >= SHORTEST else (1,)
    return [ETSForm(damped, periods) for periods in seasons for damped in (False, True)]


def fit_form(values: np.ndarray, form: ETSForm) -> ETSFit | None:
    """The maximum likelihood fit of `form` to figures of shape (n,), or None where it fails."""
    return fit_forms([values], form)[0]


def fit_forms(series: Sequence[np.ndarray], form: ETSForm) -> list[ETSFit | None]:
    """`fit_form` of many series at once, to the last digit."""
    found: dict[int, ETSFit | None] = {}
    order = sorted(range(len(series)), key=lambda place: -len(series[place]))
    while order:
        together = order[: max(FIGURES_TOGETHER // len(series[order[0]]), 1)]
        found |= zip(together, _fit_together([series[place] for place in together], form), strict=True)
        order = order[len(together) :]
    return [found[place] for place in range(len(series))]


def _fit_together(longest_first: Sequence[np.ndarray], form: ETSForm) -> list[ETSFit | None]:
    starts = first_components(longest_first, form)
    figures = Figures(longest_first, starts, form.damped)
    found = search(figures)
    by = figures.smoothing(found.searched)
    errors, levels, trends, seasons = (list[np.ndarray]() for _ in range(4))
    with np.errstate(all="ignore"):
        for rows, end in passes(figures, by):
            errors += list(rows[:, 0])
            levels.append(end.level)
            trends.append(end.trend)
            seasons.append(np.array(end.seasons))
    last = zip(np.concatenate(levels).tolist(), np.concatenate(trends).tolist(), strict=True)
    coming, first, squares = np.concatenate(seasons, axis=1).T, starts.seasons.T, found.squares.tolist()
    begun = list(zip(starts.levels.tolist(), starts.trends.tolist(), strict=True))
    smoothing = np.broadcast_arrays(by.alpha, by.beta, by.gamma, by.phi)
    parameters = list(zip(*(part.tolist() for part in smoothing), strict=True))
    fits = list[ETSFit | None]()
    for place, (values, (level, trend)) in enumerate(zip(longest_first, last, strict=True)):
        aicc = _aicc(squares[place], len(figures.names) + 1, len(values))
        turned = _turned(coming[place], len(values) % form.season)
        if not all(map(math.isfinite, (aicc, level, trend, *turned.tolist()))):
            fits.append(None)
            continue
        start = InitialStates(*begun[place], first[place].copy())
        alpha, beta, gamma, phi = parameters[place]
        fits.append(ETSFit(form, alpha, beta, gamma, phi, level, trend, turned, errors[place].copy(), aicc, start))
    return fits


def _turned(season: np.ndarray, by: int) -> np.ndarray:
    """`np.roll(season, -by)`, which takes many times as long for a few numbers."""
    return np.concatenate((season[by:], season[:by]))


def _aicc(squares: float, parameters: int, count: int) -> float:
    """The corrected Akaike criterion of Hurvich & Tsai (1989); the variance of the errors is one of the parameters."""
    if not squares > 0:
        return -math.inf if squares == 0 else math.nan
    log_likelihood = -count / 2 * (math.log(2 * math.pi * squares / count) + 1)
    return -2 * log_likelihood + 2 * parameters * count / (count - parameters - 1)


def first_components(longest_first: Sequence[np.ndarray], form: ETSForm) -> Starts:
    """The components before the first figure of each series: Hyndman, Koehler, Ord & Snyder (2008), section 2.6.1.

    The season is that of the first cycles, five at most, around their moving average; level and trend are those of a line through
    the first ten figures, or through that average where there is a season.
    """
    count = len(longest_first)
    seasons = np.zeros((form.season, count))
    smooth = np.zeros((count, SHORTEST))
    parts: dict[int, list[int]] = {}
    for place, values in enumerate(longest_first):
        parts.setdefault(min(_first_cycles(len(values), form.season) * form.season, len(values)), []).append(place)
    for length, places in parts.items():
        figures = np.array([longest_first[place][:length] for place in places])
        if form.season > 1:
            figures, seasons[:, places] = _without_season(figures, form.season)
        smooth[places] = figures[:, :SHORTEST]
    level, trend = _line(smooth)
    return Starts(level, trend if form.damped else np.zeros(count), seasons)


def _first_cycles(count: int, season: int) -> int:
    """The cycles that the season is taken from; without a season as many periods as a line needs."""
    if season == 1:
        return SHORTEST
    return max(min(5, count // season), -(-(SHORTEST + 2 * (season // 2)) // season))


def _without_season(figures: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Figures of shape (series, n) -> their centred moving average, shape (series, fewer), and their season, shape (season, series)."""
    total = np.cumsum(np.concatenate([np.zeros((len(figures), 1)), figures], axis=1), axis=1)
    average = (total[:, season:] - total[:, :-season]) / season
    if season % 2 == 0:
        average = (average[:, :-1] + average[:, 1:]) / 2
    first = season // 2
    apart = figures[:, first : first + average.shape[1]] - average
    effects = np.zeros((season, len(figures)))
    for phase in range(season):
        own = [apart[:, at] for at in range((phase - first) % season, apart.shape[1], season)]
        effects[phase] = sum(own[1:], own[0]) / len(own)
    middle = sum(effects[1:], effects[0]) / season
    return average, effects - middle


def _line(figures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least squares line through figures of shape (series, 10): its value before the first of them, and its slope."""
    time = np.arange(SHORTEST) - (SHORTEST - 1) / 2
    slope, mean = np.zeros(len(figures)), np.zeros(len(figures))
    for at, when in enumerate(time.tolist()):
        slope = slope + when / float(time @ time) * figures[:, at]
        mean = mean + figures[:, at] / SHORTEST
    return mean - slope * (SHORTEST + 1) / 2, slope
