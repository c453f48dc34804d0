import json
import os
import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from forecasting.sources.shared.download import (
    Downloads,
    LocalCopy,
    RefusedFileError,
    RemoteFile,
    download_folder,
    format_age,
)
from forecasting.sources.shared.file_contents import FileContents
from forecasting.sources.shared.http import DownloadError, DownloadLimits, check_redirect
from forecasting.support.errors import DataError, SourceError

PATIENT = DownloadLimits(stall=60, total=120, size=10_000)
#: For failures that only time can tell, and each where nothing else could come first on a slow machine.
QUICK = {
    "silent": DownloadLimits(stall=0.2, total=60),
    "stalling": DownloadLimits(stall=0.2, total=60),
    "trickling": DownloadLimits(stall=60, total=0.6),
}
FIRST = "region,date,value\n" + "A,2021-01-01,1\n" * 20


def measure(path: Path) -> FileContents:
    lines = path.read_text().splitlines()
    if lines[0] != "region,date,value":
        raise DataError("the header lacks the column 'region'.")
    return FileContents(len(lines) - 1)


@pytest.fixture
def downloads(clock):
    return Downloads(PATIENT, clock)


@pytest.fixture
def remote(publisher):
    publisher.write("figures.csv", FIRST)
    return RemoteFile(publisher.url + "figures.csv", "figures", "The publisher", measure)


def text(copy: LocalCopy) -> str:
    return copy.path.read_text()


def test_the_first_question_downloads_and_the_next_ones_do_not(downloads, remote, publisher):
    assert text(downloads.local_copy(remote)) == FIRST
    assert downloads.local_copy(remote).problem is None
    assert len(publisher.asked) == 1


def test_the_record_beside_a_copy_says_where_it_is_from_and_when(downloads, remote, clock):
    downloads.local_copy(remote)
    record = json.loads((download_folder() / "figures.json").read_text())
    assert record["url"] == remote.url
    assert record["confirmed"] == clock().isoformat()
    assert (record["bytes"], record["figures"]) == (len(FIRST), 20)


def test_a_copy_older_than_a_day_is_replaced_by_what_is_published_now(downloads, remote, publisher, clock):
    downloads.local_copy(remote)
    newer = FIRST + "A,2021-01-02,2\n"
    publisher.write("figures.csv", newer)
    clock.pass_(hours=23)
    assert text(downloads.local_copy(remote)) == FIRST
    clock.pass_(hours=2)
    assert text(downloads.local_copy(remote)) == newer


def test_a_copy_from_the_future_is_asked_for_again_when_the_clock_was_set_right(downloads, remote, publisher, clock):
    clock.pass_(days=30)
    downloads.local_copy(remote)
    newer = FIRST + "A,2021-01-02,2\n"
    publisher.write("figures.csv", newer)
    clock.pass_(days=-30)
    assert text(downloads.local_copy(remote)) == newer
    assert len(publisher.asked) == 2
    downloads.local_copy(remote)
    assert len(publisher.asked) == 2


def test_unchanged_figures_are_not_sent_again_and_count_as_confirmed(downloads, remote, publisher, clock):
    before = downloads.local_copy(remote)
    clock.pass_(days=2)
    after = downloads.local_copy(remote)
    assert publisher.asked[1][1] is not None
    assert after.path == before.path
    assert after.confirmed == clock()


def test_only_the_copy_in_use_stays_on_the_disk(downloads, remote, publisher, clock):
    downloads.local_copy(remote)
    publisher.write("figures.csv", FIRST + "A,2021-01-02,2\n")
    downloads.refresh(remote)
    assert len(list(download_folder().glob("*.csv"))) == 1
    assert not list(download_folder().glob(".partial-*"))


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("missing", "could not be reached (it answered 404 Not Found)"),
        ("truncated", "broke off before the end of the file"),
        ("silent", "could not be reached (no answer within 0.2 s)"),
        ("stalling", "could not be reached (no answer within 0.2 s)"),
        ("trickling", "was too slow (not done within 0.6 s)"),
    ],
)
def test_any_failure_leaves_the_last_good_copy_in_use(downloads, remote, publisher, clock, failure, words):
    downloads.local_copy(remote)
    publisher.write("figures.csv", FIRST * 3)
    publisher.failure = failure
    downloads.limits = QUICK.get(failure, PATIENT)
    clock.pass_(days=3)
    copy = downloads.local_copy(remote)
    assert text(copy) == FIRST
    assert copy.problem == words
    assert copy.confirmed == clock() - timedelta(days=3)
    assert not list(download_folder().glob(".partial-*"))


def test_a_changed_header_is_refused(downloads, remote, publisher):
    downloads.local_copy(remote)
    publisher.write("figures.csv", FIRST.replace("region", "place"))
    copy = downloads.refresh(remote)
    assert text(copy) == FIRST
    assert copy.problem == "sent something else than usual (the header lacks the column 'region')"


def test_a_file_with_far_fewer_figures_than_before_is_refused(downloads, remote, publisher):
    downloads.local_copy(remote)
    publisher.write("figures.csv", "region,date,value\n" + "A,2021-01-01,1\n" * 17)
    copy = downloads.refresh(remote)
    assert text(copy) == FIRST
    assert copy.problem == "sent much less than before (17 figures instead of 20)"


def test_what_was_refused_can_be_accepted_and_is_the_measure_from_then_on(downloads, remote, publisher):
    downloads.local_copy(remote)
    fewer = "region,date,value\n" + "A,2021-01-01,1\n" * 17
    publisher.write("figures.csv", fewer)
    assert downloads.refresh(remote).refused
    copy = downloads.refresh(remote, accept=True)
    assert text(copy) == fewer
    assert (copy.problem, copy.refused) == (None, False)
    assert copy.accepted == "sent much less than before (17 figures instead of 20)"
    publisher.write("figures.csv", fewer + "A,2021-01-02,1\n")
    assert downloads.refresh(remote).problem is None


def test_nothing_is_accepted_that_is_as_usual_or_cannot_be_read(downloads, remote, publisher):
    downloads.local_copy(remote)
    assert downloads.refresh(remote, accept=True).accepted == ""
    publisher.write("figures.csv", FIRST.replace("region", "place"))
    copy = downloads.refresh(remote, accept=True)
    assert (text(copy), copy.refused) == (FIRST, False)


def test_without_any_copy_a_refusal_can_be_told_from_other_failures(downloads, remote, publisher):
    publisher.redirect = publisher.url.replace("127.0.0.1", "localhost") + "moved/figures.csv"
    with pytest.raises(RefusedFileError, match=r"The publisher sends readers to another host \(http://localhost:"):
        downloads.local_copy(remote)


def test_a_redirect_to_another_host_leaves_the_last_copy_in_use_until_it_is_accepted(
    downloads, remote, publisher, clock
):
    downloads.local_copy(remote)
    newer = FIRST + "A,2021-01-02,2\n"
    publisher.write("figures.csv", newer)
    publisher.redirect = publisher.url.replace("127.0.0.1", "localhost") + "moved/figures.csv"
    copy = downloads.refresh(remote)
    assert (text(copy), copy.refused) == (FIRST, True)
    assert (
        copy.problem
        == f"sends readers to another host ({publisher.redirect.partition('/moved')[0]}), which is not followed"
    )
    assert publisher.asked[-1][0] == "/figures.csv"
    copy = downloads.refresh(remote, accept=True)
    assert text(copy) == newer
    assert copy.accepted == "sends readers to another host (localhost)"
    # From then on it is the publisher's address, and no other is.
    publisher.write("figures.csv", newer * 2)
    clock.pass_(days=2)
    assert text(downloads.local_copy(remote)) == newer * 2
    publisher.redirect = publisher.redirect.replace("localhost", "[::1]")
    assert downloads.refresh(remote).refused


def test_a_redirect_to_the_same_host_is_followed_and_not_for_ever(downloads, remote, publisher):
    publisher.redirect = "/moved/figures.csv"
    assert text(downloads.local_copy(remote)) == FIRST
    publisher.redirect = "/figures.csv"
    assert downloads.refresh(remote).problem == "could not be reached (it redirects in circles)"


@pytest.mark.parametrize(
    ("asked", "target", "why"),
    [
        ("https://example.org/a", "https://example.org/b", None),
        ("http://example.org/a", "https://example.org/a", None),
        ("https://raw.githubusercontent.com/a", "https://media.githubusercontent.com/a", None),
        ("https://example.org/a", "http://example.org/a", "without encryption"),
        ("https://raw.githubusercontent.com/a", "http://media.githubusercontent.com/a", "without encryption"),
        ("https://example.org/a", "ftp://example.org/a", "without encryption"),
        ("https://example.org/a", "https://example.org:8443/a", "another host"),
        ("https://example.org/a", "https://example.org.evil.net/a", "another host"),
        ("https://example.org/a", "https://raw.githubusercontent.com/a", "another host"),
    ],
)
def test_a_redirect_is_followed_to_the_publishers_own_hosts_and_never_to_plain_http(asked, target, why):
    if why is None:
        check_redirect(httpx.URL(asked), httpx.URL(target))
        return
    with pytest.raises(DownloadError, match=why) as refused:
        check_redirect(httpx.URL(asked), httpx.URL(target))
    assert refused.value.acceptable == (why == "another host")
    if why == "without encryption":
        with pytest.raises(DownloadError, match=why):
            check_redirect(httpx.URL(asked), httpx.URL(target), None)


def test_a_file_that_says_it_is_enormous_is_refused_before_it_is_read(downloads, remote, publisher):
    downloads.local_copy(remote)
    publisher.write("figures.csv", FIRST * 2)
    publisher.failure = "enormous"
    copy = downloads.refresh(remote)
    assert not publisher.release.is_set()
    assert text(copy) == FIRST
    assert copy.problem == "sent more than 0.01 MB (5,000 MB, of which none was read)"


def test_a_file_that_is_too_large_is_refused(downloads, remote, publisher):
    publisher.write("figures.csv", FIRST * 100)
    with pytest.raises(SourceError, match=r"sent more than 0\.01 MB"):
        downloads.local_copy(remote)


def test_without_any_copy_a_failure_says_what_to_do(downloads, remote, publisher):
    publisher.failure = "missing"
    with pytest.raises(SourceError, match="no earlier copy here; try again later, or choose the bundled figures"):
        downloads.local_copy(remote)


def test_nobody_listening_is_no_connection(downloads):
    remote = RemoteFile("http://127.0.0.1:9/figures.csv", "figures", "The publisher", measure)
    with pytest.raises(SourceError, match=r"The publisher could not be reached \(no connection\)"):
        downloads.local_copy(remote)


def test_after_a_failure_the_publisher_is_left_alone_for_ten_minutes(downloads, remote, publisher, clock):
    downloads.local_copy(remote)
    publisher.failure = "missing"
    clock.pass_(days=2)
    for _ in range(3):
        assert downloads.local_copy(remote).problem is not None
    assert len(publisher.asked) == 2
    publisher.failure = None
    clock.pass_(minutes=11)
    assert downloads.local_copy(remote).problem is None
    assert len(publisher.asked) == 3


def test_a_file_that_is_not_believed_is_not_downloaded_again_for_an_hour(downloads, remote, publisher, clock):
    downloads.local_copy(remote)
    publisher.write("figures.csv", "region,date,value\nA,2021-01-01,1\n")
    clock.pass_(days=2)
    assert downloads.local_copy(remote).refused
    clock.pass_(minutes=50)
    assert downloads.local_copy(remote).refused
    assert len(publisher.asked) == 2
    clock.pass_(minutes=20)
    assert downloads.local_copy(remote).refused
    assert len(publisher.asked) == 3


def test_a_failure_from_the_future_counts_no_more(downloads, remote, publisher, clock):
    publisher.failure = "missing"
    clock.pass_(days=30)
    with pytest.raises(SourceError):
        downloads.local_copy(remote)
    publisher.failure = None
    clock.pass_(days=-30)
    assert text(downloads.local_copy(remote)) == FIRST


def test_a_refresh_asks_even_right_after_a_failure(downloads, remote, publisher, clock):
    downloads.local_copy(remote)
    publisher.failure = "missing"
    downloads.refresh(remote)
    publisher.failure = None
    assert downloads.refresh(remote).problem is None


def test_offline_the_network_is_never_touched(downloads, remote, publisher, clock, monkeypatch):
    downloads.local_copy(remote)
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    clock.pass_(days=5)
    assert text(downloads.local_copy(remote)) == FIRST
    assert "set to work without a network" in downloads.refresh(remote).problem
    assert len(publisher.asked) == 1


def test_offline_without_a_copy_is_an_error_and_not_a_download(downloads, remote, publisher, monkeypatch):
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    with pytest.raises(SourceError, match="set to work without a network"):
        downloads.local_copy(remote)
    assert publisher.asked == []


def test_a_copy_that_was_cut_short_on_the_disk_is_downloaded_anew(downloads, remote):
    copy = downloads.local_copy(remote)
    copy.path.write_text(FIRST[:50])
    assert text(downloads.local_copy(remote)) == FIRST


def test_a_damaged_record_is_downloaded_anew(downloads, remote):
    downloads.local_copy(remote)
    (download_folder() / "figures.json").write_text('{"url": ')
    assert text(downloads.local_copy(remote)) == FIRST


def test_threads_that_ask_at_once_share_one_download(downloads, remote, publisher):
    copies: list[LocalCopy] = []
    threads = [threading.Thread(target=lambda: copies.append(downloads.local_copy(remote))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [text(copy) for copy in copies] == [FIRST] * 8
    assert len(publisher.asked) == 1


def test_processes_that_write_at_once_leave_a_whole_copy(remote, clock):
    # Two `Downloads` share nothing in memory, as two processes do.
    threads = [threading.Thread(target=Downloads(PATIENT, clock).refresh, args=(remote,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert text(Downloads(PATIENT, clock).local_copy(remote)) == FIRST


def test_while_one_thread_asks_the_others_go_on_with_the_old_copy(remote, publisher, clock):
    downloads = Downloads(DownloadLimits(stall=5, total=5), clock)
    downloads.local_copy(remote)
    clock.pass_(days=2)
    publisher.failure = "silent"
    asking = threading.Thread(target=downloads.local_copy, args=(remote,))
    asking.start()
    while len(publisher.asked) < 2:
        pass
    assert text(downloads.local_copy(remote)) == FIRST
    publisher.release.set()
    asking.join()


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=50), "now"),
        (timedelta(minutes=5), "5 minutes ago"),
        (timedelta(minutes=61), "61 minutes ago"),
        (timedelta(hours=30), "30 hours ago"),
        (timedelta(days=3, hours=5), "3 days ago"),
    ],
)
def test_an_age_is_said_in_words(age, words):
    assert format_age(age) == words


def test_what_a_killed_download_left_behind_is_removed_a_day_later(downloads, remote):
    download_folder().mkdir(parents=True)
    old, recent = download_folder() / ".partial-old", download_folder() / ".partial-recent"
    for left in (old, recent):
        left.mkdir()
        (left / "figures.csv").write_text("half a ")
    os.utime(old, (0, 0))
    downloads.local_copy(remote)
    assert not old.exists()
    assert recent.exists()
