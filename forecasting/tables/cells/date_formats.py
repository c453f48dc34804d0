"""The formats in which dates are written, from 2021-03-31 over 31. März 2021 and 2021-W13 to T1 2021, and dates as ISO text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import pandas as pd

from forecasting.tables.cells.utc_offsets import split_utc_offset

_TIME = r"(?P<time>[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?)?"
_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})([-/.])(?P<m>\d{{1,2}})\2(?P<d>\d{{1,2}}){_TIME}")
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<time>)")
_MONTH = re.compile(r"(?P<y>\d{4})(-|[-/.]?M|/)(?P<m>\d{1,2})(?P<d>)(?P<time>)", re.IGNORECASE)
#: Day and month, in either order, before the year.
YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})([-/.])(?P<b>\d{{1,2}})\2(?P<y>\d{{4}}|\d{{2}}){_TIME}")
_WORD = r"(?P<m>[^\W\d_]{3,12})\.?"
_DAY = r"(?P<d>\d{1,2})(st|nd|rd|th|er|º|°)?\.?"
_OF = r"((de|do|di|of) )?"
_WORDED_DAY_FIRST = re.compile(rf"{_DAY}[- ]{_OF}{_WORD}[- ,]+{_OF}(?P<y>\d{{4}}|\d{{2}}){_TIME}")
_WORDED_MONTH_FIRST = re.compile(rf"{_WORD}[- ]{_DAY},? (?P<y>\d{{4}}){_TIME}")
_WORDED_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})[- ]{_WORD}[- ]{_DAY}{_TIME}")
_WORDED_MONTH = re.compile(rf"{_WORD}[- /]{_OF}(?P<y>\d{{4}})(?P<d>)(?P<time>)")
#: As spreadsheets write months: ``Jan-21``.
MONTH_AND_SHORT_YEAR = re.compile(rf"{_WORD}[- /]['’]?(?P<y>\d{{2}})(?P<d>)(?P<time>)")
_YEAR_AND_WORDED_MONTH = re.compile(rf"(?P<y>\d{{4}})[- /]?{_WORD}(?P<d>)(?P<time>)")
_MONTH_LAST = re.compile(r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})(?P<d>)(?P<time>)")
_WEEK_WORD = r"(W|KW|Week|Woche|Wk|S(?=\d\d)|Sem\.?|Semaine|Semana)"
_WEEK = re.compile(rf"(?P<y>\d{{4}})[-/ ]?{_WEEK_WORD}[- .]?(?P<w>\d{{1,2}})(-7)?(?P<time>)", re.IGNORECASE)
_WEEK_FIRST = re.compile(rf"{_WEEK_WORD}[- .]*(?P<w>\d{{1,2}})[-/, ]+(?P<y>\d{{4}})(?P<time>)", re.IGNORECASE)
_QUARTER = re.compile(r"(?P<y>\d{4})[-/ ]?[QT](?P<q>[1-4])(?P<time>)", re.IGNORECASE)
_QUARTER_FIRST = re.compile(r"([QT](?P<q>[1-4])[-/ ]?'?(?P<y>\d{4}|\d{2}))(?P<time>)", re.IGNORECASE)
_QUARTER_COUNTED = re.compile(
    r"(?P<q>[1-4])(\.? ?(Quartal|Quarter|trimestre)|[QT])[-/ ]?(?P<y>\d{4})(?P<time>)", re.IGNORECASE
)
#: In the order in which they are tried.
DATE_FORMATS = (
    _YEAR_FIRST,
    _COMPACT,
    _MONTH,
    YEAR_LAST,
    _WEEK,
    _WEEK_FIRST,
    _QUARTER,
    _QUARTER_FIRST,
    _QUARTER_COUNTED,
    _WORDED_DAY_FIRST,
    _WORDED_MONTH_FIRST,
    _WORDED_YEAR_FIRST,
    _WORDED_MONTH,
    MONTH_AND_SHORT_YEAR,
    _MONTH_LAST,
    _YEAR_AND_WORDED_MONTH,
)
_WEEKDAY = re.compile(
    r"(?:mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|"
    r"mo(?:ntag)?|di(?:enstag)?|mi(?:ttwoch)?|do(?:nnerstag)?|fr(?:eitag)?|sa(?:mstag)?|so(?:nntag)?|"
    r"lun(?:di|es)?|mar(?:di|tes)?|mer(?:credi)?|mi[eé](?:rcoles)?|jeu(?:di)?|jue(?:ves)?|ven(?:dredi)?|vie(?:rnes)?|"
    r"sam(?:edi)?|s[aá]b(?:ado)?|dim(?:anche)?|dom(?:ingo)?)\.?,? +(?=\d{1,4}[-./]|\d{1,2}\.? [^\W\d]|[^\W\d]+\.? \d{1,2},)",
    re.IGNORECASE,
)
#: The months in English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian and Polish,
#: without accents; any beginning of three letters or more that only one month has is understood.
_MONTHS = (
    "january januar janner jaenner janvier enero gennaio janeiro januari stycznia styczen",
    "february februar feber fevrier febrero febbraio fevereiro februari lutego luty",
    "march marz maerz mrz mars marzo marco maart mrt marts marzec marca",
    "april avril abril aprile kwietnia kwiecien",
    "may mai mayo maggio maio mei maj maja",
    "june juni juin junio giugno junho czerwca czerwiec",
    "july juli juillet julio luglio julho lipca lipiec",
    "august aout agosto augustus augusti sierpnia sierpien",
    "september septembre septiembre setiembre settembre setembro wrzesnia wrzesien",
    "october oktober octobre octubre ottobre outubro pazdziernika pazdziernik",
    "november novembre noviembre novembro listopada listopad",
    "december dezember decembre diciembre dicembre dezembro desember grudnia grudzien",
)
_MONTH_NAMES = tuple(tuple(names.split()) for names in _MONTHS)
#: Two-digit years from here on are those of the last century.
_PIVOT = 69
#: No date is later.
LAST_YEAR = 2200
#: Years after today from which on a date is not one.
LATEST_YEARS = 10


def today() -> date:
    """The day on which a table is read, for what cannot be a date because it is far in the future."""
    return datetime.now(tz=UTC).date()


def without_utc_offset(text: str) -> str:
    """``"2021-03-31T00:00+02:00"`` -> ``"2021-03-31T00:00"``."""
    return split_utc_offset(text)[0]


def match_date_format(text: str) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    """The first of `DATE_FORMATS` that fits the whole text, and the named parts of the date; None where none does."""
    text = _WEEKDAY.sub("", without_utc_offset(text), count=1)
    for date_format in DATE_FORMATS:
        match = date_format.fullmatch(text)
        if match:
            return date_format, match.groupdict()
    return None, {}


def set_day_and_month(part: dict[str, str], day_first: bool) -> None:
    """Say of the parts of a `YEAR_LAST` date which is the day."""
    part["d"], part["m"] = (part["a"], part["b"]) if day_first else (part["b"], part["a"])


def dates_from_parts(parts: Sequence[dict[str, str]]) -> pd.Series:
    """The parts of dates as timestamps, NaT where they are no day of the calendar, or there are none."""
    texts = pd.Series([_iso_date(part) if part else "" for part in parts], dtype="str")
    return pd.to_datetime(texts, format="ISO8601", errors="coerce")


def is_plausible_date(parsed: pd.Series) -> pd.Series:
    """Which timestamps are between 1900 and 2200, and not far after both today and the others; NaT is not."""
    years = parsed.dt.year
    usual = (years >= 1900) & (years <= LAST_YEAR)
    far = usual & (years > today().year + LATEST_YEARS)
    if far.any() and not far[usual].all():
        usual &= ~far | (years <= years[usual & ~far].max() + LATEST_YEARS)
    return usual


def _iso_date(part: dict[str, str]) -> str:
    """The parts of a date as ISO text: the first day of a month or a quarter, the last one of a week."""
    year = part["y"] if len(part["y"]) == 4 else str(whole_year(int(part["y"])))
    if "q" in part:
        return f"{year}-{3 * int(part['q']) - 2:02d}-01"
    if "w" in part:
        last = end_of_mmwr_week if "mmwr" in part else end_of_week
        return last(int(year), int(part["w"]))
    month = int(part["m"]) if part["m"].isdigit() else month_number(part["m"])
    clock = _clock((part["time"] or "")[1:])
    return f"{year}-{month:02d}-{int(part['d'] or 1):02d}" + (f" {clock}" if clock else "")


def whole_year(short: int) -> int:
    """A year of two digits as a whole one, none of which is far in the future: 96 is 1996, and 03 is 2003."""
    year = 1900 + short if short >= _PIVOT else 2000 + short
    return year - 100 if year > today().year + LATEST_YEARS else year


def _clock(text: str) -> str:
    """A time of day as ISO text, of 24 hours: ``"1:30 PM"`` -> ``"13:30"``."""
    if not text:
        return ""
    hour, rest = text.split(":", 1)
    half = re.search("[ap]", rest.lower())
    rest = re.sub(r"[ .]*[AaPp]\.?[Mm]\.?$", "", rest)
    if half is None:
        return f"{hour:0>2}:{rest}"
    if not 1 <= int(hour) <= 12:
        return "99:99"
    return f"{int(hour) % 12 + 12 * (half[0] == 'p'):02d}:{rest}"


def end_of_week(year: int, week: int) -> str:
    """The Sunday that ends an ISO week; weeks are named for their last day everywhere here."""
    try:
        return date.fromisocalendar(year, week, 7).isoformat()
    except ValueError:
        return ""


def end_of_mmwr_week(year: int, week: int) -> str:
    """The Saturday that ends an MMWR week, as epidemiologists count them; empty where the year has no such week."""
    first, following = (_first_mmwr_saturday(one) for one in (year, year + 1))
    end = first + timedelta(weeks=week - 1)
    return end.isoformat() if week >= 1 and end < following else ""


def _first_mmwr_saturday(year: int) -> date:
    """The end of the first week from Sunday to Saturday with four days in the year."""
    fourth = date(year, 1, 4)
    return fourth + timedelta(days=(5 - fourth.weekday()) % 7)


@lru_cache(maxsize=1000)
def month_number(word: str) -> int:
    """The month that a word is the name of, or the beginning of its name; 0 of none, and of several."""
    letters = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    months = {i for i, names in enumerate(_MONTH_NAMES, 1) if any(name.startswith(plain) for name in names)}
    return months.pop() if len(months) == 1 else 0
