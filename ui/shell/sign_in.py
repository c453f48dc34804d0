"""Sign-in: where `[auth]` stands in secrets.toml, the pages are for those who have signed in and may enter.

Streamlit does it (`st.login`, OpenID Connect). Without `[auth]` nothing here happens. The API has keys of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import streamlit as st

from forecasting.support import settings
from ui.shell import login_redirect
from ui.shell.markdown import escape_markdown


def ask_to_sign_in() -> bool:
    """Ask for sign-in where it is needed. Returns whether the reader may see the pages; else nothing but that is on the screen."""
    signed_in = st.user.get("is_logged_in")
    if signed_in is None:  # nobody has to
        return True
    if not signed_in:
        _draw_sign_in()
        return False
    email = str(st.user.get("email") or "")
    who = str(st.user.get("name") or email or "Somebody")
    if not may_enter(email, st.user.get("email_verified") is not False, settings.allowed()):
        _refuse(email or who)
        return False
    with st.sidebar.container(gap=None):
        with st.popover(escape_markdown(who), icon=":material/person:", width="stretch"):
            if email and email != who:
                st.caption(escape_markdown(email))
            _draw_sign_out()
        login_redirect.return_to_address()
    return True


def may_enter(email: str, verified: bool, allowed: Collection[str]) -> bool:
    """Whether this address, or its domain, is one of those that are `allowed`; everybody where there are none.

    An address of which the provider says that nobody has verified it could be anybody's.
    """
    if not allowed:
        return True
    name, _, domain = email.lower().rpartition("@")
    return bool(verified and name) and not {email.lower(), domain, f"@{domain}"}.isdisjoint(allowed)


def _draw_sign_in() -> None:
    st.title("Forecast Explorer", anchor=False)
    st.write("These pages are for those who sign in.")
    auth = st.secrets["auth"]
    if "client_id" in auth:
        st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    for name in (name for name, one in auth.items() if isinstance(one, Mapping) and "client_id" in one):
        label = f"Sign in with {escape_markdown(name.capitalize())}"
        st.button(label, type="primary", icon=":material/login:", on_click=st.login, args=[name])
    login_redirect.remember_address()


def _refuse(who: str) -> None:
    st.title("Forecast Explorer", anchor=False)
    st.write(f"{escape_markdown(who)} may not enter here; ask whoever runs this server, or sign in as somebody else.")
    _draw_sign_out()


def _draw_sign_out() -> None:
    st.button("Sign out", icon=":material/logout:", on_click=st.logout)
