"""A row of buttons that download tables as CSV, each made when it is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from forecasting.export import file_formats


def draw_csv_buttons(name: str, tables: Sequence[tuple[str, str, Callable[[], pd.DataFrame]]], note: str = "") -> None:
    """Draw a button for each of `tables` (label, kind and how it is made), with a note beside them.

    Files are called ``{name}_{kind}.csv``, in lower case and without spaces.
    """
    stem = name.replace(" ", "_").lower()
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, kind, made in tables:
            st.download_button(
                label,
                partial(_csv, made),
                f"{stem}_{kind}.csv",
                "text/csv",
                key=f"download {kind}",
                on_click="ignore",
                icon=":material/download:",
            )
        if note:
            st.caption(note)


def _csv(made: Callable[[], pd.DataFrame]) -> bytes:
    return file_formats.to_csv(made())
