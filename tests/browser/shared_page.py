"""Fixtures of a page that several tests of a module only look at, and of one that belongs to a test."""

from collections.abc import Callable

import pytest


def page_fixtures(opened: Callable):
    """Three fixtures, from ``opened(visitors, url, **context)`` that opens a page.

    A function that opens one for a visitor of the test's own, one page of the module, and that page for tests that leave it as it
    was, in whatever order.
    """

    @pytest.fixture
    def own(visitors, server):
        return lambda **context: opened(visitors, server.url, **context)

    @pytest.fixture(scope="module")
    def _desk(module_visitors, server_url):
        return opened(module_visitors, server_url)

    @pytest.fixture
    def desk(_desk, server):
        return _desk

    return own, _desk, desk
