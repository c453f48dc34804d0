"""Operation of a service: the nightly update and its schedule, the status, and metrics for Prometheus."""
