"""Train a model, watch it learn, and choose among the models that are there."""

import streamlit as st

from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar
from dskreg.ui.runs import form, models, progress

sidebar.inside_frame()
offered = form.runs()
found, unreadable = offered.listing()
st.title("Runs", anchor=False)
st.caption("Train a model, watch it learn, and choose among those that are there.")

if form.allowed():
    with st.expander("Train a new model", icon=":material/model_training:", expanded=not found):
        form.form(offered)
else:
    st.info(
        "Training is switched off on this server (DSKREG_RUNS=off). The models below can be opened and compared.",
        icon=":material/lock:",
    )
if problem := st.session_state.pop(form.PROBLEM, ""):
    st.error(plain(problem[:1].upper() + problem[1:]), icon=":material/error:")

st.header("Training runs", anchor=False)
above = st.container()
# Drawn with no run too: a field that is new on the page does not enter the link
run = progress.chosen(found, unreadable)
if found or unreadable:
    with above:
        progress.table(found, unreadable, run)
if run:
    progress.show(offered, run, {run.id: run.state for run in found})

st.header("Models", anchor=False)
models.show()
