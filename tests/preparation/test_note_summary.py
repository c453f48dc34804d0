"""Notes on many series, told once a kind."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.preparation import messages
from forecasting.preparation.note_summary import note_kind, summarise_notes
from forecasting.preparation.repairs import Repaired

DAYS = pd.date_range("2024-01-01", periods=80)
WEEKS = pd.date_range("2024-01-06", periods=80, freq="W-SAT")


def corrections(count: int, last: str = "2024-03-01") -> str:
    return f"{count} negative correction{'s' * (count > 1)} spread over the days before (the last on {last})."


def test_corrections_of_several_regions_are_one_sentence_with_their_number_and_names():
    notes = dict.fromkeys(map(str, range(50)), ()) | {
        "Alabama": (corrections(1),),
        "Ohio": (corrections(3),),
        "Utah": (corrections(2, "2024-02-02"),),
    }
    assert summarise_notes(notes) == [
        "3 of 53 regions: negative corrections spread over the days before (Alabama, Ohio, Utah)."
    ]


def test_the_notes_of_a_single_series_are_returned_as_they_are():
    notes = (corrections(1), "Nothing is reported on Sundays.")
    assert summarise_notes({"Ohio": notes}) == list(notes)


def test_what_one_of_many_has_is_told_in_full_with_its_name():
    assert summarise_notes({"Ohio": (corrections(2),), "Utah": ()}) == [f"Ohio: {corrections(2)}"]


def test_what_all_share_word_by_word_is_told_once():
    note = "'height' never changes in any region, so it is not used."
    assert summarise_notes({"Ohio": (note,), "Utah": (note,)}, "forecasts") == [note]


def test_many_names_are_cut_short_and_counted():
    notes = {f"R{n}": (corrections(n + 1),) for n in range(9)}
    assert summarise_notes(notes)[0].endswith("(R0, R1, R2, R3, R4, R5 and 3 more).")


def test_notes_of_a_kind_that_is_not_known_are_told_by_an_example():
    notes = {"A": ("Something odd came 3 times.",), "B": ("Something odd came 12 times.",), "C": ()}
    assert summarise_notes(notes) == ["2 of 3 regions (A, B), as in A: Something odd came 3 times."]


def sentences() -> list[tuple[str, str]]:
    """Pairs of sentences that tell the same of two series, with other figures and dates."""
    random, found = np.random.default_rng(0), []
    for dates, frequency in ((DAYS, DAILY), (WEEKS, weekly("SAT"))):
        for fault in ("correction", "pile", "dump", "gap"):
            few, many = (Repaired(np.zeros(80), np.arange(5, 5 + count), 4 + count) for count in (1, 3))
            found.append(
                (*messages.repair_sentences(fault, few, dates, frequency),
                 *messages.repair_sentences(fault, many, dates, frequency))
            )  # fmt: skip
        for last, other in (([3.0], [7.0]), ([4.0, 3.0], [9.0, 8.0, 7.0]), ([0.0], [0.0, 0.0])):
            tails = [
                messages.tail_sentences(np.r_[random.poisson(90, 80 - len(end)), end], dates, 80 - len(end), frequency)
                for end in (last, other)
            ]
            found.append(tuple(sentence for tail in tails for sentence in tail))
        found += [
            (
                messages.raised_sentence(5, 90, dates[-1], frequency),
                messages.raised_sentence(6, 70, dates[-2], frequency),
            ),
            (messages.doubt_sentence(5, dates[-1], frequency), messages.doubt_sentence(6, dates[-2], frequency)),
            (
                messages.correction_sentence(dates[-1:], np.array([1.2]), 5, 3, frequency),
                messages.correction_sentence(dates[-2:], np.array([1.4, 1.1]), 0, 3, frequency),
            ),
        ]
    return found


@pytest.mark.parametrize("pair", sentences())
def test_every_sentence_of_preparation_is_of_one_kind_whatever_its_figures(pair):
    first, second = pair
    assert first != second
    assert note_kind(first) == note_kind(second)
    (summary,) = summarise_notes({"A": (first,), "B": (second,), "C": ()})
    assert summary.startswith("2 of 3 regions: ")
    assert summary.endswith(" (A, B).")


def test_the_question_about_zeros_at_the_end_is_asked_of_many_regions_at_once():
    ended = "Reporting stopped on 2024-0{}-06; the series is used until then. " + messages.ZEROS_QUESTION
    notes = {"Ohio": (ended.format(1),), "Utah": (ended.format(2),), "Iowa": ()}
    assert summarise_notes(notes) == [
        "2 of 3 regions: nothing was reported at the end; the series are used until then, unless you set zeros-at-end to true "
        "(Ohio, Utah)."
    ]
