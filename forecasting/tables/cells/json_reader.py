"""JSON tables (records, one record a line, or pandas' "split") -> the header and the cells as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from forecasting.support.errors import DataError
from forecasting.tables.cells.date_formats import match_date_format
from forecasting.tables.cells.limits import MAX_JSON_BYTES, MAX_LETTERS, check_size, error_text, format_megabytes
from forecasting.tables.cells.memory_budget import MemoryBudget
from forecasting.tables.cells.text_encoding import replace_lone_surrogates

#: Numbers from here on are texts, of which messages tell: no float holds them.
_LARGEST = 1e300
#: Bytes that an object takes, with what is made of it.
_OBJECT_BYTES = 300
#: Bytes that a list takes, with what is made of it.
_LIST_BYTES = 150
#: Bytes that a value takes, with what is made of it.
_VALUE_BYTES = 80
#: Bytes that a letter takes where all are ASCII.
_ASCII_BYTES = 3
#: Bytes that a letter takes where one is not: then each may take four in a text.
_OTHER_BYTES = 6


def read_json(content: bytes, budget: MemoryBudget) -> tuple[list[str], list[list[Any]]] | None:
    """The header and the cells of records, of one record a line, or of what pandas calls "split"; None of no JSON at all.

    Numbers stay numbers, so that 1.02 is never taken for a text with thousands; everything else becomes text.

    Raises `DataError` for JSON that is no table.
    """
    name = budget.name
    if len(content) > MAX_JSON_BYTES:
        raise DataError(f"{name}: JSON of more than {format_megabytes(MAX_JSON_BYTES)} is not read; save it as CSV.")
    budget.check(_parsed_bytes(content), "the values in it")
    try:
        document = _parse_json(content)
    except RecursionError:
        raise DataError(f"{name}: lists in it are within too many others; write it as a table.") from None
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            raise DataError(f"{name}: a number in it has too many digits; shorten it.") from None
        if content.lstrip().startswith(b"[") and not content.lstrip()[1:].lstrip().startswith((b"{", b"[")):
            return None
        raise DataError(f"{name}: it cannot be read as JSON ({error_text(error)}); write it anew.") from None
    if isinstance(document, dict) and isinstance(document.get("data"), list) and "columns" not in document:
        document = document["data"]
    if isinstance(document, dict) and (records := _keyed_records(document, budget)) is not None:
        document = records
    if isinstance(document, dict) and {"columns", "data"} <= document.keys():
        header, rows = _parse_split(document, budget)
    elif isinstance(document, list) and all(isinstance(record, dict) for record in document):
        header = list(dict.fromkeys(key for record in document for key in record))
        check_size(name, len(header), len(document))
        budget.check_table(len(document), len(header))
        rows = [[record.get(key) for key in header] for record in document]
    else:
        raise DataError(f'{name}: JSON is understood as records, [{{"date": …, "value": …}}, …]; write it so.')
    if not rows:
        raise DataError(f"{name}: the table is empty; add the figures.")
    cells = [[_json_cell(cell) for cell in row] for row in rows]
    for i, row in enumerate(cells, 1):
        if any(isinstance(cell, str) and len(cell) > MAX_LETTERS for cell in row):
            raise DataError(f"{name}, record {i}: a cell has more than {MAX_LETTERS:,} letters; shorten it.")
    return header, cells


def _parsed_bytes(content: bytes) -> int:
    """How many bytes of memory the values take that JSON stands for, at most: signs within texts count as well."""
    signs = {sign: content.count(sign) for sign in (b"{", b"[", b",")}
    letters = len(content) * (_ASCII_BYTES if content.isascii() else _OTHER_BYTES)
    return _OBJECT_BYTES * signs[b"{"] + _LIST_BYTES * signs[b"["] + _VALUE_BYTES * signs[b","] + letters


def _parse_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
            raise
        return [json.loads(line) for line in lines]


def _keyed_records(document: dict[str, Any], budget: MemoryBudget) -> list[dict[str, Any]] | None:
    """The records of what pandas calls "columns" and "index", in which each cell is named by its row and its column."""
    if not document or not all(isinstance(part, dict) and part for part in document.values()):
        return None
    inner = list(dict.fromkeys(key for part in document.values() for key in part))
    budget.check_table(max(len(inner), len(document)), min(len(inner), len(document)))
    if _is_index(inner) and not _is_index(document):
        rows = {key: {name: part.get(key) for name, part in document.items()} for key in inner}
    elif _is_index(document) and not _is_index(inner):
        rows = document
    else:
        return None
    if list(rows) == [str(i) for i in range(len(rows))]:
        return list(rows.values())
    return [{"": key, **row} for key, row in rows.items()]


def _is_index(keys: Iterable[str]) -> bool:
    """Whether keys name rows: they are numbers or dates."""
    return all(re.fullmatch(r"-?\d+", key) or match_date_format(key)[0] is not None for key in keys)


def _parse_split(document: dict[str, Any], budget: MemoryBudget) -> tuple[list[str], list[list[Any]]]:
    name = budget.name
    header, rows, index = document["columns"], document["data"], document.get("index")
    if not isinstance(header, list) or not isinstance(rows, list):
        raise DataError(f'{name}: "columns" and "data" of its JSON are no lists; write it anew.')
    check_size(name, len(header), len(rows))
    budget.check_table(len(rows), len(header))
    for i, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(header):
            raise DataError(f"{name}, record {i}: it does not have a cell for each of the columns; mend it.")
    header = [str(column) for column in header]
    if isinstance(index, list) and index != list(range(len(rows))):
        if len(index) != len(rows):
            raise DataError(f'{name}: "index" and "data" of its JSON differ in length; write it anew.')
        return ["", *header], [[i, *row] for i, row in zip(index, rows, strict=True)]
    return header, rows


def _json_cell(cell: Any) -> Any:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell if abs(cell) < _LARGEST else str(cell)
    return "" if cell is None else replace_lone_surrogates(str(cell).strip())
