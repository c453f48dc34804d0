"""What a figure is taken for, and what somebody may say that it is."""

import copy
import pickle

import numpy as np
import pytest

from forecasting import DataError, RequestError, read_panel
from forecasting.data.kind import KINDS, kind_named, propose_kind
from forecasting.tables.column_vocabulary import split_words


@pytest.mark.parametrize(
    ("values", "name", "kind"),
    [
        ([3, 0, 7, 12], "cases", "count"),
        ([300] * 60 + [-4], "cases", "count"),  # a correction
        ([3, -5, 2, -8], "value", "measurement"),
        ([3.5, -11.4, 0.2], "value", "measurement"),
        ([21.5, 19.4, 18.2], "daily temperatures", "measurement"),
        ([150, 149, 151], "closing prices", "measurement"),
        ([150.07, 149.46], "closing prices", "measurement"),
        ([1.0761, 1.0849], "exchange rate weekly", "measurement"),
        ([0.0476, 0.0519], "positivity rate", "share"),
        ([4.76, 5.19], "test positivity percent", "percent"),
        ([0.93, 1.0, 0.88], "value", "share"),
        ([0.93, 0.95, 0.88], "occupancy", "share"),
        ([0.92, 0.95], "value", "amount"),
        ([10234.5, 9876.25], "value", "amount"),
        ([10234, 9876], "monthly sales usd", "amount"),
        ([12.5, 0.0, 3.1], "rainfall", "amount"),
    ],
)
def test_the_figures_and_their_name_tell_what_they_are(values, name, kind):
    found, reason = propose_kind(np.array(values, dtype=float), split_words(name))
    assert found.name == kind
    assert reason


def test_a_percent_sign_tells_a_share():
    assert propose_kind(np.array([4.0, 12.0]), (), percent=True)[0].name == "percent"


def test_a_share_is_of_one_or_of_a_hundred():
    assert kind_named("share", np.array([0.2, 1.0])).high == 1
    assert kind_named("share", np.array([0.2, 35.0])).high == 100


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        ("share", [0.2, 143.0], "143 is no share"),
        ("share", [-0.1], "-0.1 is no share"),
        ("amount", [2.0, -3.5], "-3.5 is no amount"),
    ],
)
def test_figures_that_cannot_be_what_somebody_says_are_refused(kind, values, says):
    with pytest.raises(DataError, match=says):
        kind_named(kind, np.array(values))


def test_another_word_is_refused_with_those_that_there_are():
    with pytest.raises(RequestError, match="there are count, amount, measurement, share"):
        kind_named("money", np.array([1.0]))


def test_a_table_says_what_it_was_taken_for_unless_somebody_said_it():
    table = b"date,value\n2024-01-01,3.5\n2024-01-02,-1.25\n2024-01-03,2.0"
    panel = read_panel(table, "readings.csv")
    assert panel.statistic().kind.name == "measurement"
    assert panel.statistic().label == "Measurements"
    assert panel.kind_sentences == ("Taken as a measurement (some are below zero, down to -1.25).",)
    said = read_panel(table, "readings.csv", kind="measurement")
    assert said.statistic().kind.name == "measurement"
    assert said.kind_sentences == ()


def test_counts_are_what_figures_are_where_nothing_speaks_against_it():
    panel = read_panel(b"date,value\n2024-01-01,3\n2024-01-02,5\n2024-01-03,4", "shop.csv")
    assert panel.statistic().kind.name == "count"
    assert panel.kind_sentences == ()
    assert panel.with_kind("amount").statistic().label == "Amounts"


def test_columns_of_prices_are_measurements_although_one_of_them_is_a_volume():
    rows = "\n".join(f"2024-01-{day:02d},{100 + day},{101 + day},{99 + day},{1000 * day}" for day in range(1, 20))
    panel = read_panel(f"Date,Open,High,Close,Volume\n{rows}".encode(), "quotes.csv")
    assert panel.statistic().kind.name == "measurement"
    places = read_panel(f"Date,Reading,High Wycombe,Bath,Leeds\n{rows}".encode(), "cases.csv")
    assert places.statistic().kind.name == "count"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_that_comes_from_another_process_is_the_same(kind):
    """They are compared by ``is``; as another object a count would be forecast as an amount, in silence."""
    assert pickle.loads(pickle.dumps(kind)) is kind
    assert copy.deepcopy(kind) is kind
