"""One table in many spellings: numbers, dates, orders, containers and shapes as people and programs write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from brought import parquet, workbook

NBSP, THIN, MINUS = "\u00a0", "\u2009", "\u2212"
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}


def month(day: pd.Timestamp, language: str) -> str:
    return MONTHS[language].split()[day.month - 1]


def grouped(value: float, decimals: int, thousands: str, decimal: str) -> str:
    text = f"{value:,.{decimals}f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)


def indian(value: float, decimals: int) -> str:
    whole, _, fraction = f"{abs(value):.{decimals}f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ("-" if value < 0 else "") + ",".join([*pairs, tail]) + (f".{fraction}" if fraction else "")


def in_brackets(value: float, decimals: int) -> str:
    return f"({abs(value):,.{decimals}f})" if value < 0 else f"{value:,.{decimals}f}"


#: How a number may be written: of its value and its decimals.
NUMBERS: dict[str, Callable[[float, int], str]] = {
    "plain": lambda v, d: f"{v:.{d}f}",
    "shortest": lambda v, d: f"{round(v, d):g}" if abs(v) < 1e5 and d < 3 else repr(round(v, d)),
    "decimal comma": lambda v, d: f"{v:.{d}f}".replace(".", ","),
    "1,234.5": lambda v, d: grouped(v, d, ",", "."),
    "1.234,5": lambda v, d: grouped(v, d, ".", ","),
    "1 234,5": lambda v, d: grouped(v, d, " ", ","),
    "1 234.5": lambda v, d: grouped(v, d, " ", "."),
    "no-break space": lambda v, d: grouped(v, d, NBSP, ","),
    "thin space": lambda v, d: grouped(v, d, THIN, ","),
    "1'234.5": lambda v, d: grouped(v, d, "'", "."),
    "curved apostrophe": lambda v, d: grouped(v, d, "\u2019", "."),
    "Indian": indian,
    "dollars": lambda v, d: f"${grouped(v, d, ',', '.')}".replace("$-", "-$"),
    "euros behind": lambda v, d: f"{grouped(v, d, '.', ',')} €",
    "francs": lambda v, d: f"CHF {grouped(v, d, chr(39), '.')}",
    "USD behind": lambda v, d: f"{v:.{d}f} USD",
    "percent": lambda v, d: f"{v:.{d}f}%",
    "percent, comma": lambda v, d: f"{v:.{d}f} %".replace(".", ","),
    "kilometres": lambda v, d: f"{v:.{d}f} km",
    "degrees": lambda v, d: f"{v:.{d}f} °C",
    "brackets": in_brackets,
    "minus behind": lambda v, d: f"{abs(v):.{d}f}" + "-" * (v < 0),
    "Unicode minus": lambda v, d: f"{v:.{d}f}".replace("-", MINUS),
    "scientific": lambda v, d: f"{v:.15E}",
    "scientific, comma": lambda v, d: f"{v:.15E}".replace(".", ","),
    "padded": lambda v, d: f"  {v:.{d}f} ",
}
DAY_ZERO = pd.Timestamp("1899-12-30")
#: How a date may be written, for dates of each kind of calendar.
DAYS: dict[str, Callable[[pd.Timestamp], str]] = {
    "ISO": lambda t: f"{t:%Y-%m-%d}",
    "compact": lambda t: f"{t:%Y%m%d}",
    "slashes": lambda t: f"{t:%Y/%m/%d}",
    "points": lambda t: f"{t:%d.%m.%Y}",
    "points, short year": lambda t: f"{t:%d.%m.%y}",
    "day first": lambda t: f"{t:%d/%m/%Y}",
    "month first": lambda t: f"{t:%m/%d/%Y}",
    "month first, unpadded": lambda t: f"{t.month}/{t.day}/{t.year}",
    "day first, short year": lambda t: f"{t:%d/%m/%y}",
    "short year first": lambda t: f"{t:%y-%m-%d}",
    "midnight": lambda t: f"{t:%Y-%m-%d} 00:00:00",
    "UTC": lambda t: f"{t:%Y-%m-%d}T00:00:00Z",
    "noon": lambda t: f"{t:%m/%d/%Y} 12:00:00 AM",
    "day number": lambda t: str((t - DAY_ZERO).days),
    "seconds": lambda t: str(t.value // 10**9),
    "milliseconds": lambda t: str(t.value // 10**6),
    "nanoseconds": lambda t: str(t.value),
    "Oxford": lambda t: f"{t:%d}-{month(t, 'en')[:3]}-{t:%Y}",
    "Oxford, short year": lambda t: f"{t:%d}-{month(t, 'en')[:3]}-{t:%y}",
    "American": lambda t: f"{month(t, 'en')} {t.day}, {t.year}",
    "weekday": lambda t: f"{t:%a}, {t.day} {month(t, 'en')} {t.year}",
    "German": lambda t: f"{t.day}. {month(t, 'de')} {t.year}",
    "French": lambda t: f"{t.day} {month(t, 'fr')} {t.year}",
    "Spanish": lambda t: f"{t.day} de {month(t, 'es')} de {t.year}",
    "Italian": lambda t: f"{t.day} {month(t, 'it')} {t.year}",
    "Portuguese": lambda t: f"{t.day} de {month(t, 'pt')} de {t.year}",
    "Dutch": lambda t: f"{t.day} {month(t, 'nl')} {t.year}",
    "Polish": lambda t: f"{t.day} {month(t, 'pl')} {t.year}",
}
WEEKS: dict[str, Callable[[pd.Timestamp], str]] = {
    "ISO week": lambda t: f"{t.isocalendar().year}-W{t.isocalendar().week:02d}",
    "six digits": lambda t: f"{t.isocalendar().year}{t.isocalendar().week:02d}",
    "German week": lambda t: f"KW {t.isocalendar().week} {t.isocalendar().year}",
    "year and week": lambda t: f"{t.isocalendar().year} W{t.isocalendar().week}",
}
MONTHLY: dict[str, Callable[[pd.Timestamp], str]] = {
    "ISO month": lambda t: f"{t:%Y-%m}",
    "six digits": lambda t: f"{t:%Y%m}",
    "month last": lambda t: f"{t:%m/%Y}",
    "Jan-21": lambda t: f"{month(t, 'en')[:3]}-{t:%y}",
    "Jan 2021": lambda t: f"{month(t, 'en')[:3]} {t:%Y}",
    "German month": lambda t: f"{month(t, 'de')} {t:%Y}",
    "French month": lambda t: f"{month(t, 'fr')} {t:%Y}",
    "2021M01": lambda t: f"{t:%Y}M{t:%m}",
}
QUARTERLY: dict[str, Callable[[pd.Timestamp], str]] = {
    "2021Q1": lambda t: f"{t:%Y}Q{t.quarter}",
    "Q1 2021": lambda t: f"Q{t.quarter} {t:%Y}",
    "2021-Q1": lambda t: f"{t:%Y}-Q{t.quarter}",
}
#: The calendars: dates, and the spellings of each.
CALENDARS: dict[str, tuple[pd.DatetimeIndex, dict[str, Callable[[pd.Timestamp], str]]]] = {
    "days": (pd.date_range("2021-02-20", periods=20), DAYS),
    "days of one month": (pd.date_range("2021-03-01", periods=11), DAYS),
    "days of the sixties": (pd.date_range("1965-12-20", periods=20), DAYS),
    "weeks": (pd.date_range("2020-11-01", periods=18, freq="W-SUN"), DAYS | WEEKS),
    "weeks of one quarter": (pd.date_range("2021-01-10", periods=11, freq="W-SUN"), DAYS | WEEKS),
    "months": (pd.date_range("2019-10-01", periods=18, freq="MS"), DAYS | MONTHLY),
    "months of one year": (pd.date_range("2021-01-01", periods=11, freq="MS"), DAYS | MONTHLY),
    "quarters": (pd.date_range("2018-01-01", periods=12, freq="QS-JAN"), DAYS | QUARTERLY),
}
#: Figures: the smallest, the largest, and the decimals.
FIGURES = {
    "counts": (3, 90, 0),
    "around a thousand": (880, 1160, 0),
    "thousands": (1001, 9900, 0),
    "from one to millions": (1, 3_000_000, 0),
    "amounts": (200, 9000, 2),
    "amounts of one decimal": (0, 2000, 1),
    "three decimals": (1.1, 9.9, 3),
    "larger with three decimals": (11, 990, 3),
    "rates": (0.01, 0.99, 4),
    "measurements": (-30, 30, 1),
    "large measurements": (-9000, 9000, 2),
}
CONTAINERS = (
    "csv ,",
    "csv ;",
    "csv tab",
    "csv |",
    "xlsx",
    "xlsx text",
    "parquet",
    "parquet text",
    "json",
    "json text",
    "json split",
)
#: Containers that keep numbers and dates by their type, so that spellings do not matter.
TYPED = ("xlsx", "parquet", "json", "json split")
SHAPES = ("tidy", "single", "wide", "German", "French")
#: Of each shape; where no header says what is what, every column is looked at, which takes three times as long.
SHARES = (0.3, 0.3, 0.3, 0.05, 0.05)
HEADERS = {
    "tidy": ("region", "date", "value"),
    "single": (None, "date", "value"),
    "wide": (None, "date", None),
    "German": ("Land", "Datum", "Anzahl"),
    "French": ("pays", "date", "cas"),
}
REGIONS = ("North", "Süd")
ORDERS = ("ascending", "descending", "shuffled")


@dataclass(frozen=True)
class Rendering:
    """One way to write one table: the names of its choices, its content, and the figures that it holds."""

    choices: tuple[str, ...]
    content: bytes
    figures: pd.DataFrame


def render(choices: tuple[str, ...], rng: np.random.Generator) -> Rendering:
    """A table in the spelling of `choices`: figures, calendar, number, date, container, shape and order."""
    figures, calendar, _, _, _, shape, order = choices
    low, high, decimals = FIGURES[figures]
    days = CALENDARS[calendar][0]
    regions = REGIONS[:1] if shape == "single" else REGIONS
    drawn = rng.uniform(low, high, (len(days), len(regions)))
    if low > 0 and high >= 100 * low:
        drawn = low * (high / low) ** rng.uniform(0, 1, drawn.shape)
    values = np.round(drawn, decimals) + 0.0
    table = pd.DataFrame(values, index=days, columns=list(regions))
    places = np.arange(len(days))
    places = places[::-1] if order == "descending" else rng.permutation(places) if order == "shuffled" else places
    return Rendering(choices, _content(table.iloc[places], choices, decimals), table)


def _content(table: pd.DataFrame, choices: tuple[str, ...], decimals: int) -> bytes:
    _, calendar, number, spelling, container, shape, _ = choices
    region, date, value = HEADERS[shape]
    typed = container in TYPED
    write_number, write_date = NUMBERS[number], CALENDARS[calendar][1][spelling]

    def cell(figure: float) -> object:
        return (int(figure) if decimals == 0 else float(figure)) if typed else write_number(float(figure), decimals)

    def stamp(day: pd.Timestamp) -> object:
        if not typed:
            return write_date(day)
        return day.value // 10**6 if container.startswith("json") else day.to_pydatetime()

    if shape == "wide":
        header = [date, *table.columns]
        rows = [[stamp(day), *map(cell, row)] for day, row in zip(table.index, table.to_numpy(), strict=True)]
    else:
        header = [name for name in (region, date, value) if name is not None]
        rows = [
            [*([name] if region else []), stamp(day), cell(figure)]
            for name in table.columns
            for day, figure in table[name].items()
        ]
    return _packed(header, rows, container)


def _packed(header: list[str], rows: list[list[object]], container: str) -> bytes:
    if container.startswith("csv"):
        text = io.StringIO()
        separator = {"csv tab": "\t"}.get(container, container[-1])
        csv.writer(text, delimiter=separator, lineterminator="\n").writerows([header, *rows])
        return text.getvalue().encode()
    if container.startswith("xlsx"):
        return workbook(sheet=[header, *rows])
    if container.startswith("parquet"):
        return parquet(pd.DataFrame(rows, columns=header))
    if container == "json split":
        return json.dumps({"columns": header, "index": list(range(len(rows))), "data": rows}).encode()
    return json.dumps([dict(zip(header, row, strict=True)) for row in rows]).encode()


def sample(count: int, seed: int = 0) -> list[Rendering]:
    """Renderings of every choice, evenly mixed; of containers that are slow to write fewer."""
    rng = np.random.default_rng(seed)
    weights = np.array(
        [1 if name.startswith("xlsx") else 2 if name.startswith("parquet") else 6 for name in CONTAINERS]
    )
    found = []
    for _ in range(count):
        figures = str(rng.choice(list(FIGURES)))
        calendar = str(rng.choice(list(CALENDARS)))
        number = str(rng.choice(list(NUMBERS)))
        spelling = str(rng.choice(list(CALENDARS[calendar][1])))
        container = str(rng.choice(CONTAINERS, p=weights / weights.sum()))
        shape = str(rng.choice(SHAPES, p=SHARES))
        choices = (figures, calendar, number, spelling, container, shape, str(rng.choice(ORDERS)))
        found.append(render(choices, rng))
    return found
