"""Persistent storage: the database, the store of finished forecasts, and migrations of the tables.

A table is defined where it is used: forecasts in `forecast_store`, claims of fits in `jobs.claims`, the history in
`monitoring.history_tables`, nightly updates in `monitoring.update_runs`, alerts in `monitoring.alerts`, rules of
event alerts in `monitoring.event_alerts`, requests of the API
in `api.job_register`, points of streams in `stream_log`. `migrations` makes them all.
"""
