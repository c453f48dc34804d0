"""Model options of `forecast` and `backtest`, and warnings on stderr about models that do not use all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from forecasting.cli.options import Workers, split_names
from forecasting.cli.output import first_few, print_notes
from forecasting.data import holidays
from forecasting.data.panel import Panel
from forecasting.jobs.request import Request, check_horizon
from forecasting.models import Model, model, models


@dataclass(frozen=True)
class FitPlan:
    """The models to fit and what they learn from: `ModelOptions` checked against a panel.

    Attributes:
        names: of the models.
        horizon: steps ahead.
        covariates: names of further columns.
        holidays: code of a country; empty for none.
        workers: processes that fit; None for as many as settings say.
    """

    names: tuple[str, ...]
    horizon: int
    covariates: tuple[str, ...] = ()
    holidays: str = ""
    workers: int | None = None


@dataclass(frozen=True)
class ModelOptions:
    """Options for the models that a command fits, and what they learn from."""

    horizon: Annotated[int, typer.Option("--horizon", help="Steps ahead, counted from 1.")]
    models: Annotated[str, typer.Option("--models", help="Names that `models` lists, joined by commas.")]
    covariates: Annotated[
        str | None,
        typer.Option("--covariates", help="Further columns to learn from, joined by commas; known only for the past."),
    ] = None
    holidays: Annotated[
        str | None,
        typer.Option("--holidays", help="A country's public holidays, as DE, or US-CA for a part; for counts of days."),
    ] = None
    workers: Workers = None

    def names(self) -> list[str]:
        """Return the names of the models. Raises `RequestError` for an unknown one."""
        names = split_names(self.models, "models")
        for name in names:
            model(name)
        return names

    def plan(self, panel: Panel) -> FitPlan:
        """Check the options against a panel; models that do not use covariates or holidays are listed on stderr.

        Raises `RequestError` for an unknown model, column or country, or a horizon that is not possible.
        """
        names, covariates, country = self.names(), list[str](), ""
        check_horizon(self.horizon)
        if self.covariates is not None:
            covariates = [panel.covariate(name) for name in split_names(self.covariates, "covariates")]
            _warn_of_models_without("covariates", names, lambda one: one.uses_covariates)
        if self.holidays is not None:
            country = holidays.check_country(self.holidays)
            _warn_of_models_without("holidays", names, lambda one: one.uses_holidays)
        return FitPlan(tuple(names), self.horizon, tuple(covariates), country, self.workers)


def _warn_of_models_without(what: str, chosen: Sequence[str], uses: Callable[[Model], bool]) -> None:
    without = [name for name in chosen if not uses(model(name))]
    if without:
        using = sorted((one for one in models().values() if uses(one)), key=lambda one: bool(one.members))
        verb = "does" if len(without) == 1 else "do"
        print_notes([f"{_joined(without)} {verb} not use {what}; {_joined([one.name for one in using])} do."])


def warn_of_lonely_regions(requests: Sequence[tuple[Request, str]], covariates: Sequence[str]) -> None:
    """Warn of regions that have no others to learn covariates from; each request comes with the name of its region."""
    using = [(request, region) for request, region in requests if covariates and model(request.model).uses_covariates]
    alone = list(dict.fromkeys(region for request, region in using if request.series.around is None))
    if alone:
        verb = "has" if len(alone) == 1 else "have"
        print_notes([f"{first_few(alone)} {verb} no other regions to learn from, so covariates are not used there."])


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
