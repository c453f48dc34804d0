"""What strangers call things, and what other sites do, in a real browser on the real server: nothing runs, loads or leads away.

The console complains of whatever the Content-Security-Policy has stopped, and that fails these tests (`visitors`).
"""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from explore_page import link
from served import served
from test_bringing import give, visit

pytestmark = pytest.mark.browser

#: Two places, and what is counted there.
PLACES = (
    "<img src=x onerror=alert(1)> [c](javascript:alert(2)) ![p](http://evil.test/p.png) www.evil.test a@evil.test $x^2$",
    '"><script>alert(3)</script> **bold** ~~gone~~ `code` :red[danger] :material/home: <b>b</b> http://evil.test/',
)
COUNTED = '<a href="http://evil.test/v">n</a> :red[danger] ![q](http://evil.test/q.png)'
#: What such names would have become, anywhere on a page.
BECOME = (
    "a[href*='//evil'], a[href*='evil.test'][href^='http'], a[href^='javascript'], a[href^='mailto'], img[src*='evil'],"
    " img[src='x'], .katex, del, svg a, strong:text-is('bold'), [style*='color']:text-is('danger'), code:text-is('code')"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """As `serve` starts it, with its headers."""
    with served(tmp_path_factory.mktemp("hostile")) as one:
        yield one
        assert "Traceback" not in one.log.read_text()


@pytest.fixture
def alarms():
    """Dialogs, which only a script that ran can have opened."""
    opened = []
    yield opened
    assert not opened


def table():
    rows = ["date,place,value"]
    quoted = ['"' + place.replace('"', '""') + '"' for place in PLACES]
    for i in range(60):
        year, month = 2021 + i // 12, 1 + i % 12
        rows += [f"{year}-{month:02}-01,{place},{100 + i % 10 + 5 * k}" for k, place in enumerate(quoted)]
    return "\n".join(rows).replace("value", '"' + COUNTED.replace('"', '""') + '"', 1).encode()


def seen(page, text):
    """The name is shown as what it is, and nothing has come of it."""
    page.tab.get_by_test_id("stMain").get_by_text(text).first.wait_for()
    assert not page.tab.locator(BECOME).count(), page.tab.locator(BECOME).first.evaluate("element => element.outerHTML")


def reads_as_text(chromium, report, alarms):
    """A report that was saved and opened from there, where no header protects anybody."""
    tab = chromium.new_page()
    tab.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    tab.goto(report.as_uri())
    tab.get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
    assert not tab.locator("img, a").count()
    tab.close()


def test_hostile_names_of_a_file_are_text_on_every_page_and_in_its_report(chromium, visitors, server, alarms, tmp_path):
    page = visitors.open(server.url, link(models="ets,naive"), height=1800)
    page.tab.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    page.expect_drawn("ets", "naive")
    visit(page)
    give(page, table(), "$x^2$ **bold** <b>b.csv")
    seen(page, "See the forecast")
    page.tab.wait_for_load_state(
        "networkidle"
    )  # Streamlit looks after the files of buttons, which a page that is left loses
    page.tab.get_by_role("button", name="See the forecast").click()
    page.expect_drawn("ets")
    for typed, shown in (("alert(3)", "<script>alert(3)</script>"), ("alert(1)", "<img src=x onerror=alert(1)>")):
        page.choose("Region", typed)
        seen(page, shown)
        page.expect_drawn("ets")
        page.tab.locator(".chart-unit").get_by_text('<a href="http://evil.test/v">').first.wait_for()
        page.chart.locator(".nsewdrag").hover()
        assert not page.tab.locator(BECOME).count()
        page.expect_state("ets", "done")
    page.tab.get_by_text("All scores").wait_for()
    page.tab.get_by_text("Downloads", exact=True).click()
    with page.tab.expect_download() as taken:
        page.tab.get_by_role("button", name="Report, HTML").click()
    taken.value.save_as(tmp_path / "report.html")
    page.tab.keyboard.press("Escape")
    for name, shown in (("Regions", "<script>"), ("Compare", "<img src=x"), ("Time machine", "<img src=x")):
        page.tab.get_by_role("link", name=name, exact=True).click()
        page.tab.get_by_role("heading", name=name).first.wait_for()
        seen(page, shown)
    reads_as_text(chromium, tmp_path / "report.html", alarms)


def test_a_hostile_link_is_quoted_as_text(visitors, server, alarms):
    hostile = link(source=PLACES[0], region=PLACES[1], models=COUNTED, statistic=PLACES[0], horizon=PLACES[1])
    page = visitors.open(server.url, hostile)
    page.tab.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    seen(page, "<img src=x onerror=alert(1)>")
    assert not alarms


def test_every_page_and_the_chart_s_pictures_are_within_the_policy(visitors, server):
    page = visitors.open(server.url, link(models="ets,naive"))
    page.expect_drawn("ets")
    for title in ("Download as PNG", "Download as SVG"):
        page.chart.hover()
        with page.tab.expect_download() as taken:
            page.tab.locator(f".modebar-btn[data-title='{title}']").click()
        assert taken.value.failure() is None
    for name in ("Regions", "Compare", "Time machine", "Your data", "Methods"):
        page.tab.get_by_role("link", name=name, exact=True).click()
        page.tab.get_by_role("heading", name=name).first.wait_for()


@contextmanager
def elsewhere(content):
    """The address of another site of this machine, with one page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}/"
        site.shutdown()
        thread.join()


def test_no_other_site_can_frame_the_pages(chromium, server):
    context = chromium.new_context()
    tab = context.new_page()
    with elsewhere(f"<iframe src='{server.url}/'></iframe>".encode()) as site:
        with tab.expect_event("console", lambda message: "frame-ancestors" in message.text):
            tab.goto(site)
        assert tab.frames[1].url.startswith("chrome-error:")
    context.close()
