"""A visitor's tables over a reload: kept by the browser's tab, taken back from there, and deleted with the table."""

import json
import zlib
from base64 import b64encode
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest
from test_your_data import explore, link_of, press, read, source_of, summary, table, upload
from visiting import PATIENCE, SCRIPT, settled

from ui.shell import packing, tab_storage
from ui.shell.markdown import escape_markdown
from ui.shell.packing import pack, unpack

PAGE = "pages/your_data.py"


class Tab:
    """A tab of a browser as `tab_storage.js` is in it: what it keeps stays over reloads."""

    def __init__(self):
        self.tables = {}

    def __call__(self, data, key, **_):
        if data.get("asks"):
            answer = [table if isinstance(table, str) else json.dumps(table) for table in self.tables.values()]
            return SimpleNamespace(given=answer if answer or data["waits"] else None, has=None)
        wanted = {table["source"]: table for table in data["tables"]}
        self.tables = {source: self.tables.get(source, {}) | table for source, table in wanted.items()}
        has = {"kept": self._sources(True), "named": self._sources(False)}
        return SimpleNamespace(given=None, has=None if has == data["has"] else has)

    def _sources(self, packed):
        return sorted(source for source, table in self.tables.items() if ("packed" in table) is packed)


@pytest.fixture
def tab(monkeypatch, service):
    tab = Tab()
    monkeypatch.setattr(tab_storage, "_component", tab)
    monkeypatch.setattr(tab_storage, "PATIENCE", PATIENCE)
    return tab


def visit(page=PAGE, **link):
    """A visit that begins in the tab: a page that is opened there, or loaded anew."""
    visit = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE).switch_page(page)
    for name, value in link.items():
        visit.query_params[name] = value
    visit.run()
    for _ in range(100):  # on a busy machine the table is read for longer than a look at it takes
        if not any(info.value.startswith("Looking") for info in visit.info):
            break
        visit.run()
    return settled(read(visit))


def test_a_reload_of_any_page_shows_the_same_as_before(tab):
    page = explore(upload(visit(), table().replace(b"region", b"shop")))
    page.switch_page("pages/explore.py").run().sidebar.selectbox(key="region").set_value("There").run()
    heading, link = page.subheader[0].value, link_of(page)
    for name in ("explore", "regions", "compare"):
        again = visit(f"pages/{name}.py", **link)
        assert not again.exception
        assert again.sidebar.selectbox(key="source").value == link["source"]
        assert again.sidebar.selectbox(key="region").value == "There"
        assert not again.info
    assert visit("pages/explore.py", **link).subheader[0].value == heading == "There: counts"
    assert summary(visit()) == "Two shops, weekly counts, 104 weeks, to 24 December 2022"


def test_how_a_table_was_read_is_kept_too(tab):
    page = upload(visit(), table().replace(b"region", b"shop"))
    page.toggle[-1].set_value(True).run()
    read(page)
    assert summary(page).startswith("Two shops and their total")
    assert summary(visit()) == summary(page)


def test_what_is_removed_is_removed_from_the_tab(tab):
    page = upload(upload(visit(), table()), table(level=200), "other.csv")
    assert set(tab.tables) == {source_of(table()), source_of(table(level=200))}
    press(page, "Remove this table")
    assert set(tab.tables) == {source_of(table())}
    press(page, "Remove this table")
    assert tab.tables == {}
    assert not visit().selectbox


def test_a_table_too_large_for_the_tab_is_asked_for_by_name(tab, monkeypatch):
    monkeypatch.setattr(packing, "MAX_LETTERS", 100)
    page = upload(visit(), table(), "large.csv")
    assert any(one.value.startswith("This table is too large for the tab to keep a copy") for one in page.caption)
    assert "packed" not in tab.tables[source_of(table())]
    page = explore(page)
    page.switch_page("pages/explore.py").run().sidebar.selectbox(key="region").set_value("There").run()
    again = visit("pages/explore.py", **link_of(page))
    assert again.sidebar.selectbox(key="source").value == "bundled"
    (said,) = [info.value for info in again.info if "too large" in info.value]
    assert escape_markdown("your file “large.csv”") in said
    again = again.switch_page(PAGE).run()
    assert any(escape_markdown("Your file “large.csv” was too large") in info.value for info in again.info)
    explore(upload(again, table(), "large.csv"))
    assert again.subheader[0].value == "There: counts"


def test_a_link_to_a_table_that_the_tab_has_not_is_said_to_be_so(tab):
    page = visit("pages/explore.py", source="yours-0123abcd")
    assert any("This link shows a file of its sender's" in info.value for info in page.info)


@pytest.mark.parametrize(
    "kept",
    [
        "no JSON", "[]", '{"source":"yours-0123abcd"}', json.dumps({"source": "s", "name": "n", "owner": "", "packed": "%%%"}),
        json.dumps({"source": "s", "name": "n", "owner": "", "packed": b64encode(b"no zlib").decode()}),
        json.dumps({"source": "s", "name": "n", "owner": "somebody else", "packed": pack(table())}),
    ],
)  # fmt: skip
def test_what_a_tab_gives_back_is_a_stranger_s_input(tab, kept):
    tab.tables["s"] = kept
    page = visit()
    assert not page.exception
    assert not page.error
    assert page.session_state["your files"] == {}


def test_packing_is_undone_exactly_and_bounded(monkeypatch):
    content = bytes(range(256)) * 50
    assert unpack(pack(content)) == content
    assert len(pack(table())) < len(table()) / 2
    for wrong in ("", "%", b64encode(b"abc").decode(), pack(content)[:-8]):
        with pytest.raises(ValueError, match="not a"):
            unpack(wrong)
    monkeypatch.setattr(packing, "MAX_PACKED_BYTES", 1000)
    assert pack(bytes(1001)) == ""
    with pytest.raises(ValueError, match="not a whole"):
        unpack(b64encode(zlib.compress(bytes(10**6))).decode())
    monkeypatch.setattr(packing, "MAX_LETTERS", 10)
    assert pack(content) == ""


def test_somebody_who_signs_in_after_another_gets_none_of_their_tables(tab, monkeypatch):
    monkeypatch.setattr(tab_storage, "_owner", lambda: "first")
    upload(visit(), table())
    assert {kept["owner"] for kept in tab.tables.values()} == {"first"}
    monkeypatch.setattr(tab_storage, "_owner", lambda: "second")
    page = visit()
    assert page.session_state["your files"] == {}
    assert page.run().file_uploader
