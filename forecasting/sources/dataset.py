"""Data sets as sources: a file or a folder of CSV or Parquet, here or on S3, HDFS and others; only what is needed is read.

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

from forecasting.sources.shared.batches import (
    DATE_NAMES,
    KNOWN_NAMES,
    REGION_NAMES,
    collect_batches,
    find_column,
    is_number,
    useful_columns,
)
from forecasting.sources.shared.configured_source import ConfiguredSource
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, RequestError, SourceError
from forecasting.support.settings import NamedDataSet
from forecasting.tables.cells.csv_reader import detect_separator
from forecasting.tables.cells.limits import MAX_BYTES
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_table

log = logging.getLogger(__name__)

#: Rows that are decoded at a time.
BATCH_ROWS = 65_536
#: Schemes of addresses that pyarrow opens by itself; fsspec opens the others.
_ARROW_SCHEMES = ("file", "s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")
#: Schemes that need no network.
_LOCAL_SCHEMES = ("", "file", "memory")
_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".tsv", ".txt")


class DataSetSource(ConfiguredSource):
    """A data set that the configuration names: one file, or a folder that may be partitioned."""

    def __init__(self, setting: NamedDataSet) -> None:
        super().__init__(f"data-{setting.name}", f"{setting.name} (data set)", setting.variable)
        self._setting = setting

    def read_cells(self) -> tuple[RawTable, tuple[str, ...]]:
        """The rows of the data set as they are now, and the columns that were of no use. Raises `SourceError`."""
        try:
            data = _find_files(self._setting)
            single = data.is_file and not data.files[0].endswith(_PARQUET)
            if single and not (self._setting.regions or self._setting.since):
                return read_table(_content(data, self.name), self.name, strict=False, own=True), ()
            return self._scan(data)
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

    def _scan(self, data: _DataFiles) -> tuple[RawTable, tuple[str, ...]]:
        dataset = _dataset(data)
        columns = {f.name: is_number(f.type) for f in dataset.schema if f.name not in data.keys}
        keys = [key for key in data.keys if key.lower() in KNOWN_NAMES]
        chosen = useful_columns(columns | dict.fromkeys(keys, False))
        if not data.is_parquet:
            dataset = _dataset(data, pa.schema([(name, pa.string()) for name in dataset.schema.names]))
        wanted = _filter(self._setting, dataset.schema)
        batches = dataset.scanner(columns=chosen, filter=wanted, batch_size=BATCH_ROWS).to_batches()
        left = tuple(column for column in columns if column not in chosen)
        return collect_batches(self.name, batches), left


@dataclass(frozen=True)
class _DataFiles:
    """The files at an address, and the keys by which they are partitioned."""

    filesystem: fs.FileSystem
    files: list[str]
    is_file: bool
    keys: tuple[str, ...] = ()

    @property
    def is_parquet(self) -> bool:
        return self.files[0].endswith(_PARQUET)


def _find_files(setting: NamedDataSet) -> _DataFiles:
    filesystem, path = _open_file_system(setting)
    entry = filesystem.get_file_info(path)
    if entry.type == fs.FileType.NotFound:
        raise SourceError(f"There is nothing at the address in {setting.variable}; check it.")
    if entry.type == fs.FileType.File:
        return _DataFiles(filesystem, [path], True)
    inside = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    names = sorted(file.path for file in inside if file.type == fs.FileType.File and file.base_name[0] not in "._")
    files = [name for name in names if name.endswith(_PARQUET)] or [name for name in names if name.endswith(_CSV)]
    if not files:
        raise SourceError(f"There is no CSV or Parquet file in the folder in {setting.variable}; check the address.")
    parts = files[0].removeprefix(path).split("/")[:-1]
    return _DataFiles(filesystem, files, False, tuple(unquote(part.split("=")[0]) for part in parts if "=" in part))


def _open_file_system(setting: NamedDataSet) -> tuple[fs.FileSystem, str]:
    """The file system and the path in it."""
    scheme = urlsplit(setting.address).scheme if "://" in setting.address else ""
    if settings.offline() and scheme not in _LOCAL_SCHEMES:
        raise SourceError(f"'data-{setting.name}' is on the network, and this installation is set to work without it.")
    if not scheme:
        return fs.LocalFileSystem(), Path(setting.address).expanduser().resolve().as_posix()
    return fs.FileSystem.from_uri(setting.address if scheme in _ARROW_SCHEMES else f"fsspec+{setting.address}")


def _content(data: _DataFiles, name: str) -> bytes:
    """The bytes of a single file of any kind that `read_table` knows."""
    with data.filesystem.open_input_stream(data.files[0], compression=None) as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SourceError(f"'{name}' is larger than {MAX_BYTES // 1_000_000} MB; write it as Parquet.")
    return content


def _dataset(data: _DataFiles, schema: pa.Schema | None = None) -> ds.Dataset:
    """The files as one Arrow data set; partition keys are text, so that the region 01 does not become 1."""
    keys = ds.partitioning(pa.schema([(key, pa.string()) for key in data.keys]), flavor="hive")
    kind = ds.ParquetFileFormat() if data.is_parquet else ds.CsvFileFormat(csv.ParseOptions(delimiter=_separator(data)))
    return ds.dataset(data.files, schema, kind, data.filesystem, keys if data.keys else None)


def _separator(data: _DataFiles) -> str:
    with data.filesystem.open_input_stream(data.files[0]) as stream:
        return detect_separator(stream.read(100_000))


def _filter(setting: NamedDataSet, schema: pa.Schema) -> ds.Expression | None:
    wanted = None
    if setting.regions:
        column = _column(setting, schema, REGION_NAMES, "REGIONS")
        field, kind = ds.field(column), schema.field(column).type
        wanted = (field if pa.types.is_string(kind) else field.cast(pa.string())).isin(list(setting.regions))
    if setting.since:
        column = _column(setting, schema, DATE_NAMES, "SINCE")
        field, kind = ds.field(column), schema.field(column).type
        if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
            field, kind = field.cast(pa.timestamp("us")), pa.timestamp("us")
        later = field >= pa.scalar(_since(setting).to_pydatetime(), pa.timestamp("us")).cast(kind)
        wanted = later if wanted is None else wanted & later
    return wanted


def _column(setting: NamedDataSet, schema: pa.Schema, names: tuple[str, ...], suffix: str) -> str:
    column = find_column(schema.names, names)
    if column is None:
        raise SourceError(f"{setting.variable}_{suffix} needs a column called {names[0]!r}; there is none.")
    return column


def _since(setting: NamedDataSet) -> pd.Timestamp:
    try:
        return pd.Timestamp(date.fromisoformat(setting.since))
    except ValueError:
        raise RequestError(f"{setting.variable}_SINCE is '{setting.since}'; give a date as YYYY-MM-DD.") from None
