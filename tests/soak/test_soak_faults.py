"""What the server depends on fails, each in its way, and comes back."""

import pytest
from postgres_server import programs
from sweeps import only_whole

from benchmarks.soak import fault_injection
from benchmarks.soak.failing_dependencies import faketime_libraries
from benchmarks.soak.fault_injection import FAULTS

#: Faults that need a server of their own, and those that one server can have one after the other. A worker that hangs is
#: ended when its time is over, which is waited for in the benchmark only.
ALONE = ["postgres_restarted", "source_down", "clock_jumps"]
TOGETHER = ["disk_full", "locked", "hungry_worker"]


@pytest.mark.whole
def test_a_server_whose_disk_database_and_workers_fail_in_turn_loses_nothing_and_says_what_is_wrong(tmp_path, all_kept):
    assert {*ALONE, *TOGETHER, "hanging_worker"} == set(FAULTS)
    all_kept(fault_injection.one_after_the_other(tmp_path))


@pytest.mark.parametrize("fault", only_whole(ALONE, *ALONE))
def test_nothing_is_lost_or_stuck_and_one_sentence_says_what_is_wrong(fault, tmp_path, all_kept, needs):
    if fault == "postgres_restarted":
        needs(programs(), "PostgreSQL is not installed (apt-get install postgresql)")
    if fault == "clock_jumps":
        needs(faketime_libraries(), "libfaketime is not installed (apt-get install faketime)")
    all_kept(FAULTS[fault](tmp_path))
