"""The app's caches: open artifacts, and bounded results keyed by artifact, content digest and plain
arguments.

An Explorer is shared by every session, so nobody writes to it. Results are copies. Nothing here remembers an
error: an artifact that could not be opened is tried again on the next run.
"""

import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, Profile, fingerprint, list_artifacts
from dskreg.storage import places

NO_FILTERS = {"hide_seen": True, "genres": (), "types": (), "most_likes": None, "diversity": 0.0}
ROOT = places.APP
"""The folder of app.py."""


def artifacts_folder() -> Path:
    """The folder of the user's artifacts: $DSKREG_ARTIFACTS, else artifacts/ beside app.py.

    Read on every run.
    """
    return Path(os.environ.get("DSKREG_ARTIFACTS") or ROOT / "artifacts")


def artifact_folders() -> list[Path]:
    """The folders whose artifacts are offered: the user's, then the bundled one where DSKREG_DEMO=on."""
    bundled = os.environ.get("DSKREG_DEMO", "").strip().lower() == "on"
    return [artifacts_folder(), places.BUNDLED] if bundled else [artifacts_folder()]


def artifact_names() -> list[str]:
    """Names of the artifacts that can be chosen, the demo first; [] where there are none."""
    names = {name for folder in artifact_folders() for name in list_artifacts(folder)}
    return sorted(names, key=lambda name: (name != "demo", name))


def artifact_path(name: str) -> Path:
    """The folder of the artifact that is offered under this name; the user's goes before a bundled one."""
    own, *bundled = artifact_folders()
    for folder in bundled:
        if name not in list_artifacts(own) and name in list_artifacts(folder):
            return folder / name
    return own / name


def open_explorer(path: Path | str) -> Explorer:
    """Open an artifact once per process; a folder whose files changed is opened afresh.

    Raises:
        InputError: with a sentence for the reader, where the folder is missing, damaged or foreign.
    """
    return _open(str(path), fingerprint(path), id(Explorer))


@st.cache_resource(max_entries=2, show_spinner="Opening the model …")
# `code` changes when Streamlit reloads edited modules: old objects do not fit new classes
def _open(path: str, fingerprint: str, code: int) -> Explorer:
    return Explorer.open(path)


def ask(explorer: Explorer, what: str, *arguments: Any, **named: Any) -> Any:
    """`explorer.what(*arguments, **named)`, remembered; `what` may name a part, such as "maps.similar" or
    "tastes.find".

    The key is the artifact's path and content, whether adult titles are shown, and the arguments' `repr`:
    pass plain values and frozen dataclasses. What comes back is a copy.
    """
    asked = (
        str(explorer.path),
        explorer.content,
        explorer.adult,
        what,
        repr(arguments),
        repr(sorted(named.items())),
    )
    return _ask(asked, lambda: operator.attrgetter(what)(explorer)(*arguments, **named))


@st.cache_data(max_entries=1024, show_spinner=False)
def _ask(asked: tuple[object, ...], _answer: Callable[[], Any]) -> Any:
    return _answer()


def recommendations(explorer: Explorer, profile: Profile, top: int = 10, **filters: Any) -> pd.DataFrame:
    """`Explorer.recommend`, remembered; what the filters say anyway is left out, so that the sidebar and a
    page without filters ask the same.
    """
    named = {name: value for name, value in filters.items() if value != NO_FILTERS[name]}
    return ask(explorer, "recommend", profile, top=top, **named)


def explanation(explorer: Explorer, profile: Profile, item_id: int | str, **settings: Any) -> Explanation:
    """`Explorer.explain`, remembered."""
    return ask(explorer, "explain", profile, item_id, **settings)


def suggested_viewer(explorer: Explorer) -> int | str:
    """Whom to show when nobody was chosen: the first listed viewer with a taste of readable size, else the
    one with the most likes.
    """
    users = ask(explorer, "tastes.find")
    readable = users[users["liked"].between(8, 25)]
    return (readable if len(readable) else users.sort_values("liked", ascending=False))["user_id"].iloc[0]


def relation_names(explorer: Explorer) -> list[str]:
    """All relations, those most sampled first: the order in which they get their colours."""
    return (
        ask(explorer, "graph_statistics")
        .sort_values("mass", ascending=False, kind="stable")["relation"]
        .tolist()
    )
