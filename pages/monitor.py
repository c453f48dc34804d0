"""Monitor: how the service is now and how it has done, which models were picked, and what needs somebody's attention."""

from ui.monitor import page

page.heading()
page.live()
