"""Train a model, watch it learn, and choose among the models that are there."""

import streamlit as st

from dskreg.ui import launch, shelf, sidebar, watch
from dskreg.ui.panels import plain

sidebar.inside_frame()
offered = launch.runs()
found, unreadable = offered.listing()
st.title("Runs", anchor=False)
st.caption("Train a model, watch it learn, and choose among those that are there.")

if launch.allowed():
    with st.expander("Train a new model", icon=":material/model_training:", expanded=not found):
        launch.form(offered)
else:
    st.info("Training is switched off on this server (DSKREG_RUNS=off). The models below can be opened and compared.", icon=":material/lock:")
if problem := st.session_state.pop(launch.PROBLEM, ""):
    st.error(plain(problem[:1].upper() + problem[1:]), icon=":material/error:")

st.header("Training runs", anchor=False)
above = st.container()
run = watch.chosen(found, unreadable)  # drawn with no run too: a field that is new on the page does not enter the link
if found or unreadable:
    with above:
        watch.table(found, unreadable, run)
if run:
    watch.show(offered, run, {run.id: run.state for run in found})

st.header("Models", anchor=False)
shelf.show()
