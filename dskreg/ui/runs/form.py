"""The form that starts a training run, and the callbacks that stop and continue it.

No path or command is entered: the dataset comes from a list, the model's name is a single word, and every
model is written to the artifacts folder.
"""

import os
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dskreg.explorer import InputError
from dskreg.runs.manager import DEMO, DEVICES, MOST, MOST_EPOCHS, MOST_SEED, Request, Runs
from dskreg.storage import places
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar

PRESETS = ("default", "paper")
DEVICE_LABELS = dict(zip(DEVICES, ("auto", "CPU", "GPU"), strict=True))
PROBLEM = "runs_problem"
UNITS = {"h": 3600, "min": 60, "s": 1}  # seconds


def runs() -> Runs:
    """The runs of the artifacts folder.

    Their files are in $DSKREG_RUNS_FOLDER, by default .runs in the artifacts folder; the datasets are in
    $DSKREG_DATA, by default data/ next to app.py.
    """
    artifacts = cache.artifacts_folder()
    folder, data = (os.environ.get(name) for name in ("DSKREG_RUNS_FOLDER", "DSKREG_DATA"))
    return Runs(Path(folder or artifacts / ".runs"), Path(data or cache.ROOT / "data"), artifacts)


def allowed() -> bool:
    """Whether this server trains models: DSKREG_RUNS=off forbids it."""
    return places.allowed("DSKREG_RUNS")


def form(manager: Runs) -> None:
    """The settings of a new run, the time it will take, and the button that starts it; the page then shows
    the new run.
    """
    sources, taken = manager.sources(), cache.artifact_names()
    left, right = st.columns(2, gap="medium")
    data = left.selectbox(
        "Dataset",
        sources,
        key="train_data",
        help=f"The bundled demo, or a dataset in the folder {plain(manager.data)}.",
    )
    right.text_input(
        "Model name",
        value=_free(taken),
        key="train_name",
        max_chars=64,
        help="Letters, digits, dots, - and _; the model is saved in an artifact folder of this name.",
    )
    preset = left.segmented_control(
        "Preset",
        PRESETS,
        default="default",
        required=True,
        key="train_preset",
        help="default: the most accurate settings; paper: the published settings.",
    )
    right.segmented_control(
        "Device",
        list(DEVICE_LABELS),
        default="auto",
        required=True,
        format_func=DEVICE_LABELS.__getitem__,
        key="train_device",
        help="auto uses a GPU (CUDA) if there is one, and otherwise the CPU.",
    )
    epochs = left.number_input(
        "Max epochs",
        1,
        MOST_EPOCHS,
        value=None,
        key="train_epochs",
        placeholder="preset default",
        help="Passes over the training likes; training ends earlier when validation NDCG stops rising.",
    )
    right.number_input(
        "Seed",
        0,
        MOST_SEED,
        value=0,
        key="train_seed",
        help="Seed of the random number generators: the same seed gives the same model.",
    )
    st.checkbox(
        "Replace existing model",
        key="train_replace",
        help="Whether the new model may overwrite an existing model of the same name.",
    )
    st.markdown(expected_time(manager, data, preset or "default", epochs))
    st.button(
        "Start training", type="primary", icon=":material/play_arrow:", key="train_start", on_click=_start
    )
    st.caption(f"A run continues when you close the browser. At most {MOST} runs are active at a time.")


def expected_time(manager: Runs, data: str, preset: str, epochs: int | None) -> str:
    """How long the run will take and how this is known, in Markdown."""
    paths = [cache.artifact_path(name) for name in cache.artifact_names()]
    size, found = manager.estimate(data, preset, epochs, paths)
    if found is None:
        which = "with the preset paper" if preset == "paper" else "here"
        why = (
            f"no training {which} has been timed yet"
            if size or data == DEMO
            else "the dataset's size is unknown"
        )
        return f"**Estimated time: unknown**, since {why}."
    first, scaled = found.basis[0], ""
    if not found.same_data:
        scaled = f" for {first.interactions:,} interactions; this dataset has {size:,}"
    others = f" {len(found.basis) - 1} more trainings count too." if len(found.basis) > 1 else ""
    return (
        f"**Estimated time: {duration(found.low, found.high)}**, since the training of "
        f"“{plain(first.model)}” took {duration(first.seconds)} and {first.epochs} epochs "
        f"({plain(first.hardware)}){scaled}.{others}"
    )


def duration(*seconds: float) -> str:
    """One time, or a range: "56 s", "2 to 14 min", "40 s to 3 min"."""
    units = [next((unit for unit in UNITS if second >= 1.5 * UNITS[unit]), "s") for second in seconds]
    texts = [f"{second / UNITS[unit]:.0f} {unit}" for second, unit in zip(seconds, units, strict=True)]
    if len(set(units)) == 1:
        texts = [f"{second / UNITS[units[0]]:.0f}" for second in seconds[:-1]] + texts[-1:]
    return " to ".join(texts)


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
        _check_allowed()
        state["run"] = runs().start(request).id
    except InputError as error:
        state[PROBLEM] = str(error)


def stop(run_id: str) -> None:
    """Callback: end the run's process."""
    _show_problem_of(lambda: runs().stop(run_id))


def resume(run_id: str) -> None:
    """Callback: continue from the run's last checkpoint."""
    _show_problem_of(lambda: runs().resume(run_id))


def _show_problem_of(action: Callable[[], object]) -> None:
    try:
        _check_allowed()
        action()
    except InputError as error:
        st.session_state[PROBLEM] = str(error)


def _check_allowed() -> None:
    if not allowed():
        raise InputError("training is switched off on this server (DSKREG_RUNS=off)")


def open_model(name: str) -> None:
    """Callback: open the model and go to its recommendations."""
    sidebar.leave_model()
    st.session_state["artifact"] = name
    st.session_state["go"] = "pages/recommendations.py"
