"""A forecast as bytes, for a database: small, exact to the last digit, and never code (no pickle)."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pandas as pd

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.support.errors import DataError

#: No payload is larger than this when unpacked: many times what the longest horizon needs.
MAX_PAYLOAD = 10_000_000


def encode(forecast: Forecast) -> bytes:
    """A forecast as few bytes, exact to the last digit: the header's length, the header in JSON, three float64 tables."""
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
    return zlib.compress(struct.pack("<I", len(text)) + text + numbers)


def decode(payload: bytes) -> Forecast:
    """The inverse of `encode`, with read-only tables. Raises `ValueError` for anything else."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(payload, MAX_PAYLOAD)
        (length,) = struct.unpack_from("<I", content)
        header = json.loads(content[4 : 4 + length])
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
        return Forecast(header["model"], header["method"], origin, frequency, values, totals, means, notes, fitted)
    except (ValueError, zlib.error, struct.error, KeyError, TypeError, DataError) as error:
        raise ValueError(f"This is not a forecast: {error!r}") from error
