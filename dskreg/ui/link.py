"""The link to what one sees."""

from urllib.parse import urlencode

import streamlit as st


def this_view() -> str:
    """The complete address of this view; only its parameters where the browser's address is unknown. Complete once the page has been drawn."""
    asked = urlencode({name: st.query_params.get_all(name) for name in st.query_params}, doseq=True)
    return (st.context.url or "") + (f"?{asked}" if asked else "")


def copy_link() -> None:
    """A button that shows the link, ready to be copied."""
    with st.popover("Copy link", icon=":material/share:", type="tertiary", key="copy_link"):
        st.caption("This link opens this very view: model, person, changes, title and the page's settings.")
        st.code(this_view(), language=None, wrap_lines=True)
