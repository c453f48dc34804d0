"""Messages of a stream -> points: JSON, CSV or Avro, with a mapping of their fields to region, date, value and so on.

A message that cannot be read never stops a stream: it comes back with a sentence that says why, for whoever sets it aside.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.sources.shared.batches import DATE_NAMES, REGION_NAMES, VALUE_NAMES
from forecasting.storage.stream_log import POINTS, REJECTS
from forecasting.support.errors import DataError, RequestError
from forecasting.support.settings import NamedStream
from forecasting.tables.cells.blank_cells import NUMBER_BLANKS, quote_cell, quote_cells
from forecasting.tables.cells.parse_dates import try_parse_dates
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_mapping import ColumnMapping

#: Bytes of a message that are read, at most.
MAX_MESSAGE = 1_000_000
#: Letters of a region's or statistic's name, at most.
MAX_NAME = 200
#: Regions and statistics of one stream, at most: their names are kept in memory.
MAX_NAMES = 200_000
#: Dates as text that are remembered.
DATES_KEPT = 50_000
#: So far ahead of the clock a point may say that it was published: later ones would hide all others.
MOST_AHEAD = timedelta(days=1)
#: Years that a date may be in.
YEARS = (1700, 2200)
#: What of a mapping a stream can use; the others are of whole tables.
USED = (DATE, VALUE, REGION, STATISTIC, AS_OF, "cumulative", "day_first", "kind", "zeros_at_end")
#: What the fields may be called where no mapping says it, in the order in which they are looked for.
NAMES = {REGION: REGION_NAMES, STATISTIC: (STATISTIC,), DATE: DATE_NAMES, VALUE: VALUE_NAMES, AS_OF: (AS_OF,)}
FORMATS = ("json", "csv", "avro")
_EPOCH = datetime(1970, 1, 1)
#: How the bytes begin of an entry with fields that was set aside.
_FIELDS = b"\x00fields:"


class Message(NamedTuple):
    """A message as a broker hands it over.

    Attributes:
        position: where it stands, as its broker says it.
        time: when it was published, in microseconds since 1970 (UTC).
        content: its bytes, or the fields of an entry that has some.
    """

    position: str
    time: int
    content: bytes | dict[str, Any]


class Parsed(NamedTuple):
    """What messages held: `points` as `stream_log.POINTS`, and `rejects` as `stream_log.REJECTS`; None for none."""

    points: pa.Table | None
    rejects: pa.Table | None


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a message, as a sentence goes on after its position."""


@dataclass(frozen=True)
class _Fields:
    """Where each part of a point is in a record; None where it is not."""

    region: Sequence[str] | None
    statistic: Sequence[str] | None
    date: Sequence[str]
    value: Sequence[str]
    as_of: Sequence[str] | None


class MessageParser:
    """Reads the messages of one stream. Not for several threads at once.

    Args:
        setting: the format, schema and mapping. Raises `RequestError` for one that is wrong.
        now: the clock.

    Attributes:
        mapping: which field is what.
        reader: a digest of all that decides what is read; messages that another reader set aside may be readable now.
    """

    def __init__(self, setting: NamedStream, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._region, self._variable = setting.name, setting.variable
        self.mapping = _mapping(setting)
        if setting.format not in FORMATS:
            raise RequestError(f"{setting.variable}_FORMAT is '{setting.format}'; give {', '.join(FORMATS)}.")
        readers: dict[str, Callable[[NamedStream], Callable[[bytes], Iterable[Any]]]] = {
            "json": lambda _: _json_records,
            "csv": _csv_reader,
            "avro": _avro_reader,
        }
        self._records = readers[setting.format](setting)
        what = [asdict(self.mapping), setting.format, setting.schema, _schema_digest(setting)]
        self.reader = hashlib.sha256(orjson.dumps(what)).hexdigest()[:40]
        self._fields: dict[tuple[str, ...], _Fields] = {}
        self._dates: dict[Any, int] = {}
        self._names: dict[str, str] = {}

    def parse(self, messages: Iterable[Message]) -> Parsed:
        """The points of `messages` in their order; one that is wrong in any part is set aside, with its good points stored."""
        regions, statistics = list[str](), list[str]()
        dates, as_ofs, values = list[int](), list[int](), list[float]()
        wrong: list[tuple[str, int, str, bytes]] = []
        latest = int((self._now() + MOST_AHEAD).timestamp() * 1e6)
        for position, time, content in messages:
            try:
                records = [content] if isinstance(content, dict) else self._checked(content)
                reason = ""
                for record in records:
                    try:
                        region, statistic, day, as_of, value = self._point(record, time, latest)
                    except _Unreadable as error:
                        reason = reason or str(error)
                        continue
                    regions.append(region)
                    statistics.append(statistic)
                    dates.append(day)
                    as_ofs.append(as_of)
                    values.append(value)
            except _Unreadable as error:
                reason = str(error)
            if reason:
                kept = _FIELDS + orjson.dumps(content) if isinstance(content, dict) else content
                wrong.append((position, time, f"Message {position} {reason}"[:400], kept))
        points = None
        if values:
            columns = (_coded(regions), _coded(statistics), pa.array(dates), pa.array(as_ofs), pa.array(values))
            points = pa.Table.from_arrays(list(columns), schema=POINTS)
        rejects = pa.table(list(map(list, zip(*wrong, strict=True))), schema=REJECTS) if wrong else None
        return Parsed(points, rejects)

    def parse_again(self, rejects: pa.Table) -> Parsed:
        """The points of messages that were set aside."""
        return self.parse(
            Message(row["position"], row["time"], _as_sent(row["content"])) for row in rejects.to_pylist()
        )

    def _checked(self, content: bytes) -> Iterable[Any]:
        if len(content) > MAX_MESSAGE:
            raise _Unreadable(f"has {len(content):,} bytes, {MAX_MESSAGE:,} at most are read.")
        return self._records(content)

    def _point(self, record: Any, time: int, latest: int) -> tuple[str, str, int, int, float]:
        if not isinstance(record, dict):
            raise _Unreadable(f"is {quote_cell(record)} and no record with fields.")
        fields = self._fields.get(key := tuple(record)) or self._find_fields(key, record)
        region = self._name(record, fields.region, self._region)
        statistic = self._name(record, fields.statistic, VALUE)
        day = self._seconds(_at(record, fields.date), fields.date)
        value = _number(_at(record, fields.value), fields.value)
        as_of = time
        if fields.as_of is not None and (published := _at(record, fields.as_of)) is not None:
            as_of = self._seconds(published, fields.as_of) * 1_000_000
        if as_of > latest:
            raise _Unreadable("says that it was published in the future, which would hide all that came before.")
        return region, statistic, day, as_of, value

    def _find_fields(self, key: tuple[str, ...], record: dict[str, Any]) -> _Fields:
        """Where the parts of a point are in records with these fields; remembered."""
        found: dict[str, Sequence[str] | None] = {}
        lower = {name.lower(): name for name in record}
        for part, names in NAMES.items():
            given = getattr(self.mapping, part)
            if given is not None:
                path = [given] if given in record else given.split(".")
                found[part] = path if _has(record, path) else None
            else:
                name = next((lower[name] for name in names if name in lower), None)
                found[part] = None if name is None else [name]
            if found[part] is None and ((given is not None and part != AS_OF) or part in (DATE, VALUE)):
                raise _Unreadable(
                    f"has no field {quote_cell(given or part)}; it has {quote_cells(list(record)) or 'none'}."
                )
        fields = _Fields(**found)  # type: ignore[arg-type]  # date and value are there
        if len(self._fields) < 1_000:  # of a topic whose fields change without end, no more
            # Nested fields may be missing in another record with the same outer ones; `_at` sees that.
            self._fields[key] = fields
        return fields

    def _name(self, record: dict[str, Any], path: Sequence[str] | None, otherwise: str) -> str:
        if path is None:
            return otherwise
        cell = _at(record, path)
        known = self._names.get(cell) if isinstance(cell, str) else None
        return known if known is not None else self._new_name(cell, path)

    def _new_name(self, cell: Any, path: Sequence[str]) -> str:
        name = " ".join(str(cell).split()) if isinstance(cell, str | int) and not isinstance(cell, bool) else ""
        if not name or not name.isprintable():
            raise _Unreadable(f"has no name in {quote_cell('.'.join(path))} but {quote_cell(cell)}.")
        if len(name) > MAX_NAME:
            raise _Unreadable(f"has a name of {len(name)} letters in {quote_cell('.'.join(path))}; {MAX_NAME} at most.")
        if name not in self._names and len(self._names) >= MAX_NAMES:
            raise _Unreadable(f"has a new name, and {MAX_NAMES:,} regions and statistics are the most of one stream.")
        self._names[name] = name
        if isinstance(cell, str) and cell != name and len(self._names) < MAX_NAMES:
            self._names[cell] = name
        return name

    def _seconds(self, cell: Any, path: Sequence[str]) -> int:
        """A date as seconds since 1970, on the clock of UTC where it names a zone."""
        try:
            found = self._dates.get(cell)
        except TypeError:  # a list
            found = None
        if found is None:
            found = self._new_date(cell, path)
            if len(self._dates) >= DATES_KEPT:
                self._dates.clear()
            self._dates[cell] = found
        return found

    def _new_date(self, cell: Any, path: Sequence[str]) -> int:
        moment = _moment(cell)
        if moment is None and isinstance(cell, str):
            moment = self._read_date(cell)
        if moment is None or not YEARS[0] <= moment.year <= YEARS[1]:
            raise _Unreadable(f"has no date in {quote_cell('.'.join(path))} but {quote_cell(cell)}.")
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return int((moment - _EPOCH) // timedelta(seconds=1))

    def _read_date(self, text: str) -> datetime | None:
        """A date in any form that a file's may have."""
        raw = RawTable(self._region, pd.DataFrame({DATE: [text[:100]]}), np.ones(1, dtype=int), "message")
        try:
            parsed, wrong = try_parse_dates(raw, DATE, self.mapping.day_first)
        except DataError:
            raise _Unreadable(
                f"has the date {quote_cell(text)}, whose day and month cannot be told apart; "
                f'say "day_first" in {self._variable}_MAPPING.'
            ) from None
        return None if wrong[0] else parsed.iloc[0].to_pydatetime()


def _mapping(setting: NamedStream) -> ColumnMapping:
    """The mapping of a setting. Raises `RequestError`."""
    try:
        mapping = ColumnMapping.from_json(setting.mapping or "{}")
    except DataError as error:
        raise RequestError(f"{setting.variable}_MAPPING: {error}") from None
    unused = [name for name, value in asdict(mapping).items() if name not in USED and value]
    if unused:
        raise RequestError(f"{setting.variable}_MAPPING has '{unused[0]}', which streams do not use; leave it out.")
    return mapping


def _at(record: Mapping[str, Any], path: Sequence[str]) -> Any:
    cell: Any = record
    for name in path:
        cell = cell.get(name) if isinstance(cell, dict) else None
    return cell


def _has(record: Mapping[str, Any], path: Sequence[str]) -> bool:
    inner = _at(record, path[:-1])
    return isinstance(inner, dict) and path[-1] in inner


def _number(cell: Any, path: Sequence[str]) -> float:
    """A figure; NaN for one that is withdrawn."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        if cell.strip().lower() in NUMBER_BLANKS:
            return math.nan
        try:
            cell = float(cell)
        except ValueError:
            cell = None
    if isinstance(cell, bool) or (not isinstance(cell, float | int) and not hasattr(cell, "is_signed")):
        raise _Unreadable(f"has no number in {quote_cell('.'.join(path))}.")
    try:
        number = float(cell)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise _Unreadable(f"has a number in {quote_cell('.'.join(path))} that is too large.")
    return number


def _moment(cell: Any) -> datetime | None:
    """A date in one of the forms that programs write: ISO 8601, seconds or milliseconds since 1970, 20240131."""
    if isinstance(cell, str):
        text = cell.strip()
        try:
            return datetime.fromisoformat(text if len(text) != 7 or text[4] != "-" or "W" in text else f"{text}-01")
        except ValueError:
            return None
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        return None
    if 17_000_101 <= cell <= 22_001_231:
        try:
            return datetime.strptime(str(int(cell)), "%Y%m%d")
        except ValueError:
            return None
    seconds = cell / 1000 if abs(cell) > 1e11 else cell
    return _EPOCH + timedelta(seconds=seconds) if 1e8 <= abs(seconds) < 1e10 else None


def _coded(names: list[str]) -> pa.Array:
    return pa.array(names, pa.string()).dictionary_encode()


def _as_sent(kept: bytes) -> bytes | dict[str, Any]:
    """A message that was set aside as it came."""
    return dict(orjson.loads(kept.removeprefix(_FIELDS))) if kept.startswith(_FIELDS) else kept


def _json_records(content: bytes) -> Iterable[Any]:
    """One object, or a list of them."""
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise _Unreadable("is no JSON.") from None
    if isinstance(parsed, list):
        return parsed
    return [parsed]


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable("is no text in UTF-8.") from None


def _csv_reader(setting: NamedStream) -> Callable[[bytes], Iterable[Any]]:
    """Lines of cells; the names of the columns are those of the setting, or the first line of each message."""
    columns = [name.strip() for name in setting.schema.split(",") if name.strip()]

    def read(content: bytes) -> list[dict[str, Any]]:
        lines = [line for line in csv.reader(io.StringIO(_text(content))) if any(cell.strip() for cell in line)]
        names = columns
        if lines and (not columns or [cell.strip() for cell in lines[0]] == columns):
            names = [cell.strip() for cell in lines.pop(0)]
        if not lines:
            raise _Unreadable(f"has no line of figures; say what the columns are in {setting.variable}_SCHEMA.")
        for line in lines:
            if len(line) != len(names):
                raise _Unreadable(f"has a line of {len(line)} cells for the {len(names)} columns.")
        return [dict(zip(names, line, strict=True)) for line in lines]

    return read


def _schema_files(setting: NamedStream) -> list[Path]:
    return [Path(name.strip()).expanduser() for name in setting.schema.split(",") if name.strip()]


def _schema_digest(setting: NamedStream) -> str:
    """A digest of an Avro schema's files, which may change under the same name."""
    if setting.format != "avro":
        return ""
    digest = hashlib.sha256()
    for path in _schema_files(setting):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _avro_reader(setting: NamedStream) -> Callable[[bytes], Iterable[Any]]:
    """Records of an object container file, or bare ones (with the prefix of a schema registry, or without) of a known schema."""
    try:
        import fastavro
    except ImportError:
        raise RequestError(
            f"{setting.variable}_FORMAT is avro, which needs the package 'fastavro': pip install -r requirements-stream.txt."
        ) from None
    schemas = []
    for path in _schema_files(setting):
        try:
            schemas.append(fastavro.parse_schema(orjson.loads(path.read_bytes())))
        except Exception:  # a missing file, no JSON, or one of fastavro's own
            raise RequestError(f"{setting.variable}_SCHEMA names '{path.name}', which is no Avro schema.") from None

    def read(content: bytes) -> list[Any]:
        if content[:4] == b"Obj\x01":
            try:
                return list(fastavro.reader(io.BytesIO(content)))
            except Exception:  # whatever broken bytes make it raise
                raise _Unreadable("is a broken Avro file.") from None
        bodies = [content[5:], content] if content[:1] == b"\x00" and len(content) > 5 else [content]
        for body in bodies:
            for schema in schemas:
                stream = io.BytesIO(body)
                try:
                    record = fastavro.schemaless_reader(stream, schema)
                except Exception:
                    continue
                if stream.tell() == len(body):
                    return [record]
        raise _Unreadable(f"is no Avro record of the schema in {setting.variable}_SCHEMA.")

    return read
