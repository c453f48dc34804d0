"""One fleet for all tests here: what one of them kills is started again for the next."""

import shutil

import pytest
import sqlalchemy as sa
from browsers import launched
from fleet import PATIENCE, Fleet
from postgres_server import missing

DATABASE = "replicas"


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
    with launched(PATIENCE) as browser:
        yield browser


@pytest.fixture
def tab(chromium):
    """A visitor's tab."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()
