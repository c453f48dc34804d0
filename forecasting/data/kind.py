"""Kind: what a figure is (a count, an amount, a measurement, a share), and so what may be done to it.

It decides what is repaired, which values a forecast may have, and whether figures of several periods add up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from forecasting.support.errors import DataError, RequestError


@dataclass(frozen=True)
class Kind:
    """What a figure is.

    Attributes:
        name: what requests, links and files call it.
        label: what a person reads, with an article.
        plural: such figures, as a heading says it.
        low, high: no figure and no forecast is below or above; infinite where there is no bound.
        adds_up: figures of several periods make a total; those of others make a mean.
        repaired: corrections, late reports and incomplete last figures are looked for, as in counts that are reported.
    """

    name: str
    label: str
    plural: str
    low: float
    high: float
    adds_up: bool
    repaired: bool

    def clip(self, values: np.ndarray) -> np.ndarray:
        """The `values` within the bounds."""
        return np.clip(values, self.low, self.high)

    def __reduce__(self) -> tuple[Callable[[str], Kind], tuple[str]]:
        """A copy, or one in another process, is the same object: kinds are compared by ``is``."""
        return _of_name, (self.name,)


def _of_name(name: str) -> Kind:
    return KINDS[name]


COUNT = Kind("count", "a count", "Counts", 0.0, math.inf, adds_up=True, repaired=True)
AMOUNT = Kind("amount", "an amount", "Amounts", 0.0, math.inf, adds_up=True, repaired=False)
MEASUREMENT = Kind("measurement", "a measurement", "Measurements", -math.inf, math.inf, adds_up=False, repaired=False)
SHARE = Kind("share", "a share", "Shares", 0.0, 1.0, adds_up=False, repaired=False)
PERCENT = Kind("percent", "a share in percent", "Percent", 0.0, 100.0, adds_up=False, repaired=False)
#: Every kind by its name.
KINDS: dict[str, Kind] = {kind.name: kind for kind in (COUNT, AMOUNT, MEASUREMENT, SHARE, PERCENT)}
#: The names that a person chooses from; whether a share is in percent is seen from the figures.
CHOICES = ("count", "amount", "measurement", "share")
#: Those of them whose figures make no running totals.
CHOICES_WITHOUT_TOTALS = ("measurement", "share")

#: Words in the name of a column or file that say that its figures are shares.
SHARE_WORDS = frozenset(
    [
        "share",
        "shares",
        "percent",
        "percentage",
        "pct",
        "positivity",
        "proportion",
        "fraction",
        "ratio",
        "coverage",
        "occupancy",
        "utilisation",
        "utilization",
        "anteil",
        "prozent",
        "quote",
        "rate",
        "rates",
    ]
)
#: Words that say that figures are measured, so that their sum means nothing.
MEASUREMENT_WORDS = frozenset(
    [
        "temperature",
        "temperatures",
        "temp",
        "temps",
        "temperatur",
        "celsius",
        "fahrenheit",
        "kelvin",
        "price",
        "prices",
        "preis",
        "preise",
        "kurs",
        "close",
        "closing",
        "open",
        "high",
        "low",
        "exchange",
        "fx",
        "return",
        "returns",
        "yield",
        "index",
        "score",
        "level",
        "pressure",
        "humidity",
        "ph",
        "altitude",
        "speed",
        "voltage",
        "mean",
        "average",
        "avg",
        "median",
        "balance",
        "saldo",
        "anomaly",
        "deviation",
        "delta",
        "change",
        "difference",
    ]
)
#: Words that say that figures are amounts, also where they are whole numbers.
AMOUNT_WORDS = frozenset(
    [
        "sales",
        "revenue",
        "turnover",
        "umsatz",
        "amount",
        "amounts",
        "cost",
        "costs",
        "spend",
        "spending",
        "usd",
        "eur",
        "gbp",
        "dollars",
        "euros",
        "rainfall",
        "precipitation",
        "rain",
        "mm",
        "kwh",
        "mwh",
        "energy",
        "consumption",
        "demand",
        "load",
        "weight",
        "volume",
        "litres",
        "liters",
        "tonnes",
        "incidence",
        "per100k",
        "rate100k",
    ]
)
#: Words that say what figures are.
KIND_WORDS = SHARE_WORDS | MEASUREMENT_WORDS | AMOUNT_WORDS
#: A count has no more negative figures than this share: more are no corrections.
MOST_CORRECTIONS = 0.05


def kind_named(name: str, values: np.ndarray) -> Kind:
    """The kind that a person calls `name`; whether a share is in percent is seen from the figures.

    Raises `RequestError` for an unknown name, `DataError` where the figures cannot be of that kind.
    """
    if name not in KINDS:
        raise RequestError(f"There is no kind '{name}'; there are {', '.join(CHOICES)}.")
    kind = KINDS[name]
    known = values[np.isfinite(values)]
    if name == "share" and len(known) and known.max() > 1:
        kind = PERCENT
    if kind in (SHARE, PERCENT) and len(known) and (known.min() < kind.low or known.max() > kind.high):
        wrong = known.min() if known.min() < kind.low else known.max()
        raise DataError(
            f"{wrong:g} is no share, which is from 0 to 1 or from 0 to 100 %; choose the kind amount or measurement."
        )
    if kind is AMOUNT and len(known) and known.min() < 0:
        raise DataError(f"{known.min():g} is no amount, which is never below zero; choose the kind measurement.")
    return kind


def propose_kind(
    values: np.ndarray, words: Collection[str] = (), percent: bool = False, file_words: Collection[str] = ()
) -> tuple[Kind, str]:
    """What these figures seem to be, and why, in a few words.

    Args:
        values: the figures; those that are not finite do not count.
        words: of the name of their column, in lower case.
        percent: they are written with a percent sign.
        file_words: of the name of their file, where it is all that tells.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return COUNT, "there are no figures"
    low, high = float(known.min()), float(known.max())
    whole = bool((known == np.floor(known)).all())
    negative = float((known < 0).mean())
    names = {*words, *file_words}

    def called(word: str) -> str:
        return f"called '{word}'" if word in words else f"'{word}' is in the file's name"

    if low < 0 and not (whole and negative <= MOST_CORRECTIONS and not names & MEASUREMENT_WORDS):
        return MEASUREMENT, f"some are below zero, down to {low:g}"
    if percent and low >= 0 and high <= 100:
        return PERCENT, "written with a percent sign"
    if (
        (word := _first(names, SHARE_WORDS))
        and not names & MEASUREMENT_WORDS
        and low >= 0
        and high <= 100
        and not whole
    ):
        return (SHARE if high <= 1 else PERCENT), f"{called(word)}, and none is above {1 if high <= 1 else 100}"
    if word := _first(names, MEASUREMENT_WORDS):
        return MEASUREMENT, called(word)
    if low >= 0 and (word := _first(names, AMOUNT_WORDS)):
        return AMOUNT, called(word)
    if not whole and low >= 0 and high == 1:
        return SHARE, "numbers with decimals from 0 to 1, and 1 is among them"
    if whole:
        return COUNT, "whole numbers" + (", none below zero" if low >= 0 else ", few of them below zero")
    return AMOUNT, "numbers with decimals, none below zero"


def _first(names: set[str], words: frozenset[str]) -> str | None:
    return min(names & words, default=None)
