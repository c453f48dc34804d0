"""An API client that retries: through server restarts, refusals and failed jobs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

Question = dict[str, Any]

#: Seconds in which a question must have ended, one way or another.
LIMIT = 240.0
#: Attempts at a question whose fit fails.
TRIES = 12
#: Seconds between two requests.
PAUSE = 0.2


@dataclass(frozen=True)
class Reply:
    """The outcome of a question.

    Attributes:
        digest: of the forecasts, to the last digit; empty where there are none.
        sentence: why there are none; empty where there are some.
        failures: how often a job of it had failed before, each time with a sentence.
        seconds: until then.
    """

    digest: str
    sentence: str = ""
    failures: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        return bool(self.digest)


class PersistentClient:
    """A client of the server at `url`; to be closed."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def close(self) -> None:
        self._client.close()

    def now(self, question: Question) -> str:
        """The digest of an answer that is there at once; else its status and text. The server must answer."""
        answer = self._client.post("/api/v1/forecast", json=question)
        return digest(answer.json()) if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"

    def begin(self, question: Question) -> str:
        """Ask for a forecast that has to be fitted; returns its job's address. The server must answer."""
        return str(self._client.post("/api/v1/forecast", json=question).json()["location"])

    def state(self, location: str) -> dict[str, Any]:
        """The present state of a job."""
        found: dict[str, Any] = self._client.get(location).json()
        return found

    def ended(self, location: str, limit: float = LIMIT) -> dict[str, Any]:
        """The state of a job when it has ended, or after `limit` seconds."""
        end = time.monotonic() + limit
        while (found := self.state(location))["state"] in ("queued", "running") and time.monotonic() < end:
            time.sleep(PAUSE)
        return found

    def ask(self, question: Question, tries: int = TRIES, since: Callable[[], float] = float) -> Reply:
        """Asks until it is done, or has failed `tries` times, or `LIMIT` is over, which is then the sentence.

        The limit counts from `since`, on the monotonic clock, if that is later than now.
        """
        start = time.monotonic()
        failures: list[str] = []
        said = "nothing"
        while time.monotonic() - max(start, since()) < LIMIT:
            try:
                answer = self._once(question, retry=bool(failures))
                said = f"{answer.status_code} {answer.text[:300]}"
            except httpx.TransportError as error:
                said = f"no connection ({error})"
                time.sleep(PAUSE)
                continue
            if answer.status_code == 200 and (found := answer.json().get("forecasts")):
                return Reply(digest({"forecasts": found}), "", tuple(failures), time.monotonic() - start)
            if sentence := _failure(answer):
                failures.append(sentence)
                if len(failures) >= tries:
                    return Reply("", sentence, tuple(failures), time.monotonic() - start)
            time.sleep(PAUSE)
        return Reply("", f"It has not ended in {LIMIT:g} seconds; said last: {said}", tuple(failures), LIMIT)

    def _once(self, question: Question, retry: bool) -> httpx.Response:
        """One question, and its job followed as long as the server lives and the job is open."""
        answer = self._client.post("/api/v1/forecast", json=question | {"wait": 5, "retry": retry})
        if answer.status_code != 202:
            return answer
        location, start = answer.json()["location"], time.monotonic()
        while time.monotonic() - start < LIMIT:
            answer = self._client.get(location)
            if answer.status_code != 200 or answer.json()["state"] not in ("queued", "running"):
                return answer
            time.sleep(PAUSE)
        return answer


def digest(answer: dict[str, Any]) -> str:
    """The SHA-256 of an answer's forecasts, sensitive to the last digit."""
    return hashlib.sha256(json.dumps(answer["forecasts"], sort_keys=True).encode()).hexdigest()


def _failure(answer: httpx.Response) -> str:
    """The sentence with which it has ended; empty where asking on makes sense."""
    said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    if answer.status_code == 422:
        return str(said.get("detail"))
    if answer.status_code == 200 and said.get("state") in ("failed", "timed_out", "cancelled"):
        return str(said.get("error") or said["state"])
    return ""
