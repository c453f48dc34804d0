"""The command `why`."""

import json

import pytest

from forecasting.cli.main import main

ITALY = ["why", "--source", "bundled", "--region", "Italy", "--model", "naive"]


def test_a_change_is_told_by_its_causes_and_as_json_that_adds_up(capsys):
    assert main([*ITALY, "--region", "Spain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "Italy: 49,199 expected in the 7 days to 23 May 2021; with figures to 9 May 2021 it was 69,524: −20,325 (−29 %)."
    )
    assert lines[1] == "  −20,325 from the 7 new figures: 47,912, where 67,550 was expected."
    assert "is not known: this source tells only what it says now" in lines[2]
    assert lines[3].startswith("Spain: ")
    assert main([*ITALY, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["before"] + found["new"] + found["model_change"] == pytest.approx(found["now"])
    assert (found["since"], found["first"], found["last"]) == ("2021-05-09", "2021-05-17", "2021-05-23")
    assert found["revised"] is None
    assert found["sentences"] == [lines[0].removeprefix("Italy: "), *(line.strip() for line in lines[1:3])]


def test_an_earlier_date_may_be_named(capsys):
    assert main([*ITALY, "--since", "2021-04-01"]) == 0
    assert "with figures to 1 Apr 2021 it was" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--since", "soon"], 2, "--since is 'soon'; give a date as YYYY-MM-DD."),
        (["--since", "1999-01-01"], 1, "has no figures up to 1999-01-01"),
        (["--since", "2030-01-01"], 1, "no figures of Italy after 2021-05-16, so nothing moved"),
        (["--model", "nothing"], 2, "nothing"),
        (["--horizon", "0"], 2, "horizon"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(arguments, code, sentence, capsys):
    assert main([*ITALY, *arguments]) == code
    assert sentence in capsys.readouterr().err.splitlines()[-1]
