"""The training runs: all of them in a table, and one of them as it learns."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dskreg.explorer import InputError, legible
from dskreg.runs.manager import Run, Runs, Unreadable
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.model import curves
from dskreg.ui.runs import form

STATES = {  # state: (icon, colour, what it means)
    "running": (":material/progress_activity:", "blue", "The run is at work."),
    "finished": (":material/check_circle:", "green", "The model was made and can be opened."),
    "failed": (":material/error:", "red", "The run ended with an error."),
    "stopped": (
        ":material/stop_circle:",
        "orange",
        "Somebody stopped the run. What it had learnt by its last epoch is kept.",
    ),
    "lost": (
        ":material/help:",
        "orange",
        "The process is gone without a word, as after a crash or a restart of the machine. Its last epoch is kept.",
    ),
}
REFRESH = 2.0  # seconds


def table(found: list[Run], unreadable: list[Unreadable], shown: Run | None) -> None:
    """All runs, the one shown ticked, and what cannot be read as one; a click on a row's box shows that run."""
    rows = [
        {
            "model": run.request.out,
            "state": run.state,
            "asked": pd.Timestamp(run.request.asked, unit="s", tz="UTC"),
            "data": legible(run.request.data),
            "epochs": run.status.epochs[-1].epoch if run.status.epochs and run.state != "running" else None,
            "ndcg": run.best.ndcg if run.best and run.state != "running" else None,
        }
        for run in found
    ] + [{"model": bad.id, "state": "unreadable", "problem": legible(bad.problem)} for bad in unreadable]
    st.session_state["runs_listed"] = listed = [run.id for run in found] + [bad.id for bad in unreadable]
    # a new table ticks the run shown
    st.session_state["runs_key"] = key = (
        f"runs {st.session_state.get('runs_round', 0)} {len(listed)} {listed[0]}"
    )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=key,
        on_select=_take,
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [listed.index(shown.id) if shown else 0]}},
        alt="Training runs, the latest first: model, state, start, data, epochs and best validation NDCG",
        height="content" if len(rows) < 8 else 320,
        placeholder="",
        column_config={
            "model": st.column_config.TextColumn("Model", pinned=True),
            "state": "State",
            "asked": st.column_config.DatetimeColumn("Started", format="distance"),
            "data": "Data",
            "epochs": st.column_config.NumberColumn(
                "Epochs", format="%d", help="How many were run; below while it is at work."
            ),
            "ndcg": st.column_config.NumberColumn(
                "Best NDCG@20", format="%.4f", help="On held-out validation titles."
            ),
            "problem": "Problem",
        },
    )


def _take() -> None:
    rows = st.session_state[st.session_state["runs_key"]]["selection"]["rows"]
    listed = st.session_state.get("runs_listed", [])
    if rows and rows[0] < len(listed):
        st.session_state["run"] = listed[rows[0]]


def _entered() -> None:
    st.session_state["runs_round"] = st.session_state.get("runs_round", 0) + 1


def chosen(found: list[Run], unreadable: list[Unreadable]) -> Run | None:
    """The run that the link names, else the latest; None where there is none.

    One that cannot be read is named with the reason.
    """
    wanted = st.text_input(
        "Run shown",
        key="run",
        bind="query-params",
        placeholder="the latest" if found else "none yet: start one above",
        on_change=_entered,
        help="Tick a row of the table, or enter a run's id. A copied link opens this run.",
    )
    wanted = (wanted or "").strip()
    run = next((run for run in found if run.id == wanted), None)
    bad = next((bad for bad in unreadable if bad.id == wanted), None)
    if bad:
        st.warning(
            f"The run “{plain(bad.id)}” cannot be read. {plain(bad.problem)}", icon=":material/broken_image:"
        )
    elif wanted and not run:
        st.warning(
            f"There is no run “{plain(wanted[:80])}” here."
            + (" You see the latest one instead." if found else ""),
            icon=":material/link_off:",
        )
    return run or (found[0] if found else None)


def show(offered: Runs, run: Run, states: dict[str, str]) -> None:
    """One run: its state, what can be done with it, and its progress, alive while any run is."""
    icon, colour, meaning = STATES[run.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(run.request.out), anchor=False, width="content")
        st.badge(run.state, icon=icon, color=colour, help=meaning)  # type: ignore[arg-type]
    st.caption(plain(_asked_for(run)))
    _actions(run)
    if run.state == "failed":
        st.error(
            plain(run.message or "The run ended with an error; its output below says more."),
            icon=":material/error:",
        )
    if run.state in ("stopped", "lost"):
        st.info(
            meaning
            + (
                " “Continue” goes on from there."
                if run.resumable
                else " A later run of this name has taken its place."
            ),
            icon=icon,
        )
    alive = "running" in states.values()
    st.fragment(_progress, run_every=REFRESH if alive else None)(offered, run.id, states)


def _asked_for(run: Run) -> str:
    asked = run.request
    epochs = f"at most {asked.epochs} epochs, " if asked.epochs else ""
    return f"Data {asked.data}, {form.PRESETS[asked.preset]} settings, {epochs}seed {asked.seed}, computed on: {form.COMPUTERS[asked.device]}."


def _actions(run: Run) -> None:
    def button(
        label: str, icon: str, act: Callable[[str], None], argument: str, primary: bool = False
    ) -> None:
        st.button(
            label,
            icon=f":material/{icon}:",
            key=f"do {label}",
            on_click=act,
            args=(argument,),
            type="primary" if primary else "secondary",
        )

    with st.container(horizontal=True, gap="small"):
        if run.state == "finished" and run.request.out in cache.artifact_names():
            button("Open the model", "open_in_new", form.open_model, run.request.out, primary=True)
        if not form.allowed():
            return
        if run.state == "running":
            # Streamlit has a “Stop” of its own in the header
            button("Stop training", "stop", form.stop, run.id)
        if run.resumable:
            button("Continue", "play_arrow", form.resume, run.id, primary=True)


def _progress(offered: Runs, run_id: str, states: dict[str, str]) -> None:
    found = offered.all()
    if {run.id: run.state for run in found} != states:
        st.rerun()  # the whole page: buttons and tables depend on the states
    run = next(run for run in found if run.id == run_id)
    if run.state == "running":
        part, words = position(run)
        st.progress(part, plain(words))
    if run.best:
        st.markdown(
            f"Best{' so far' if run.state == 'running' else ''}: epoch {run.best.epoch}, validation NDCG@20 **{run.best.ndcg:.4f}**."
        )
    history = pd.DataFrame(run.status.epochs)
    shown, numbers, output = st.tabs(["Curves", "Table", "Output"])
    with shown:
        if len(history):
            curves.curves(history, "run")
        else:
            st.caption("The curves begin with the first epoch.")
    with numbers:
        curves.table(history, "run_history")
    with output:
        try:
            st.code(offered.tail(run_id) or "Nothing yet.", language=None, wrap_lines=True)
        except InputError as error:
            st.caption(plain(error))


def position(run: Run) -> tuple[float, str]:
    """How far the run is, 0 .. 1 of the epochs it may take, and where it is in words."""
    told = run.status
    done = told.epochs[-1].epoch if told.epochs else 0
    if not told.start and not done:
        return 0.0, told.stage or "Starting: loading the libraries"
    most = max(1, done, told.start.epochs if told.start else 0)
    if not told.step:
        return (
            done / most,
            f"Epoch {done} of at most {most} done. {told.stage}"
            if told.epochs
            else told.stage or "Reading the data",
        )
    step, steps = told.step.step, max(1, told.step.steps)
    if not told.epochs:
        return 0.0, f"Choosing the start: {step} of at most {steps} tried"
    return min(
        1.0, (done + step / steps) / most
    ), f"Epoch {done + 1} of at most {most}, step {step} of {steps}"
