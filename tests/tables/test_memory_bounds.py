"""Small files that stand for huge tables: whatever their format, reading one takes bounded memory and time, or is refused in a sentence."""

import gzip
import io
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sweeps import examples, only_whole

from forecasting.support.errors import DataError
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import preview_table

#: Bytes of a small file, and what reading one may take: bytes of memory above rest, and seconds of the processor.
SMALL, MEMORY, SECONDS = 5_000_000, 300_000_000, 10
DAYS = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
TOO_MUCH = "take more memory than a file of its size may"
LONG = "more than 32,767 letters"


def repeated(count, text):
    """A column that stores one text and names it in every row."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def record(count, text):
    """A column of records with one text."""
    return pa.StructArray.from_arrays([repeated(count, text)], ["a"])


def parquet(**columns):
    stream = io.BytesIO()
    pq.write_table(pa.table({**columns}), stream)
    return stream.getvalue()


def workbook(**parts):
    """A sound workbook, but for its sheet, or for its styles."""
    book, stream, changed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["text"])
    book.save(stream)
    paths = {"xl/worksheets/sheet1.xml": "sheet", "xl/styles.xml": "styles", "xl/sharedStrings.xml": "texts"}
    around = {
        "sheet": "<worksheet {}><sheetData>{}</sheetData></worksheet>",
        "styles": "<styleSheet {}><cellXfs>{}</cellXfs></styleSheet>",
        "texts": "<sst {}>{}</sst>",
    }
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for path in dict.fromkeys([*old.namelist(), *(path for path, part in paths.items() if part in parts)]):
            part = paths.get(path, "")
            new.writestr(path, around[part].format(space, parts[part]) if part in parts else old.read(path))
    return changed.getvalue()


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)
    return stream.getvalue()


def arrow(**columns):
    """The other file format of Arrow, also called Feather."""
    stream, table = io.BytesIO(), pa.table({**columns})
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


def long_table(rows, letters, columns=1):
    """A Parquet file with a row a day, all of one region, and a column of figures that are all the same."""
    return parquet(
        region=repeated(rows, "x" * letters),
        date=pa.DictionaryArray.from_arrays(pa.array(np.arange(rows, dtype=np.int32) % len(DAYS)), pa.array(DAYS)),
        **{f"value{i or ''}": pa.array(np.ones(rows)) for i in range(columns)},
    )


#: What each is -> the file, and what its refusal says.
BOMBS = {
    "rows that are stored as one": (lambda: long_table(4_000_000, 3), TOO_MUCH),
    "a text that is stored once": (lambda: long_table(12_000, 32_000), TOO_MUCH),
    "a text that no cell may have": (lambda: long_table(100, 40_000), LONG),
    "columns without anything": (
        lambda: parquet(**{f"c{i}": pa.nulls(2_000_000) for i in range(20)}),
        TOO_MUCH,
    ),
    "an Arrow file": (lambda: arrow(region=repeated(900_000, "x" * 9_000)), "give CSV, JSON, Parquet or XLSX."),
    "lists in cells": (lambda: parquet(date=DAYS[:9], value=[[1.0] * 500_000] * 9), TOO_MUCH),
    "records with a text in them": (lambda: parquet(date=DAYS[:99], value=record(99, "y" * 3_000_000)), TOO_MUCH),
    "a name of a column": (lambda: parquet(**{"x" * 2_000: [1.0], "date": DAYS[:1]}), "may have 1,000; shorten it"),
    "names that are all different": (
        lambda: gzip.compress(b"region,date,value\n" + b"".join(b"r%d,2024-01-01,1\n" % i for i in range(300_000))),
        "has 300,000 different names, 200,000 at most are read",
    ),
    "lines with nothing on them": (lambda: gzip.compress(b"date,value\n" + b",\n" * 12_000_000), TOO_MUCH),
    "wide lines": (
        lambda: gzip.compress(b",".join(b"c%d" % i for i in range(16_000)) + b"\n" + b"1," * 4_000_000),
        TOO_MUCH,
    ),
    "a cell without an end": (lambda: zipped(b"date,value\n2024-01-01," + b"x" * 40_000_000), LONG),
    "lines of another encoding": (lambda: gzip.compress(b"date,value\n" + b"1,\xe4\n" * 4_000_000), TOO_MUCH),
    "a zip of a zip": (lambda: zipped(zipped(b"date,value\n")), "there is an archive in the archive"),
    "records without anything": (lambda: gzip.compress(b"[" + b"{}," * 9_000_000 + b"{}]"), TOO_MUCH),
    "records with a name each": (
        lambda: b"[" + b",".join(b'{"k%d":1}' % i for i in range(6_000)) + b"]",
        TOO_MUCH,
    ),
    "columns with a row each": (
        lambda: b"{" + b",".join(b'"c%d":{"%d":1}' % (i, i) for i in range(6_000)) + b"}",
        TOO_MUCH,
    ),
    "lists within lists": (lambda: b"[" * 1_000_000, "lists in it are within too many others"),
    "a number of many digits": (lambda: b'[{"date":"2024-01-01","value":' + b"1" * 9_000 + b"}]", "too many digits"),
    "a long text in JSON": (lambda: b'[{"date":"' + b"\\u4e00" * 40_000 + b'","value":1}]', LONG),
    "styles": (lambda: workbook(styles="<xf/>" * 1_000_000), "holds more than can be read in some seconds"),
    "shared texts": (lambda: workbook(texts="<si><t>a</t></si>" * 500_000), "holds more than can be read"),
    "cells": (lambda: workbook(sheet=("<row>" + "<c/>" * 17 + "</row>") * 99_000), "holds more than can"),
    "elements within each other": (lambda: workbook(sheet="<a>" * 500_000 + "</a>" * 500_000), "nested too deeply"),
    "stray cells": (
        lambda: workbook(sheet="".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(1, 99))),
        TOO_MUCH,
    ),
}


class Bounds:
    """What a block may take: memory above rest, where the system says it, and the processor's time."""

    def __enter__(self):
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
        self.rest, self.began = memory("VmRSS"), time.process_time()

    def __exit__(self, *error):
        if error[0] is None:
            assert memory("VmHWM") - self.rest < MEMORY
            assert time.process_time() - self.began < SECONDS


def memory(what):
    """Bytes of this process, as Linux says; elsewhere none."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))
    return 0


def read(content):
    """What a page does with a file, or a command; the sentence of its refusal, if it is refused."""
    try:
        looked = preview_table(content, "x")
        if looked.mapping is None:
            read_panel(content, "x")
        else:
            read_mapped_table(content, "x", looked.mapping)
    except DataError as error:
        return str(error)
    return ""


#: Others stand for them.
SLOWER = (
    "columns without anything",
    "lists in cells",
    "names that are all different",
    "wide lines",
    "lines of another encoding",
    "records with a name each",
    "styles",
    "cells",
)


@pytest.mark.parametrize("kind", only_whole(list(BOMBS), *SLOWER))
def test_a_small_file_that_stands_for_a_huge_table_is_refused_in_a_sentence(kind):
    make, sentence = BOMBS[kind]
    content = make()
    assert len(content) < SMALL
    with Bounds():
        said = read(content)
    assert sentence in said
    assert said.startswith("x")
    assert said.endswith((".", ")"))
    assert len(said) < 300
    assert "\n" not in said


FORMS = ("parquet", "csv", "quoted csv", "json", "split json", "xlsx")


@settings(max_examples=examples(60, fewest=4, share=0.05), deadline=None, derandomize=True)
@given(
    some.sampled_from(FORMS),
    some.sampled_from([1, 30, 1_000, 30_000, 300_000, 1_000_000]),
    some.sampled_from([1, 2, 30, 1_000, 12_000]),
    some.sampled_from([1, 9, 300, 20_000]),
)
def test_whatever_a_small_file_expands_to_reading_it_stays_within_bounds(form, rows, columns, letters):
    if rows * (letters + 2 * columns) > 40_000_000:
        rows = max(40_000_000 // (letters + 2 * columns), 1)
    content = packed(form, rows, columns, letters)
    with Bounds():
        read(content)


def packed(form, rows, columns, letters):
    """A small file with so many rows of a date, a text and figures."""
    names = [f"c{i}" for i in range(columns)]
    text = "x" * letters
    match form:
        case "parquet":
            return long_table(rows, letters, min(columns, 40_000_000 // rows))
        case "csv" | "quoted csv":
            quote = '"' if form == "quoted csv" else ""
            row = f"{quote}{text}{quote},%s{',1' * columns}\n"
            return gzip.compress("".join([f"region,date,{','.join(names)}\n", *repeat(row, rows)]).encode(), 1)
        case "json":
            row = f'{{"region":"{text}","date":"%s",' + ",".join(f'"{name}":1' for name in names) + "}"
            rows = max(min(rows, 40_000_000 // len(row)), 1)
            return gzip.compress(("[" + ",".join(repeat(row, rows)) + "]").encode(), 1)
        case "split json":
            row = f'["{text}","%s"{",1" * columns}]'
            header = ",".join(f'"{name}"' for name in ["region", "date", *names])
            return gzip.compress(f'{{"columns":[{header}],"data":[{",".join(repeat(row, rows))}]}}'.encode(), 1)
    row = f"<row><c t='inlineStr'><is><t>{text}</t></is></c><c t='str'><v>%s</v></c>{'<c><v>1</v></c>' * columns}</row>"
    titles = "".join(f"<c t='str'><v>{name}</v></c>" for name in ["region", "date", *names])
    rows = max(min(rows, 40_000_000 // len(row)), 1)
    return workbook(sheet=f"<row>{titles}</row>" + "".join(repeat(row, rows)))


def repeat(row, count):
    """The row on one day after the other."""
    return (row % DAYS[i % len(DAYS)] for i in range(count))


def test_a_table_that_compresses_well_is_read():
    rows = 200 * len(DAYS)
    table = "region,date,value\n" + "".join(
        f"District {i // len(DAYS)},{DAYS[i % len(DAYS)]},{i % 7}\n" for i in range(rows)
    )
    content = gzip.compress(table.encode())
    assert len(content) < SMALL
    with Bounds():
        assert preview_table(content, "x").rows == rows


def test_a_file_of_ones_own_may_take_more(tmp_path, monkeypatch):
    content = long_table(60_000, 9)
    monkeypatch.setenv("FORECAST_UPLOAD_MEMORY", "1")
    with pytest.raises(DataError, match=TOO_MUCH):
        read_panel(content, "x")
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(DataError, match="is also in record 1"):
        read_panel(tmp_path / "x.parquet")
    monkeypatch.setenv("FORECAST_UPLOAD_MEMORY", "275")
    with pytest.raises(DataError, match="is also in record 1"):
        read_panel(content, "x")
