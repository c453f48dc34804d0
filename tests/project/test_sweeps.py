"""The sample of a sweep leaves out combinations, and never a kind of case."""

from itertools import product

import pytest
import sweeps

pytest_plugins = ("pytester",)

#: A sweep of three parameters, one of which goes on after a fault that was found in the last of its values.
SWEEP = """
import pytest
import sweeps

@pytest.mark.sweep(always=({"model": "c", "kind": 1},))
@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("model", "abc")
@pytest.mark.parametrize("shape", range(4))
def test_product(model, kind, shape):
    pass

@pytest.mark.parametrize("page", sweeps.only_whole("xyz", "y"))
def test_pages(page):
    pass

def test_alone():
    pass
"""


def cases(*sizes):
    """All combinations of as many parameters, of so many values each."""
    return [list(enumerate(values)) for values in product(*map(range, sizes))]


@pytest.mark.parametrize("each", [1, 2])
@pytest.mark.parametrize("sizes", [(9, 7, 3), (2, 2), (5,), (4, 1, 2)])
def test_each_value_is_in_the_sample_as_often_as_it_shall_be(sizes, each):
    whole = cases(*sizes)
    chosen = [value for place in sweeps.sample(whole, each) for value in whole[place]]
    for value in {value for case in whole for value in case}:
        there = sum(value in case for case in whole)
        assert chosen.count(value) >= min(each, there)


def test_a_sample_is_small_and_always_the_same():
    whole = cases(9, 7, 3)
    assert len(sweeps.sample(whole)) == 9
    assert sweeps.sample(whole) == sweeps.sample(whole)


def test_what_is_always_run_is_in_the_sample():
    assert 62 in sweeps.sample(cases(9, 7), always=[62])
    assert 62 not in sweeps.sample(cases(9, 9))


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs the sweep above as the suite would, in this process, whose own choice it must not change."""
    monkeypatch.setattr(sweeps, "_whole", sweeps._whole)
    pytester.makepyfile(test_it=SWEEP)
    return lambda *options: pytester.inline_run("-p", "sweeps", "-p", "no:cacheprovider", *options)


def names(result):
    return {report.nodeid.partition("::")[2] for report in result.getreports("pytest_runtest_logreport")}


def test_without_the_option_a_sample_is_run_with_it_everything(run):
    whole = names(run("--whole"))
    assert len(whole) == 4 * 3 * 2 + 3 + 1
    ran = names(run())
    product = {name for name in ran if name.startswith("test_product")}
    assert ran - product == {"test_pages[x]", "test_pages[z]", "test_alone"}
    assert len(product) < 10
    assert {f"test_product[{shape}-c-1]" for shape in range(4)} <= product
    assert {part for name in product for part in name[13:-1].split("-")} == set("0123abc")


def test_a_case_that_is_asked_for_by_name_is_run(run):
    for case in ("test_product[0-a-1]", "test_product[3-b-2]", "test_pages[y]"):
        assert names(run(f"test_it.py::{case}")) == {case}


def test_of_what_is_chosen_by_a_word_a_sample_has_every_value_again(run):
    chosen = names(run("-k", "3- and test_product"))
    assert {name[15] for name in chosen} == set("abc")
    assert {name[17] for name in chosen} == set("12")
    assert len(chosen) == 3


@pytest.mark.parametrize("whole", [True, False])
def test_fewer_examples_are_tried_but_never_more_than_there_are(monkeypatch, whole):
    monkeypatch.setattr(sweeps, "_whole", whole)
    assert [sweeps.examples(count) for count in (200, 20, 5)] == ([200, 20, 5] if whole else [50, 10, 5])
    assert sweeps.examples(200, share=0.1) == (200 if whole else 20)
