import io
import runpy
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.services.service import forecasts_table
from forecasting.sources import source
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_file
from forecasting.tables.panel_file import read_panel
from forecasting.views import reproduce

HOSTILE = ["'; touch owned; '", "$(touch owned)", "`touch owned`", '"""\nimport os', "-x", "a\n# b", "=1+1", "\\"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_WORKERS", "1")
    monkeypatch.chdir(tmp_path)


def view(service, panel, region, statistic, models, horizon, window=None):
    series = service.series(panel, region, statistic, window)
    return reproduce.ReproducibleView(panel, region, statistic, models, horizon, series, window)


def shown(service, view):
    """What the page shows."""
    forecasts = [service.forecast(view.series, name, view.horizon) for name in view.models]
    return forecasts_table(view.region, view.series, forecasts)


def words_of(view):
    """What a shell hands to Python."""
    script = 'python() { printf "%s\\0" "$@"; }\n' + reproduce.command_line(view)
    told = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True, timeout=20)
    return told.stdout.split("\0")[:-1]


def by_command_line(view):
    words = words_of(view)
    assert words[:2] == ["-m", "forecasting"]
    assert main(words[2:]) == 0
    return read("forecasts.csv")


def by_python(view, tmp_path):
    script = tmp_path / "again.py"
    script.write_text(reproduce.python_snippet(view))
    runpy.run_path(str(script))
    return read("forecasts.csv")


def read(path):
    return pd.read_csv(path, parse_dates=["origin", "date"])


def assert_same(found, wanted):
    pd.testing.assert_frame_equal(found, wanted, check_exact=True, check_dtype=False)


@pytest.mark.parametrize(
    ("region", "statistic", "models", "horizon"),
    [
        ("Italy", "new_cases", ("naive", "ets"), 9),
        ("Spain", "cumulative_cases", ("ets",), 5),
        ("Vermont", "new_admissions", ("theta",), 3),  # it has vintages
    ],
)
def test_both_give_the_page_s_forecasts_to_the_last_digit(
    service, tmp_path, capsys, region, statistic, models, horizon
):
    seen = view(service, source("bundled").panel(), region, statistic, models, horizon)
    wanted = shown(service, seen)
    assert_same(by_command_line(seen), wanted)
    assert_same(by_python(seen, tmp_path), wanted)
    assert "revised" not in capsys.readouterr().out


def test_a_training_window_is_reproduced_in_python_and_the_command_line_says_that_it_cannot(service, tmp_path):
    seen = view(service, source("bundled").panel(), "Italy", "new_cases", ("naive", "ets"), 9, window=90)
    assert_same(by_python(seen, tmp_path), shown(service, seen))
    assert "the last 90 days only" in reproduce.command_line(seen).splitlines()[0]


def test_python_says_when_the_figures_were_revised_since(service, tmp_path, capsys):
    seen = view(service, source("bundled").panel(), "Italy", "new_cases", ("naive",), 2)
    script = reproduce.python_snippet(seen).replace(seen.series.digest(), "0")
    (tmp_path / "again.py").write_text(script)
    runpy.run_path(str(tmp_path / "again.py"))
    assert "revised since" in capsys.readouterr().out


def file_of(region, count=40, vintages=()):
    dates = pd.date_range("2024-01-01", periods=count)
    table = pd.DataFrame({"region": region, "date": dates, "value": [50 + 7 * (i % 5) for i in range(count)]})
    if vintages:
        table = pd.concat([table[: count - 3 * late].assign(as_of=at) for late, at in enumerate(reversed(vintages))])
    return table.to_csv(index=False).encode()


def yours(name, content):
    """A panel as Your data makes one of a file."""
    return replace(read_panel(content, name), source="yours-0123abcd")


@pytest.mark.parametrize("vintages", [(), ("2024-02-06", "2024-02-10")])
def test_of_a_reader_s_own_file_both_name_it_and_work_beside_it(service, tmp_path, vintages):
    content = file_of("A", vintages=vintages)
    seen = view(service, yours("my 'own' file.csv", content), "A", "value", ("naive", "ensemble"), 4)
    (tmp_path / "my 'own' file.csv").write_bytes(content)
    wanted = shown(service, seen)
    assert_same(by_command_line(seen), wanted)
    assert_same(by_python(seen, tmp_path), wanted)
    assert "which only its owner has" in reproduce.command_line(seen)
    assert "yours-" not in reproduce.command_line(seen) + reproduce.python_snippet(seen)


def test_a_file_of_running_totals_is_said_to_be_one(service, tmp_path):
    dates = pd.date_range("2024-01-01", periods=40)
    content = pd.DataFrame({"date": dates, "value": range(0, 400, 10)}).to_csv(index=False).encode()
    panel = replace(read_panel(content, "sums.csv", cumulative=True), source="yours-1")
    seen = view(service, panel, panel.regions()[0], panel.statistics[0].name, ("naive",), 4)
    (tmp_path / "sums.csv").write_bytes(content)
    wanted = shown(service, seen)
    assert_same(by_command_line(seen), wanted)
    assert_same(by_python(seen, tmp_path), wanted)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_one_word_and_one_string(service, tmp_path, name):
    region = " ".join(name.split())
    seen = view(service, yours(f"{name}.csv", file_of(region)), region, "value", ("naive",), 2)
    words = words_of(seen)
    assert f"--region={region}" in words
    assert len(words) == 15
    assert not words[words.index("--input") + 1].startswith("-")
    compile(reproduce.python_snippet(seen), "snippet", "exec")
    (tmp_path / words[words.index("--input") + 1]).write_bytes(file_of(region))
    assert len(by_python(seen, tmp_path)) == 2 * 23
    assert len(by_command_line(seen)) == 2 * 23
    assert not (tmp_path / "owned").exists()


def test_no_comment_holds_a_name_that_would_end_it(service):
    seen = view(service, yours("a\nimport os #.csv", file_of("A")), "A", "value", ("naive",), 2)
    for text in (reproduce.command_line(seen), reproduce.python_snippet(seen)):
        assert not any(line.startswith("import os #") for line in text.splitlines())


GERMAN = ColumnMapping("Tag", "Fälle", "Ort", covariates=("Regen",), day_first=True, combine="sum")


def german(written="%d/%m/%Y"):
    """A table that nobody reads without being told how: two rows a day, days before months, and a sign that is no number."""
    days = pd.date_range("2021-01-01", periods=40)
    rows = [
        f"{day.strftime(written)};{ort};{'<5' if i == 3 else 50 + 7 * (i % 5)},5;{i % 3};{i}"
        for ort in ("Köln", "Bonn")
        for i, day in enumerate(days)
        for _ in range(2)
    ]
    return "\n".join(["Tag;Ort;Fälle;Regen;Tote", *rows, ""]).encode()


def mapped(name, content, mapping, tmp_path):
    """A panel as Your data makes one of a file that was mapped by hand; the file is in the current folder."""
    (tmp_path / name).write_bytes(content)
    panel, report = read_mapped_file(tmp_path / name, mapping)
    assert not report.needs_no_mapping
    return replace(panel, source="yours-0123abcd")


@pytest.mark.parametrize("change", [{}, {"combine": "mean"}, {"value": "Tote"}, {"day_first": False}])
def test_a_mapping_by_hand_is_in_both_and_both_give_the_page_s_forecasts(service, tmp_path, capsys, change):
    mapping = replace(GERMAN, **change)
    content = german() if mapping.day_first else german("%m/%d/%Y")
    panel = mapped("zahlen.csv", content, mapping, tmp_path)
    region = panel.regions()[0]
    seen = replace(
        view(service, panel, region, panel.statistics[0].name, ("naive", "theta"), 4),
        mapping=mapping,
        file="zahlen.csv",
    )
    wanted = shown(service, seen)
    assert_same(by_command_line(seen), wanted)
    assert_same(by_python(seen, tmp_path), wanted)
    assert "revised" not in capsys.readouterr().out
    assert mapping.to_json() in words_of(seen)


def test_totals_are_said_by_the_mapping_alone(service, tmp_path):
    days = pd.date_range("2024-01-01", periods=40)
    content = pd.DataFrame({"day": days, "seen": range(0, 400, 10)}).to_csv(index=False).encode()
    panel = mapped("sums.csv", content, ColumnMapping("day", "seen", cumulative=True), tmp_path)
    mapping = ColumnMapping("day", "seen", cumulative=True)
    seen = replace(view(service, panel, "sums", panel.statistics[0].name, ("naive",), 4), mapping=mapping)
    assert "--cumulative" not in reproduce.command_line(seen)
    wanted = shown(service, seen)
    assert_same(by_command_line(seen), wanted)
    assert_same(by_python(seen, tmp_path), wanted)


@pytest.mark.parametrize("name", [*HOSTILE, "\u2028import os", "\u202e", "'"])
def test_a_mapping_of_hostile_names_stays_one_word_and_one_string(service, tmp_path, name):
    content = io.BytesIO()
    pd.DataFrame({"day": pd.date_range("2024-01-01", periods=40), name: range(40), "a": "A"}).to_parquet(content)
    mapping = ColumnMapping("day", name.strip(), "a")
    panel = mapped("f.parquet", content.getvalue(), mapping, tmp_path)
    statistic = panel.statistics[0].name
    seen = replace(view(service, panel, "A", statistic, ("naive",), 2), mapping=mapping, file="f.parquet")
    words = words_of(seen)
    assert ColumnMapping.from_json(words[words.index("--mapping") + 1]) == mapping
    assert words[words.index("--mapping") + 1].isprintable()
    assert len(by_python(seen, tmp_path)) == 2 * 23
    assert len(by_command_line(seen)) == 2 * 23
    assert not (tmp_path / "owned").exists()


def test_a_mapping_too_long_for_a_command_line_is_a_file_beside_it(service, tmp_path):
    days = pd.date_range("2024-01-01", periods=12)
    table = pd.DataFrame({f"region {i}": range(i, 12 + i) for i in range(300)}, index=days).rename_axis("day")
    mapping = ColumnMapping("day", wide=tuple(reversed(table.columns)))
    panel = mapped("f.csv", table.to_csv().encode(), mapping, tmp_path)
    seen = replace(view(service, panel, "region 7", "value", ("naive",), 2), mapping=mapping, file="f.csv")
    for text in (reproduce.command_line(seen), reproduce.python_snippet(seen)):
        assert len(text) < 2500
        assert any("'mapping.json'" in line and line.startswith("#") for line in text.splitlines())
    (tmp_path / "mapping.json").write_text(mapping.to_json(), encoding="utf-8")
    wanted = shown(service, seen)
    assert_same(by_command_line(seen), wanted)
    assert_same(by_python(seen, tmp_path), wanted)
