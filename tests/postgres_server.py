"""A PostgreSQL of the tests' own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

USER, PASSWORD = "somebody", "correct-horse"


def programs() -> Path | None:
    """Where PostgreSQL's programs are; not on the path on Debian."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders and (folders[-1] / "initdb").exists() else None


def missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def running() -> Iterator[sa.URL]:
    """One on loopback that asks for a password; its owner's address."""
    folder = programs()
    if folder is None:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
    try:
        import psycopg  # noqa: F401
    except ImportError:
        missing("psycopg is not installed (pip install -r requirements-dev.txt)")
    # Not in pytest's folder, which only its owner may enter: PostgreSQL refuses to run as root.
    place = Path(tempfile.mkdtemp(prefix="pg"))
    user = "postgres" if os.geteuid() == 0 else None
    try:
        (place / "password").write_text(PASSWORD)
        for path in (place, place / "password"):
            if user:
                shutil.chown(path, user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def run(program: str, *arguments: str) -> None:
            command = [str(folder / program), "-D", str(place / "data"), *arguments]
            with (place / "log").open("a") as log:
                subprocess.run(command, check=True, user=user, cwd="/", stdout=log, stderr=log, timeout=60)

        run("initdb", "-U", USER, "-A", "scram-sha-256", f"--pwfile={place / 'password'}", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k '' -c fsync=off"
        run("pg_ctl", "-w", "-o", options, "-l", str(place / "data" / "server.log"), "start")
        try:
            url = sa.URL.create("postgresql+psycopg", USER, PASSWORD, "127.0.0.1", port, "postgres")
            yield url
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
