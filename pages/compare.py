"""Compare."""

import streamlit as st

from dskreg.ui import sidebar

selection = sidebar.current(needs_profile=False)
st.title("Compare", anchor=False)
