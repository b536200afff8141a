"""How a model was made: its settings, versions, hardware and the hashes of its files."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.ui.common.settings import flat


def show(info: dict[str, Any]) -> None:
    """Settings, versions and hashes, in a tab each."""
    st.header("Reproducibility", anchor=False)
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
