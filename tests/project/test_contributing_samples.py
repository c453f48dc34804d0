"""The samples of CONTRIBUTING.md pass as printed: in a folder of their own that the registries search, too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Has the registries of models and sources search one more folder, before any test asks them.
PLUGIN = """
import os
import forecasting.models
import forecasting.sources
forecasting.models.__path__.append(os.environ["SAMPLES"])
forecasting.sources.__path__.append(os.environ["SAMPLES"])
"""


def samples(heading: str) -> tuple[str, str]:
    """The two Python blocks of a section of CONTRIBUTING.md: a module, and its test."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    module, test = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return module, test


def run_tests(folder: Path, heading: str, *arguments: str) -> str:
    """Run pytest with the section's module in the registry, on its test and what `arguments` say."""
    module, test = samples(heading)
    name = re.search(r"^class (\w+)", module, re.MULTILINE)[1].lower()
    (folder / "samples").mkdir()
    (folder / "samples" / f"{name}.py").write_text(module)
    (folder / "search_samples.py").write_text(PLUGIN)
    (folder / "test_sample.py").write_text(test)
    environment = os.environ | {"SAMPLES": str(folder / "samples"), "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "search_samples"]
    command += ["-p", "no:cacheprovider", "-n", "0", str(folder / "test_sample.py"), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def passed(output: str) -> int:
    """How many tests passed, by the last line of pytest's output."""
    return int(re.search(r"(\d+) passed", output)[1])


def test_the_sample_model_passes_the_tests_of_every_model_and_needs_no_colour_no_figures_and_no_line_in_the_docs(
    tmp_path,
):
    files = [f"tests/{name}.py" for name in ("models/test_every_model", "models/test_calibration", "views/test_charts")]
    others = ["the_tables_of_figures_are", "a_benchmark_has_scored", "test_calibration", "test_charts"]
    chosen = " or ".join(["drift", "cubes", *others])
    output = run_tests(tmp_path, "A model in fifteen minutes", *files, "tests/project/test_docs.py", "-k", chosen)
    assert passed(output) > 40
    assert "skipped" not in output


def test_the_sample_source_passes_its_own_test_and_those_of_every_source(tmp_path):
    output = run_tests(tmp_path, "A source in fifteen minutes", "tests/sources/test_registry.py")
    assert passed(output) > 3


@pytest.mark.parametrize("heading", ["A model in fifteen minutes", "A source in fifteen minutes"])
@pytest.mark.parametrize("part", [0, 1])
def test_the_samples_are_as_ruff_has_all_code(tmp_path, heading, part):
    file = tmp_path / "sample.py"
    file.write_text(samples(heading)[part])
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for check in (["check", "--ignore", "D1,INP001"], ["format", "--check"]):
        answer = subprocess.run(
            [sys.executable, "-m", "ruff", *check, *settings, str(file)], capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
