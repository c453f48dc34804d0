"""Workers and servers are killed at random while forecasts are asked for."""

from benchmarks.soak import random_kills
from benchmarks.soak.persistent_client import Reply
from benchmarks.soak.restartable_server import running_server

KILLS = 5
#: Two workers, a server, and whatever comes then.
SEED = 10


def test_kills_lose_nothing_fit_nothing_twice_and_leave_nothing_behind(tmp_path, all_kept):
    with running_server(tmp_path) as server:
        seen = random_kills.kills(server, KILLS, SEED, clients=3)
        all_kept(random_kills.promises(seen, server))
    assert seen.kills["server"] >= 1
    assert seen.kills["worker"] >= 1  # another is not always there to be killed


def test_what_would_be_wrong_is_found(tmp_path):
    """The soak itself: a result that is not there, or is written anew, breaks a promise."""
    question = {"source": "bundled", "region": "Italy", "model": "ets", "horizon": 9}
    with running_server(tmp_path) as server:
        seen = random_kills.KillRecord(replies=[(question, Reply("0" * 64))], created={"a key": "yesterday"})
        random_kills.verify_earlier_answers(server, seen, random_kills.random.Random(1))
        (server.temporary / "left").mkdir()
        server.orphans.append("a process")
        broken = {promise.what for promise in random_kills.promises(seen, server) if not promise.kept}
    assert broken >= {
        "No finished result is lost",
        "Nothing that is stored is written anew",
        "No process outlives its server",
        "Nothing stays in the folder of temporary files",
    }
