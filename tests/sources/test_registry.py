import pytest

from forecasting import sources as registry
from forecasting.sources import Source, source, sources
from forecasting.support.errors import RequestError


def test_the_sources_stand_in_their_order():
    found = list(sources().values())
    assert found == sorted(found, key=lambda one: (one.order, one.name))
    assert found[0] is source("bundled")  # the one that works without a network is offered first


def test_a_source_is_found_by_its_name():
    assert source("bundled") is sources()["bundled"]


def test_an_unknown_source_is_a_request_error_that_lists_the_known_ones():
    with pytest.raises(RequestError, match=f"There is no source 'moon'; there are {', '.join(sources())}."):
        source("moon")


def test_every_source_says_whom_to_credit_and_under_what_terms():
    for known in sources().values():
        assert known.label
        assert known.summary.endswith(".")
        assert known.home.startswith("https://")
        assert known.attribution
        assert known.licence
        assert known.statistics()


def test_a_source_without_network_says_that_there_is_nothing_to_fetch():
    assert "nothing to fetch" in source("bundled").fetch()


def test_a_test_double_does_not_join_the_list():
    class Double(Source):
        name = "double"

        def panel(self):
            raise AssertionError("nobody asks for its figures")

        def statistics(self):
            return ()

    registry._in_this_folder.cache_clear()
    assert "double" not in sources()
