"""The registry of models: what it finds, and what it leaves alone."""

import sys

import pytest

from forecasting import models as registry
from forecasting.models import models, own_models
from forecasting.models.naive import Naive

REFINED = '''
from forecasting.models.theta import Theta


class _Shared(Theta):
    """What several variants share; it has no name, so it is no model."""


class ThetaPlus(_Shared):
    name, label = "theta_plus", "Theta+"
'''


@pytest.fixture
def one_more_file(tmp_path, monkeypatch):
    """A file of the registry's folder that refines a model; gone from the lists afterwards."""
    (tmp_path / "theta_plus.py").write_text(REFINED)
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(tmp_path)])
    own_models.cache_clear()
    yield
    sys.modules.pop("forecasting.models.theta_plus", None)
    monkeypatch.undo()
    # The class itself may live on; its name is what makes it a model.
    for kind in registry._subclasses(registry.Model):
        if kind.__module__ == "forecasting.models.theta_plus" and "name" in vars(kind):
            del kind.name
    own_models.cache_clear()


def test_a_model_that_refines_another_is_one_more(one_more_file):
    assert models()["theta_plus"].label == "Theta+"
    assert models()["theta"].label == "Theta"


def test_a_test_double_does_not_join_the_list():
    class Double(Naive):
        name, label = "double", "Double"

    own_models.cache_clear()
    assert "double" not in models()


def test_every_model_has_a_name_of_its_own():
    kinds = [type(one) for one in models().values()]
    assert len({kind.name for kind in kinds}) == len(kinds) == len(models())
