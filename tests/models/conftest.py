"""What tests of models share."""

import pytest

from forecasting.models import _pooled_boosting


@pytest.fixture
def few_trees(monkeypatch, request):
    """Pooled fits grow 8 trees, not 480, for tests of what else they do; `pytest --whole` grows them all.

    What trees learn is tested in `test_pooled_learned.py`, with all of them.
    """
    if not request.config.getoption("--whole"):
        monkeypatch.setattr(_pooled_boosting, "BAGS", 2)
        monkeypatch.setattr(_pooled_boosting, "TREES", 2)
