"""Background training: threads supervise, processes fit.

::

    queue = JobQueue(Store())               # starts the worker processes; one queue for the whole server
    job = queue.submit(request)             # returns at once: queued, or done if it is stored or instant
    queue.watch([job.key])                  # a page that looks at it says so whenever it does
    job = queue.job(job.key)                # a snapshot: state, progress, best draft so far, seconds, forecast, error

A request goes onto the `board`. A `supervisor` thread hands it to its worker `process` (`worker` is what runs there, the
`protocol` is one JSON object a line), writes on the board what the worker says of it, and puts the result into the
store before it calls the job done. `job` lists the states and the ways between them. A worker that dies is replaced and
its fit begun once more; time limits and cancelling kill the worker, with its children; and when this process is gone,
its workers see their input end and go too.

Where workers come from is the `crew`'s business: processes of this machine, or places on a Dask `cluster` (`FORECAST_DASK`),
each of which a supervisor treats like a process; `remote` is what runs on a Dask worker, and keeps the processes there.

A region's forecast by a model of all regions, and a blend of other models, have no fit of their own: `derived` says which
fits they need and makes their jobs of those.
"""

from forecasting.jobs.job import Job, State
from forecasting.jobs.queue import JobQueue, QueueFull

__all__ = ["Job", "JobQueue", "QueueFull", "State"]
