"""One HTTP download: streamed to a file, within limits, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class DownloadLimits:
    """Limits of a download: `stall` seconds without a byte, `total` seconds in all, and `size` bytes."""

    stall: float = 10.0
    total: float = 120.0
    size: int = 200_000_000


class DownloadError(Exception):
    """A download that failed; its message continues a sentence that begins with the publisher's name."""


def download_file(url: str, body: Path, limits: DownloadLimits, conditions: Mapping[str, str]) -> httpx.Headers | None:
    """Stream what is at `url` to `body`; its headers, or None when it is still as `conditions` say.

    Raises `DownloadError` for anything else than a whole file within `limits`.
    """
    try:
        return _stream(url, body, limits, conditions)
    except httpx.TimeoutException:
        raise DownloadError(f"could not be reached (no answer within {limits.stall:g} s)") from None
    except httpx.RemoteProtocolError:
        raise DownloadError("broke off before the end of the file") from None
    except httpx.TooManyRedirects:
        raise DownloadError("could not be reached (it redirects in circles)") from None
    except httpx.DecodingError:
        raise DownloadError("sent a file that cannot be unpacked") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise DownloadError("could not be reached (no connection)") from None


def _stream(url: str, body: Path, limits: DownloadLimits, conditions: Mapping[str, str]) -> httpx.Headers | None:
    deadline = time.monotonic() + limits.total
    headers = {"User-Agent": "forecast-explorer", **conditions}
    with (
        httpx.Client(timeout=limits.stall, follow_redirects=True, max_redirects=3) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code == httpx.codes.NOT_MODIFIED and conditions:
            return None
        if response.status_code != httpx.codes.OK:
            raise DownloadError(f"could not be reached (it answered {response.status_code} {response.reason_phrase})")
        size = 0
        with body.open("wb") as file:
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > limits.size:
                    raise DownloadError(f"sent more than {limits.size / 1e6:g} MB")
                if time.monotonic() > deadline:
                    raise DownloadError(f"was too slow (not done within {limits.total:g} s)")
                file.write(chunk)
        _check_complete(response)
        return response.headers


def _check_complete(response: httpx.Response) -> None:
    expected = response.headers.get("content-length")
    if expected is not None and expected.isdigit() and int(expected) != response.num_bytes_downloaded:
        raise DownloadError("broke off before the end of the file")
