"""What the server depends on fails, each in its way, and comes back."""

import pytest
from postgres_server import programs

from benchmarks.soak.failing_dependencies import faketime_libraries
from benchmarks.soak.fault_injection import FAULTS

#: A worker that hangs is ended when its time is over, which is waited for in the benchmark only.
QUICK = [fault for fault in FAULTS if fault != "hanging_worker"]


@pytest.mark.parametrize("fault", QUICK)
def test_nothing_is_lost_or_stuck_and_one_sentence_says_what_is_wrong(fault, tmp_path, all_kept, needs):
    if fault == "postgres_restarted":
        needs(programs(), "PostgreSQL is not installed (apt-get install postgresql)")
    if fault == "clock_jumps":
        needs(faketime_libraries(), "libfaketime is not installed (apt-get install faketime)")
    all_kept(FAULTS[fault](tmp_path))
