"""Named data sets: a file or a folder of CSV or Parquet, here or on S3, HDFS and others, of which only what is needed is read.

The address is in the environment (`FORECAST_DATA_<NAME>`) and nowhere else. A folder may be partitioned (``region=Italy/…``);
columns and the configured regions and dates are chosen before anything is read (pyarrow.dataset).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import csv, fs

from forecasting.sources.shared.batches import DATES, KNOWN, REGIONS, called, collected, is_number, needed
from forecasting.sources.shared.configured_source import ConfiguredSource
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, RequestError, SourceError
from forecasting.support.settings import NamedDataSet
from forecasting.tables.cells.csv_reader import SEPARATORS
from forecasting.tables.cells.limits import MAX_BYTES
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_table

log = logging.getLogger(__name__)

#: Rows that are decoded at once.
BATCH = 65_536
#: What pyarrow opens by itself; the rest is fsspec's.
_NATIVE = ("file", "s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")
_HERE = ("", "file", "memory")
_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".tsv", ".txt")


class AddressSource(ConfiguredSource):
    """A data set of the configuration."""

    def __init__(self, setting: NamedDataSet) -> None:
        super().__init__(f"data-{setting.name}", f"{setting.name} (data set)", setting.variable)
        self._setting = setting

    def cells(self) -> tuple[RawTable, tuple[str, ...]]:
        """See `ConfiguredSource.cells`."""
        try:
            found = _found(self._setting)
            single = found.is_file and not found.files[0].endswith(_PARQUET)
            if single and not (self._setting.regions or self._setting.since):
                return read_table(_content(found, self.name), self.name, strict=False), ()
            return self._scanned(found)
        except ForecastingError:
            raise
        except ImportError as error:
            package = error.name or "fsspec"
            raise SourceError(f"{self._setting.variable} needs the package '{package}'; install it.") from None
        except Exception as error:  # each file system has its own; what they say may hold the address
            log.warning("%s could not be read: %s", self.name, type(error).__name__)
            raise SourceError(
                f"'{self.name}' cannot be read; check the address in {self._setting.variable}, "
                "that we may read there, and that all its files are of one kind with the same columns."
            ) from None

    def _scanned(self, found: _Found) -> tuple[RawTable, tuple[str, ...]]:
        dataset = _dataset(found)
        columns = {f.name: is_number(f.type) for f in dataset.schema if f.name not in found.keys}
        keys = [key for key in found.keys if key.lower() in KNOWN]
        chosen = needed(columns | dict.fromkeys(keys, False))
        if not found.is_parquet:
            dataset = _dataset(found, pa.schema([(name, pa.string()) for name in dataset.schema.names]))
        wanted = _filter(self._setting, dataset.schema)
        batches = dataset.scanner(columns=chosen, filter=wanted, batch_size=BATCH).to_batches()
        left = tuple(column for column in columns if column not in chosen)
        return collected(self.name, batches), left


@dataclass(frozen=True)
class _Found:
    """What is at an address: its files, and the keys by which they are partitioned."""

    filesystem: fs.FileSystem
    files: list[str]
    is_file: bool
    keys: tuple[str, ...] = ()

    @property
    def is_parquet(self) -> bool:
        return self.files[0].endswith(_PARQUET)


def _found(setting: NamedDataSet) -> _Found:
    filesystem, path = _opened(setting)
    there = filesystem.get_file_info(path)
    if there.type == fs.FileType.NotFound:
        raise SourceError(f"There is nothing at the address in {setting.variable}; check it.")
    if there.type == fs.FileType.File:
        return _Found(filesystem, [path], True)
    inside = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    names = sorted(one.path for one in inside if one.type == fs.FileType.File and one.base_name[0] not in "._")
    files = [name for name in names if name.endswith(_PARQUET)] or [name for name in names if name.endswith(_CSV)]
    if not files:
        raise SourceError(f"There is no CSV or Parquet file in the folder in {setting.variable}; check the address.")
    parts = files[0].removeprefix(path).split("/")[:-1]
    return _Found(filesystem, files, False, tuple(unquote(part.split("=")[0]) for part in parts if "=" in part))


def _opened(setting: NamedDataSet) -> tuple[fs.FileSystem, str]:
    """The file system and the path in it."""
    scheme = urlsplit(setting.address).scheme if "://" in setting.address else ""
    if settings.offline() and scheme not in _HERE:
        raise SourceError(f"'data-{setting.name}' is on the network, which FORECAST_OFFLINE forbids.")
    if not scheme:
        return fs.LocalFileSystem(), Path(setting.address).expanduser().resolve().as_posix()
    return fs.FileSystem.from_uri(setting.address if scheme in _NATIVE else f"fsspec+{setting.address}")


def _content(found: _Found, name: str) -> bytes:
    """A single file of any kind, read as one that a reader gives."""
    with found.filesystem.open_input_stream(found.files[0], compression=None) as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SourceError(f"'{name}' is larger than {MAX_BYTES // 1_000_000} MB; write it as Parquet.")
    return content


def _dataset(found: _Found, schema: pa.Schema | None = None) -> ds.Dataset:
    """Partition keys are text, so that the region 01 does not become 1."""
    keys = ds.partitioning(pa.schema([(key, pa.string()) for key in found.keys]), flavor="hive")
    kind = (
        ds.ParquetFileFormat() if found.is_parquet else ds.CsvFileFormat(csv.ParseOptions(delimiter=_separator(found)))
    )
    return ds.dataset(found.files, schema, kind, found.filesystem, keys if found.keys else None)


def _separator(found: _Found) -> str:
    with found.filesystem.open_input_stream(found.files[0]) as stream:
        head = stream.read(100_000).decode("utf-8", errors="replace").partition("\n")[0]
    return max(SEPARATORS, key=head.count)


def _filter(setting: NamedDataSet, schema: pa.Schema) -> ds.Expression | None:
    wanted = None
    if setting.regions:
        column = _column(setting, schema, REGIONS, "REGIONS")
        field, kind = ds.field(column), schema.field(column).type
        wanted = (field if pa.types.is_string(kind) else field.cast(pa.string())).isin(list(setting.regions))
    if setting.since:
        column = _column(setting, schema, DATES, "SINCE")
        field, kind = ds.field(column), schema.field(column).type
        if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
            field, kind = field.cast(pa.timestamp("us")), pa.timestamp("us")
        later = field >= pa.scalar(_since(setting).to_pydatetime(), pa.timestamp("us")).cast(kind)
        wanted = later if wanted is None else wanted & later
    return wanted


def _column(setting: NamedDataSet, schema: pa.Schema, names: tuple[str, ...], suffix: str) -> str:
    column = called(schema.names, names)
    if column is None:
        raise SourceError(f"{setting.variable}_{suffix} needs a column called {names[0]!r}; there is none.")
    return column


def _since(setting: NamedDataSet) -> pd.Timestamp:
    try:
        return pd.Timestamp(date.fromisoformat(setting.since))
    except ValueError:
        raise RequestError(f"{setting.variable}_SINCE is '{setting.since}'; give a date as YYYY-MM-DD.") from None
