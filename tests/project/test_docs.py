"""No sentence of the docs goes stale: what they show is compared with what is there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import us_december_2020
from docs import figures
from forecasting.models import models
from forecasting.preparation.prepare import prepare
from forecasting.sources import source, sources
from forecasting.views import december_2020

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_readme_opens_with_a_picture_and_the_two_commands():
    beginning = README.split("##")[0]
    assert "pip install -r requirements.txt && streamlit run streamlit_app.py" in beginning
    assert "pip install -r requirements-dev.txt && pytest" in beginning
    assert (ROOT / re.search(r"\]\((docs/[\w.]+)\)", beginning).group(1)).stat().st_size > 20_000


def test_the_readme_s_figures_are_those_that_the_benchmarks_printed():
    assert figures.written(README) == README


def test_every_file_that_the_docs_link_to_is_there():
    for doc in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", doc.read_text()):
            assert (ROOT / target).exists(), f"{doc.name} links to {target}"


def test_every_package_that_is_needed_is_explained_and_bounded_on_both_sides():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, bounds = re.fullmatch(r"([\w-]+)(.*)", line).groups()
        assert re.fullmatch(r">=[\d.]+,<[\d.]+", bounds), line
        assert re.search(rf"\b{name}\b.* \|", README.split("What it stands on")[1]), name


def test_every_source_is_in_the_readme():
    for name in sources():
        assert f"| `{name}` |" in README


def test_every_model_is_in_the_readme():
    for name in models():
        assert f"| `{name}` |" in README


def test_the_library_never_imports_streamlit():
    code = "import forecasting, forecasting.services.service, forecasting.cli.main, forecasting.views.charts, sys; print('streamlit' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "False"


def test_the_app_s_own_process_imports_no_modelling_library():
    code = (
        "import forecasting.services.service, forecasting.views.charts, forecasting.views.headline, sys; from forecasting.models import models;"
        "models(); print([m for m in ('statsmodels', 'prophet', 'pmdarima', 'sklearn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_the_story_on_methods_covers_six_countries_and_every_model():
    story = december_2020.story()
    assert story["region"].nunique() == 6
    assert set(story["model"]) == set(models())


@pytest.mark.parametrize("name", ["sarima", "ets", "theta", "naive"])
def test_the_story_on_methods_is_what_the_models_say_today(name):
    panel = source("bundled").panel()
    known = prepare(panel.as_of(us_december_2020.ORIGIN), "United States", us_december_2020.STATISTIC)
    published = panel.counts("United States", us_december_2020.STATISTIC)
    shown = december_2020.story()
    kept = shown[(shown["model"] == name) & (shown["region"] == "United States")].set_index("measure")["value"]
    fresh = us_december_2020.accuracies(models()[name], known, published)
    assert fresh == pytest.approx(kept.to_dict(), abs=2e-3)


def test_results_are_json_lines_with_the_fields_of_the_contract():
    for row in figures.rows().values():
        assert {"name", "value", "unit", "reference", "ratio"} <= set(row), json.dumps(row)


def test_the_hub_s_own_ensemble_scores_in_our_benchmark_as_the_hub_s_readers_know_it():
    """Ratios to the baseline that were published for these dates: whoever gets these scores by the same rule."""
    lines = (ROOT / "benchmarks" / "results" / "hub_dev.jsonl").read_text().splitlines()
    found = {figure["name"]: figure["value"] for figure in map(json.loads, lines)}
    assert round(found["hub_dev/CovidHub-ensemble/log1p"], 3) == 0.665
    assert round(found["hub_dev/CovidHub-ensemble/natural"], 3) == 0.712
