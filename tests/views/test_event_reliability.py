"""How often what was said came, from results that are known."""

import json

import pytest

from forecasting.views.event_reliability import (
    KINDS,
    describe_reliability,
    recorded_bins,
    reliability_figure,
    reliability_sentences,
)


@pytest.fixture
def path(tmp_path):
    """ETS says what comes of rises; of peaks what it gives a fifth comes half the time."""
    bins = [
        ("all", "10-20", 0.2, 0.3, 200),
        ("all", "70-80", 0.75, 0.74, 100),
        ("rise", "10-20", 0.2, 0.2, 100),
        ("rise", "70-80", 0.75, 0.74, 100),
        ("peak", "10-20", 0.2, 0.5, 100),
    ]
    lines = []
    for kind, name, said, came, events in bins:
        of = f"events/ets/{kind}/{name}"
        lines += [
            {"name": of, "value": came, "reference": said},
            {"name": f"{of}/events", "value": events, "reference": 1},
        ]
    lines += [
        {"name": "events/ets/all/apart", "value": 1, "reference": 1},
        {"name": "events/oracle/all/0-10", "value": 1},
    ]
    made = tmp_path / "events.jsonl"
    made.write_text("\n".join(map(json.dumps, lines)))
    return made


def test_a_line_a_model_has_what_came_over_what_was_said(path):
    figure = reliability_figure("all", path=path)
    (line,) = figure["data"]
    assert (line["name"], line["x"], line["y"], line["customdata"]) == ("ETS", [20, 75], [30, 74], ["200", "100"])
    assert len(figure["layout"]["shapes"]) == 1


def test_a_sentence_says_which_way_a_model_is_off_and_at_what_most(path):
    assert reliability_sentences(path) == [
        "**ETS**: what it gives less than half comes more often (10 points), what it gives more about as often as it says; "
        "7 points off on average, and most for *the peak is past* (30)."
    ]
    assert describe_reliability("all", path) == (
        "Chart of how often all events came by how likely it was said to be, of 2 groups; points off on average: ETS 7."
    )


def test_the_recorded_results_have_every_kind_of_event_by_the_models_that_pages_show_first():
    bins = recorded_bins()
    assert {"ensemble", "pretrained", "ets"} <= set(bins["model"])
    assert set(bins["kind"]) == set(KINDS)
    assert bins[bins["kind"] == "all"].groupby("model")["events"].sum().min() > 10_000
    assert bins[["said", "came"]].stack().between(0, 1).all()
