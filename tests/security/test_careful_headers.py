"""Which sites may frame the pages, and which scripts of a page run."""

import base64
import hashlib

import pytest

from forecasting.api.security_headers import content_security_policy, page_headers
from forecasting.cli.main import main
from forecasting.support import settings
from forecasting.support.errors import RequestError

PAGE = "<html><script>one()</script><script type='module' src='two.js'></script><script>\nthree()\n</script></html>"


def rules(text):
    return dict(rule.split(" ", 1) for rule in text.split("; "))


def test_the_page_s_own_scripts_are_named_by_their_hashes_and_no_others_are():
    def named(script):
        return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"

    assert rules(content_security_policy(PAGE, "'self'"))["script-src"].split() == [
        "'self'",
        "blob:",
        named("one()"),
        named("\nthree()\n"),
    ]


@pytest.mark.parametrize(
    ("setting", "ancestors", "older"),
    [
        ("", "'self'", "SAMEORIGIN"),
        ("'none'", "'none'", "DENY"),
        ("*", "*", None),
        ("https://a.test  'self' https://*.b.test:8443", "https://a.test 'self' https://*.b.test:8443", None),
    ],
)
def test_sites_that_are_configured_may_frame_the_pages(setting, ancestors, older, monkeypatch, tmp_path):
    monkeypatch.setenv("FORECAST_FRAME_ANCESTORS", setting)
    (tmp_path / "index.html").write_text(PAGE)
    given = page_headers(tmp_path / "index.html")
    assert rules(given["Content-Security-Policy"])["frame-ancestors"] == ancestors
    assert given.get("X-Frame-Options") == older


@pytest.mark.parametrize(
    "setting", ["evil.test", "https://a.test; script-src *", "https://a.test,https://b.test", "* 'self'"]
)
def test_what_is_no_site_is_refused_before_the_server_starts(setting, monkeypatch, capsys):
    monkeypatch.setenv("FORECAST_FRAME_ANCESTORS", setting)
    with pytest.raises(RequestError, match="give sites as"):
        settings.frame_ancestors()
    assert main(["serve", "--port", "0"]) == 2
    assert "FORECAST_FRAME_ANCESTORS" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["0", "-1", "many"])
def test_no_pages_at_all_is_no_setting(setting, monkeypatch):
    monkeypatch.setenv("FORECAST_MAX_PAGES", setting)
    with pytest.raises(RequestError, match="whole number"):
        settings.max_pages()
