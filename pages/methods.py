"""Methods: what each model does, where the figures come from, what the bands mean, and where it went wrong."""

from ui.methods import page
from ui.shell import inside_frame

inside_frame.require()

page.draw()
