"""Files that cannot be written are refused before anything is fitted, and a full disk destroys nothing."""

import errno
import os

import pandas as pd
import pytest

from forecasting.cli import backtest, forecast
from forecasting.cli.main import main
from forecasting.cli.output_files import check_sheet_rows
from forecasting.support.atomic_file import write_atomically
from forecasting.support.errors import RequestError


@pytest.fixture
def table(tmp_path):
    """Weeks of one region."""
    weeks = pd.date_range("2024-01-06", periods=30, freq="W-SAT")
    path = tmp_path / "table.csv"
    pd.DataFrame({"region": "A", "date": weeks, "value": range(30)}).to_csv(path, index=False)
    return path


@pytest.fixture
def nothing_is_read(monkeypatch):
    """A command that reads its figures before it checks where to write fails."""
    for module in (forecast, backtest):
        monkeypatch.setattr(
            module.InputOptions, "read_panel", lambda self: pytest.fail("figures were read before the check")
        )


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize("command", ["forecast", "backtest"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.doc", "must end in .csv, .parquet or .xlsx"),
        ("out", "must end in .csv, .parquet or .xlsx"),
        ("missing/out.csv", "there is no folder"),
        ("folder.csv", "which is a folder"),
        ("table.csv", "which --input reads"),
        ("link.csv", "which --input reads"),
        ("x" * 300 + ".csv", "cannot be written: file name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(table, capsys, command, name, words):
    (table.parent / "folder.csv").mkdir()
    (table.parent / "link.csv").symlink_to(table)
    before = table.read_bytes()
    arguments = ["--input", str(table), "--models", "naive", "--horizon", "2", "--output", str(table.parent / name)]
    assert main([command, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("--output is '")
    assert words in line
    assert table.read_bytes() == before
    assert [path.name for path in table.parent.glob(".partial-*")] == []


@pytest.mark.usefixtures("nothing_is_read")
def test_forecasts_and_scores_may_not_be_the_same_file(table, capsys):
    output = str(table.parent / "out.csv")
    arguments = ["--input", str(table), "--models", "naive", "--horizon", "2", "--output", output]
    same = str(table.parent / "." / "sub" / ".." / "out.csv")
    (table.parent / "sub").mkdir()
    assert main(["backtest", *arguments, "--scores", same]) == 2
    assert "--output and --scores are the same file" in capsys.readouterr().err


def test_scores_may_not_replace_the_forecasts_that_are_scored(table, tmp_path, capsys):
    output = str(tmp_path / "out.csv")
    assert main(["backtest", "--input", str(table), "--models", "naive", "--horizon", "1", "--output", output]) == 0
    capsys.readouterr()
    assert main(["score", "--forecasts", output, "--truth", str(table), "--scores", output]) == 2
    assert "which --forecasts reads" in capsys.readouterr().err


def test_more_rows_than_a_sheet_takes_are_refused_before_the_fit(tmp_path):
    check_sheet_rows("--output", tmp_path / "out.csv", 2_000_000)
    check_sheet_rows("--output", tmp_path / "out.xlsx", 1_048_575)
    with pytest.raises(RequestError, match=r"1,048,576 rows are more than a spreadsheet takes; choose .csv"):
        check_sheet_rows("--output", tmp_path / "out.xlsx", 1_048_576)


def test_a_disk_that_is_full_leaves_the_earlier_file_as_it_was(table, tmp_path, capsys, monkeypatch):
    output = tmp_path / "out.csv"
    output.write_text("earlier")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    arguments = ["--input", str(table), "--models", "naive", "--horizon", "2", "--output", str(output)]
    assert main(["forecast", *arguments]) == 2
    assert "cannot be written: no space left on device. What was fitted is in the store" in capsys.readouterr().err
    assert output.read_text() == "earlier"
    assert list(tmp_path.glob(".partial-*")) == []


def test_permissions_of_an_earlier_file_stay_and_links_stay_links(tmp_path):
    path, link = tmp_path / "out.csv", tmp_path / "link.csv"
    path.write_text("earlier")
    path.chmod(0o640)
    link.symlink_to(path)
    write_atomically(link, b"new")
    assert (path.read_text(), path.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)
    new = tmp_path / "new.csv"
    write_atomically(new, b"new")
    mask = os.umask(0)
    os.umask(mask)
    assert new.stat().st_mode & 0o777 == 0o666 & ~mask
