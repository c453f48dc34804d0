"""Running a service: the nightly update, its schedule, the status and Prometheus metrics."""
