"""The size of a workbook: refuse one whose parts hold more elements than can be read in some seconds, or nested too deeply.

A few kilobytes can unpack to millions of empty rows, shared texts or styles, each of which takes a reader microseconds and a
hundred bytes. So every part is gone through once by a parser that keeps nothing.
"""

from __future__ import annotations

import zipfile
from xml.parsers import expat

from forecasting.support.errors import DataError

#: What reading a workbook may cost, in elements of a sheet: some 8 seconds.
MAX_COST = 1_600_000
#: Elements within each other, at most; a rich text in a cell of a sheet has seven.
MAX_DEPTH = 40
#: What an element costs by its name, wherever it is.
_COSTS = {
    **dict.fromkeys(("row", "c", "v", "f"), 1.0),
    **dict.fromkeys(("si", "is"), 6.0),
    **dict.fromkeys(("xf", "font", "fill", "border", "numFmt", "dxf", "cellStyle", "definedName"), 4.0),
    **dict.fromkeys(("sheet", "Override", "Default", "Relationship", "property"), 4.0),
}
#: What any other element costs: drawings and pivot tables are not read.
_OTHER_COST = 0.3
#: Bytes that are unpacked at a time.
_PIECE_BYTES = 1_000_000


class _Part:
    """What the elements of one part cost, as the parser comes to them."""

    def __init__(self, name: str) -> None:
        self.cost, self.root = 0.0, ""
        self._name, self._depth = name, 0

    def start(self, tag: str, attributes: object) -> None:
        """An element begins."""
        tag = tag.rpartition(":")[2]
        self.root = self.root or tag
        self.cost += _COSTS.get(tag, _OTHER_COST)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DataError(f"{self._name}: the elements of its sheets are nested too deeply; save it as CSV.")
        if self.cost > MAX_COST:
            raise _too_much(self._name)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._depth -= 1


def check_workbook(archive: zipfile.ZipFile, name: str) -> None:
    """Raises `DataError` for a workbook whose largest sheet and other parts cost too much together.

    What is no XML is left to the reader of the workbook.
    """
    sheets, others = 0.0, 0.0
    for entry in archive.infolist():
        part = _Part(name)
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = part.start, part.end
        try:
            with archive.open(entry) as stream:
                while piece := stream.read(_PIECE_BYTES):
                    parser.Parse(piece)
        except expat.ExpatError:
            pass
        if part.root == "worksheet":
            sheets = max(sheets, part.cost)
        else:
            others += part.cost
        if sheets + others > MAX_COST:
            raise _too_much(name)


def _too_much(name: str) -> DataError:
    return DataError(f"{name}: the workbook holds more than can be read in some seconds; save the sheet as CSV.")
