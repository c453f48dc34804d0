"""What all tests share."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import running
from process_watchdog import pytest_configure, pytest_unconfigure  # noqa: F401 - hooks: no server outlives the run

# As in the workers: on a busy machine two threads of BLAS wait for each other longer than they calculate. Set here,
# before any test imports numpy.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

# The processes of a run import the same modules hundreds of times and compile them once, whatever the environment says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The many short-lived workers of tests import only what their fits need; `test_worker_reports.py` tries the default.
os.environ.setdefault("FORECAST_WARM_UP", "0")

from forecasting.jobs import JobQueue  # noqa: E402
from forecasting.services.service import Service  # noqa: E402
from forecasting.storage.forecast_store import ForecastStore  # noqa: E402

#: The option `--whole` and the mark of tests of which a sample is run without it.
pytest_plugins = ("sweeps", "forked_workers")

#: Folders whose tests share a server, a browser or an app: with several processes, one of them takes the whole folder.
ONE_PROCESS = ("browser", "app", "api", "replicas")
#: Folders in the order in which several processes begin with them: what one process has to do alone first, then what
#: takes long, so that all end at the same time.
LONGEST_FIRST = ("browser", "app", "soak", "api", "replicas", "tables", "models", "jobs", "operations", "cli")
#: Most processes that a run starts by itself; each may have a server, its workers and a browser.
MOST_PROCESSES = 4


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process a core, and one for while others wait, for the suite or a folder; none beside pytest's own for single files."""
    paths = [Path(argument.partition("::")[0]) for argument in config.args]
    if all(path.is_file() for path in paths):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores + 1, MOST_PROCESSES)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several processes, each takes a whole file at a time, or a whole folder of `ONE_PROCESS`."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return next((folder for folder in ONE_PROCESS if path.startswith(f"tests/{folder}/")), path)

    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest is begun first where there are several processes."""
    if hasattr(config, "workerinput"):
        order = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """What is packed holds the second in which that was done, and all processes must know a test by the same name."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="module", autouse=True)
def _leaves_no_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """A browser that stays has an event loop that runs, and the next module, in whatever order, could have none of its own.

    The browser tests have one for their whole folder, and look themselves when it is closed.
    """
    yield
    if request.path.parent.name == "browser":
        return
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a store and one worker of its own."""
    store = ForecastStore(f"sqlite:///{tmp_path_factory.mktemp('store') / 'forecasts.sqlite'}")
    service = Service(store, JobQueue(store, workers=1))
    yield service
    service.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a PostgreSQL that all tests share: each makes what it needs under names of its own."""
    with running() as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real figures that are kept beside the project and never in it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FORECAST_TEST_DATA") or beside)
    if folder.is_dir():
        return folder
    reason = f"the real figures are not at {folder}; set FORECAST_TEST_DATA"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
