"""Workers' folders for temporary files: whose they are, and that they go."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import request
from waiting import wait_for

from forecasting.jobs import State
from forecasting.jobs.workers import process, temp_folders
from forecasting.jobs.workers.temp_folders import TempFolders

pytestmark = pytest.mark.usefixtures("started_workers")

HOLDER = (
    "import sys; from pathlib import Path; from forecasting.jobs.workers.temp_folders import TempFolders; "
    "folders = TempFolders(Path(sys.argv[1])); print(folders.create(), flush=True); sys.stdin.read()"
)


@pytest.fixture
def held(tmp_path):
    """A folder that another process has, and that process."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], env=environment, **pipes)
    yield Path(holder.stdout.readline().strip()), holder
    holder.kill()
    holder.communicate()


def test_each_worker_has_a_folder_of_its_own_and_with_the_last_one_all_is_gone(tmp_path):
    folders = TempFolders(tmp_path)
    first, second = folders.create(), folders.create()
    (first / "a file").write_text("left")
    assert first != second
    folders.remove(first)
    assert not first.exists()
    assert second.is_dir()
    folders.remove(second)
    assert not list(tmp_path.iterdir())
    again = folders.create()
    assert again.is_dir()
    folders.remove(again)


def test_what_a_killed_process_left_is_swept_by_the_next_one(held, tmp_path):
    folder, holder = held
    (folder / "a file").write_text("left")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    others = TempFolders(tmp_path)
    others.remove(others.create())
    assert not list(tmp_path.iterdir())


def test_what_a_living_process_has_is_left_alone(held, tmp_path):
    others = TempFolders(tmp_path)
    others.remove(others.create())
    assert held[0].is_dir()


def test_what_is_no_such_folder_is_left_alone(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / temp_folders.LOCK).touch()
    place = tmp_path / "temporary"
    place.mkdir()
    (place / f"{temp_folders.PREFIX}link").symlink_to(elsewhere)
    (place / f"{temp_folders.PREFIX}just-made").mkdir()
    (place / "another").mkdir()
    folders = TempFolders(place)
    folders.remove(folders.create())
    assert {path.name for path in place.iterdir()} == {
        f"{temp_folders.PREFIX}link",
        f"{temp_folders.PREFIX}just-made",
        "another",
    }
    assert (elsewhere / temp_folders.LOCK).exists()


def test_without_a_place_for_it_a_worker_works_all_the_same(make_queue, monkeypatch, tmp_path):
    monkeypatch.setattr(process, "TEMP_FOLDERS", TempFolders(tmp_path / "missing"))
    queue = make_queue()
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done


def test_a_killed_worker_s_folder_is_gone_before_its_successor_has_one(make_queue, monkeypatch, tmp_path):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(process, "TEMP_FOLDERS", TempFolders(place))
    queue = make_queue()
    job = wait_for(queue, queue.submit(request("fatal")))
    assert job.attempts == 2
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done
    assert len([path for path in place.glob("*/*") if path.is_dir()]) == 1
    queue.close()
    assert not list(place.iterdir())
