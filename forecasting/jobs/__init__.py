"""Background fits: a queue of requests that worker processes fit, supervised by threads.

::

    queue = JobQueue(ForecastStore())       # starts the worker processes; one queue for the whole server
    job = queue.submit(request)             # returns at once: queued, or done if it is stored or instant
    queue.watch([job.key])                  # a page that shows it calls this at every look
    job = queue.job(job.key)                # a snapshot: state, progress, best draft so far, seconds, forecast, error

A request goes onto the `board`. A `supervisor` thread hands it to its worker process (`workers.process`; `workers.worker`
is what runs there, `workers.protocol` the JSON lines between the two), writes the worker's events on the board, and puts the
result into the store before the job is done. `job` lists the states and the transitions between them. A worker that dies is
replaced and its fit begun once more; `timeouts` and cancelling kill the worker, with its children; and when this process
ends, its workers see their input end and exit too.

A backend starts the workers (`workers.interface`): processes of this machine, or slots on a Dask cluster (`FORECAST_DASK`;
`workers.dask_client`), each of which a supervisor treats like a process. `workers.dask_plugin` is what runs on a Dask
worker, and keeps the processes there.

A region's forecast by a model of all regions, and a blend of other models, have no fit of their own: `composite` says which
fits they need and makes their jobs from those. `warm_start` makes a first draft from an earlier fit's parameters. Where
several servers share a store, `sharing` and `claims` have each fit done by one of them.
"""

from forecasting.jobs.job import Job, State
from forecasting.jobs.queue import JobQueue, QueueFull

__all__ = ["Job", "JobQueue", "QueueFull", "State"]
