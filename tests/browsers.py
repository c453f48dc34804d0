"""A real Chromium for the tests that need one."""

import os
import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

#: Programs that will do, the quickest first: the same engine without a window, whose frame is a page, too.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    # A page of a test is gone in seconds: code is not optimised for longer, and little of its memory is collected.
    "--js-flags=--no-opt --no-maglev --min-semi-space-size=64 --semi-space-growth-factor=4",
]


@contextmanager
def launched(patience):
    """The browser, whose pages are given so many seconds for anything that is waited for.

    Without one the tests are skipped, but never where everything must be tested (``CI=true``).
    """
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    if executable is None:
        reason = f"no Chromium was found; install one of {', '.join(NAMES)}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    expect.set_options(timeout=1000 * patience)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()
