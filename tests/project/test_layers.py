"""The layers of the packages are kept: `lint-imports` finds no import that climbs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_package_imports_only_from_those_below_it():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda page: page.stem)
def test_a_page_s_file_only_puts_together_what_the_user_interface_has(page):
    """It imports Streamlit and `ui`, and calculates nothing; Methods, which is text, also asks the library what there is."""
    allowed = {"streamlit", "ui", "collections", "typing"} | ({"forecasting"} if page.stem == "methods" else set())
    tree = ast.parse(page.read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= allowed
    arithmetic = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitOr)]
    assert not [ast.unparse(node) for node in arithmetic]
