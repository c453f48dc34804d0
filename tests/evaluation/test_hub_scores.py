"""The scorer on published forecasts, and the command that anybody runs it with."""

import json
import re

import pandas as pd
import pytest

from benchmarks import hub_scores
from forecasting.cli.main import main
from forecasting.data.forecast import QUANTILES
from forecasting.export import file_formats

ORIGIN = pd.Timestamp("2024-11-16")


@pytest.mark.shared
def test_the_table_of_the_hub_s_readme_is_reproduced_to_three_decimals(shared):
    rows = re.findall(
        r"^\| (\S+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|", (shared / "hub-dev/README.md").read_text(), re.M
    )
    published = {name: (int(cells), float(log1p), float(natural)) for name, cells, log1p, natural in rows}
    assert published == hub_scores.PUBLISHED
    found = hub_scores.scored(shared / "hub-dev")
    assert {name: tuple(round(float(figure), 3) for figure in row) for name, row in found.items()} == published


@pytest.fixture
def files(tmp_path):
    """Forecasts of two models for two regions and weeks, and what came: 10 in the first week, 20 in the second."""
    rows = [
        (region, model, ORIGIN, horizon, ORIGIN + pd.Timedelta(days=7 * horizon), level, value)
        for region in ("Alabama", "Ohio")
        for model, value in (("near", 11.0), ("far", 14.0))
        for horizon in (1, 2)
        for level in QUANTILES
    ]
    columns = ["region", "model", "origin", "horizon", "date", "quantile", "value"]
    forecasts, truth = tmp_path / "forecasts.csv", tmp_path / "truth.csv"
    forecasts.write_bytes(file_formats.to_csv(pd.DataFrame(rows, columns=columns)))
    truth.write_text("region,date,value\nAL,2024-11-23,10\nOH,2024-11-23,10\nAL,2024-11-30,\n")
    return forecasts, truth


def run(files, *options):
    return main(["score", "--forecasts", str(files[0]), "--truth", str(files[1]), *options])


def test_the_leaderboard_is_printed_with_the_best_first_and_what_was_left_out_on_stderr(files, capsys):
    assert run(files, "--baseline", "far") == 0
    printed = capsys.readouterr()
    header, first, second = printed.out.splitlines()
    assert header.split()[:3] == ["model", "cells", "wis"]
    assert first.split()[:3] == ["near", "2", "1.000"]
    assert first.split()[-3] == "0.250"
    assert second.split()[0] == "far"
    assert len(header) == len(first) == len(second)
    assert "4 forecasts have no figure in truth.csv" in printed.err


def test_the_leaderboard_as_json_and_the_scores_as_a_file(files, tmp_path, capsys):
    assert run(files, "--json", "--scores", str(tmp_path / "scores.csv")) == 0
    assert [(row["model"], row["wis"]) for row in json.loads(capsys.readouterr().out)] == [("near", 1), ("far", 4)]
    scores = pd.read_csv(tmp_path / "scores.csv")
    contract = "region,model,origin,horizon,wis,wis_log,ae,coverage_50,coverage_80,coverage_95"
    assert list(scores)[:10] == contract.split(",")
    assert len(scores) == 4


@pytest.mark.parametrize(
    ("truth", "options", "said"),
    [
        ("region,date,value\nFrance,2024-11-23,10\n", (), "none of its forecasts (Alabama, Ohio; 2024-11-23 to"),
        ("region,date,value\nAL,2023-11-25,10\n", (), "give the truth of the same regions and dates"),
        ("region,date,value\nAL,2024-11-23,ten\n", (), "truth.csv, line 2: 'ten'"),
        ("region,date,value\nAL,2024-11-23,10\n", ("--baseline", "nobody"), "no score of 'nobody'"),
    ],
)
def test_bad_input_exits_with_2_and_one_line(files, capsys, truth, options, said):
    files[1].write_text(truth)
    assert run(files, *options) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")


def test_of_several_statistics_the_one_that_is_named_is_scored(files, capsys):
    files[1].write_text(
        "region,date,value,statistic\n"
        + "".join(f"AL,2024-11-{day},{value},{name}\n" for name, value in (("a", 11), ("b", 14)) for day in (16, 23))
    )
    assert run(files, "--statistic", "b", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["model"] == "far"
    assert run(files, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[0]["model"] == "near"
    assert "The truth has a, b; a is taken" in printed.err
    assert run(files, "--statistic", "c") == 2
