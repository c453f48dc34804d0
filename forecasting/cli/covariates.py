"""What `--covariates` and `--holidays` do: what more the models learn from, and on stderr who does without which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import typer

from forecasting.cli.app import first_few, split_names
from forecasting.data import holidays
from forecasting.data.panel import Panel
from forecasting.jobs import Job
from forecasting.jobs.request import Request
from forecasting.models import Model, model, models


def known_covariates(panel: Panel, joined: str | None, chosen: Sequence[str]) -> list[str]:
    """The columns that were named, for the `chosen` models; those that cannot use them are said.

    Raises `RequestError` for a column that is not there.
    """
    names = [panel.covariate(name) for name in split_names(joined, "covariates")] if joined is not None else []
    if names:
        _warn_of_models_without("covariates", chosen, lambda one: one.uses_covariates)
    return names


def holiday_country(code: str | None, chosen: Sequence[str]) -> str:
    """Whose holidays are asked for, for the `chosen` models; those that do not use them are said. Empty for nobody's.

    Raises `RequestError` for an unknown country.
    """
    if code is None:
        return ""
    code = holidays.check(code)
    _warn_of_models_without("holidays", chosen, lambda one: one.uses_holidays)
    return code


def _warn_of_models_without(what: str, chosen: Sequence[str], uses: Callable[[Model], bool]) -> None:
    without = [name for name in chosen if not uses(model(name))]
    if without:
        using = sorted((one for one in models().values() if uses(one)), key=lambda one: bool(one.members))
        verb = "does" if len(without) == 1 else "do"
        typer.echo(f"{_joined(without)} {verb} not use {what}; {_joined([one.name for one in using])} do.", err=True)


def warn_of_unused_columns(
    requests: Sequence[tuple[Request, str]], covariates: Sequence[str], done: Mapping[str, Job]
) -> None:
    """Which regions have no others to learn covariates from, each called by its name; and what the forecasts say."""
    using = [(request, region) for request, region in requests if covariates and model(request.model).uses_covariates]
    alone = list(dict.fromkeys(region for request, region in using if request.series.around is None))
    if alone:
        verb = "has" if len(alone) == 1 else "have"
        typer.echo(
            f"{first_few(alone)} {verb} no other regions to learn from, so covariates are not used there.", err=True
        )
    forecasts = [done[request.key].forecast for request, _ in using if request.key in done]
    for note in dict.fromkeys(note for forecast in forecasts if forecast for note in forecast.notes):
        if any(f"'{name}'" in note for name in covariates):
            typer.echo(note, err=True)


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
