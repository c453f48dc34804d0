"""The pages run by Streamlit's own harness, in this process, with one service and its real workers for all of them."""

from functools import cache

import psutil
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest
from visiting import PATIENCE, SCRIPT, settled

from ui.shell import runtime, tab_storage


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def offline(home, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(home))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_MODELS", "ets")  # the usual four keep the workers of all tests busy for a minute
    monkeypatch.delenv("FORECAST_DB_URL", raising=False)


@pytest.fixture(autouse=True)
def _no_tab(monkeypatch):
    """There is no browser whose tab could have kept a table."""
    monkeypatch.setattr(tab_storage, "PATIENCE", 0.0)


@pytest.fixture(scope="session", autouse=True)
def _packages_are_searched_once():
    """For each new page the harness reads what every installed package says of itself, which takes longer than the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def opened_before():
    """The server is not fresh: `st.navigation` has been called; the harness would forget that before every run. Can be undone."""
    make = PagesManager.__init__

    def make_opened(manager, *args, **kwargs):
        make(manager, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PagesManager, "__init__", make_opened)
        yield patch


@pytest.fixture(scope="session")
def _service(home, forked_workers):
    if forked_workers:
        forked_workers.begin()  # it stays for other tests
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FORECAST_HOME", str(home))
        environment.setenv("FORECAST_OFFLINE", "1")
        environment.delenv("FORECAST_DB_URL", raising=False)
        before = set(psutil.Process().children(recursive=True))
        runtime.service.clear()
        service = runtime.service()
        yield service
        service.close()
        runtime.service.clear()
    _, left = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=10)
    assert not left, "the service left processes behind"


@pytest.fixture
def service(_service, offline):
    """The service that the pages under test use."""
    return _service


@pytest.fixture
def visit(service):
    """``visit(region="France")`` is a new visitor who opens that link, all that can be folded out, and waits for the figures.

    Of the bundled figures new cases unless told otherwise; ``statistic=None`` leaves it to the page.
    """

    def visit(**link):
        usual = {} if "source" in link else {"statistic": "new_cases"}
        link = {name: value for name, value in (usual | link).items() if value is not None}
        page = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE)
        for name, value in link.items():
            page.query_params[name] = str(value)
        page.session_state["numbers"] = page.session_state["downloads"] = page.session_state["share"] = True
        return settled(page.run())

    return visit
