"""Explore: pick a region and a model, see a forecast at once, watch the better ones train."""

from functools import partial

from ui.explore import chart_options, page
from ui.shell import following, inside_frame, runtime
from ui.shell.page_errors import page_errors
from ui.shell.sidebar import draw_sidebar

inside_frame.require()

service = runtime.service()
with page_errors():
    choices = draw_sidebar(service, partial(chart_options.address_fields, service), mean_on_chart=True)
    page.heading(choices)
    page.live(service, choices)
    following.follow(choices, choices.region)
