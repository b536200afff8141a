"""The app's caches: open artifacts, and bounded results keyed by artifact, content digest and arguments.

All sessions share an Explorer, which is read-only. Results are copies. Errors are not cached: the next run
tries again to open the artifact.
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

NO_FILTERS = {"genres": (), "types": (), "most_likes": None, "diversity": 0.0}
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
    """Open an artifact once per process, and again when its files have changed.

    Raises:
        InputError: the folder is missing, damaged or no artifact.
    """
    return _open(str(path), fingerprint(path), id(Explorer))


@st.cache_resource(max_entries=2, show_spinner="Opening the model …")
# `code` changes when Streamlit reloads edited modules: old objects do not fit new classes
def _open(path: str, fingerprint: str, code: int) -> Explorer:
    return Explorer.open(path)


def boosted(explorer: Explorer, boost: float) -> Explorer:
    """The cached `Explorer.boosted`; the model's own boost gives the explorer itself."""
    if explorer.cold_boost in (None, boost):
        return explorer
    variant = (explorer.content, explorer.adult, explorer.hide_seen)
    return _boosted(str(explorer.path), variant, boost, explorer)


@st.cache_resource(max_entries=4, show_spinner=False)
def _boosted(path: str, variant: tuple[object, ...], boost: float, _explorer: Explorer) -> Explorer:
    return _explorer.boosted(boost)


def ask(explorer: Explorer, what: str, *arguments: Any, **named: Any) -> Any:
    """A copy of the cached `explorer.what(*arguments, **named)`, such as `maps.similar` or `tastes.find`.

    The key is the artifact's path and content, whether adult titles and seen titles are shown, the cold
    boost, and the arguments' `repr`: pass plain values and frozen dataclasses.
    """
    asked = (*_identity(explorer), what, repr(arguments), repr(sorted(named.items())))
    return _ask(asked, lambda: operator.attrgetter(what)(explorer)(*arguments, **named))


def _identity(explorer: Explorer) -> tuple[object, ...]:
    shown = (explorer.adult, explorer.hide_seen, explorer.cold_boost)
    return (str(explorer.path), explorer.content, *shown)


@st.cache_data(max_entries=1024, show_spinner=False)
def _ask(asked: tuple[object, ...], _answer: Callable[[], Any]) -> Any:
    return _answer()


def draw_once(draw: Callable[..., None], *arguments: Any) -> None:
    """`draw(*arguments)`, which draws elements that are no widgets; further runs repeat these elements.

    The key is the function, the theme and the arguments: Explorers as in `ask`, others by their `repr`.
    """
    _drawn((st.context.theme.type, *_key(draw, arguments)), lambda: draw(*arguments))


@st.cache_data(max_entries=128, show_spinner=False)
def _drawn(key: tuple[object, ...], _draw: Callable[[], None]) -> None:
    _draw()


def make_once(make: Callable[..., Any], *arguments: Any) -> Any:
    """`make(*arguments)`, which all sessions share: nobody may change it. The key is that of `draw_once`."""
    return _made(_key(make, arguments), lambda: make(*arguments))


@st.cache_resource(max_entries=12, show_spinner=False)
def _made(key: tuple[object, ...], _make: Callable[[], Any]) -> Any:
    return _make()


def _key(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[object, ...]:
    known = [_identity(each) if isinstance(each, Explorer) else repr(each) for each in arguments]
    # All pages are modules of one name
    return (function.__code__.co_filename, function.__qualname__, *known)


def recommendations(explorer: Explorer, profile: Profile, top: int = 10, **filters: Any) -> pd.DataFrame:
    """The cached `Explorer.recommend`; default filters are left out of the key."""
    named = {name: value for name, value in filters.items() if value != NO_FILTERS[name]}
    return ask(explorer, "recommend", profile, top=top, **named)


def explanation(explorer: Explorer, profile: Profile, item_id: int | str, **settings: Any) -> Explanation:
    """The cached `Explorer.explain`."""
    return ask(explorer, "explain", profile, item_id, **settings)


def suggested_user(explorer: Explorer) -> int | str:
    """The user to show first: the first one with 8 to 25 likes, else the one with the most likes."""
    users = ask(explorer, "tastes.find")
    readable = users[users["liked"].between(8, 25)]
    return (readable if len(readable) else users.sort_values("liked", ascending=False))["user_id"].iloc[0]


def relation_names(explorer: Explorer) -> list[str]:
    """All relations, the most sampled first; colours are assigned in this order."""
    return (
        ask(explorer, "graph_statistics")
        .sort_values("mass", ascending=False, kind="stable")["relation"]
        .tolist()
    )
