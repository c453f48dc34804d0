"""The command `like`: the past episodes that are most like the last weeks, and what followed, in sentences or as JSON."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.forecast_batch import prepare_batch, print_data_notes, unprepared
from forecasting.cli.input_options import InputOptions
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import AsJson, parse_date
from forecasting.evaluation.similar_episodes import COUNT_OF_EPISODES, MOST_EPISODES, episodes_like
from forecasting.jobs.request import check_horizon
from forecasting.views.episode_lines import episode_answer, episode_lines


@with_option_groups
def like(
    data: InputOptions,
    horizon: Annotated[
        int | None, typer.Option("--horizon", help="Periods of what followed; as many as pages show by default.")
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, max=MOST_EPISODES, help="Episodes that are told of, the nearest ones.")
    ] = COUNT_OF_EPISODES,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="YYYY-MM-DD: only what was known then is looked at.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say when it was like now: the nearest past episodes of any region to the last weeks' course, and what followed.

    Courses are scaled, so only their shape counts. It is a picture, not a forecast.
    """
    if horizon is not None:
        check_horizon(horizon)
    panel = data.read_panel()
    panel = panel.as_of(parse_date(as_of, "--as-of")) if as_of else panel
    batch = list(prepare_batch(panel, data.chosen_statistics(panel), data.regions))
    print_data_notes(panel, batch)
    failures = unprepared(batch)
    several = len({one.statistic.name for one in batch}) > 1
    answers = []
    for one in batch:
        if one.series is None:
            continue
        ahead = horizon or one.series.frequency.default_horizon
        found = episodes_like(panel, one.series, one.statistic.name, ahead, count)
        if not found.episodes:
            failures.append(f"{one.name}: {found.why_not}")
            continue
        answers.append(episode_answer(found, one.series, one.statistic.name))
        if not as_json:
            first, *rest = episode_lines(found, one.series)
            typer.echo("\n  ".join([f"{one.name if several else one.region}: {first}", *rest]))
    if as_json:
        typer.echo(json.dumps(answers, indent=2, ensure_ascii=False))
    exit_with_failures(failures)
