"""Train, monitor and select models."""

import streamlit as st

from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar
from dskreg.ui.runs import form, models, progress

sidebar.inside_frame()
manager = form.runs()
found, unreadable = manager.listing()
st.title("Runs", anchor=False)
st.caption("Train, monitor and select models.")

if form.allowed():
    with st.expander("Train a model", icon=":material/model_training:", expanded=not found):
        form.form(manager)
else:
    st.info(
        "This server does not train models (DSKREG_RUNS=off). You can open and compare the models below.",
        icon=":material/lock:",
    )
if problem := st.session_state.pop(form.PROBLEM, ""):
    st.error(plain(problem[:1].upper() + problem[1:]), icon=":material/error:")

st.header("Training runs", anchor=False)
above = st.container()
# Drawn even without a run: a field that first appears later does not enter the link
run = progress.chosen(found, unreadable)
if found or unreadable:
    with above:
        progress.table(found, unreadable, run)
if run:
    progress.show(manager, run, {run.id: run.state for run in found})

st.header("Models", anchor=False)
models.show()
