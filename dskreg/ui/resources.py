"""The app's caches: open artifacts, and bounded results keyed by artifact, content digest and plain arguments.

An Explorer is shared by every session, so nobody writes to it. Results are copies. Nothing here remembers an error:
an artifact that could not be opened is tried again on the next run.
"""

import hashlib
import os
from pathlib import Path

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, InputError, Profile, list_artifacts

ROOT = Path(__file__).resolve().parents[2]


def artifacts_folder() -> Path:
    """The folder whose sub-folders are offered: $DSKREG_ARTIFACTS, else artifacts/ beside app.py. Read on every run."""
    return Path(os.environ.get("DSKREG_ARTIFACTS") or ROOT / "artifacts")


def artifact_names() -> list[str]:
    """Names of the artifacts that can be chosen, the demo first; [] where the folder is missing or empty."""
    folder = artifacts_folder()
    names = list_artifacts(folder) if folder.is_dir() else []
    return sorted(names, key=lambda name: (name != "demo", name))


def open_explorer(path: Path | str) -> Explorer:
    """Open an artifact once per process; a folder whose files changed is opened afresh.

    Raises:
        InputError: with a sentence for the reader, where the folder is missing, damaged or foreign.
    """
    return _open(str(path), _fingerprint(Path(path)), id(Explorer))


@st.cache_resource(max_entries=2, show_spinner="Opening the model …")
def _open(path: str, fingerprint: str, code: int) -> Explorer:  # `code` changes when Streamlit reloads edited modules: old objects do not fit new classes
    return Explorer.open(path)


def _fingerprint(path: Path) -> str:
    """Digest of the manifest and of every file's size and time: cheap, and different once an artifact is replaced."""
    try:
        digest = hashlib.sha256((path / "manifest.json").read_bytes())
        for file in sorted(path.iterdir()):
            status = file.stat()
            digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}".encode())
    except OSError as error:
        raise InputError(f"cannot read the artifact {path}: {error.strerror}") from error
    return digest.hexdigest()


def recommendations(
    explorer: Explorer,
    profile: Profile,
    top: int = 10,
    hide_seen: bool = True,
    genres: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
) -> pd.DataFrame:
    """`Explorer.recommend`, remembered."""
    return _recommendations(str(explorer.path), explorer.content, _identity(profile), top, hide_seen, genres, types, explorer, profile)


@st.cache_data(max_entries=256, show_spinner=False)
def _recommendations(
    path: str,
    content: str,
    person: tuple,
    top: int,
    hide_seen: bool,
    genres: tuple[str, ...],
    types: tuple[str, ...],
    _explorer: Explorer,
    _profile: Profile,
) -> pd.DataFrame:
    return _explorer.recommend(_profile, top=top, hide_seen=hide_seen, genres=genres, types=types)


def explanation(
    explorer: Explorer,
    profile: Profile,
    item_id: int | str,
    seed: int | None = None,
    picks: int | None = None,
    user_picks: int | None = None,
    temperature: float | None = None,
) -> Explanation:
    """`Explorer.explain`, remembered."""
    return _explanation(str(explorer.path), explorer.content, _identity(profile), item_id, seed, picks, user_picks, temperature, explorer, profile)


@st.cache_data(max_entries=256, show_spinner=False)
def _explanation(
    path: str,
    content: str,
    person: tuple,
    item_id: int | str,
    seed: int | None,
    picks: int | None,
    user_picks: int | None,
    temperature: float | None,
    _explorer: Explorer,
    _profile: Profile,
) -> Explanation:
    return _explorer.explain(_profile, item_id, seed=seed, picks=picks, user_picks=user_picks, temperature=temperature)


@st.cache_data(max_entries=64, show_spinner=False)
def _find_users(path: str, content: str, text: str, genre: str | None, limit: int, _explorer: Explorer) -> pd.DataFrame:
    return _explorer.find_users(text, genre=genre, limit=limit)


def find_users(explorer: Explorer, text: str = "", genre: str | None = None, limit: int = 50) -> pd.DataFrame:
    """`Explorer.find_users`, remembered."""
    return _find_users(str(explorer.path), explorer.content, text, genre, limit, explorer)


def suggested_viewer(explorer: Explorer) -> int | str:
    """Whom to show when nobody was chosen: the first listed viewer with a taste of readable size, else the one with the most likes."""
    users = find_users(explorer)
    readable = users[users["liked"].between(8, 25)]
    return (readable if len(readable) else users.sort_values("liked", ascending=False))["user_id"].iloc[0]


def relation_names(explorer: Explorer) -> list[str]:
    """All relations, those most sampled first: the order in which they get their colours."""
    return _relation_names(str(explorer.path), explorer.content, explorer)


@st.cache_data(max_entries=8, show_spinner=False)
def _relation_names(path: str, content: str, _explorer: Explorer) -> list[str]:
    return _explorer.graph_statistics().sort_values("mass", ascending=False, kind="stable")["relation"].tolist()


def _identity(profile: Profile) -> tuple:
    return (str(profile.user_id), *map(str, profile.history))
