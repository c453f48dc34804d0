"""A program with a queue, a running fit and a child of its worker; it ends as its argument says."""

import sys
import threading
from pathlib import Path

import scripted

from forecasting.jobs import JobQueue
from forecasting.storage.forecast_store import ForecastStore

scripted.register()
queue = JobQueue(
    ForecastStore("sqlite://"), 1, command=(sys.executable, str(Path(__file__).with_name("scripted_worker.py")))
)
job = queue.submit(scripted.request("family"))
(job,) = queue.wait([job.key], until=lambda jobs: jobs[0].finished or jobs[0].progress is not None)
print(job.progress.trying, flush=True)
sys.stdin.readline()
if sys.argv[1] == "closes":
    queue.close()
    print("closed", flush=True)
if sys.argv[1] != "returns":
    threading.Event().wait()
