"""Encode forecasts as bytes for a database: JSON and float64 tables in a zlib stream, exact to the last digit, without pickle."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.support.errors import DataError

#: Bytes of an unpacked payload, at most: many times what the longest horizon needs.
MAX_PAYLOAD = 10_000_000
#: The level of zlib: none, only its checksum. Quantiles are hardly smaller compressed, by a fourteenth to a tenth, and
#: to compress takes most of the time that storing a forecast takes.
COMPRESSION = 0


class Encoded(NamedTuple):
    """A forecast as `encode_forecast` gave it, with the key and lineage of its request and the seconds that it took."""

    key: str
    payload: bytes
    seconds: float
    lineage: str = ""


def encode_forecast(forecast: Forecast) -> bytes:
    """Encode a forecast: the length of the header (4 bytes), the header in JSON, three float64 tables, all in a zlib stream."""
    header = {
        "model": forecast.model,
        "method": forecast.method,
        "origin": forecast.origin.isoformat(),
        "frequency": forecast.frequency.alias,
        "horizon": forecast.horizon,
        "notes": list(forecast.notes),
        "fitted": forecast.fitted,
    }
    text = json.dumps(header).encode()
    tables = (forecast.values, forecast.totals, forecast.means)
    numbers = b"".join(np.ascontiguousarray(table, dtype="<f8").tobytes() for table in tables)
    return zlib.compress(struct.pack("<I", len(text)) + text + numbers, COMPRESSION)


def decode_forecast(payload: bytes) -> Forecast:
    """Decode what `encode_forecast` gave; the tables are read-only. Raises `ValueError` for anything else."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(payload, MAX_PAYLOAD)
        (length,) = struct.unpack_from("<I", content)
        header = _header(content[4 : 4 + length])
        horizon = int(header["horizon"])
        expected = 4 + length + 3 * horizon * len(QUANTILES) * 8
        if not unpacking.eof or horizon < 1 or len(content) != expected:
            raise ValueError(f"{len(content)} bytes where {expected} are expected")
        numbers = np.frombuffer(content, dtype="<f8", offset=4 + length)
        values, totals, means = numbers.reshape(3, horizon, len(QUANTILES))
        origin, frequency, notes = (
            pd.Timestamp(header["origin"]),
            frequency_of_alias(header["frequency"]),
            tuple(header["notes"]),
        )
        fitted = dict(header.get("fitted", {}))  # forecasts of older programs have none
        if not np.isfinite(numbers).all():
            raise ValueError("not all of its numbers are finite")
        return Forecast(header["model"], header["method"], origin, frequency, values, totals, means, notes, fitted)
    except (ValueError, zlib.error, struct.error, KeyError, TypeError, DataError) as error:
        raise ValueError(f"This is not a forecast: {error!r}") from error


def _header(text: bytes) -> dict[str, Any]:
    """The header: read by orjson, and by the standard library where it has NaN, which is no JSON."""
    try:
        return dict(orjson.loads(text))
    except orjson.JSONDecodeError:
        return dict(json.loads(text))
