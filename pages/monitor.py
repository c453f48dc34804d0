"""Monitor: how the service is now and how it has done, which models were picked, and what needs somebody's attention."""

from ui.monitor import page
from ui.shell import inside_frame

inside_frame.require()

page.heading()
page.live()
