"""Command line of the training: ``python -m training`` makes the weights anew, ``python -m training score`` scores them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

#: Where the weights are that the model uses.
WEIGHTS = Path(__file__).parents[1] / "forecasting/models/pretrained.onnx"
#: What the network says to a few windows, for the tests of the file.
RECORDED = Path(__file__).parents[1] / "tests/models/pretrained_outputs.npz"
#: The folder of public figures for scores, beside the checkout.
DATA = Path(__file__).parents[2] / "shared/data"
#: Windows made at a time; each such shard has random numbers of its own.
SHARD = 20_000
#: The largest difference allowed between the file and the network, relative to a quantile's size.
TOLERANCE = 1e-4


def main() -> None:
    """Train, export and score, or only score."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["train", "score"], default="train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--windows", type=int, default=300_000, help="windows of made-up series")
    parser.add_argument("--steps", type=int, default=9_000, help="steps of the training loop")
    parser.add_argument("--series", type=Path, help="a folder of real series to learn from, besides: yearly.csv.gz …")
    parser.add_argument("--real", type=int, default=80_000, help="windows of them")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of figures to score on")
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="the file of weights to write")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.command == "train":
        train(options)
    if options.data.exists():
        from training.scores import print_scores

        print_scores(options.data)


def train(options: argparse.Namespace) -> None:
    """Make windows, fit the network, write it and check what was written."""
    import numpy as np

    from training.export import export, largest_difference, record
    from training.fit import fit
    from training.windows import join, made_up_windows, real_windows

    parts = []
    for shard in range(-(-options.windows // SHARD)):
        parts.append(
            join(
                made_up_windows(np.random.default_rng([options.seed, shard]), SHARD),
                np.random.default_rng([options.seed, shard]),
            )
        )
        print(f"{sum(len(part) for part in parts)} windows of made-up series", file=sys.stderr, flush=True)
    if options.series:
        parts += real_windows(np.random.default_rng([options.seed, 10**6]), options.series, options.real)
        print(f"{sum(len(part) for part in parts)} windows with those of real series", file=sys.stderr, flush=True)
    windows = join(parts, np.random.default_rng(options.seed))
    network = fit(windows, options.steps, options.seed)
    export(network, options.output)
    if options.output == WEIGHTS:
        record(network, RECORDED, windows)
    difference = largest_difference(network, options.output, windows)
    print(f"{options.output}: {options.output.stat().st_size} bytes, at most {difference:.1e} from the network")
    if difference > TOLERANCE:
        raise SystemExit("The file says something else than the network.")


if __name__ == "__main__":
    main()
