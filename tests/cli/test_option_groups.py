"""Option groups: options that commands share reach each of them as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from forecasting.cli.option_groups import with_option_groups


@dataclass(frozen=True)
class Place:
    region: Annotated[str, typer.Option(help="Where.")]
    several: Annotated[list[str] | None, typer.Option("--also", help="Where else.")] = None


def command_line() -> tuple[typer.Typer, list[tuple[Place, int]]]:
    app, calls = typer.Typer(), list[tuple[Place, int]]()

    @app.command()
    @with_option_groups
    def forecast(place: Place, horizon: Annotated[int, typer.Option(help="How far.")] = 7) -> None:
        """Forecast a place."""
        calls.append((place, horizon))

    return app, calls


def test_fields_of_a_group_are_options_that_reach_the_command_as_one_object():
    app, calls = command_line()
    arguments = ["--region", "Italy", "--also", "Spain", "--also", "France", "--horizon", "3"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, ["--region", "Italy"]).exit_code == 0
    assert calls == [(Place("Italy", ["Spain", "France"]), 3), (Place("Italy"), 7)]


def test_a_field_without_a_default_is_a_required_option():
    app, calls = command_line()
    assert CliRunner().invoke(app, ["--horizon", "3"]).exit_code == 2
    assert calls == []


def test_help_lists_the_options_of_a_group_beside_the_command_s_own():
    app, _ = command_line()
    text = CliRunner().invoke(app, ["--help"]).output
    assert "Forecast a place." in text
    for option in ("--region", "--also", "--horizon", "Where.", "Where else.", "How far."):
        assert option in text
