"""A first look at any table: what each column seems to be, and what only its reader can say of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd

from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_questions import ColumnQuestion, ProposedColumn
from forecasting.tables.column_vocabulary import is_named_cumulative
from forecasting.tables.guess_columns import ColumnGuess
from forecasting.tables.reshape.reshape_table import reshape_table

#: The kind of a table in which no column could be told from another.
UNCLEAR = "unclear"
#: Role and reason of the other columns of the Oxford tracker.
_OXCGRT_OTHER = ("left out", "not among the counts")
#: Column of the Oxford tracker -> its role and the reason.
_OXCGRT = {
    "Date": ("date", "the tracker's dates"),
    "CountryName": ("region", "the tracker's countries"),
    "RegionName": ("region", "the tracker's states and provinces"),
    "ConfirmedCases": ("value", "the tracker's running total of cases"),
    "ConfirmedDeaths": ("value", "the tracker's running total of deaths"),
}
#: Column of Johns Hopkins' time series -> its role and the reason.
_JHU = {
    jhu_format.PROVINCE: ("region", "Johns Hopkins' provinces"),
    jhu_format.COUNTRY: ("region", "Johns Hopkins' countries"),
    "Lat": ("left out", "a coordinate"),
    "Long": ("left out", "a coordinate"),
}
#: Role and reason of each of their columns that is a day.
_JHU_DAY = ("value", "a day's running total")
#: Parsed tables for as long as somebody keeps their preview, by their whole content, name and sheet.
_previewed_tables: WeakValueDictionary[tuple[int, int, str, str | None], RawTable] = WeakValueDictionary()


@dataclass(frozen=True)
class TablePreview:
    """What the columns of a table seem to be.

    Attributes:
        name: what messages call the table.
        kind: "tidy", "wide", "Oxford tracker", "Johns Hopkins" or "unclear".
        rows: how many there are below the header.
        sheets: of a workbook.
        columns: each with its proposed role.
        sample: the first 20 rows as text.
        mapping: the proposal; None where nothing could be guessed, and for a publisher's own format, which
            `read_mapped_table` knows without one.
        questions: what only the reader can answer.
        raw: the parsed table, with which `read_mapped_table` goes on as long as the preview is kept.
    """

    name: str
    kind: str
    rows: int
    sheets: tuple[str, ...]
    columns: tuple[ProposedColumn, ...]
    sample: pd.DataFrame
    mapping: ColumnMapping | None
    questions: tuple[ColumnQuestion, ...] = ()
    raw: RawTable | None = field(default=None, repr=False, compare=False)

    @property
    def base_mapping(self) -> ColumnMapping:
        """The mapping that is proposed for the same content whatever the file is called.

        So a link can hold only how a mapping differs from it (`ColumnMapping.to_json`), whoever has the file.
        """
        proposed = self.mapping or ColumnMapping()
        return replace(proposed, cumulative=is_named_cumulative(proposed.value), sheet=None)


def preview_table(content: bytes, name: str, sheet: str | None = None) -> TablePreview:
    """What each column of a table seems to be, and why. Nothing is decided by it.

    Raises `DataError`, in one line, only for what is no table at all.
    """
    raw = reshape_table(read_table(content, name, oxcgrt_format.needed_columns, sheet, strict=False, coded=True))
    header = list(raw.cells)
    sample = _sample(raw.cells.head(20))
    mapping: ColumnMapping | None = None
    questions: tuple[ColumnQuestion, ...] = ()
    if oxcgrt_format.is_oxcgrt_table(header):
        kind, roles = "Oxford tracker", {column: _OXCGRT.get(column, _OXCGRT_OTHER) for column in header}
    elif jhu_format.is_jhu_table(header):
        kind, roles = "Johns Hopkins", {column: _JHU.get(column, _JHU_DAY) for column in header}
    else:
        guess = ColumnGuess(raw)
        kind, roles, questions = guess.kind, guess.roles, tuple(guess.questions)
        mapping = None if guess.mapping is None else replace(guess.mapping, sheet=sheet)
    texts = sample.to_numpy(dtype=object)
    columns = tuple(ProposedColumn(column, *roles[column], _examples(texts[:, i])) for i, column in enumerate(header))
    _previewed_tables[_preview_key(content, name, sheet)] = raw
    return TablePreview(name, kind, len(raw.cells), raw.sheets, columns, sample, mapping, questions, raw)


def previewed_table(content: bytes, name: str, sheet: str | None) -> RawTable | None:
    """The parsed table of a preview that somebody still keeps."""
    return _previewed_tables.get(_preview_key(content, name, sheet))


def _preview_key(content: bytes, name: str, sheet: str | None) -> tuple[int, int, str, str | None]:
    return hash(content), len(content), name, sheet


def _sample(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as text."""
    blank = cells.isna().to_numpy()
    values = cells.to_numpy(dtype=object)
    texts = np.array(
        ["" if gap else str(cell) for cell, gap in zip(values.ravel(), blank.ravel(), strict=True)], object
    )
    return pd.DataFrame(texts.reshape(values.shape), columns=cells.columns, dtype="str")


def _examples(texts: np.ndarray) -> tuple[str, ...]:
    """The first three different texts, at most 40 letters of each."""
    examples = list(dict.fromkeys(text for text in texts if text))[:3]
    return tuple(text if len(text) <= 40 else text[:39] + "…" for text in examples)
