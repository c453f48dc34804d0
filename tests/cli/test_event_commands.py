"""The commands `events` and `alert`."""

import json

import pandas as pd
import pytest

from forecasting.cli.main import main

ITALY = ["--source", "bundled", "--region", "Italy"]


def test_questions_are_answered_in_sentences_as_json_and_as_a_table(tmp_path, capsys):
    asked = ["events", *ITALY, "--model", "naive", "--above", "12000", "--reach", "20000", "--within", "14"]
    assert main(asked) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Italy: The chance of a day above 12,000 by 30 May 2021 is ")
    assert said[1].startswith("Italy: The chance that figures rise to 20,000 by 30 May 2021 is ")
    assert main([*asked, "--json"]) == 0
    above, reach = json.loads(capsys.readouterr().out)
    assert f"Italy: {above['sentence']}" == said[0]
    assert sum(one["probability"] for one in reach["dates"]) == pytest.approx(reach["probability"])
    file = tmp_path / "events.csv"
    assert main([*asked, "--output", str(file)]) == 0
    table = pd.read_csv(file)
    found = table[(table["event"] == "above") & (table["output"] == "probability")]["value"]
    assert found.tolist() == [above["probability"]]


def test_without_a_question_peak_rise_and_total_are_told(capsys):
    assert main(["events", *ITALY, "--region", "Spain", "--model", "naive"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Italy"] * 3 + ["Spain"] * 3
    assert "the peak is past" in lines[0]
    assert "a rise of more than 25 %" in lines[1]
    assert "The total of 17 May to 13 Jun 2021" in lines[2]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--above", "abc"], 2, "--above"),
        (["--above", "nan"], 2, "give a number"),
        (["--peak", "--within", "0"], 2, "'within' is 0"),
        (["--peak", "--within", "9", "--horizon", "3"], 1, "Italy (new_cases), peak: 'within' is 9"),
        (["--total-to", "soon"], 2, "--total-to is 'soon'; give a date as YYYY-MM-DD."),
        (["--total-to", "2031-01-01"], 1, "the forecast ends on 13 Jun 2021"),
        (["--above", "3", "--region", "Atlantis"], 2, "has no region 'Atlantis'"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(arguments, code, sentence, capsys):
    assert main(["events", *ITALY, "--model", "naive", *arguments]) == code
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_an_alert_is_added_checked_listed_and_removed(capsys, monkeypatch):
    monkeypatch.setattr("forecasting.monitoring.alerts.log_to_stderr", lambda: None)  # it would stay for other tests
    rule = ["--model", "naive", "--below", "3000", "--within", "7", "--chance", "20"]
    assert main(["alert", "add", *ITALY, *rule]) == 0
    added = capsys.readouterr().out
    assert added == "1: Italy (bundled, new_cases): below 3,000 within 7 periods, told above 20 %, by naive\n"
    assert main(["alert", "check"]) == 0
    checked = capsys.readouterr().out
    assert "the chance of a day below 3,000 by 23 May 2021 is " in checked
    assert "On 26 earlier dates" in checked
    assert main(["alert", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["event"], row["level"], row["chance"]) == (1, "below", 3000, 0.2)
    assert main(["alert", "remove", "1"]) == 0
    assert main(["alert", "remove", "1"]) == 2
    assert "There is no alert 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([*ITALY, "--above", "5"], "and --within a number of periods"),
        ([*ITALY, "--above", "5", "--peak", "--within", "3"], "Give one of --above"),
        ([*ITALY, "--above", "x", "--within", "3"], "--above"),
        ([*ITALY, "--above", "5", "--within", "3", "--chance", "100"], "The chance is 100 %"),
        ([*ITALY, "--above", "5", "--within", "3", "--model", "oracle"], "There is no model 'oracle'"),
        (["--source", "bundled", "--region", "Atlantis", "--peak", "--within", "3"], "has no region 'Atlantis'"),
        (["--source", "nowhere", "--region", "Italy", "--peak", "--within", "3"], "There is no source 'nowhere'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_one_sentence(arguments, sentence, capsys):
    assert main(["alert", "add", *arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert sentence in said[0]
