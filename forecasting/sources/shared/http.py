"""One HTTP download: streamed to a file, within limits, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

#: Redirects that are followed, at most.
MAX_REDIRECTS = 3
#: Other hosts of the same publisher of files, by the host that is asked: GitHub's own, which serve its large files.
KNOWN_HOSTS = {"raw.githubusercontent.com": frozenset({"media.githubusercontent.com"})}
#: The port of each scheme that a file may have.
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class DownloadLimits:
    """Limits of a download: `stall` seconds without a byte, `total` seconds in all, and `size` bytes."""

    stall: float = 10.0
    total: float = 300.0
    size: int = 500_000_000


class DownloadError(Exception):
    """A download that failed; its message continues a sentence that begins with the publisher's name.

    Attributes:
        acceptable: a person who has read the message may have the file taken all the same.
    """

    acceptable = False


class RefusedError(DownloadError):
    """A file that could be had and is not believed."""

    acceptable = True


@dataclass(frozen=True)
class Response:
    """The headers of a file that was downloaded, and the host that sent it."""

    headers: httpx.Headers
    host: str


def download_file(
    url: str, body: Path, limits: DownloadLimits, conditions: Mapping[str, str], hosts: Collection[str] | None = ()
) -> Response | None:
    """Stream what is at `url` to `body`; None when it is still as `conditions` say.

    A redirect is followed to the same host, to others of `KNOWN_HOSTS` and to `hosts` (None: to any), and never from
    https to http. Raises `DownloadError` for anything else than a whole file within `limits`.
    """
    try:
        return _stream(url, body, limits, conditions, hosts)
    except httpx.TimeoutException:
        raise DownloadError(f"could not be reached (no answer within {limits.stall:g} s)") from None
    except httpx.RemoteProtocolError:
        raise DownloadError("broke off before the end of the file") from None
    except httpx.DecodingError:
        raise DownloadError("sent a file that cannot be unpacked") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise DownloadError("could not be reached (no connection)") from None


def _stream(
    url: str, body: Path, limits: DownloadLimits, conditions: Mapping[str, str], hosts: Collection[str] | None
) -> Response | None:
    deadline = time.monotonic() + limits.total
    headers = {"User-Agent": "forecast-explorer", **conditions}
    with httpx.Client(timeout=limits.stall) as client:
        request = client.build_request("GET", url, headers=headers)
        for _ in range(MAX_REDIRECTS + 1):
            response = client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return _received(response, body, limits, bool(conditions), deadline)
                check_redirect(httpx.URL(url), response.next_request.url, hosts)
                request = response.next_request
            finally:
                response.close()
    raise DownloadError("could not be reached (it redirects in circles)")


def check_redirect(asked: httpx.URL, target: httpx.URL, hosts: Collection[str] | None = ()) -> None:
    """Raise `DownloadError` for a redirect from the address `asked` that is not followed, as `download_file` says."""
    place = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
    if target.scheme not in _PORTS or (asked.scheme, target.scheme) == ("https", "http"):
        raise DownloadError(f"sends readers to an address without encryption ({place}), which is not followed")
    known = not is_other_host(str(asked), target.host) and _same_port(asked, target)
    if not known and hosts is not None and target.host not in hosts:
        raise RefusedError(f"sends readers to another host ({place}), which is not followed")


def is_other_host(url: str, host: str) -> bool:
    """Whether a host is neither that of the address `url` nor one that its publisher is known to use."""
    own = httpx.URL(url).host
    return host != own and host not in KNOWN_HOSTS.get(own, ())


def _same_port(asked: httpx.URL, target: httpx.URL) -> bool:
    """Whether the ports are the same, or each is its scheme's own."""
    ports = [url.port or _PORTS[url.scheme] for url in (asked, target)]
    return ports[0] == ports[1] or all(url.port is None for url in (asked, target))


def _received(
    response: httpx.Response, body: Path, limits: DownloadLimits, conditional: bool, deadline: float
) -> Response | None:
    if response.status_code == httpx.codes.NOT_MODIFIED and conditional:
        return None
    if response.status_code != httpx.codes.OK:
        raise DownloadError(f"could not be reached (it answered {response.status_code} {response.reason_phrase})")
    if (expected := _content_length(response)) is not None and expected > limits.size:
        raise DownloadError(
            f"sent more than {limits.size / 1e6:g} MB ({expected / 1e6:,.10g} MB, of which none was read)"
        )
    size = 0
    with body.open("wb") as file:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > limits.size:
                raise DownloadError(f"sent more than {limits.size / 1e6:g} MB")
            if time.monotonic() > deadline:
                raise DownloadError(f"was too slow (not done within {limits.total:g} s)")
            file.write(chunk)
    if expected is not None and expected != response.num_bytes_downloaded:
        raise DownloadError("broke off before the end of the file")
    return Response(response.headers, response.url.host)


def _content_length(response: httpx.Response) -> int | None:
    """How many bytes the publisher says it sends."""
    said = response.headers.get("content-length")
    return int(said) if said is not None and said.isdigit() else None
