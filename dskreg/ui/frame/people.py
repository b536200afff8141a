"""Choosing a person: a viewer of the data by id, taste or chance, or a profile of one's own made of titles.

The pickers write into the bound text fields `user`, `titles`, `liked` and `disliked`, which hold the ids for
the address. What the person types or picks goes there through callbacks: so each viewer gets an entry in the
browser's history.
"""

import secrets
from functools import partial

import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame import edits, finder
from dskreg.ui.frame.edits import dislike, forget, like, split_ids
from dskreg.ui.frame.finder import choose_viewer, forget_changes

__all__ = ["choose_viewer", "dislike", "forget", "forget_changes", "like", "person", "set_field"]


def person(explorer: Explorer, kind: str, ids: dict[str, str], notices: list[Notice]) -> Profile:
    """The person that the fields of the link name, and the pickers for another; `kind` is viewer or mine."""
    disliked = split_ids(ids["disliked"])
    if kind == "mine":
        return own_profile(explorer, split_ids(ids["titles"]), disliked, notices)
    return viewer(explorer, ids["user"].strip(), split_ids(ids["liked"]), disliked, notices)


def viewer(
    explorer: Explorer, wanted: str, liked: list[str], disliked: list[str], notices: list[Notice]
) -> Profile:
    """One viewer of the data: the id `wanted`, or a suggested one where it is empty or unknown; with titles
    liked and disliked on top.
    """
    suggested = cache.suggested_viewer(explorer)
    try:
        profile = explorer.profile(wanted[:80] or suggested)
    except InputError as error:
        profile = explorer.profile(suggested)
        notices.append(
            Notice(
                f"{error}. You see viewer {suggested} instead.",
                "Keep the suggested viewer",
                partial(choose_viewer, ""),
            )
        )
    st.session_state["viewer_id"] = wanted
    st.text_input(
        "Viewer id",
        key="viewer_id",
        placeholder=f"{suggested} (suggested)",
        icon=":material/person:",
        on_change=_take_id,
        help=f"One of {explorer.user_count:,} viewers. Left empty, the app suggests one with a clear taste.",
    )
    with st.container(horizontal=True, gap="xxsmall"):
        for label, by in (("Previous", -1), ("Random", 0), ("Next", 1)):
            st.button(
                label,
                key=f"viewer_{label.lower()}",
                width="stretch",
                on_click=_step,
                args=(explorer, profile.user_id, by),
            )
    # Wider than the sidebar, which the presets need
    with st.popover("Find people", icon=":material/search:", width="stretch", key="find_people"):
        finder.presets(explorer, profile.user_id)
        finder.search(explorer)
    known = edits.known_titles(explorer, {"liked": liked, "disliked": disliked}, notices)
    profile = explorer.edited(profile, **known)
    with st.expander("Change this profile", icon=":material/edit:"):
        edits.search(explorer, "Add or take out a title")
    edits.changes(explorer, profile)
    return profile


def own_profile(explorer: Explorer, titles: list[str], disliked: list[str], notices: list[Notice]) -> Profile:
    """A profile made of these titles; ids that the model does not know are left out with a notice."""
    known = edits.known_titles(explorer, {"titles": titles, "disliked": disliked}, notices)
    profile = (
        explorer.profile_of(known["titles"])
        if known["titles"]
        else Profile(None, (), (), "my own profile (no title yet)")
    )
    profile = explorer.edited(profile, disliked=known["disliked"])
    edits.search(explorer, "Add a title you like")
    edits.chosen(explorer, profile)
    edits.changes(explorer, profile)
    return profile


def set_field(key: str, value: object) -> None:
    """Callback: write a field."""
    st.session_state[key] = value


def _take_id() -> None:
    choose_viewer(st.session_state["viewer_id"] or "")


def _step(explorer: Explorer, user_id: object, by: int) -> None:
    """Callback: the next or the previous viewer, or by chance where `by` is 0."""
    choose_viewer(
        cache.ask(explorer, "tastes.step", user_id, by)
        if by
        else explorer.random_user(secrets.randbelow(2**31))
    )
