"""Rows of a hub's large file: the quick reader and that of any table give the same, and the quick one knows when it must not."""

import pandas as pd
import pytest

from forecasting.sources.shared import hub_target_data
from forecasting.sources.shared.hub_rows import csv_rows
from forecasting.sources.shared.hub_target_data import read_hub_target_data
from forecasting.support.errors import DataError

TARGET = "wk inc flu hosp"
HEADER = '"as_of","target","target_end_date","location","location_name","observation"\n'
OTHER = '2025-01-15,"wk inc flu prop ed visits",2025-01-11,"US","US",0.04\n'
ROWS = (
    '2025-01-15,"wk inc flu hosp",2025-01-11,"US","US",2500\n'
    '2025-01-15,"wk inc flu hosp",2025-01-04,"01","Alabama",30\n'
    '2025-01-22,"wk inc flu hosp",2025-01-04,"01","Alabama",NA\n'
    '2025-01-15,"wk inc flu hosp",2025-01-04,"XX","Nowhere",7\n'
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "time-series.csv"


def quick(file):
    texts = ("target", "location", "as_of", "target_end_date")
    return csv_rows(file, texts, "observation", "target", [TARGET])


@pytest.mark.parametrize("block", [150, 1 << 19])
def test_both_readers_give_the_same_table_whatever_the_size_of_a_block(file, monkeypatch, block):
    file.write_text(HEADER + OTHER + ROWS + OTHER + ROWS.replace("2500", "2600"))
    monkeypatch.setattr("forecasting.sources.shared.hub_rows._CSV_BLOCK", block)
    rows = quick(file)
    assert rows.lines.tolist() == [3, 4, 5, 6, 8, 9, 10, 11]
    assert list(rows.cells["location"].cat.categories) == ["US", "01", "XX"]
    read = read_hub_target_data(file, TARGET)
    monkeypatch.setattr(hub_target_data, "csv_rows", lambda *_: None)
    slow = read_hub_target_data(file, TARGET)
    pd.testing.assert_frame_equal(read.table, slow.table)
    assert (read.notes, read.parents) == (slow.notes, slow.parents)
    assert read.table["value"].iloc[0] == 2600


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ((HEADER + ROWS).replace("2500", '"2,500"').encode(), True),
        (b"\xef\xbb\xbf" + (HEADER + ROWS).encode(), True),
        ((HEADER + ROWS).replace(",", ";").encode(), True),
        ((HEADER + ROWS).encode("utf-16"), True),
        ((HEADER.replace("observation", "value") + ROWS).encode(), False),
        ((HEADER + ROWS + "2025-01-15,too,few\n").encode(), True),
    ],
)
def test_what_is_not_plain_is_left_to_the_reader_of_any_table(file, text, read):
    file.write_bytes(text)
    assert quick(file) is None
    if read:
        assert read_hub_target_data(file, TARGET).table["value"].max() == 2500
    else:
        with pytest.raises(DataError, match="the header lacks the column 'observation'"):
            read_hub_target_data(file, TARGET)


def test_a_blank_line_is_no_row_and_counts_as_a_line(file):
    file.write_text(HEADER + "\n" + ROWS)
    assert quick(file).lines.tolist() == [3, 4, 5, 6]


def test_a_cell_that_is_no_number_is_named_with_its_line(file):
    file.write_text(HEADER + OTHER + ROWS.replace(",30", ",many"))
    with pytest.raises(
        DataError, match=r"time-series\.csv, line 4: 'many' in the column 'observation' is not a number"
    ):
        read_hub_target_data(file, TARGET)


def test_a_day_that_is_none_is_named_with_its_line(file):
    file.write_text(HEADER + OTHER + ROWS.replace("2025-01-22", "soon"))
    with pytest.raises(DataError, match=r"time-series\.csv, line 5: 'soon' in the column 'as_of'"):
        read_hub_target_data(file, TARGET)
