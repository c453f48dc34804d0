"""Write a table that comes in parts, to a file or stdout, so that it is never in memory as a whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd

from forecasting.cli.output import unwritable
from forecasting.data.panel import Panel
from forecasting.export.file_formats import CsvFormat, ParquetParts
from forecasting.support.atomic_file import open_atomically


class TableWriter:
    """Writes parts of one table; the first has its columns. Raises `RequestError` where a file cannot be written."""

    def __init__(self, output: Path | None, file: IO[Any], csv: CsvFormat) -> None:
        self._output, self._file, self._csv = output, file, csv
        self._parquet = ParquetParts(file) if output and output.suffix.lower() == ".parquet" else None
        self._is_first = True

    def write(self, table: pd.DataFrame) -> None:
        """Write a part; an empty one only where it is the first."""
        if table.empty and not self._is_first:
            return
        try:
            if self._parquet:
                self._parquet.write(table)
            else:
                text = self._csv.written(table, header=self._is_first)
                self._file.write(text if self._output else text.decode())
        except OSError as error:
            raise unwritable(self._output, error) from None
        self._is_first = False

    def close(self) -> None:
        """Write what stands at a file's end."""
        if self._parquet:
            self._parquet.close()


@contextmanager
def table_writer(output: Path | None, panel: Panel) -> Iterator[TableWriter]:
    """A writer of forecasts of a panel; an earlier file is replaced only when the new one is complete."""
    timed = any(frequency.minutes for frequency in panel.frequencies.values())
    texts = [*(one.name for one in panel.statistics), *panel.regions()]
    csv = CsvFormat.needed(any("\r" in text for text in texts), timed)
    if output is None:
        yield TableWriter(None, sys.stdout, csv)
        return
    try:
        with open_atomically(output) as file:
            writer = TableWriter(output, file, csv)
            yield writer
            writer.close()
    except OSError as error:
        raise unwritable(output, error) from None
