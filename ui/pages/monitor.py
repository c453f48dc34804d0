"""Monitor: how the service is now and how it has done, which models were picked, and what needs somebody's attention."""

from ui import monitor

monitor.heading()
monitor.live()
