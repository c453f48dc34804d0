"""What `import forecasting` gives a notebook: its names, its examples, and how little it loads."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import forecasting

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", forecasting.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(forecasting, name)
    assert name == "QUANTILES" or value.__doc__


def test_the_lists_of_models_and_sources_are_not_taken_for_the_packages():
    from forecasting import models, sources

    assert forecasting.list_models is models.models
    assert forecasting.list_sources is sources.sources


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="crystal_ball"):
        _ = forecasting.crystal_ball


def test_the_examples_of_the_package_are_what_it_answers():
    assert doctest.testmod(forecasting).attempted > 10
    assert doctest.testmod(forecasting).failed == 0


def test_the_python_of_the_readme_is_what_it_answers():
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    example = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
    results = doctest.DocTestRunner().run(example)
    assert results.attempted > 3
    assert results.failed == 0


def test_importing_the_package_loads_neither_pandas_nor_streamlit():
    code = "import forecasting, sys; print([name for name in ('pandas', 'sqlalchemy', 'streamlit') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"
