"""Explore: pick a region and a model, see a forecast at once, watch the better ones train."""

from ui.explore import page
from ui.shell import runtime
from ui.shell.page_errors import page_errors
from ui.shell.sidebar import choose

service = runtime.service()
with page_errors():
    choices = choose(service)
    page.heading(choices)
    page.live(service, choices)
    page.provenance(service, choices)
