"""Monitoring: how the service has done so far, whether the figures or the forecasts have drifted, and who is told of it."""
