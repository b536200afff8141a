"""How a model was made: its card, settings, versions, hardware and the hashes of its files."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, flat
from dskreg.ui.common import cache

CARDS = {"HTML": ("html", "text/html"), "Markdown": ("md", "text/markdown")}
ASKED = 2000  # test users for the card's slices


def show(explorer: Explorer, info: dict[str, Any]) -> None:
    """The model card to download; settings, versions and hashes, in a tab each."""
    st.header("Reproducibility", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for label, (form, kind) in CARDS.items():
            st.download_button(
                f"Model card ({label})",
                partial(cache.ask, explorer, "card", form, ASKED),  # written when it is clicked
                f"{explorer.name}-card.{form}",
                kind,
                icon=":material/download:",
                on_click="ignore",
            )
    cache.draw_once(_show_tabs, info)


def _show_tabs(info: dict[str, Any]) -> None:
    settings, versions, files = st.tabs(["Settings", "Versions", "File hashes"])
    with settings:
        _show_pairs(info.get("config", {}), "Setting", "Value")
    with versions:
        keys = ("dataset", "created", "hardware")
        made = {key: info[key] for key in keys if info.get(key) not in (None, "")}
        if isinstance(seconds := info.get("seconds"), dict) and "total" in seconds:
            made["seconds"] = f"{seconds['total']:.0f}"
        _show_pairs(made | dict(info.get("versions", {})), "Property", "Value")
    with files:
        st.caption("SHA-256 hashes of all files, which were verified when the model was opened.")
        content = {"content (all deterministic files)": info.get("content", "")}
        _show_pairs(info.get("files", {}) | content, "File", "SHA-256")


def _show_pairs(values: dict[str, Any], first: str, second: str) -> None:
    pairs = pd.DataFrame(flat(values).items(), columns=[first, second])
    st.dataframe(
        pairs, hide_index=True, height="content" if len(pairs) < 12 else 400, alt=f"{first} and {second}"
    )
