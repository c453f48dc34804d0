"""Workers and servers are killed at random while forecasts are asked for."""

import random

import pytest
from sweeps import examples

from benchmarks.soak import random_kills
from benchmarks.soak.persistent_client import Reply
from benchmarks.soak.restartable_server import running_server

#: Two workers, a server, and whatever comes then, at least once.
KILLS = examples(5, fewest=4)
SEED = 10


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What was seen of kills, its promises, and those of a record of the same server in which everything is wrong."""
    question = {"source": "bundled", "region": "Italy", "model": "ets", "horizon": 9}
    wrong = random_kills.KillRecord(replies=[(question, Reply("0" * 64))], created={"a key": "yesterday"})
    with running_server(tmp_path_factory.mktemp("killed")) as server:
        seen = random_kills.kills(server, KILLS, SEED, clients=3)
        random_kills.verify_earlier_answers(server, wrong, random.Random(1))
        kept = random_kills.promises(seen, server)
        (server.temporary / "left").mkdir()
        server.orphans.append("a process")
        return seen, kept, random_kills.promises(wrong, server)


def test_kills_lose_nothing_fit_nothing_twice_and_leave_nothing_behind(killed, all_kept):
    seen, kept, _ = killed
    all_kept(kept)
    assert seen.kills["server"] >= 1
    assert seen.kills["worker"] >= 1  # another is not always there to be killed


def test_what_would_be_wrong_is_found(killed):
    """The soak itself: a result that is not there, or is written anew, breaks a promise."""
    *_, promises = killed
    assert {promise.what for promise in promises if not promise.kept} >= {
        "No finished result is lost",
        "Nothing that is stored is written anew",
        "No process outlives its server",
        "Nothing stays in the folder of temporary files",
    }
