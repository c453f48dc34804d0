"""Models that behave and misbehave on command, for tests; workers and tests both `register` them.

They are subclasses of real ones, so that the registry, which looks at `Model`'s own, never finds them. Where they must
wait, they read one byte from a FIFO in the folder ``SCRIPTED``, named after the first value of the series.
"""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.jobs.request import Request
from forecasting.models import Progress, ignore_progress, models
from forecasting.models.ensemble import Ensemble
from forecasting.models.naive import Naive
from forecasting.models.pooled import Pooled
from forecasting.preparation.gather_pool import prepared_series
from forecasting.support.errors import ModelError

#: The first figure of a series that `Many` cannot forecast.
BAD = 13
WAIT_FOR_EVER = "import threading; threading.Event().wait()"


class Scripted(Naive):
    instant = False

    def forecast(self, series, horizon, report=ignore_progress):
        self.act(series, horizon, report)
        return super().forecast(series, horizon)

    def act(self, series, horizon, report):
        """What it does before it repeats the last season."""


class Quick(Scripted):
    name, label = "quick", "Quick"


class Gated(Scripted):
    name, label = "gated", "Gated"

    def act(self, series, horizon, report):
        report(Progress(str(os.getpid()), 0, 1))
        with open(gate(series), "rb") as waiting:
            waiting.read(1)


class Drafting(Scripted):
    name, label = "drafting", "Drafting"

    def act(self, series, horizon, report):
        for done in range(1, 4):
            draft = Naive.forecast(self, series.tail(7 * done), horizon)
            report(Progress(f"candidate {done}", done, 3, np.float32(0.5), np.float64(0.25), draft))
            with open(gate(series), "rb") as waiting:
                waiting.read(1)


class Fatal(Scripted):
    name, label = "fatal", "Fatal"

    def act(self, series, horizon, report):
        os.kill(os.getpid(), signal.SIGKILL)


class Endless(Scripted):
    name, label, time_limit = "endless", "Endless", 2.0

    def act(self, series, horizon, report):
        report(Progress("something", 1, 2, draft=Naive.forecast(self, series, horizon)))
        threading.Event().wait()


class Chatterer(Scripted):
    name, label = "chatterer", "Chatterer"

    def act(self, series, horizon, report):
        print('{"name": "done", "fit": 1}', flush=True)
        os.write(1, b"x" * 100_000 + b"\n")
        os.write(2, b"\xff\xfe no text\n" * 1000)
        subprocess.run([sys.executable, "-c", "print('a child speaks')"], check=True)
        assert sys.stdin.read() == ""


class Unable(Scripted):
    name, label = "unable", "Unable"

    def act(self, series, horizon, report):
        raise ModelError("Give me a longer history.")


class Starving(Scripted):
    name, label = "starving", "Starving"

    def act(self, series, horizon, report):
        report(Progress(str(os.getpid()), 0, 1))
        raise MemoryError


class Buggy(Scripted):
    name, label = "buggy", "Buggy"

    def act(self, series, horizon, report):
        raise ZeroDivisionError("a bug")


class Many(Scripted):
    """Takes many series at once, has nothing to say of one that begins with `BAD`, and waits where there is a gate for one.

    It notes its process and how many it was given.
    """

    name, label, batched = "many", "Many", True

    def forecast(self, series, horizon, report=ignore_progress):
        (made,) = self.forecast_many([series], horizon)
        if isinstance(made, ModelError):
            raise made
        return made

    def forecast_many(self, series, horizon):
        with open(taken_by_many(), "a") as taken:
            taken.write(f"{os.getpid()} {len(series)}\n")
        for one in series:
            if gate(one).exists():
                with open(gate(one), "rb") as waiting:
                    waiting.read(1)
        too_short = ModelError("Give me a longer history.")
        return [too_short if one.values[0] == BAD else Naive.forecast(self, one, horizon) for one in series]


class Curious(Scripted):
    name, label = "curious", "Curious"

    def act(self, series, horizon, report):
        report(Progress(" ".join([os.environ["OMP_NUM_THREADS"], str(os.nice(0)), *sorted(sys.modules)]), 1, 1))


class Family(Scripted):
    name, label = "family", "Family"

    def act(self, series, horizon, report):
        child = subprocess.Popen([sys.executable, "-c", WAIT_FOR_EVER])
        report(Progress(f"{os.getpid()} {child.pid}", 0, 1))
        threading.Event().wait()


class ScriptedPool(Pooled):
    def warm_up(self):
        """They learn nothing, so they import no library to learn with."""


class Together(ScriptedPool):
    """Has nothing to say of a region called Mute, and waits where there is a gate for its first region."""

    name, label = "together", "Together"

    def forecast_pool(self, pool, horizon, report=ignore_progress):
        report(Progress(str(os.getpid()), 0, 1))
        series = prepared_series(pool)
        gate = pool_gate(next(iter(series.values())))
        if gate.exists():
            with open(gate, "rb") as waiting:
                waiting.read(1)
        return {name: Naive.forecast(self, one, horizon) for name, one in series.items() if name != "Mute"}


class Lonely(ScriptedPool):
    name, label = "lonely", "Lonely"

    def forecast_pool(self, pool, horizon, report=ignore_progress):
        raise ModelError("There are too few regions.")


class Learning(ScriptedPool):
    """Counts the fits that have gone on from each other; the first region's forecast carries the number."""

    name, label, continues = "learning", "Learning", True

    def continue_pool(self, pool, horizon, learned, report=ignore_progress):
        made = {name: Naive.forecast(self, one, horizon) for name, one in prepared_series(pool).items()}
        first = next(iter(made))
        return made | {
            first: replace(made[first], fitted={"learned": {"fits": learned.get("learned", {}).get("fits", 0) + 1}})
        }


class Blending(Ensemble):
    """The mean of its members."""

    def blend(self, series, horizon, forecasts):
        mean = np.mean([forecast.values for forecast in forecasts.values()], axis=0)
        first = next(iter(forecasts.values()))
        return replace(first, model=self.name, method=" + ".join(forecasts), values=mean, notes=())


class Mixed(Blending):
    name, label, members = "mixed", "Mixed", ("quick", "gated", "together")


class Half(Blending):
    name, label, members = "half", "Half", ("quick", "unable")


class Hopeless(Blending):
    name, label, members = "hopeless", "Hopeless", ("unable", "buggy")


class Clumsy(Blending):
    name, label, members = "clumsy", "Clumsy", ("quick", "unable")

    def blend(self, series, horizon, forecasts):
        raise ZeroDivisionError("a bug")


def register():
    """Adds them to the registry of this process; gives them by name."""
    kinds = [*Scripted.__subclasses__(), Together, Lonely, Learning, *Blending.__subclasses__()]
    scripted = {kind.name: kind() for kind in kinds}
    models().update(scripted)
    return scripted


def folder():
    return Path(os.environ["SCRIPTED"])


def taken_by_many():
    """Where `Many` notes what it was given."""
    return folder() / "many"


def gate(series):
    return folder() / f"gate{series.values[0]:g}"


def pool_gate(series):
    """Of a pool whose first region is `series`."""
    return folder() / f"pool{series.values[0]:g}"


def request(model, number=1, horizon=7):
    """Different for every number."""
    values = np.random.default_rng(number).poisson(100, 60).astype(float)
    values[0] = number
    return Request(Series(pd.Timestamp("2021-01-01"), DAILY, values), model, horizon)
