"""No sentence of the docs goes stale: what they show is compared with what is there."""

import importlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from benchmarks import us_december_2020
from benchmarks.__main__ import names as benchmark_names
from docs import figures, targets
from forecasting.cli.main import app
from forecasting.models import models
from forecasting.preparation.prepare import prepare
from forecasting.sources import source, sources
from forecasting.support import settings
from forecasting.views import december_2020

ROOT = Path(__file__).parents[2]
DOCS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "decisions", ROOT / "data")
    for path in sorted(folder.glob("*.md"))
}
README = DOCS["README.md"]
ARCHITECTURE = DOCS["ARCHITECTURE.md"]
#: Paths that a reader makes.
NOT_HERE = {".streamlit/secrets.toml", "script.py"}
#: What looks like a module and is the name of a logger.
LOGGERS = {"forecasting.alerts"}


def table_rows(document, heading):
    """The cells of each row of the first table after a line of the document, without the head of the table."""
    table = re.search(r"(?:^\|.*\n)+", document.split(heading, 1)[1], re.M)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def commands(document):
    """The arguments of each `python -m forecasting` command in the code blocks of a document."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [
        shlex.split(line.removeprefix("python -m forecasting ")) for line in lines if line.startswith("python -m f")
    ]


def test_the_readme_opens_with_a_picture_and_the_two_commands():
    beginning = README.split("##")[0]
    assert "pip install -r requirements.txt && streamlit run streamlit_app.py" in beginning
    assert "pip install -r requirements-dev.txt && pytest" in beginning
    assert (ROOT / re.search(r"\]\((docs/[\w.]+)\)", beginning).group(1)).stat().st_size > 20_000


def test_readme_and_architecture_are_short_enough_to_be_read():
    assert len(README.splitlines()) <= 120
    assert len(ARCHITECTURE.splitlines()) <= 110


def test_the_tables_of_figures_are_those_that_the_benchmarks_printed():
    for path, text in figures.updated_documents().items():
        assert path.read_text(encoding="utf-8") == text, f"run python -m docs.figures for {path.name}"


def test_every_missed_target_has_a_reason():
    missed = figures.missed_targets(figures.read_results())
    assert [target for target in missed if (target.name, target.kind) not in targets.REASONS] == []


@pytest.mark.parametrize(
    ("wanted", "figure", "met"),
    [("≥ 0.99", 0.99, True), ("≤ 5 s", 5.1, False), ("< 1000 MB", 1000, False), ("0.45–0.55", 0.56, False),
     ("200", 199, False), ("1", 1.0, True), ("–", 7, True), ("~ 0", 7, True)],
)  # fmt: skip
def test_a_target_is_met_or_missed(wanted, figure, met):
    assert targets.Target("name", "what", "value", wanted).is_met(figure) is met


@pytest.mark.parametrize("name", DOCS)
def test_every_file_that_the_docs_link_to_is_there(name):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", DOCS[name]):
        assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"


@pytest.mark.parametrize("name", DOCS)
def test_every_path_that_the_docs_name_is_there(name):
    folders = r"(?:forecasting|ui|pages|tests|docs|deploy|benchmarks|data|\.streamlit|\.ci)/[\w./-]*"
    for path in re.findall(rf"(?<![\w./-])(?:{folders}|[\w/-]+\.(?:py|yaml|toml|txt))(?![\w/])", DOCS[name]):
        here = ((ROOT / name).parent / path, ROOT / path)
        assert path in NOT_HERE or any(place.exists() for place in here), f"{name} names {path}"


@pytest.mark.parametrize("name", DOCS)
def test_every_module_that_the_docs_name_is_there(name):
    for dotted in set(re.findall(r"(?<![\w./-])(?:forecasting|ui)(?:\.\w+)+", DOCS[name])) - LOGGERS:
        parts = dotted.split(".")
        if (ROOT / dotted).exists():  # a file's name
            continue
        found = importlib.import_module(parts.pop(0))
        for part in parts:
            if not hasattr(found, part):
                found = importlib.import_module(f"{found.__name__}.{part}")
            else:
                found = getattr(found, part)


def test_every_logger_that_the_docs_name_is_one():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "forecasting" / "monitoring").glob("*.py"))
    assert all(f'"{name}"' in code for name in LOGGERS)


def test_every_benchmark_that_the_docs_name_is_there():
    for name, text in DOCS.items():
        assert set(re.findall(r"python -m benchmarks ([a-z]\w*)", text)) <= set(benchmark_names()), name


def test_every_noun_of_the_architecture_is_a_class_of_its_file():
    rows = table_rows(ARCHITECTURE, "## Nouns")
    assert len(rows) >= 8
    for noun, _, file in rows:
        assert f"class {noun.strip('`')}" in (ROOT / file.strip("`")).read_text(encoding="utf-8"), noun


def test_every_attribute_that_the_docs_name_is_in_the_noun_s_file():
    files = {
        noun.strip("`"): (ROOT / file.strip("`")).read_text() for noun, _, file in table_rows(ARCHITECTURE, "## N")
    }
    for name, text in DOCS.items():
        for noun, attribute in re.findall(r"`(\w+)\.(\w+)", text):
            if noun in files:
                assert re.search(rf"(def {attribute}\b|^    {attribute}: )", files[noun], re.M), (
                    f"{name}: {noun}.{attribute}"
                )


def test_the_architecture_has_the_layers_that_import_linter_checks():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one.get("containers") == ["forecasting"])
    shown = re.findall(r"`forecasting/(\w+)`", "\n".join(row[0] for row in table_rows(ARCHITECTURE, "## Layers")))
    assert shown == [layer for layer in layers if layer != "__main__"]


def test_every_decision_is_in_the_index_and_has_a_date_and_three_parts():
    records = {Path(name).name: text for name, text in DOCS.items() if re.match(r"docs/decisions/\d", name)}
    index = table_rows(DOCS["docs/decisions/README.md"], "# Decisions")
    for (name, text), (link, date, title) in zip(sorted(records.items()), index, strict=True):
        assert link == f"[{name[:4]}]({name})"
        assert text.startswith(f"# {int(name[:4])}. {title}\n\n{date}\n\n**Context.** ")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.M) == ["Context", "Decision", "Consequence"]


def settings_in(text):
    return set(re.findall(r"\bFORECAST_[A-Z_]*[A-Z]\b", text)) - {"FORECAST_TEST_DATA"}


def test_every_setting_of_the_program_is_explained_and_none_else():
    code = settings_in((ROOT / "forecasting" / "support" / "settings.py").read_text())
    assert settings_in(DOCS["docs/configuration.md"]) == code
    for name, text in DOCS.items():
        assert settings_in(text) <= code, name


def test_the_defaults_of_settings_are_those_of_the_program(monkeypatch):
    rows = {row[0].strip("`"): row[2].replace(",", "") for heading in re.findall(r"## .*", DOCS["docs/configuration.md"])[:4]
            for row in table_rows(DOCS["docs/configuration.md"], heading)}  # fmt: skip
    for name in rows:
        monkeypatch.delenv(name, raising=False)
    assert rows["FORECAST_WORKERS"] == str(settings.workers())
    assert rows["FORECAST_LEASE"] == f"{settings.lease():.0f}"
    assert rows["FORECAST_API_RATE"] == settings.api_rate()
    assert rows["FORECAST_API_MAX_MB"] == str(settings.api_max_mb())
    assert rows["FORECAST_MAX_PAGES"] == str(settings.max_pages())
    assert rows["FORECAST_PRETRAIN_AT"] == settings.pretrain_at()
    assert rows["FORECAST_MAX_ROWS"] == str(settings.max_rows())
    assert rows["FORECAST_MAX_UPLOAD"].endswith(f": {settings.max_upload()}")


def test_the_thresholds_of_drift_are_those_of_the_program():
    rows = table_rows(DOCS["docs/monitoring.md"], "## Drift")
    shown = {kind.strip("`"): float(threshold.split()[0]) for kind, _, _, threshold in rows}
    assert shown == {kind: getattr(settings.DriftThresholds(), kind) for kind in shown}
    assert f"`window` ({settings.DriftThresholds().window:.0f}) days" in DOCS["docs/monitoring.md"]


@pytest.mark.parametrize("name", ["README.md", "docs/command-line.md"])
def test_every_command_of_the_docs_is_one_of_the_command_line(name):
    written = commands(DOCS[name])
    assert len(written) >= 3
    command = typer.main.get_command(app)
    for arguments in written:
        command.commands[arguments[0]].make_context(arguments[0], arguments[1:])


def test_every_command_of_the_program_is_in_the_docs():
    names = re.findall(r"`(\w+)`", "\n".join(row[0] for row in table_rows(DOCS["docs/command-line.md"], "## Commands")))
    assert set(names) == set(typer.main.get_command(app).commands)


def test_every_package_that_is_needed_is_explained_and_bounded_on_both_sides():
    reasons = {row[0]: row[1] for row in table_rows(DOCS["docs/dependencies.md"], "# Dependencies")}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    needed = [re.fullmatch(r"([\w-]+)>=[\d.]+,<[\d.]+", line)[1] for line in lines if not line.startswith("#")]
    assert sorted(needed) == sorted(reasons)
    assert all(reasons.values())


def test_every_source_is_in_the_readme():
    for name in sources():
        assert f"| `{name}` |" in README


def test_every_model_that_a_benchmark_has_scored_is_in_the_readme_and_no_other():
    listed = figures.listed_models(figures.read_results())
    assert re.findall(r"^\| `([\w-]+)` \|", README.split("<!-- end of models")[0], re.M) == list(listed)
    assert set(listed) - {"CovidHub-ensemble"} <= set(models())


def test_the_library_never_imports_streamlit():
    code = "import forecasting, forecasting.services.service, forecasting.cli.main, forecasting.views.charts, sys; print('streamlit' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "False"


def test_the_app_s_own_process_imports_no_modelling_library():
    code = (
        "import forecasting.services.service, forecasting.views.charts, forecasting.views.headline, sys; from forecasting.models import models;"
        "models(); print([m for m in ('statsmodels', 'prophet', 'pmdarima', 'sklearn', 'onnxruntime', 'torch') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_the_story_on_methods_covers_six_countries_and_the_same_models_in_each():
    story = december_2020.recorded_accuracies()
    assert story["region"].nunique() == 6
    assert (story.groupby("region")["model"].nunique() == story["model"].nunique()).all()
    assert {"naive", "ensemble"} <= set(story["model"]) <= set(models())


@pytest.mark.parametrize("name", ["sarima", "ets", "theta", "naive"])
def test_the_story_on_methods_is_what_the_models_say_today(name):
    panel = source("bundled").panel()
    known = prepare(panel.as_of(us_december_2020.ORIGIN), "United States", us_december_2020.STATISTIC)
    published = panel.counts("United States", us_december_2020.STATISTIC)
    shown = december_2020.recorded_accuracies()
    kept = shown[(shown["model"] == name) & (shown["region"] == "United States")].set_index("measure")["value"]
    fresh = us_december_2020.accuracies(models()[name], known, published)
    assert fresh == pytest.approx(kept.to_dict(), abs=2e-3)


def test_results_are_json_lines_with_the_fields_that_other_programs_read():
    for row in figures.read_results().values():
        assert {"name", "value", "unit", "reference", "ratio"} <= set(row), json.dumps(row)


def test_the_hub_s_own_ensemble_scores_in_our_benchmark_as_the_hub_s_readers_know_it():
    """Ratios to the baseline that were published for these dates: whoever gets these scores by the same rule."""
    lines = (ROOT / "benchmarks" / "results" / "hub_dev.jsonl").read_text().splitlines()
    found = {figure["name"]: figure["value"] for figure in map(json.loads, lines)}
    assert round(found["hub_dev/CovidHub-ensemble/log1p"], 3) == 0.665
    assert round(found["hub_dev/CovidHub-ensemble/natural"], 3) == 0.712
