"""Choosing a profile: a user of the data by id, taste or at random, or a custom profile made of titles.

The choosers write into the bound text fields `user`, `titles`, `liked` and `disliked` through callbacks, so
that each chosen user adds an entry to the browser's history.
"""

import secrets
from functools import partial

import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame import edits, finder, url
from dskreg.ui.frame.edits import dislike, forget, like, split_ids
from dskreg.ui.frame.finder import choose_user, forget_changes

__all__ = ["choose_user", "chosen_profile", "dislike", "forget", "forget_changes", "like"]


def chosen_profile(explorer: Explorer, kind: str, ids: dict[str, str], notices: list[Notice]) -> Profile:
    """The profile that the URL's fields name, and the choosers for another; `kind` is one of `url.KINDS`."""
    disliked = split_ids(ids["disliked"])
    if kind == url.CUSTOM:
        return custom_profile(explorer, split_ids(ids["titles"]), disliked, notices)
    return dataset_user(explorer, ids["user"].strip(), split_ids(ids["liked"]), disliked, notices)


def dataset_user(
    explorer: Explorer, wanted: str, liked: list[str], disliked: list[str], notices: list[Notice]
) -> Profile:
    """The user with the id `wanted`, with these edits; a suggested user where it is empty or unknown."""
    suggested = cache.suggested_user(explorer)
    try:
        profile = explorer.profile(wanted[:80] or suggested)
    except InputError as error:
        profile = explorer.profile(suggested)
        text = f"{error}. You see user {suggested}."
        notices.append(Notice(text, "Keep the suggested user", partial(choose_user, "")))
    st.session_state["user_id"] = wanted
    st.text_input(
        "User id",
        key="user_id",
        placeholder=f"{suggested} (suggested)",
        icon=":material/person:",
        on_change=_take_id,
    )
    with st.container(horizontal=True, gap="xxsmall"):
        for label, by in (("Previous", -1), ("Next", 1)):
            _step_button(explorer, profile, label, by)
    # Wider than the sidebar, as the presets need
    with st.popover("Find users", icon=":material/search:", width="stretch", key="find_users"):
        finder.presets(explorer, profile.user_id)
        _step_button(explorer, profile, "Random", 0)
        finder.search(explorer)
    known = edits.known_titles(explorer, {"liked": liked, "disliked": disliked}, notices)
    profile = explorer.edited(profile, **known)
    with st.expander("Edit profile", icon=":material/edit:"):
        edits.search(explorer, "Add or remove")
    edits.changes(explorer, profile)
    return profile


def custom_profile(
    explorer: Explorer, titles: list[str], disliked: list[str], notices: list[Notice]
) -> Profile:
    """A profile made of these titles; unknown ids are left out with a notice."""
    known = edits.known_titles(explorer, {"titles": titles, "disliked": disliked}, notices)
    profile = (
        explorer.profile_of(known["titles"])
        if known["titles"]
        else Profile(None, (), (), "custom profile (no item yet)")
    )
    profile = explorer.edited(profile, disliked=known["disliked"])
    edits.search(explorer, "Add an item")
    edits.chosen(explorer, profile)
    edits.changes(explorer, profile)
    return profile


def _take_id() -> None:
    choose_user(st.session_state["user_id"] or "")


def _step_button(explorer: Explorer, profile: Profile, label: str, by: int) -> None:
    st.button(
        label,
        key=f"user_{label.lower()}",
        width="stretch",
        on_click=_step,
        args=(explorer, profile.user_id, by),
    )


def _step(explorer: Explorer, user_id: object, by: int) -> None:
    """Callback: the next or the previous user, or a random one where `by` is 0."""
    choose_user(
        cache.ask(explorer, "tastes.step", user_id, by)
        if by
        else explorer.random_user(secrets.randbelow(2**31))
    )
