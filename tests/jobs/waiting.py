"""Waiting for a job without a clock."""

#: Seconds; generous, for it only decides how long a failing test takes.
PATIENCE = 120


def wait_for(queue, job, condition=lambda job: job.finished):
    """The job, once `condition` is true of it."""
    (job,) = queue.wait([job.key], PATIENCE, until=lambda jobs: condition(jobs[0]))
    assert condition(job), job
    return job
