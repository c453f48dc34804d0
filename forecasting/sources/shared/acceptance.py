"""What the command line says of a publisher's file that is not believed: how to have it taken, and that it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from forecasting.sources.shared.download import LocalCopy, RefusedFileError
from forecasting.support.errors import SourceError


def acceptance_sentences(source: str, publisher: str, copies: Sequence[LocalCopy]) -> list[str]:
    """What of the copies a person has just accepted, and how to accept what was refused of the source called `source`."""
    taken = [
        f"Taken as you asked, although {publisher_in_sentence(publisher)} {copy.accepted}."
        for copy in copies
        if copy.accepted
    ]
    return [*dict.fromkeys(taken), *([how_to_accept(source)] if any(copy.refused for copy in copies) else [])]


@contextmanager
def refusals_explained(source: str) -> Iterator[None]:
    """Add to the error of a file that was refused, of which there is no earlier copy, how to accept it."""
    try:
        yield
    except RefusedFileError as error:
        raise SourceError(f"{error} {how_to_accept(source)}") from None


def how_to_accept(source: str) -> str:
    """How to have what the publisher of the source called `source` sends now taken, in a sentence."""
    return f"To take what is sent now all the same: python -m forecasting fetch --source {source} --accept"


def publisher_in_sentence(publisher: str) -> str:
    """A publisher's name, which is kept as a sentence begins, for within one."""
    return publisher.replace("The ", "the ", 1) if publisher.startswith("The ") else publisher
