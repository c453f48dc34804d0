"""Inference: seconds to forecast by model, engine, horizon and number of series, and how they grow.

`MODEL/ENGINE/HORIZON×SERIES`: processor seconds for so many made-up series of 200 days, from figures to quantiles, on one core; the reference
is what this program takes for the same (`ours`, which fits what is to be fitted and also samples the quantiles of sums),
or the cell itself where that was left out. `onnx` and `torch` run
the exported graph, 100 series at a time, and `numpy` the example of docs/export.md from a finished fit. Loading and exporting are not counted.
`MODEL/ENGINE/growth`: by how much ten times as many series, and ten times as many steps, take longer: 10 is in proportion.
`pretrained/onnx/64 steps`: one pass of 64 steps; the reference is 64 passes of one step, each after the median of the one before.

Options: `--models`, `--engines`, `--horizons`, `--series` (lists joined by commas), and `--limit`: cells that would take more than so many
seconds, as the one before says, are left out and named on stderr.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd

from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.export.model_files import Origin, export_model
from forecasting.export.model_files.pretrained_graph import pretrained_onnx
from forecasting.models import model

MODELS = ("pretrained", "ets", "theta", "naive", "sarima")
ENGINES = ("ours", "onnx", "torch", "numpy")
HORIZONS, SERIES = (7, 28, 120, 365), (1, 100, 10_000)
#: Figures of each series.
FIGURES = 200
#: Series that a graph is given at once.
AT_ONCE = 100
#: Steps of the comparison of one pass with many.
STEPS = 64
#: Seconds that a cell may take.
LIMIT = 60.0
ORIGIN = Origin("made up", "cases", "here", "cases", "public domain", "")
HEADINGS = {"ets": "ETS", "theta": "Theta", "sarima": "SARIMA", "naive": "Seasonal naive"}
DOCUMENT = Path(__file__).parents[1] / "docs" / "export.md"
#: Makes a function that forecasts some series, of a model and a horizon.
Engine = Callable[[str, int, Sequence[Series]], Callable[[Sequence[Series]], object]]


def run(options: Sequence[str] = ()) -> Iterator[Figure]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks inference")
    for name, usual in (("models", MODELS), ("engines", ENGINES), ("horizons", HORIZONS), ("series", SERIES)):
        parser.add_argument(f"--{name}", default=",".join(map(str, usual)))
    parser.add_argument("--limit", type=float, default=LIMIT)
    chosen = parser.parse_args(options)
    horizons, counts = ([int(one) for one in text.split(",")] for text in (chosen.horizons, chosen.series))
    made = made_up(max(counts))
    for name in chosen.models.split(","):
        engines = [one for one in chosen.engines.split(",") if can_run(one, name)]
        cells: dict[tuple[str, int, int], float] = {}
        for horizon in horizons:
            for engine in engines:
                cells |= timed(name, engine, horizon, counts, made, chosen.limit)
        for (engine, horizon, count), seconds in cells.items():
            reference = cells.get(("ours", horizon, count), seconds)
            yield figure(f"inference/{name}/{engine}/{horizon}×{count}", seconds, "s", reference)
        for engine in engines:
            yield from growth(name, engine, {cell[1:]: seconds for cell, seconds in cells.items() if cell[0] == engine})
    if "pretrained" in chosen.models and can_run("onnx", "pretrained"):
        yield one_pass(made[0])


def made_up(count: int) -> list[Series]:
    """Days of counts: waves of many heights with noise and a weekly pattern."""
    draw, days = np.random.default_rng(0), np.arange(FIGURES)
    level = 10 ** draw.uniform(1, 4, (count, 1)) * (1.2 + np.sin(days / 20 + draw.uniform(0, 6, (count, 1))))
    figures = draw.poisson(level * np.where(days % 7 > 4, 0.7, 1.0))
    return [Series(pd.Timestamp("2024-01-01"), DAILY, one.astype(float)) for one in figures]


def can_run(engine: str, name: str) -> bool:
    """Whether an engine runs a model here."""
    if engine in ("onnx", "torch"):
        return (
            name == "pretrained"
            and bool(find_spec("onnx"))
            and bool(find_spec("onnxruntime" if engine == "onnx" else "torch"))
        )
    return engine == "ours" or name in HEADINGS


def timed(
    name: str, engine: str, horizon: int, counts: Sequence[int], made: Sequence[Series], limit: float
) -> dict[tuple[str, int, int], float]:
    """Seconds by engine, horizon and number of series; those that would take too long are left out."""
    found: dict[tuple[str, int, int], float] = {}
    forecast, before = ENGINES_BY_NAME[engine](name, horizon, made), (0, 0.0)
    forecast(made[:1])
    for count in sorted(counts):
        alone = 0.1 if before[0] == 1 else 1.0  # many at once take a fraction of one by one
        if before[0] and alone * before[1] * count / before[0] > limit:
            print(f"{name}/{engine}/{horizon}×{count} would take too long", file=sys.stderr)
            continue
        runs = 5 if count == 1 else 1
        start = time.process_time()
        for _ in range(runs):
            forecast(made[:count])
        seconds = (time.process_time() - start) / runs
        found[engine, horizon, count], before = seconds, (count, seconds)
    return found


def ours(name: str, horizon: int, made: Sequence[Series]) -> Callable[[Sequence[Series]], object]:
    """This program, `AT_ONCE` series at a time as its workers take them."""
    chosen = model(name)
    chosen.warm_up()
    return lambda some: [chosen.forecast_many(part, horizon) for part in parts(some)]


def onnx_graph(name: str, horizon: int, made: Sequence[Series]) -> Callable[[Sequence[Series]], object]:
    """onnxruntime on the exported graph."""
    session = open_graph(made[0], horizon)
    return lambda some: [session.run(None, {"history": history(part)}) for part in parts(some)]


def open_graph(series: Series, horizon: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = pretrained_onnx(series, horizon, ORIGIN)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def torch_graph(name: str, horizon: int, made: Sequence[Series]) -> Callable[[Sequence[Series]], object]:
    """torch on the exported graph."""
    import onnx
    import torch

    from forecasting.export.model_files.torch_program import torch_module

    torch.set_num_threads(1)
    module = torch_module(onnx.load_model_from_string(pretrained_onnx(made[0], horizon, ORIGIN)).graph).eval()

    def forecast(some: Sequence[Series]) -> object:
        with torch.no_grad():
            return [module(torch.from_numpy(history(part))) for part in parts(some)]

    return forecast


def numpy_example(name: str, horizon: int, made: Sequence[Series]) -> Callable[[Sequence[Series]], object]:
    """The example of the docs on a file of one series, as often as there are series; reading the file is counted."""
    found = re.search(
        rf"^### {HEADINGS[name]}\n.*?```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S
    )
    if not found:
        raise BenchmarkError(f"docs/export.md has no example for {name}.")
    folder = Path(tempfile.mkdtemp())
    (folder / f"{name}.json").write_bytes(
        export_model(made[0], model(name).forecast(made[0], horizon), "json", ORIGIN).content
    )
    code = compile(found[1].replace(f'"{name}.json"', repr(str(folder / f"{name}.json"))), name, "exec")

    def forecast(some: Sequence[Series]) -> object:
        for _ in some:
            exec(code, {})
        return None

    return forecast


def parts(some: Sequence[Series]) -> Iterator[Sequence[Series]]:
    return (some[first : first + AT_ONCE] for first in range(0, len(some), AT_ONCE))


def history(some: Sequence[Series]) -> np.ndarray:
    return np.stack([one.values for one in some])


def growth(name: str, engine: str, cells: dict[tuple[int, int], float]) -> Iterator[Figure]:
    """How much longer ten times as many series, or steps, take: from the largest cells that were measured."""
    by_count = sorted(
        (count, seconds) for (horizon, count), seconds in cells.items() if horizon == min(h for h, _ in cells)
    )
    most = min(max(count for horizon, count in cells if horizon == one) for one in {h for h, _ in cells})
    by_horizon = sorted((horizon, seconds) for (horizon, count), seconds in cells.items() if count == most)
    for what, row in (("series", by_count), ("steps", by_horizon)):
        if len(row) > 1:
            (few, short), (many, long) = row[-2] if what == "series" else row[0], row[-1]
            yield figure(
                f"inference/{name}/{engine}/growth in {what}",
                10 ** (math.log(long / short) / math.log(many / few)),
                "×",
                10,
            )


def one_pass(series: Series) -> Figure:
    """A pass of 64 steps beside 64 passes of one."""
    direct, single = open_graph(series, STEPS), open_graph(series, 1)
    direct.run(None, {"history": history([series])})
    start = time.process_time()
    direct.run(None, {"history": history([series])})
    seconds, figures = time.process_time() - start, history([series])
    single.run(None, {"history": figures})
    start = time.process_time()
    for _ in range(STEPS):
        median = single.run(None, {"history": figures})[0][:, :, 11]
        figures = np.concatenate([figures, median], axis=1)
    return figure(f"inference/pretrained/onnx/{STEPS} steps", seconds, "s", time.process_time() - start)


ENGINES_BY_NAME: dict[str, Engine] = {"ours": ours, "onnx": onnx_graph, "torch": torch_graph, "numpy": numpy_example}
