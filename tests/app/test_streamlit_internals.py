"""A part of a page is run again before what it drew has been sent, or while a button of it is pressed."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import media_file_manager
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from ui.shell import streamlit_internals

PART = "the part that polls"


def block(*path, part=""):
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.add_block.vertical.SetInParent()
    message.delta.fragment_id = part
    return message


def text(*path, part=""):
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.new_element.markdown.body = "words"
    message.delta.fragment_id = part
    return message


def reference(*path):
    message = ForwardMsg(ref_hash="a chart that the browser has")
    message.metadata.delta_path.extend(path)
    return message


def paths(queue):
    return [tuple(message.metadata.delta_path) for message in queue.flush()]


@pytest.fixture
def queue():
    """What a whole run of a page has left unsent: a chart above, and a part with a chart in a container of its own."""
    streamlit_internals.drop_orphaned_references()
    queue = ForwardMsgQueue()
    unsent_ones = [block(0, 0), reference(0, 0, 0), block(0, 1, part=PART), block(0, 1, 0, part=PART)]
    for message in [*unsent_ones, reference(0, 1, 0, 0), text(0, 1, 1, part=PART), text(0, 2)]:
        queue.enqueue(message)
    return queue


def test_a_chart_is_not_sent_without_the_container_around_it(queue):
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[PART])
    assert paths(queue) == [(0, 0), (0, 0, 0), (0, 2)]


def test_a_chart_whose_container_has_been_sent_stays(queue):
    queue.flush()
    queue.enqueue(reference(0, 1, 0, 0))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[PART])
    assert paths(queue) == [(0, 1, 0, 0)]


def test_other_parts_stay_as_they_are(queue):
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["another part"])
    assert len(paths(queue)) == 7


def test_a_whole_run_begins_with_nothing(queue):
    queue.clear(retain_lifecycle_msgs=True)
    assert paths(queue) == []
    assert queue.is_empty()


@pytest.fixture
def files(monkeypatch):
    """Streamlit's files, of one visit."""
    streamlit_internals.keep_replaced_downloads()
    monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: "a visit")
    return media_file_manager.MediaFileManager(MemoryMediaFileStorage("/media"))


def test_a_download_button_that_was_drawn_anew_answers_as_it_was_for_a_while(files, monkeypatch):
    before = files.add_deferred(lambda: b"old", "text/csv", "0.1", "old.csv")
    files.clear_session_refs()
    now = files.add_deferred(lambda: b"new", "text/csv", "0.1", "new.csv")
    files.remove_orphaned_files()
    assert files.execute_deferred(before).endswith(".csv")
    monkeypatch.setattr(streamlit_internals, "DOWNLOAD_GRACE", 0.0)
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(before)
    assert files.execute_deferred(now).endswith(".csv")


def test_nothing_of_a_visit_stays_when_it_ends(files):
    file = files.add_deferred(lambda: b"old", "text/csv", "0.1", "old.csv")
    files.clear_session_refs()
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(file)
