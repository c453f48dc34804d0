"""`watch` on a real Redis: a line for each new point, with the forecast of the next one."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from redis_server import running

from forecasting.cli.main import main

pytest.importorskip("redis")
DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()


@pytest.fixture
def redis(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    with running(tmp_path) as server:
        monkeypatch.setenv("FORECAST_STREAM_CASES", server.address("cases"))
        yield server


def test_each_new_point_is_a_line_with_the_next_forecast_extended(redis):
    past = 100 + 10 * np.sin(np.arange(60)) + np.arange(60)
    with redis.client() as client:
        for day, value in zip(DAYS, past, strict=True):
            client.xadd("cases", {"data": json.dumps({"region": "Italy", "date": day, "value": value})})
        client.xadd("cases", {"data": json.dumps({"region": "Spain", "date": DAYS[0], "value": 1})})
        command = [sys.executable, "-m", "forecasting", "watch", "--source", "stream-cases", "--region", "Italy"]
        command += ["--points", "2", "--workers", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as watching:
            try:
                header = watching.stdout.readline().strip()
                client.xadd("cases", {"data": json.dumps({"region": "Spain", "date": DAYS[1], "value": 1})})
                client.xadd("cases", {"data": json.dumps({"region": "Italy", "date": "2024-03-01", "value": 160})})
                first = watching.stdout.readline().strip()
                client.xadd("cases", {"data": json.dumps({"region": "Italy", "date": "2024-03-01", "value": 150})})
                second = watching.stdout.readline().strip()
                assert watching.wait(60) == 0
            finally:
                watching.kill()
    new, corrected = csv.DictReader([header, first, second])
    assert (new["region"], new["date"], new["value"], new["next"]) == ("Italy", "2024-03-01", "160", "2024-03-02")
    assert (corrected["date"], corrected["value"], corrected["next"]) == ("2024-03-01", "150", "2024-03-02")
    assert float(new["lower"]) < float(new["forecast"]) < float(new["upper"])
    assert "parameters of 29 Feb 2024" in new["method"]


def test_a_source_that_does_not_stream_cannot_be_watched(capsys):
    assert main(["watch", "--source", "bundled"]) == 2
    assert capsys.readouterr().err == "'bundled' does not stream; watch takes a source that is called stream-<name>.\n"
