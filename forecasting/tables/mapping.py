"""Any table a reader brings: a first look that proposes which column is what, and reading it as was chosen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.panel import Panel
from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.dictionary_columns import constant
from forecasting.tables.cells.names import coded_labels
from forecasting.tables.cells.parse_cells import cure, parsed_block, parsed_numbers, readable_dates, shown
from forecasting.tables.cells.ragged_rows import TOO_FEW, TOO_MANY
from forecasting.tables.cells.raw_table import RawTable, every, read_table
from forecasting.tables.cells.tidy import Tidy, gaps, in_order, places, repeats, stacked, statistics_in
from forecasting.tables.column_roles import COMBINED, Column, Mapping, Question
from forecasting.tables.column_roles import MAX_LETTERS as MAX_LETTERS
from forecasting.tables.column_roles import QuestionKind as QuestionKind
from forecasting.tables.guess_columns import Guess, called_totals
from forecasting.tables.needs_mapping import reads_alone
from forecasting.tables.panel_file import Understood, opened, panel_from, statistics_of, understand, words

PROBLEMS = ("line", "column", "cell", "what", "remedy")
#: So many are listed; how many more there are is said.
MOST_PROBLEMS = 1000
NO_NUMBER = "not a number"
NO_DATE = "not a date"
NO_NAME = "no name"
NEGATIVE = "below zero"
#: The kind of a table in which no column could be told from another.
UNCLEAR = "unclear"
_NEGATIVE_REMEDY = "leave it if it corrects earlier counts; otherwise mend it."


@dataclass(frozen=True)
class Looked:
    """What a first look found. `kind` is "tidy", "wide", "Oxford tracker", "Johns Hopkins" or "unclear".

    `mapping` is the proposal: None where nothing could be guessed, and for a publisher's own format, which `read`
    knows without one. `sample` has the first 20 rows as text; `asks` is what only the reader can answer.
    """

    name: str
    kind: str
    rows: int
    sheets: tuple[str, ...]
    columns: tuple[Column, ...]
    sample: pd.DataFrame
    mapping: Mapping | None
    asks: tuple[Question, ...] = ()
    #: With which `read` goes on where this first look is still kept.
    raw: RawTable | None = field(default=None, repr=False, compare=False)

    @property
    def base(self) -> Mapping:
        """What is proposed for the same content whatever the file is called.

        A `Mapping` that is said by how it differs from this one (`Mapping.to_json`) is the same for all who have the file.
        """
        proposed = self.mapping or Mapping()
        return replace(proposed, cumulative=called_totals(proposed.value), sheet=None)

    @property
    def questions(self) -> tuple[str, ...]:
        """What is asked, in words."""
        return tuple(question.text for question in self.asks)


@dataclass(frozen=True)
class Report:
    """What was read, in figures, in `sentences` for a person, and the `problems` cell by cell.

    `alone` is whether `read_panel`, which is told no `Mapping`, would have read the same.
    """

    rows: int
    regions: int
    first: pd.Timestamp
    last: pd.Timestamp
    frequency: str
    season: int
    blanks: int = 0
    gaps: int = 0
    duplicates: int = 0
    not_numbers: int = 0
    negative: int = 0
    sentences: tuple[str, ...] = ()
    problems: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PROBLEMS)))
    alone: bool = True


def look(content: bytes, name: str, sheet: str | None = None) -> Looked:
    """A first look at a table: what each column seems to be, and why. Nothing is decided by it.

    Raises `DataError`, in one line, only for what is no table at all.
    """
    raw = read_table(content, name, oxcgrt_format.needed, sheet, strict=False, coded=True)
    header = list(raw.cells)
    sample = _sample(raw.cells.head(20))
    mapping: Mapping | None = None
    asks: tuple[Question, ...] = ()
    if oxcgrt_format.is_published(header):
        kind, roles = "Oxford tracker", {column: _OXFORD.get(column, _PUBLISHED) for column in header}
    elif jhu_format.is_published(header):
        kind, roles = "Johns Hopkins", {column: _HOPKINS.get(column, _HOPKINS_DAY) for column in header}
    else:
        guess = Guess(raw)
        kind, roles, asks = guess.kind, guess.roles, tuple(guess.questions)
        mapping = None if guess.mapping is None else replace(guess.mapping, sheet=sheet)
    texts = sample.to_numpy(dtype=object)
    columns = tuple(Column(column, *roles[column], _examples(texts[:, i])) for i, column in enumerate(header))
    _looked_at[_named(content, name, sheet)] = raw
    return Looked(name, kind, len(raw.cells), raw.sheets, columns, sample, mapping, asks, raw)


#: Tables as long as somebody keeps the first look at them; found only by who has the whole content.
_looked_at: WeakValueDictionary[tuple[int, int, str, str | None], RawTable] = WeakValueDictionary()


def _named(content: bytes, name: str, sheet: str | None) -> tuple[int, int, str, str | None]:
    return hash(content), len(content), name, sheet


_PUBLISHED = ("left out", "not among the counts")
_OXFORD = {
    "Date": ("date", "the tracker's dates"),
    "CountryName": ("region", "the tracker's countries"),
    "RegionName": ("region", "the tracker's states and provinces"),
    "ConfirmedCases": ("value", "the tracker's running total of cases"),
    "ConfirmedDeaths": ("value", "the tracker's running total of deaths"),
}
_HOPKINS = {
    jhu_format.PROVINCE: ("region", "Johns Hopkins' provinces"),
    jhu_format.COUNTRY: ("region", "Johns Hopkins' countries"),
    "Lat": ("left out", "a coordinate"),
    "Long": ("left out", "a coordinate"),
}
_HOPKINS_DAY = ("value", "a day's running total")


def _sample(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as text."""
    blank = cells.isna().to_numpy()
    found = cells.to_numpy(dtype=object)
    texts = np.array(["" if gap else str(cell) for cell, gap in zip(found.ravel(), blank.ravel(), strict=True)], object)
    return pd.DataFrame(texts.reshape(found.shape), columns=cells.columns, dtype="str")


def _examples(texts: np.ndarray) -> tuple[str, ...]:
    found = list(dict.fromkeys(text for text in texts if text))[:3]
    return tuple(text if len(text) <= 40 else text[:39] + "…" for text in found)


def read(content: bytes, name: str, mapping: Mapping | None = None) -> tuple[Panel, Report]:
    """The table as a `Panel`, and what was read.

    Without a `mapping` it is read as `read_panel` does. With one, cells that are no numbers are missing values, rows
    without a readable date or region are left out, and both are in `Report.problems`.

    Raises `DataError` in one line: for what is no table, a column that is not there, several rows a period where
    `Mapping.combine` does not say what to do with them, and dates without a usual spacing.
    """
    choose, sheet = (oxcgrt_format.needed, None) if mapping is None else (every, mapping.sheet)
    raw = _looked_at.get(_named(content, name, sheet))
    if raw is None or (mapping is not None and oxcgrt_format.is_published(list(raw.cells))):
        raw = read_table(content, name, choose, sheet, strict=False, coded=True)
    if mapping is None:
        understood = understand(raw)
        panel, table = panel_from(raw, understood), understood.tidy.table
        return panel, _report(raw, panel, table, Troubles(raw), panel.statistics[0].reported_cumulative)
    _check(raw, mapping)
    troubles = Troubles(raw)
    table = _wide(raw, mapping, troubles) if mapping.value is None else _tidy(raw, mapping, troubles)
    table, merged = _combined(raw, table, mapping)
    table.index = pd.RangeIndex(len(table))
    statistics = statistics_of(table, mapping.cumulative)
    panel = panel_from(raw, Understood(Tidy(table), statistics, f"Figures from {name}"))
    report = _report(raw, panel, table, troubles, mapping.cumulative, merged, mapping)
    wrong = sum(troubles.counts[what] for what in (NO_NUMBER, NO_DATE, NO_NAME))
    return panel, replace(report, alone=not wrong and reads_alone(raw, mapping, table))


def read_file(path: str | Path, mapping: Mapping | None = None) -> tuple[Panel, Report]:
    """A file as `read` reads its content. Raises `DataError` as that does, and for a file that is not there."""
    content, name = opened(path)
    return read(content, name, mapping)


class Troubles:
    """What was wrong with single cells, as it is found."""

    def __init__(self, raw: RawTable) -> None:
        self._raw = raw
        self._found: list[tuple[int, str, str, str, str]] = []
        self.counts: Counter[str] = Counter()
        #: Of each column, how many cells are no numbers.
        self.no_numbers: Counter[str] = Counter()
        if raw.uneven is not None:
            places = raw.uneven.places(MOST_PROBLEMS)
            self._found += [(line, column, "", what, remedy) for line, column, what, remedy in places]
            short = int(raw.uneven.short.sum())
            self.counts += Counter({TOO_FEW: short, TOO_MANY: len(raw.uneven.lines) - short})

    def add(self, wrong: np.ndarray, column: str, what: str, remedy: str = "") -> None:
        """The cells of `column` where `wrong`; without a `remedy` each gets that of a cell that is no number."""
        rows = np.flatnonzero(wrong)
        self.counts[what] += len(rows)
        self.no_numbers[column] += len(rows) if what == NO_NUMBER else 0
        for row in rows[:MOST_PROBLEMS]:
            cell = self._raw.cells[column].iloc[row]
            text = "" if pd.isna(cell) else str(cell)[:100]
            self._found.append((int(self._raw.lines[row]), column, text, what, remedy or cure(cell)))

    def first_line(self, what: str) -> str:
        """Where the first such trouble is, in words."""
        return f"{self._raw.word} {min(line for line, _, _, kind, _ in self._found if kind == what)}"

    def table(self) -> pd.DataFrame:
        """The first of them by line, with columns as in `PROBLEMS`."""
        found = sorted(self._found, key=lambda trouble: trouble[0])[:MOST_PROBLEMS]
        return pd.DataFrame(found, columns=list(PROBLEMS))


def _check(raw: RawTable, mapping: Mapping) -> None:
    """Raises `DataError` for a mapping that does not fit the table."""
    if mapping.date is None:
        raise raw.error("it is not said which column holds the dates; choose one.")
    if mapping.value is None and not mapping.wide:
        raise raw.error("it is not said which column holds the counts; choose one.")
    if mapping.value is not None and mapping.wide:
        raise raw.error("the counts are in one column, or every region has one of its own; choose one of the two.")
    if mapping.combine not in (None, *COMBINED):
        raise raw.error("several rows a period are either summed or averaged; choose one of the two.")
    known = set(raw.cells)
    for column, count in _chosen(mapping).items():
        if column not in known:
            raise raw.error(f"there is no column {shown(column)}; choose the columns again.")
        if count > 1:
            raise raw.error(f"the column {shown(column)} is chosen twice; choose another one for one of the two.")


def _chosen(mapping: Mapping) -> Counter[str]:
    """The columns that are used, and how often each."""
    one = (mapping.date, mapping.value, mapping.region, mapping.statistic, mapping.as_of)
    if mapping.value is None:
        return Counter(column for column in (mapping.date, *mapping.wide) if column is not None)
    return Counter(column for column in (*one, *mapping.covariates) if column is not None)


def _tidy(raw: RawTable, mapping: Mapping, troubles: Troubles) -> pd.DataFrame:
    assert mapping.date is not None
    assert mapping.value is not None
    days, kept = _days(raw, mapping.date, mapping.day_first, troubles)
    called = VALUE if "cumulative" in words(mapping.value) and not mapping.cumulative else mapping.value
    labels = {}
    for name, column, otherwise in (
        (REGION, mapping.region, Path(raw.name).name.split(".")[0] or raw.name),
        (STATISTIC, mapping.statistic, called),
    ):
        if column is None:
            labels[name] = constant(otherwise, len(raw.cells))
            continue
        labels[name] = coded_labels(raw, column)
        nameless = (labels[name] == "").to_numpy()
        troubles.add(nameless & kept, column, NO_NAME, "fill it in; the row was left out.")
        kept = kept & ~nameless
    table = pd.DataFrame({**labels, DATE: days, VALUE: _numbers(raw, mapping.value, kept, troubles)})
    if not mapping.cumulative:
        troubles.add((table[VALUE] < 0).to_numpy() & kept, mapping.value, NEGATIVE, _NEGATIVE_REMEDY)
    if mapping.as_of is not None:
        table[AS_OF], readable = _days(raw, mapping.as_of, mapping.day_first, troubles)
        kept = kept & readable
    for column in mapping.covariates:
        table[f"{column}_" if column in (*PANEL, AS_OF) else column] = _numbers(raw, column, kept, troubles)
    table = table if kept.all() else table[kept]
    if table.empty:
        raise raw.error(f"no cell of the column {mapping.date!r} is a date in a usable row; choose another column.")
    return table


def _wide(raw: RawTable, mapping: Mapping, troubles: Troubles) -> pd.DataFrame:
    assert mapping.date is not None
    days, kept = _days(raw, mapping.date, mapping.day_first, troubles)
    if not kept.any():
        raise raw.error(f"no cell of the column {mapping.date!r} is a date; choose another column.")
    columns = list(mapping.wide)
    values, wrong = parsed_block(raw, columns)
    for i in np.flatnonzero((wrong & kept[:, None]).any(axis=0)):
        troubles.add(wrong[:, i] & kept, columns[i], NO_NUMBER)
    negative = (values < 0) & kept[:, None] & (not mapping.cumulative)
    for i in np.flatnonzero(negative.any(axis=0)):
        troubles.add(negative[:, i], columns[i], NEGATIVE, _NEGATIVE_REMEDY)
    return stacked(columns, pd.DatetimeIndex(days[kept]), values[kept].T, VALUE)


def _days(raw: RawTable, column: str, day_first: bool | None, troubles: Troubles) -> tuple[pd.Series, np.ndarray]:
    days, wrong = readable_dates(raw, column, day_first)
    troubles.add(wrong, column, NO_DATE, "write it as 2021-03-31; the row was left out.")
    return days, ~wrong


def _numbers(raw: RawTable, column: str, kept: np.ndarray, troubles: Troubles) -> np.ndarray:
    values, wrong = parsed_numbers(raw, column)
    troubles.add(wrong & kept, column, NO_NUMBER)
    return values


def _combined(raw: RawTable, table: pd.DataFrame, mapping: Mapping) -> tuple[pd.DataFrame, int]:
    """The table with one row a region and period, in order, and how many rows were put into others."""
    keys = [column for column in (REGION, STATISTIC, DATE, AS_OF) if column in table]
    if mapping.combine is not None:
        table = table.assign(**{DATE: _periods(table)})
    found = places(table, keys)
    twice = repeats(found)
    if twice.any() and mapping.combine is None:
        row = table.iloc[int(np.argmax(twice))]
        first = int(np.argmax(found == found[np.argmax(twice)]))
        raise raw.error(
            f"{shown(row[REGION])} on {row[DATE]:%Y-%m-%d} is also in {raw.place(int(table.index[first] % len(raw.cells)))}; "
            "choose whether several rows a period are summed or averaged.",
            int(row.name % len(raw.cells)),
        )
    if twice.any():
        groups = table.groupby(keys, sort=False, observed=True)
        others = [column for column in table if column not in (*keys, VALUE)]
        values = groups[VALUE].sum(min_count=1) if mapping.combine == "sum" else groups[VALUE].mean()
        table = pd.concat([values, groups[others].mean()], axis=1).reset_index() if others else values.reset_index()
        table = table[[*PANEL, *[column for column in table if column not in PANEL]]]
        found = places(table, keys)
    if mapping.value is not None:
        return in_order(table, found), int(twice.sum())
    # The regions of a wide table stay in their places.
    columns = table[REGION].map({column: i for i, column in enumerate(mapping.wide)}).to_numpy()
    return table.iloc[np.lexsort((table[DATE].to_numpy(), columns))], int(twice.sum())


def _periods(table: pd.DataFrame) -> pd.Series:
    """The dates, cut to the hour or the day where they are closer than periods can be."""
    days = pd.DatetimeIndex(table.loc[table[REGION] == table[REGION].mode().iloc[0], DATE]).unique().sort_values()
    if len(days) < 2 or (table[DATE] == table[DATE].dt.normalize()).all():
        return table[DATE]
    usual = pd.Series(days).diff().dropna().median()
    hour, day = pd.Timedelta(hours=1), pd.Timedelta(days=1)
    if usual == hour or usual >= day:
        return table[DATE]
    return table[DATE].dt.floor("h" if usual < hour else "D")


def _report(
    raw: RawTable,
    panel: Panel,
    table: pd.DataFrame,
    troubles: Troubles,
    cumulative: bool,
    merged: int = 0,
    mapping: Mapping | None = None,
) -> Report:
    frequency = panel.frequencies[panel.statistics[0].column]
    wrong = troubles.counts[NO_NUMBER]
    values = () if mapping is None else mapping.wide if mapping.value is None else (mapping.value,)
    blanks = max(int(table[VALUE].isna().sum()) - sum(troubles.no_numbers[column] for column in values), 0)
    negative = 0 if cumulative else int((table[VALUE] < 0).sum())
    regions, first, last = table[REGION].nunique(), table[DATE].min(), table[DATE].max()
    missing = sum(gaps(rows, panel.frequencies[name]) for name, rows in statistics_in(table))
    problems = troubles.table()
    sentences = [
        f"{_many(len(raw.cells), raw.word)}: {_many(regions, 'region')}, {frequency.name} figures from "
        f"{_stamp(first)} to {_stamp(last)}; a season is {frequency.steps(frequency.season)} long."
    ]
    if blanks:
        sentences.append(f"{_many(blanks, 'cell')} without a figure: nothing was published for these.")
    if missing:
        sentences.append(f"{_many(missing, frequency.step)} without a row, between others of the same region.")
    if merged:
        sentences.append(f"{_many(merged, raw.word)} put together with others of the same period and region.")
    for what, said in (
        (NO_NUMBER, "{} no number and taken as missing, the first in {}."),
        (NO_DATE, "{} left out, because there is no readable date, the first in {}."),
        (NO_NAME, "{} left out, because there is no name, the first in {}."),
    ):
        if count := troubles.counts[what]:
            unit = "cell" if what == NO_NUMBER else raw.word
            verb = (" is" if count == 1 else " are") if what == NO_NUMBER else ""
            sentences.append(said.format(_many(count, unit) + verb, troubles.first_line(what)))
    if negative:
        sentences.append(f"{_many(negative, 'count')} below zero; they are taken as corrections of earlier ones.")
    chosen = set(raw.cells) if mapping is None else set(_chosen(mapping))
    if left := [column for column in raw.cells if column not in chosen]:
        more_left = f" and {len(left) - 8} more" if len(left) > 8 else ""
        sentences.append(f"Left out as chosen: {', '.join(shown(column) for column in left[:8])}{more_left}.")
    if (more := sum(troubles.counts.values()) - len(problems)) > 0:
        sentences.append(f"{more:,} more problems are not listed.")
    sentences += panel.notes
    return Report(
        len(raw.cells),
        regions,
        first,
        last,
        frequency.name,
        frequency.season,
        blanks,
        missing,
        merged,
        wrong,
        negative,
        tuple(sentences),
        problems,
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _stamp(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M}"
