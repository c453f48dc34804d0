"""Monitoring: history of requests and fits, drift of data and of forecasts, alerts and the webhook that they are posted to."""
