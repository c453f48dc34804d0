"""One fleet for all tests here: what one of them kills is started again for the next."""

import shutil

import pytest
import sqlalchemy as sa
from fleet import PATIENCE, Fleet
from playwright.sync_api import expect, sync_playwright
from postgres_server import missing

DATABASE = "replicas"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def database(postgres_url):
    """A new database on the server that all tests share."""
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {DATABASE}")
    engine.dispose()
    return sa.make_url(postgres_url).set(database=DATABASE).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def _fleet(database, tmp_path_factory):
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or shutil.which("nginx")
    if program is None:
        missing("nginx is not installed (apt-get install nginx)")
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), program, database)
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.fixture
def fleet(_fleet):
    return _fleet.ready()


@pytest.fixture(scope="module")
def chromium():
    """The browser; gone when other modules have event loops of their own."""
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        missing(f"no Chromium was found; install one of {', '.join(BROWSERS)}")
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """A visitor's tab."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()
