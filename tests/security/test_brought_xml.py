"""Workbooks whose XML would grow, or fetch what is none of its business."""

import io
import re
import zipfile
from contextlib import suppress

import openpyxl
import pytest

from forecasting.support.errors import DataError
from forecasting.tables.panel_file import read_panel

GROWING = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
DOCTYPES = {
    "growing": (f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{GROWING}]>', "&e9;"),
    "a file of this machine": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"),
    "another machine's": ('<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/x">]>', "&e;"),
}


def workbook(part, doctype, reference):
    """A sound workbook, but for one part's XML."""
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (["date", "value"], *([f"2024-01-{day:02}", day] for day in range(1, 29))):
        book.active.append(row)
    book.save(stream)
    changed = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name).decode()
            if name == part:
                text = re.sub(r"^(<\?xml[^>]*\?>)?", doctype, text, count=1).replace(">value<", f">{reference}<")
            new.writestr(name, text)
    return changed.getvalue()


@pytest.mark.parametrize("kind", DOCTYPES)
def test_a_sheet_with_entities_is_refused(kind):
    with pytest.raises(DataError, match="cannot be read as XLSX") as error:
        read_panel(workbook("xl/worksheets/sheet1.xml", *DOCTYPES[kind]), "book.xlsx")
    assert "root:" not in str(error.value)
    assert "aaaa" not in str(error.value)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/theme/theme1.xml"])
@pytest.mark.parametrize("kind", DOCTYPES)
def test_what_stands_around_it_brings_nothing_into_the_table(part, kind):
    content = workbook(part, *DOCTYPES[kind])
    with suppress(DataError):
        table = read_panel(content, "book.xlsx").table.to_csv()
        assert "root:" not in table
        assert "aaaa" not in table
