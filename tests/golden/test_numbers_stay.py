"""Forecasts, scores, exports and API answers are equal to those recorded in `recorded/`, up to what another processor changes.

Computed numbers are compared to nine digits, those of a numerical search (`SEARCHED`) to four; keys, dates, sentences, what comes out
of a store, and the API against the command line to the last digit.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import shutil
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import recording
from recording import RECORDED, run

#: Relative distance of two computed numbers that are the same; of two that a search ends at.
NEAR, ENDED = 1e-9, 1e-4
#: Models whose parameters an optimiser finds: with the linear algebra of another processor it ends up to 3e-5 away.
SEARCHED = frozenset({"ets", "sarima", "ensemble"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def asked(home, tmp_path_factory):
    """What a server says with its store in `home`."""
    return recording.api(home, tmp_path_factory.mktemp("posted"))


@pytest.fixture(scope="module")
def made(asked, home, tmp_path_factory):
    """Every recorded command's forecasts; the server's store has some of them."""
    return recording.forecasts(home, tmp_path_factory.mktemp("files"))


@pytest.fixture
def older(tmp_path):
    """A folder with the store of an older program."""
    folder = tmp_path / "older"
    folder.mkdir()
    shutil.copyfile(RECORDED / "store.sqlite", folder / "forecasts.sqlite")
    return folder


def differences(now: Any, before: Any, near: float = NEAR, where: str = "") -> list[str]:
    """Where two pieces of JSON differ; numbers by more than `near`, and those of a `SEARCHED` model by more than `ENDED`."""
    if isinstance(now, dict) and isinstance(before, dict) and now.keys() == before.keys():
        pairs = [(name, now[name], before[name]) for name in now]
    elif isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        near = ENDED if SEARCHED.intersection(cell for cell in now if isinstance(cell, str)) else near
        pairs = [(str(place), *pair) for place, pair in enumerate(zip(now, before, strict=True))]
    else:
        numbers = isinstance(now, float) and isinstance(before, int | float) and not isinstance(before, bool)
        same = now == before or (numbers and math.isclose(now, before, rel_tol=near, abs_tol=near))
        return [] if same else [f"{where}: {now!r} was {before!r}"]
    found: list[str] = []
    for name, one, other in pairs:
        found += differences(one, other, ENDED if name in SEARCHED else near, f"{where}/{name}")
    return found


def table(text: str) -> list[list[str | float]]:
    """The cells of a CSV file; those with a decimal point or an exponent as numbers."""
    return [[_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text))]


def _cell(text: str) -> str | float:
    with contextlib.suppress(ValueError):
        return float(text) if any(sign in text for sign in ".e") else text
    return text


def recorded(name: str) -> Any:
    """A recorded file: tables and JSON as such, anything else as text."""
    text = (RECORDED / name).read_text()
    return {"csv": table, "json": json.loads}.get(name.rpartition(".")[2], str)(text)


@pytest.mark.parametrize("name", ["own", "holidays", "totals", "simulated", "vintages", "hub", "own-hub"])
def test_the_command_line_forecasts_what_it_did(made, name):
    assert [made[name].code, made[name].err] == recorded("forecasts.json")[name]
    assert differences(table(made[name].out), recorded(f"forecasts-{name}.csv"))[:5] == []


def test_the_same_requests_have_the_same_keys_in_the_store(made, home):
    assert recording.keys(home) == recorded("keys.json")


def test_looking_back_and_scoring_give_what_they_did(tmp_path):
    for name, text in recording.backtests(tmp_path / "home", tmp_path).items():
        if name.endswith("s"):
            assert differences(table(text), recorded(f"backtest-{name}.csv"))[:5] == [], name
        elif name.endswith("json"):
            assert differences(json.loads(text), json.loads(recorded(f"backtest-{name}.txt"))) == []
        else:
            assert text == recorded(f"backtest-{name}.txt")


def test_the_public_names_of_the_library_give_what_they_did():
    assert differences(recording.library(), recorded("library.json"))[:5] == []


def test_lists_options_and_what_is_refused_in_which_words_are_as_they_were(tmp_path):
    assert differences(recording.answers(tmp_path), recorded("answers.json")) == []


def test_every_format_of_a_file_has_the_same_numbers_as_the_output(made, tmp_path):
    printed = pd.read_csv(io.StringIO(made["simulated"].out), parse_dates=["origin", "date"])
    asked = ["--source", "simulated", "--region", "Atlantis", "--models", "naive,theta", "--horizon", 5]
    for ending, read, near in (
        ("csv", pd.read_csv, 0),
        ("parquet", pd.read_parquet, 0),
        ("xlsx", pd.read_excel, 1e-14),
    ):
        file = tmp_path / f"forecasts.{ending}"
        assert run(tmp_path, "forecast", *asked, "--output", file).code == 0
        written = read(file).astype({"origin": "datetime64[ns]", "date": "datetime64[ns]"})
        assert list(written) == list(printed)
        np.testing.assert_allclose(written["value"], printed["value"], rtol=near, atol=0)
        rest = [name for name in printed if name != "value"]
        pd.testing.assert_frame_equal(written[rest], printed[rest], check_dtype=False)


def test_the_api_answers_what_it_did(asked):
    assert differences({name: said for name, said in asked.items() if name != "jobs"}, recorded("api.json"))[:5] == []


@pytest.mark.parametrize("name", ["holidays", "own"])
def test_a_job_of_the_api_and_the_command_line_give_the_same_to_the_last_digit(asked, made, name):
    printed = pd.read_csv(io.StringIO(made[name].out))
    answered = pd.DataFrame(asked["jobs"][name]["forecasts"])
    assert answered[list(printed)].to_dict("list") == printed.to_dict("list")


def test_the_store_of_an_older_program_is_used_to_the_last_digit(older, tmp_path):
    before = stored(older)
    printed = recording.store_requests(older, tmp_path)
    assert printed == (RECORDED / "store.csv").read_text()
    assert stored(older) == before


def test_what_an_older_program_has_stored_is_not_fitted_again(older, tmp_path):
    """All numbers in the store are doubled; a fit would give the true ones."""
    with contextlib.closing(sqlite3.connect(older / "forecasts.sqlite")) as base:
        for key, payload in base.execute("SELECT key, payload FROM forecasts").fetchall():
            base.execute("UPDATE forecasts SET payload = ? WHERE key = ?", (doubled(payload), key))
        base.commit()
    printed = pd.read_csv(io.StringIO(recording.store_requests(older, tmp_path)))
    expected = pd.read_csv(RECORDED / "store.csv")
    assert printed["value"].tolist() == (2 * expected["value"]).tolist()
    ran = run(older, "pretrain", *recording.STORE_SOURCE)
    assert ran.code == 0
    assert ran.err.startswith("These figures are simulated: ")
    assert "; 0 forecasts made, " in ran.out


def stored(folder: Path) -> list[tuple[Any, ...]]:
    """All rows of a store."""
    with contextlib.closing(sqlite3.connect(folder / "forecasts.sqlite")) as base:
        return base.execute("SELECT key, lineage, created, seconds, payload FROM forecasts ORDER BY key").fetchall()


def doubled(payload: bytes) -> bytes:
    """A stored forecast of twice as much: behind the length of its header and the header all is numbers."""
    content = zlib.decompress(payload)
    begin = 4 + struct.unpack_from("<I", content)[0]
    return zlib.compress(content[:begin] + (2 * np.frombuffer(content, dtype="<f8", offset=begin)).tobytes())
