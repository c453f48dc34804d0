"""The total over all regions of a table as a region of its own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.table_preview import preview_table

WEEKS = pd.date_range("2024-01-06", periods=60, freq="W-SAT")


def table(shops=("Airport", "Centre", "Harbour"), column="shop", value="sales"):
    """A row a week and shop, whose sales are whole numbers that never agree."""
    return pd.DataFrame(
        [
            {"week": week, column: shop, value: 100 * (place + 1) + (7 * i + place) % 13}
            for place, shop in enumerate(shops)
            for i, week in enumerate(WEEKS)
        ]
    )


def read(frame, **chosen):
    content = frame.to_csv(index=False).encode()
    mapping = replace(preview_table(content, "mine.csv").mapping, total=True, **chosen)
    return read_mapped_table(content, "mine.csv", mapping)


def test_the_total_is_the_sum_of_all_named_after_the_column_and_the_first_of_the_regions():
    panel, report = read(table())
    assert panel.regions() == ["All shops", "Airport", "Centre", "Harbour"]
    expected = table().groupby("week")["sales"].sum()
    np.testing.assert_array_equal(panel.counts("All shops").to_numpy(), expected.to_numpy())
    assert list(panel.counts("All shops").index) == list(WEEKS)
    assert report.sentences[-1] == "All shops is the sum over 3 shops on 60 dates, all that there are."
    assert report.summary == "Three shops and their total, weekly sales (amounts), 60 weeks, to 22 February 2025."
    assert panel.parents == {"Airport": "All shops", "Centre": "All shops", "Harbour": "All shops"}


def test_dates_that_one_region_lacks_are_left_out_and_counted():
    frame = table().drop(index=[5, 59, 64])
    frame.loc[70, "sales"] = np.nan
    panel, report = read(frame)
    lacking = {WEEKS[5], WEEKS[59], WEEKS[4], WEEKS[10]}
    assert set(WEEKS) - set(panel.counts("All shops").index) == lacking
    assert report.sentences[-1] == (
        "All shops is the sum over 3 shops on 56 dates; 4 dates are left out, because not all shops have a figure: "
        "it ends on 15 Feb 2025, before others do."
    )
    assert report.sentences[-1] in panel.notes


@pytest.mark.parametrize("kind", ["share", "measurement"])
def test_shares_and_measurements_have_no_total(kind):
    frame = table(value="x").assign(x=np.linspace(0.1, 0.9, 180))
    panel, report = read(frame, kind=kind)
    assert panel.regions() == ["Airport", "Centre", "Harbour"]
    assert report.total == ""
    assert report.sentences[-1] == "There is no total over the regions: such figures do not add up."


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (table(("Airport",)), "there is one only."),
        (table(("Airport", "Centre", "Total")), "one of them is a total already."),
        (table(value="incidence"), "such figures do not add up."),
        (
            pd.concat(
                [table(("Airport", "Centre")), table(("Airport", "Centre")).groupby("week", as_index=False)["sales"].sum().assign(shop="Firm")]
            ),
            "Firm is the sum of the others already.",
        ),
        (
            pd.concat([table(("A", "B")), table(("C",)).assign(week=WEEKS + pd.Timedelta(days=2))]),
            "not all have the same dates.",
        ),
    ],
)  # fmt: skip
def test_where_there_can_be_no_total_a_sentence_says_why(frame, reason):
    panel, report = read(frame)
    assert report.sentences[-1] == f"There is no total over the regions: {reason}"
    assert panel.parents == {}


def test_a_column_of_other_names_and_a_wide_table_have_a_plain_total():
    assert read(table(column="Farbe"))[0].regions()[0] == "Total"
    wide = table().pivot(index="week", columns="shop", values="sales").reset_index()
    panel, _ = read(wide)
    assert panel.regions() == ["Total", "Airport", "Centre", "Harbour"]


def test_each_vintage_has_its_own_total():
    early, late = table(("A", "B")).assign(as_of="2025-03-01"), table(("A", "B")).assign(as_of="2025-03-08")
    early = early[early["week"] < WEEKS[-1]]
    early.loc[early.index[3], "sales"] += 1000
    panel, report = read(pd.concat([early, late]))
    assert len(panel.counts("All shops")) == 60
    before = panel.as_of(pd.Timestamp("2025-03-05")).counts("All shops")
    assert len(before) == 59
    assert before.iloc[3] == panel.counts("All shops").iloc[3] + 1000
    assert report.sentences[-1] == "All shops is the sum over 2 shops on 60 dates, all that there are."


def test_a_total_is_in_the_mapping_that_links_and_command_lines_have():
    mapping = ColumnMapping("week", "sales", "shop", total=True)
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
    assert '"total":true' in mapping.to_json()
    content = table().rename(columns={"week": "date", "shop": "region", "sales": "value"}).to_csv(index=False).encode()
    plain = ColumnMapping("date", "value", "region")
    assert read_mapped_table(content, "mine.csv", plain)[1].needs_no_mapping
    assert not read_mapped_table(content, "mine.csv", replace(plain, total=True))[1].needs_no_mapping
