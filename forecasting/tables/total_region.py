"""The total over all regions of a table as a region of its own: ``"All shops"``, on the dates that all of them have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import format_date
from forecasting.data.panel import Panel
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_nouns import plural_noun
from forecasting.tables.column_vocabulary import RATE_WORDS, fold_words, split_words

#: What the total is called where no column names the regions.
TOTAL = "Total"
#: Words of statistics whose figures do not add up over places, though they do over time.
_NOT_OVER_REGIONS = RATE_WORDS | frozenset(split_words("per100k rate100k rainfall precipitation rain mm"))
#: Names of regions that are a total already.
_TOTALS = frozenset(
    split_words("total totals all sum overall gesamt insgesamt summe alle tous toutes ensemble todos todas suma")
)
#: Dates with a total, at least.
LEAST_DATES = 2
#: A region is the sum of the others where it is so within this share.
_SAME = 1e-9


def total_name(panel: Panel, mapping: ColumnMapping | None) -> str:
    """What the total over the regions of a table would be called; empty where there can be none.

    There is none of one region, of figures that do not add up, of regions with dates of their own, and where one of the
    regions is a total by its name.
    """
    if mapping is None:
        return ""
    regions = [str(region) for region in panel.table[REGION].unique()]
    if len(regions) < 2 or panel.calendars or not _columns(panel, mapping):
        return ""
    if any(fold_words(region) & _TOTALS for region in regions):
        return ""
    noun = plural_noun(mapping.region) if mapping.region else None
    name = f"All {noun}" if noun and noun != "series" else TOTAL
    return name if name not in regions else f"{name} (sum)"


def with_total(panel: Panel, mapping: ColumnMapping) -> tuple[Panel, str]:
    """The panel with its total as the first region, and a sentence on it; without it where there can be none, and why.

    On a date of which one region has no figure there is no total: the sum of the others would seem to be a fall.
    """
    name = total_name(panel, mapping)
    if not name:
        return panel, "There is no total over the regions: " + _reason(panel, mapping)
    parts, sentences = [], []
    for column in _columns(panel, mapping):
        rows = panel.table[(panel.table[STATISTIC] == column) & panel.table[VALUE].notna()]
        if whole := _sum_of_the_others(rows):
            return panel, f"There is no total over the regions: {whole} is the sum of the others already."
        totals, left_out, regions = _totals(rows)
        dates = totals[DATE].nunique()
        if dates < LEAST_DATES:
            return panel, "There is no total over the regions: there are hardly any dates of which all have a figure."
        parts.append(totals.assign(**{REGION: name, STATISTIC: column}))
        sentences.append(_sentence(name, column, panel, regions, dates, left_out, rows, totals))
    table = pd.concat([*parts, panel.table], ignore_index=True)[list(panel.table.columns)]
    table = table.astype({column: panel.table[column].dtype for column in (REGION, STATISTIC, DATE)})
    parents = {str(region): name for region in panel.table[REGION].unique()}
    sentence = " ".join(dict.fromkeys(sentences))
    return replace(panel, table=table, parents={**parents, **panel.parents}, notes=(*panel.notes, sentence)), sentence


def _columns(panel: Panel, mapping: ColumnMapping) -> list[str]:
    """The statistics whose figures add up over regions."""
    named = fold_words(mapping.value or "")
    return list(
        dict.fromkeys(
            one.column
            for one in panel.statistics
            if one.kind.adds_up and not (named | fold_words(one.column)) & _NOT_OVER_REGIONS
        )
    )


def _reason(panel: Panel, mapping: ColumnMapping) -> str:
    if panel.table[REGION].nunique() < 2:
        return "there is one only."
    if not _columns(panel, mapping):
        return "such figures do not add up."
    if panel.calendars:
        return "not all have the same dates."
    return "one of them is a total already."


def _totals(rows: pd.DataFrame) -> tuple[pd.DataFrame, int, int]:
    """The sum of each date (and vintage) of which all regions have a figure, how many dates have none, and the regions."""
    keys = [AS_OF, DATE] if AS_OF in rows else [DATE]
    groups = rows.groupby(keys, sort=True)[VALUE].agg(["sum", "size"]).reset_index()
    newest = groups[groups[AS_OF] == groups[AS_OF].max()] if AS_OF in rows else groups
    newest_rows = rows[rows[AS_OF] == groups[AS_OF].max()] if AS_OF in rows else rows
    regions = newest_rows[REGION].nunique()
    left_out = int((newest["size"] < regions).sum())
    whole = groups[groups["size"] == regions]
    return whole.rename(columns={"sum": VALUE})[[*keys, VALUE]], left_out, regions


def _sum_of_the_others(rows: pd.DataFrame) -> str:
    """The region whose figures are always the sum of all others, of three regions or more; empty without such."""
    if AS_OF in rows:
        rows = rows[rows[AS_OF] == rows[AS_OF].max()]
    if rows[REGION].nunique() <= 2:
        return ""
    sums = rows.groupby(DATE)[VALUE].transform("sum").to_numpy()
    values = rows[VALUE].to_numpy(float)
    same = np.abs(2 * values - sums) <= _SAME * np.abs(sums)
    always = pd.Series(same).groupby(rows[REGION].to_numpy()).all()
    full = pd.Series(values > 0).groupby(rows[REGION].to_numpy()).any()
    found = always[always & full].index
    return str(found[0]) if len(found) else ""


def _sentence(
    name: str,
    column: str,
    panel: Panel,
    regions: int,
    dates: int,
    left_out: int,
    rows: pd.DataFrame,
    totals: pd.DataFrame,
) -> str:
    noun = name.removeprefix("All ").removesuffix(" (sum)") if name.startswith("All ") else "regions"
    of = f" of {column}" if len({one.column for one in panel.statistics}) > 1 else ""
    sentence = f"{name} is the sum{of} over {regions:,} {noun} on {dates:,} dates"
    if not left_out:
        return f"{sentence}, all that there are."
    sentence += (
        f"; {left_out:,} {'date is' if left_out == 1 else 'dates are'} left out, because not all {noun} have a figure"
    )
    if totals[DATE].max() < rows[DATE].max():
        sentence += f": it ends on {format_date(totals[DATE].max())}, before others do"
    return f"{sentence}."
