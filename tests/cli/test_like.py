"""The command `like`."""

import json

import pytest

from forecasting.cli.main import main

ITALY = ["like", "--source", "bundled", "--region", "Italy"]


def test_the_nearest_episodes_are_told_and_as_json(capsys):
    assert main([*ITALY, "--count", "2", "--as-of", "2021-03-01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Italy: most like ")
    assert len(lines) == 3
    assert main([*ITALY, "--count", "2", "--as-of", "2021-03-01", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["sentences"] == [lines[0].removeprefix("Italy: "), *(line.strip() for line in lines[1:])]
    assert found["origin"] <= "2021-03-01"
    for one in found["episodes"]:
        assert (len(one["course"]), len(one["continuation"])) == (len(found["dates"]), len(found["ahead"]))
        assert one["last"] <= found["origin"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--as-of", "soon"], 2, "--as-of is 'soon'; give a date as YYYY-MM-DD."),
        (["--as-of", "2020-03-20"], 1, "A course of 62 days is compared with earlier ones; there are only "),
        (["--horizon", "0"], 2, "horizon"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(arguments, code, sentence, capsys):
    assert main([*ITALY, *arguments]) == code
    assert sentence in capsys.readouterr().err
