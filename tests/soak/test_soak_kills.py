"""Workers and servers are killed at random while forecasts are asked for."""

from benchmarks import _chaos
from benchmarks._asking import Reply
from benchmarks._machine import machine

KILLS = 12


def test_kills_lose_nothing_fit_nothing_twice_and_leave_nothing_behind(tmp_path, all_kept):
    with machine(tmp_path) as one:
        seen = _chaos.kills(one, KILLS, seed=5, askers=3)
        all_kept(_chaos.promises(seen, one))
    assert sum(seen.kills.values()) >= KILLS // 2  # a worker is not always there to be killed


def test_what_would_be_wrong_is_found(tmp_path):
    """The soak itself: a result that is not there, or is written anew, breaks a promise."""
    question = {"source": "bundled", "region": "Italy", "model": "ets", "horizon": 9}
    with machine(tmp_path) as one:
        seen = _chaos.Seen(replies=[(question, Reply("0" * 64))], created={"a key": "yesterday"})
        _chaos.look_again(one, seen, _chaos.random.Random(1))
        (one.temporary / "left").mkdir()
        one.orphans.append("a process")
        broken = {promise.what for promise in _chaos.promises(seen, one) if not promise.kept}
    assert broken >= {
        "No finished result is lost",
        "Nothing that is stored is written anew",
        "No process outlives its server",
        "Nothing stays in the folder of temporary files",
    }
