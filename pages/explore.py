"""Explore: pick a region and a model, see a forecast at once, watch the better ones train."""

from ui.explore import page
from ui.shell import following, inside_frame, runtime
from ui.shell.page_errors import page_errors

inside_frame.require()

service = runtime.service()
with page_errors():
    choices = page.choices(service)
    page.heading(choices)
    page.live(service, choices)
    following.follow(choices, choices.region)
