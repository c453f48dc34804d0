"""Number formats: which decimal and thousands signs a column of texts is written with, and the numbers that they mean.

A column is judged as a whole: beside ``904`` and ``1.062`` the cell ``1.020`` is a thousand and twenty, beside ``0.98`` it
is not. Currencies, percent signs and one unit may stand beside the digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecasting.support.errors import DataError
from forecasting.tables.cells.blank_cells import NUMBER_BLANKS


class NumberFormat(StrEnum):
    """How a table writes numbers: an example with its thousands and its decimal sign."""

    COMMA_POINT = "1,234.5"
    POINT_COMMA = "1.234,5"
    SPACE_COMMA = "1 234,5"
    APOSTROPHE_POINT = "1'234.5"

    @property
    def decimal_sign(self) -> str:
        """What stands before the fraction: ``"."`` or ``","``."""
        return self[-2]

    @classmethod
    def parse(cls, text: str) -> NumberFormat:
        """The format that is written as this example. Raises `DataError` for any other text."""
        if text in set(cls):
            return cls(text)
        raise DataError(f"The number format {text[:40]!r} is not known; give {_either_format()}.")


def _either_format() -> str:
    *most, last = (f'"{one}"' for one in NumberFormat)
    return f"{', '.join(most)} or {last}"


@dataclass(frozen=True)
class NumberDoubt:
    """A cell that means two numbers, in a column that does not show which.

    Attributes:
        text: of the cell.
        point, comma: what it means with a decimal point, and with a decimal comma.
    """

    text: str
    point: float
    comma: float

    @property
    def meanings(self) -> dict[str, float]:
        """Number format -> what the cell means in it."""
        return {NumberFormat.COMMA_POINT.value: self.point, NumberFormat.POINT_COMMA.value: self.comma}

    @property
    def question(self) -> str:
        """The doubt as a person is asked."""
        low, high = sorted((self.point, self.comma))
        return f"{self.text}: is that {high:,.0f} or {low:.3f}?"


@dataclass(frozen=True)
class ParsedNumbers:
    """The numbers that texts mean: NaN where a text is blank or `wrong`, and the doubt that is left, if any.

    `decimal_sign` is the one that the texts show; None where they do not. `multiplied` is the first text as 12.1k, and what
    it means.
    """

    values: np.ndarray
    wrong: np.ndarray
    decimal_sign: str | None = None
    doubt: NumberDoubt | None = None
    multiplied: tuple[str, float] | None = None


#: Decimals that are kept of a number that was multiplied: 12.1 thousands are 12100.
_CENTS = 6
#: A share of doubtful cells up to which they are single odd cells, rather than the way a column is written.
_ODD_CELLS = 0.01
#: Usual size of numbers without a sign, from which on thousands are near, and decimals are not.
_NEAR_THOUSANDS = 100
#: The same where doubtful cells end with a zero, which programs do not write at the end of a fraction.
_NEAR_THOUSANDS_WITH_ZERO = 10
_CURRENCIES = (
    r"(?:US|CA|AU|NZ|HK|S|R|C|A)?\$|[€£¥₹₽₩₺₫฿₴₦₱₪¢]|(?i:USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|CNY|RMB|INR|"
    r"BRL|MXN|ZAR|TRY|RUB|KRW|SGD|HKD|Rs\.?|Fr\.?|kr\.?|zł|Kč|Ft|lei|euros?|dollars?)"
)
_GLUED_UNITS = r"km/h|kms?|kg|mg|µg|g|cm|mm|mi|m|ml|cl|l|L|kWh|MWh|GWh|kW|MW|GW|W|h|hrs?|min|s|sec|pcs?|Stk\.?|St\.?|t|lbs?|oz|ft|Pa|hPa|mbar"
_UNIT = rf"[%‰]|{_CURRENCIES}|°\s?[CFK]?|(?:{_GLUED_UNITS})[²³23]?"
#: Spelled behind a space any word or two may be a unit.
_SPACED_UNIT = r" (?:[^\W\d_]|[°µ])(?:[^\W\d_]|[°µ²³/.·^ ]){0,19}"
#: Words behind a number, in small letters, and what they multiply it by.
_MULTIPLIERS = {
    **dict.fromkeys(("k", "tsd", "thousand", "tausend"), 1e3),
    **dict.fromkeys(("m", "mm", "mn", "mln", "mio", "million", "millions", "millionen", "millones"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "mld", "billion", "billions", "milliarden", "milliard", "milliards"), 1e9),
    "lakh": 1e5,
    "crore": 1e7,
}
#: The same as they are written; a small m glued to its number is a metre where nothing else tells.
_WRITTEN_MULTIPLIER = (
    r"(?: ?(?:[kKMB]|MM|bn|Bn|BN|mn|Mn|mln|(?i:Tsd|Mio|Mrd|Mld|thousand|tausend|millions?|billions?|Millionen|Milliarden|milliards?|"
    r"millones|lakh|crore))\.?)(?![^\W\d_])"
)
_CELL = re.compile(
    rf"^(?P<bracket>\()? *(?P<sign>[-+])? *(?P<currency>{_CURRENCIES})? *(?P<inner>[-+(])? *"
    r"(?P<digits>[0-9](?:[0-9.,' ]*[0-9])?[.,]?|[.,][0-9]+)(?P<power>[eE][-+]?[0-9]{1,3})?"
    rf"(?P<factor>{_WRITTEN_MULTIPLIER})?(?P<unit> ?(?:{_UNIT})|{_SPACED_UNIT})? *(?P<behind>-)? *(?P<closing>\))?$"
)
#: The same without anything beside digits and a sign: this is searched a hundred times as fast.
_SIMPLE_CELL = r"^[-+]? *[0-9](?:[0-9.,' ]*[0-9])?$"
#: Words behind a number that may multiply it, or be a unit: they are read as neither.
_DOUBTFUL_WORDS = ("m", "t", "mil")
#: Glued to their number, metres and tons are units.
_UNITS_LIKE_MULTIPLIERS = ("m", "t")
_NOTHING = pa.scalar("", pa.large_string())
_DOUBTFUL = r"^[1-9][0-9]{0,2}[.,][0-9]{3}$"
_SIGNED_DOUBTFUL = r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$"
#: Cells of a plain column that are looked at first for one that shows its decimal point.
_FIRST_CELLS = 200


def _digits_pattern(decimal: str, thousands: str) -> str:
    """What digits look like with these signs; spaces and apostrophes may separate thousands as well."""
    decimal, thousands = rf"\{decimal}", rf"\{thousands}"
    groups = "|".join(rf"(?:{sign}[0-9]{{3}})+" for sign in (thousands, " ", "'"))
    indian = rf"[1-9][0-9]?(?:{thousands}[0-9]{{2}})+{thousands}[0-9]{{3}}"
    return rf"^(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{groups})|{indian})?(?:{decimal}[0-9]*)?$"


_FITS = {".": _digits_pattern(".", ","), ",": _digits_pattern(",", ".")}


def is_plain_column(texts: pa.Array) -> bool:
    """Whether texts that are all numbers of a program cannot be thousands with points, as 1.020 may be.

    Only a column whose every fraction has three digits leaves a doubt, so one other fraction ends the search.
    """
    has_point = pc.match_substring(texts, ".")
    if not pc.any(has_point).as_py():
        return True
    pointed = texts.filter(has_point)
    if not pc.all(pc.match_substring_regex(pointed.slice(0, _FIRST_CELLS), _SIGNED_DOUBTFUL)).as_py():
        return True
    return not pc.all(pc.match_substring_regex(pointed, _SIGNED_DOUBTFUL)).as_py()


def parse_number_texts(
    texts: pa.Array,
    chosen: NumberFormat | None = None,
    beside: np.ndarray | None = None,
    expect_comma: bool = False,
    decimal: str | None = None,
    counts: np.ndarray | None = None,
) -> ParsedNumbers:
    """The numbers that the texts of a column mean.

    Args:
        texts: each once or as often as it is there.
        counts: how often each is there, if it is given once.
        chosen: how they are written; None where they are to tell.
        beside: numbers of the same column that are no texts.
        expect_comma: the table looks like one of a country with decimal commas.
        decimal: the sign that other columns of the table show, for texts that show none.
    """
    texts = _usual_signs(texts)
    blank = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(NUMBER_BLANKS), pa.large_string()))
    filled = ~_array(blank)
    part = _cell_parts(texts)
    digits, unit, closing = part["digits"], part["unit"], part["closing"]
    known = _array(pc.not_equal(digits, "")) & filled
    fits = {sign: known & _array(pc.match_substring_regex(digits, pattern)) for sign, pattern in _FITS.items()}
    doubtful = known & _array(pc.match_substring_regex(digits, _DOUBTFUL))
    scientific = _array(pc.not_equal(part["power"], ""))
    for sign, other in ((".", ","), (",", ".")):
        # A power stands behind a fraction, never behind separated thousands.
        fits[sign] &= ~(scientific & _array(pc.match_substring(digits, other)))
    doubtful &= fits["."] & fits[","]
    decimal = chosen.decimal_sign if chosen else _shown_sign(fits, expect_comma) or decimal
    doubt, odd = None, np.zeros(len(filled), dtype=bool)
    if decimal is None and doubtful.any():
        plain = _plain_numbers(digits, known & ~scientific, beside)
        decimal = _settle(digits.filter(pa.array(doubtful)), plain, expect_comma)
        numbers = np.ones(len(filled)) if counts is None else counts
        if decimal is None and numbers[doubtful].sum() <= _ODD_CELLS * numbers[known].sum():
            odd = doubtful
        elif decimal is None:
            doubt = _doubt(texts, digits, int(np.argmax(doubtful)))
    used = decimal or "."
    ok = fits[used] & ~odd
    opened = _array(pc.equal(part["bracket"], "(")) ^ _array(pc.equal(part["inner"], "("))
    ok &= opened == _array(pc.equal(closing, ")"))
    factors, unit = _factors(part["factor"], part["currency"], unit)
    ok &= _one_unit(part["currency"], unit, digits, ok)
    values = np.full(len(filled), np.nan)
    values[ok] = _values(digits, part["power"], used, ok)
    values = values if factors is None else np.round(values * factors, _CENTS)
    price = _array(pc.match_substring_regex(digits, "[.,]$"))  # 12,- is no negative number
    minus = sum(_array(pc.equal(part[name], "-")).astype(int) for name in ("sign", "inner"))
    minus = minus + (_array(pc.equal(part["behind"], "-")) & ~price) + opened
    values = np.where(minus == 1, -values, values) + 0.0
    ok &= (minus <= 1) & np.isfinite(values)
    values[~ok] = np.nan
    multiplied = None
    if factors is not None and (shown := np.flatnonzero(ok & (factors > 1))).size:
        multiplied = texts[int(shown[0])].as_py(), float(values[shown[0]])
    return ParsedNumbers(values, filled & ~ok, decimal if not doubt else None, doubt, multiplied)


def _usual_signs(texts: pa.Array) -> pa.Array:
    """Texts with plain spaces, apostrophes and hyphens, and nothing around them."""
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.replace_substring_regex(texts, "[\u00a0\u2000-\u200a\u202f\u205f]", " ")
        texts = pc.replace_substring_regex(texts, "[\u2018\u2019\u02bc\u00b4]", "'")
        texts = pc.replace_substring_regex(texts, "[\u2010-\u2015\u2212]", "-")
    return pc.utf8_trim_whitespace(texts)


def _cell_parts(texts: pa.Array) -> dict[str, pa.Array]:
    """The named parts of `_CELL` of each text, each empty where the text has none, and all of them in a text that is no number."""
    simple = pc.match_substring_regex(texts, _SIMPLE_CELL)
    names = tuple(_CELL.groupindex)
    signed = pc.match_substring_regex(texts, "^[-+]")
    parts = dict.fromkeys(names, pa.nulls(len(texts), pa.large_string()).fill_null(""))
    parts["sign"] = pc.if_else(pc.and_(simple, signed), pc.utf8_slice_codeunits(texts, 0, 1), _NOTHING)
    parts["digits"] = pc.if_else(simple, pc.utf8_ltrim(texts, "+- "), _NOTHING)
    if pc.all(simple).as_py():
        return parts
    other = ~_array(simple)
    different = texts.filter(pa.array(other)).dictionary_encode()
    found = [_CELL.match(text) for text in different.dictionary.to_pylist()]
    for name in names:
        known = [(match[name] or "") if match else "" for match in found]
        values = pa.array(known, pa.large_string()).take(different.indices)
        parts[name] = pc.replace_with_mask(parts[name], pa.array(other), values)
    return parts


def _array(mask: pa.Array) -> np.ndarray:
    return mask.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)


def _shown_sign(fits: dict[str, np.ndarray], expect_comma: bool) -> str | None:
    """The decimal sign that some digits show because they fit no other; of two the one that fits more of them."""
    point, comma = (fits["."] & ~fits[","]).sum(), (fits[","] & ~fits["."]).sum()
    if not point and not comma:
        return None
    return "," if comma > point or (comma == point and expect_comma) else "."


def _plain_numbers(digits: pa.Array, known: np.ndarray, beside: np.ndarray | None) -> np.ndarray:
    """The numbers of a column that are written without any sign."""
    plain = digits.filter(pa.array(known & _array(pc.match_substring_regex(digits, "^[0-9]{1,15}$"))))
    numbers = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    return numbers if beside is None else np.concatenate([numbers, np.abs(beside[np.isfinite(beside)])])


def _settle(doubtful: pa.Array, plain: np.ndarray, expect_comma: bool) -> str | None:
    """The decimal sign by the numbers that have none: next to 904, 1.020 is more than a thousand. None where that is open."""
    point = pc.any(pc.match_substring(doubtful, ".")).as_py()
    comma = pc.any(pc.match_substring(doubtful, ",")).as_py()
    plain = plain[plain > 0]
    contradictory = (point and comma) or (comma and expect_comma)
    if contradictory or not len(plain) or plain.max() >= 1000 or (plain % 1).any():
        return None
    zero = pc.any(pc.ends_with(doubtful, "0")).as_py()
    if np.median(plain) < (_NEAR_THOUSANDS_WITH_ZERO if zero else _NEAR_THOUSANDS):
        return None
    return "," if point else "."


def _doubt(texts: pa.Array, digits: pa.Array, row: int) -> NumberDoubt:
    number = digits[row].as_py()
    fraction, whole = float(number.replace(",", ".")), float(number.replace(",", "").replace(".", ""))
    pointed = "." in number
    return NumberDoubt(texts[row].as_py(), *((fraction, whole) if pointed else (whole, fraction)))


def _factors(written: pa.Array, currency: pa.Array, unit: pa.Array) -> tuple[np.ndarray | None, pa.Array]:
    """What the words behind numbers multiply them by, None where there are no such, and the units without these words.

    A small m is a million beside other such words, and behind a currency.
    """
    words = pc.utf8_rtrim(pc.utf8_lower(pc.utf8_trim_whitespace(written)), ".")
    small = _array(pc.equal(pc.utf8_trim_whitespace(unit), "m"))
    told = _array(pc.not_equal(words, ""))
    million = small & (told.any() | _array(pc.not_equal(currency, "")))
    if not told.any() and not million.any():
        return None, unit
    factors = np.array([_MULTIPLIERS.get(word, 1.0) for word in words.to_pylist()])
    factors[million] = _MULTIPLIERS["m"]
    return factors, pc.if_else(pa.array(million), _NOTHING, unit)


def _one_unit(currency: pa.Array, unit: pa.Array, digits: pa.Array, ok: np.ndarray) -> np.ndarray:
    """Which cells have the unit that most of the column's have, or none.

    A percent sign belongs to all or to none, as 5 % and 0.05 are the same; zero is zero in any unit.
    """
    if not ok.any() or not (pc.any(pc.not_equal(currency, "")).as_py() or pc.any(pc.not_equal(unit, "")).as_py()):
        return np.ones(len(ok), dtype=bool)
    names = pc.utf8_trim_whitespace(pc.binary_join_element_wise(currency, unit, _NOTHING)).to_pandas().str.casefold()
    names = names.str.rstrip(".").to_numpy(dtype=object)
    glued = ~_array(pc.match_substring_regex(unit, "^ "))
    multiplied = np.isin(names, _DOUBTFUL_WORDS) & ~(np.isin(names, _UNITS_LIKE_MULTIPLIERS) & glued)
    bare = names == ""
    found, counts = np.unique(names[ok & ~bare & ~multiplied], return_counts=True)
    if not len(found):
        return ~multiplied
    usual = found[int(np.argmax(counts))]
    same = (names == usual) & ~multiplied
    if usual not in ("%", "‰"):
        return same | bare
    zero = _array(pc.match_substring_regex(digits, "^[0.,]+$"))
    most_are_bare = (bare & ok & ~zero).sum() > (same & ok).sum()
    return (bare | (zero & same)) if most_are_bare else (same | (bare & zero))


def _values(digits: pa.Array, power: pa.Array, decimal: str, ok: np.ndarray) -> np.ndarray:
    plain = digits.filter(pa.array(ok))
    for sign in ",' " if decimal == "." else ".' ":
        plain = pc.replace_substring(plain, sign, "")
    plain = pc.replace_substring(plain, ",", ".") if decimal == "," else plain
    joined = pc.binary_join_element_wise(plain, power.filter(pa.array(ok)), _NOTHING)
    return pc.cast(joined, pa.float64()).to_numpy(zero_copy_only=False).copy()
