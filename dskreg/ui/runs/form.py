"""Starting, stopping and continuing training runs from the page: the form, and the callbacks behind its
buttons.

Nobody types a path or a command: data sets are chosen from a list, the artifact's name is one word, and
everything lands in the artifacts folder.
"""

import os
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dskreg.explorer import InputError
from dskreg.runs.manager import DEVICES, MOST, MOST_EPOCHS, MOST_SEED, Request, Runs
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar

PRESETS = {"default": "default", "paper": "as published"}
COMPUTERS = dict(zip(DEVICES, ("automatic", "CPU", "graphics card"), strict=True))
PROBLEM = "runs_problem"


def runs() -> Runs:
    """The runs of the artifacts folder: kept in $DSKREG_RUNS_FOLDER, else in .runs inside it; data in
    $DSKREG_DATA, else in data/ beside app.py.
    """
    artifacts = cache.artifacts_folder()
    folder, data = (os.environ.get(name) for name in ("DSKREG_RUNS_FOLDER", "DSKREG_DATA"))
    return Runs(Path(folder or artifacts / ".runs"), Path(data or cache.ROOT / "data"), artifacts)


def allowed() -> bool:
    """Whether this server trains: not with DSKREG_RUNS=off."""
    return os.environ.get("DSKREG_RUNS", "").strip().lower() not in ("off", "0", "no", "false")


def form(offered: Runs) -> None:
    """What to train, and the button that begins. The new run is then the one shown."""
    sources, taken = offered.sources(), cache.artifact_names()
    with st.form("train", border=False):
        left, right = st.columns(2, gap="medium")
        left.selectbox(
            "Data",
            sources,
            key="train_data",
            help=f"The bundled demo, or a data set in the folder {plain(offered.data)}.",
        )
        right.text_input(
            "Name of the new model",
            value=_free(taken),
            key="train_name",
            max_chars=64,
            help="Letters, digits, dots, - and _. The model becomes a folder of this name among the artifacts.",
        )
        left.segmented_control(
            "Settings",
            list(PRESETS),
            default="default",
            required=True,
            format_func=PRESETS.__getitem__,
            key="train_preset",
            help="default: what works best here. as published: the settings of the paper, with its smaller vectors and other objective.",
        )
        right.segmented_control(
            "Computed on",
            list(COMPUTERS),
            default="auto",
            required=True,
            format_func=COMPUTERS.__getitem__,
            key="train_device",
            help="automatic takes a graphics card (CUDA) where there is one, else the CPU. Asked for one that is not there, the run says so and ends.",
        )
        left.number_input(
            "Epochs at most",
            1,
            MOST_EPOCHS,
            value=None,
            key="train_epochs",
            placeholder="as the settings say",
            help="An epoch is one pass over all training likes. Training ends earlier once the held-out quality no longer rises.",
        )
        right.number_input(
            "Seed",
            0,
            MOST_SEED,
            value=0,
            key="train_seed",
            help="The number that all chance is derived from: the same seed makes the same model.",
        )
        st.checkbox("Replace a model that has this name already", key="train_replace")
        st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:", on_click=_start)
    st.caption(
        f"A run is a process of its own: it goes on when you close the browser. At most {MOST} at a time."
    )


def _free(taken: list[str]) -> str:
    return next(name for n in range(1, len(taken) + 2) if (name := f"my-model-{n}") not in taken)


def _start() -> None:
    state = st.session_state
    try:
        request = Request.of(
            data=state["train_data"],
            out=(state["train_name"] or "").strip(),
            preset=state["train_preset"] or "default",
            epochs=state["train_epochs"],
            seed=state["train_seed"] or 0,
            device=state["train_device"] or "auto",
            replace=state["train_replace"],
        )
        _must_be_allowed()
        state["run"] = runs().start(request).id
    except InputError as error:
        state[PROBLEM] = str(error)


def stop(run_id: str) -> None:
    """Callback: end the run's process."""
    _told(lambda: runs().stop(run_id))


def resume(run_id: str) -> None:
    """Callback: go on from the run's last checkpoint."""
    _told(lambda: runs().resume(run_id))


def _told(act: Callable[[], object]) -> None:
    try:
        _must_be_allowed()
        act()
    except InputError as error:
        st.session_state[PROBLEM] = str(error)


def _must_be_allowed() -> None:
    if not allowed():
        raise InputError("training is switched off on this server (DSKREG_RUNS=off)")


def open_model(name: str) -> None:
    """Callback: make the model the open one and go to its recommendations."""
    sidebar.leave_model()
    st.session_state["artifact"] = name
    st.session_state["go"] = "pages/recommendations.py"
