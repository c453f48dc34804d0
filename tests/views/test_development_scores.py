"""The table of errors on the development sets, and what it says of each model in words."""

import json

import pytest

from forecasting.views.development_scores import development_errors, error_table, strength_sentences


def written(tmp_path, errors):
    """A file of results: `errors` by set and model."""
    lines = []
    for (name, by), error in errors.items():
        for what, value in (("wis_log", 2 * error), ("held_50", 0.5), ("held_95", 0.9)):
            lines.append({"name": f"accuracy/{name}/{by}/{what}", "value": value, "ratio": value / 2})
        if name == "yearly":
            lines.append({"name": f"accuracy/{name}/{by}/mase", "value": 9.0, "ratio": error + 1})
    lines.append({"name": "accuracy/mean of 2 sets/ets/error", "value": 1.0, "ratio": 1.0})
    path = tmp_path / "accuracy.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


ERRORS = {
    ("flu", "naive"): 1.0,
    ("flu", "ets"): 0.5,
    ("flu", "theta"): 1.2,
    ("flu", "Somebody-else"): 0.1,
    ("yearly", "naive"): 0.5,
    ("yearly", "ets"): 0.75,
    ("yearly", "theta"): 0.6,
}


def test_mase_over_the_best_peer_is_taken_where_it_is_known_and_other_peoples_models_are_left_out(tmp_path):
    rows = development_errors(written(tmp_path, ERRORS)).set_index(["set", "model"])["error"]
    assert rows["flu", "ets"] == pytest.approx(0.5)
    assert rows["yearly", "ets"] == pytest.approx(1.75)
    assert len(rows) == 6


def test_the_table_has_a_row_a_set_and_the_best_models_first(tmp_path):
    table = error_table(written(tmp_path, ERRORS))
    assert table["Set"].tolist() == ["flu", "yearly"]
    assert table.columns.tolist() == ["Set", "No-change baseline", "ETS", "Theta"]


def test_a_sentence_says_where_a_model_is_good_and_that_it_never_beat_repeating(tmp_path):
    ets, theta = strength_sentences(written(tmp_path, ERRORS))
    assert ets == (
        "**ETS**: best beside the others on flu (the lowest error of all), worst on yearly (17 % above the lowest error); "
        "it beat no change on 1 of 2 sets."
    )
    assert theta.endswith("worst on flu (140 % above the lowest error); it never beat no change.")


def test_the_recorded_results_have_every_fast_model_on_a_development_set_of_each_kind():
    rows = development_errors()
    assert {"ensemble", "pooled", "pretrained", "sarima", "ets", "theta", "naive"} <= set(rows["model"])
    assert {"covid hub", "flu 2024-25", "weekly", "europe daily", "simulated daily"} <= set(rows["set"])
    assert rows["error"].between(0.1, 3).all()
