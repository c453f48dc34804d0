"""The same table in hundreds of spellings, or two thousand, comes back with its figures or as a question, never with other figures."""

import numpy as np
import pandas as pd
import pytest
from renderings import CALENDARS, CONTAINERS, FIGURES, NUMBERS, ORDERS, SHAPES, Rendering, sample
from sweeps import examples

from forecasting.support.errors import DataError
from forecasting.tables.panel_file import read_panel, read_raw_table
from forecasting.tables.unmapped_table import OpenQuestionError, read_unmapped_table

#: Renderings of all parts together, in a whole run.
COUNT = 2_000
#: Parts that may run beside each other.
PARTS = 4
#: Renderings of each part; the fewest in which every choice is.
TRIED = examples(COUNT // PARTS, share=0.16)
#: One of so many is read as the command line reads it, looking at every column first, which takes longer.
LOOKED_AT = 12
#: Share of renderings that may end as a question; most spellings leave no doubt.
QUESTIONS = 0.3


def has_its_figures(table: pd.DataFrame, expected: pd.DataFrame) -> bool:
    """Whether a panel's table holds the figures; a file of one series need not name its region."""
    found = table.pivot(index="date", columns="region", values="value").sort_index()
    if len(expected.columns) == 1:
        found.columns = expected.columns
    return (
        sorted(found.columns) == sorted(expected.columns)
        and found.index.equals(expected.index.astype(found.index.dtype))
        and np.allclose(found[list(expected.columns)].to_numpy(), expected.to_numpy(), rtol=1e-9)
    )


def outcome(rendering: Rendering, looked_at: bool) -> str:
    """``"read"``, ``"asked"``, or what went wrong."""
    try:
        if looked_at:
            table = read_unmapped_table(read_raw_table(rendering.content, "table"))[0].table
        else:
            table = read_panel(rendering.content, "table").table
    except OpenQuestionError:
        return "asked"
    except DataError as error:
        return "asked" if "may mean" in str(error) else f"refused: {error}"
    return "read" if has_its_figures(table, rendering.figures) else "other figures"


@pytest.mark.parametrize("part", range(PARTS))
def test_no_spelling_of_a_table_is_read_as_other_figures(part):
    asked, wrong = 0, []
    renderings = sample(TRIED, part)
    for i, rendering in enumerate(renderings):
        said_by_header = rendering.choices[5] in SHAPES[:3]
        how = outcome(rendering, not said_by_header or i % LOOKED_AT == 0)
        asked += how == "asked"
        if how not in ("read", "asked"):
            wrong.append((*rendering.choices, how))
    assert wrong == []
    assert asked < QUESTIONS * len(renderings)


def test_every_choice_is_in_the_sample():
    tried = zip(*(one.choices for part in range(PARTS) for one in sample(TRIED, part)), strict=True)
    spellings = {spelling for _, known in CALENDARS.values() for spelling in known}
    every = (FIGURES, CALENDARS, NUMBERS, spellings, CONTAINERS, SHAPES, ORDERS)
    assert [set(choices) for choices in tried] == [set(choices) for choices in every]
