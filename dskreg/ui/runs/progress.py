"""The training runs: a table of all of them, and the progress of the selected run."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dskreg.explorer import InputError, legible
from dskreg.runs.manager import Run, Runs, Unreadable
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import link
from dskreg.ui.model import curves
from dskreg.ui.runs import form

STATES = {  # state: (icon, colour, meaning)
    "running": (":material/progress_activity:", "blue", "The model is being trained."),
    "finished": (":material/check_circle:", "green", "The model is trained and can be opened."),
    "failed": (":material/error:", "red", "The run ended with an error."),
    "stopped": (
        ":material/stop_circle:",
        "orange",
        "The run was stopped; its last checkpoint is kept.",
    ),
    "lost": (
        ":material/help:",
        "orange",
        "Process terminated unexpectedly, as after a crash or a restart; its last checkpoint is kept.",
    ),
}
REFRESH = 2.0  # seconds


def table(found: list[Run], unreadable: list[Unreadable], shown: Run | None) -> None:
    """All runs, with the shown one selected, and the entries that cannot be read as runs."""
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
    # A new key draws the table again, with the shown run selected
    st.session_state["runs_key"] = key = (
        f"runs {st.session_state.get('runs_round', 0)} {len(listed)} {listed[0]}"
    )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=key,
        on_select=_take_row,
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [listed.index(shown.id) if shown else 0]}},
        alt="Training runs, the latest first: model, state, start, dataset, epochs and best validation NDCG",
        height="content" if len(rows) < 8 else 320,
        placeholder="",
        column_config={
            "model": st.column_config.TextColumn("Model", pinned=True),
            "state": "State",
            "asked": st.column_config.DatetimeColumn("Started", format="distance"),
            "data": "Dataset",
            "epochs": st.column_config.NumberColumn(
                "Epochs", format="%d", help="Number of completed epochs; empty while the run is active."
            ),
            "ndcg": st.column_config.NumberColumn(
                "Best NDCG@20",
                format="%.4f",
                help="Highest NDCG@20 on the held-out validation items; empty while the run is active.",
            ),
            "problem": "Problem",
        },
    )


def _take_row() -> None:
    rows = st.session_state[st.session_state["runs_key"]]["selection"]["rows"]
    listed = st.session_state.get("runs_listed", [])
    if rows and rows[0] < len(listed):
        st.session_state["run"] = listed[rows[0]]


def _draw_again() -> None:
    st.session_state["runs_round"] = st.session_state.get("runs_round", 0) + 1


def chosen(found: list[Run], unreadable: list[Unreadable]) -> Run | None:
    """The run of the link, otherwise the latest; None where there is no run."""
    wanted = st.text_input(
        "Selected run",
        key="run",
        bind="query-params",
        placeholder="the latest run" if found else "no run yet",
        on_change=_draw_again,
        help="The id of the run shown below; you can also select a row of the table.",
    )
    wanted = (wanted or "").strip()
    run = next((run for run in found if run.id == wanted), None)
    bad = next((bad for bad in unreadable if bad.id == wanted), None)
    if bad:
        widgets.show_notice(Notice(f"The run “{bad.id}” cannot be read. {bad.problem}"))
    elif wanted and not run:
        instead = " You see the latest run instead." if found else ""
        widgets.show_notice(Notice(f"There is no run “{wanted[:80]}” here.{instead}"))
    shown = run or (found[0] if found else None)
    link.pin(run=shown.id if shown else None)
    return shown


def show(manager: Runs, run: Run, states: dict[str, str]) -> None:
    """One run: its state, actions and progress, refreshed while any run is active."""
    icon, colour, meaning = STATES[run.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(run.request.out), anchor=False, width="content")
        st.badge(run.state, icon=icon, color=colour, help=meaning)  # type: ignore[arg-type]
    st.caption(plain(_settings(run)))
    _actions(run)
    if run.state == "failed":
        st.error(
            plain(run.message or "The run ended with an error; see its output below."),
            icon=":material/error:",
        )
    if run.state in ("stopped", "lost"):
        st.info(
            meaning
            + (
                " “Continue” resumes from this checkpoint."
                if run.resumable
                else " It cannot be continued, since a later run has the same name."
            ),
            icon=icon,
        )
    alive = "running" in states.values()
    st.fragment(_progress, run_every=REFRESH if alive else None)(manager, run.id, states)


def _settings(run: Run) -> str:
    asked = run.request
    epochs = f"at most {asked.epochs} epochs, " if asked.epochs else ""
    device = form.DEVICE_LABELS[asked.device]
    return f"Dataset {asked.data}, preset {asked.preset}, {epochs}seed {asked.seed}, device {device}."


def _actions(run: Run) -> None:
    def button(
        label: str, icon: str, callback: Callable[[str], None], argument: str, primary: bool = False
    ) -> None:
        st.button(
            label,
            icon=f":material/{icon}:",
            key=f"do {label}",
            on_click=callback,
            args=(argument,),
            type="primary" if primary else "secondary",
        )

    with st.container(horizontal=True, gap="small"):
        if run.state == "finished" and run.request.out in cache.artifact_names():
            button("Open model", "open_in_new", form.open_model, run.request.out, primary=True)
        if not form.allowed():
            return
        if run.state == "running":
            # “Stop” alone is Streamlit's own button in the header
            button("Stop training", "stop", form.stop, run.id)
        if run.resumable:
            button("Continue", "play_arrow", form.resume, run.id, primary=True)


def _progress(manager: Runs, run_id: str, states: dict[str, str]) -> None:
    found = manager.all()
    if {run.id: run.state for run in found} != states:
        st.rerun()  # reruns the whole page, since buttons and tables depend on the states
    run = next(run for run in found if run.id == run_id)
    if run.state == "running":
        part, words = position(run)
        st.progress(part, plain(words))
    if run.best:
        so_far = " so far" if run.state == "running" else ""
        st.markdown(f"Best{so_far}: epoch {run.best.epoch}, validation NDCG@20 **{run.best.ndcg:.4f}**.")
    history = pd.DataFrame(run.status.epochs)
    shown, numbers, output = st.tabs(["Curves", "Table", "Output"])
    with shown:
        if len(history):
            curves.curves(history, "run")
        else:
            st.caption("The curves appear after the first epoch.")
    with numbers:
        curves.table(history, "run_history")
    with output:
        try:
            st.code(manager.tail(run_id) or "No output yet.", language=None, wrap_lines=True)
        except InputError as error:
            st.caption(plain(error))


def position(run: Run) -> tuple[float, str]:
    """The progress of a run: a fraction of its maximum of epochs, 0 .. 1, and a sentence."""
    status = run.status
    done = status.epochs[-1].epoch if status.epochs else 0
    if not status.start and not done:
        return 0.0, status.stage or "Loading the libraries"
    most = max(1, done, status.start.epochs if status.start else 0)
    if not status.step:
        between = f"Epoch {done} of at most {most} completed. {status.stage}"
        return done / most, between if status.epochs else status.stage or "Reading the dataset"
    step, steps = status.step.step, max(1, status.step.steps)
    if not status.epochs:
        return 0.0, f"Choosing the initialisation: candidate {step} of at most {steps}"
    part = min(1.0, (done + step / steps) / most)
    return part, f"Epoch {done + 1} of at most {most}, step {step} of {steps}"
