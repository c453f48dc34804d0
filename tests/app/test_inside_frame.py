"""Every page comes with the frame around it, also as the very first one of a process."""

import ast
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from visiting import SCRIPT, new_visitor, settled

from ui.shell import sign_in

PAGES = sorted(path.stem for path in (SCRIPT.parent / "pages").glob("*.py"))


@pytest.fixture
def fresh(opened_before, service):
    """No page has been opened since the start."""
    opened_before.undo()
    assert "make_opened" not in PagesManager.__init__.__qualname__


@pytest.fixture
def framed(monkeypatch):
    """The titles of the pages that were run inside the frame, in order."""
    from ui.shell import runtime

    ran, run = [], runtime.run_page

    def note(page, *args):
        ran.append(page.title.lower().replace(" ", "_"))
        run(page, *args)

    monkeypatch.setattr(runtime, "run_page", note)
    return ran


def heading(page):
    return next(element.value for element in (*page.title, *page.subheader, *page.markdown))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_the_first_of_a_process_is_run_once_and_inside_the_frame(fresh, framed, name):
    page = settled(new_visitor(f"pages/{name}.py").run())
    assert not page.exception
    assert heading(page)
    assert framed[0] == name
    assert set(framed) == {name}


def test_the_address_of_the_first_page_stays(fresh):
    page = new_visitor("pages/explore.py")
    page.query_params["region"] = "Italy"
    page.query_params["models"] = "ets"
    page = settled(page.run())
    assert page.subheader[0].value == "Italy: new cases"


@pytest.mark.parametrize("name", PAGES)
def test_whoever_has_not_signed_in_sees_nothing_of_the_first_page(fresh, framed, monkeypatch, name):
    def ask():
        st.title("Sign in")
        return False

    monkeypatch.setattr(sign_in, "ask_to_sign_in", ask)
    page = new_visitor(f"pages/{name}.py").run()
    assert not page.exception
    assert framed == []
    assert [element.type for element in page.main.children.values()] == ["title"]
    assert page.title[0].value == "Sign in"
    assert not page.sidebar.children


@pytest.mark.parametrize("name", PAGES)
def test_the_guard_is_the_first_statement_of_every_page(name):
    tree = ast.parse(Path(SCRIPT.parent, "pages", f"{name}.py").read_text())
    statements = [part for part in tree.body[1:] if not isinstance(part, ast.Import | ast.ImportFrom)]
    assert ast.unparse(statements[0]) == "inside_frame.require()"
