"""Editing a profile: added likes and dislikes, kept in the URL.

The ids live in bound text fields: `titles` are the likes of a custom profile, `liked` those added to a user
of the data, `disliked` serves both. Pages pass `like`, `dislike` and `forget` to their buttons as callbacks.
"""

from collections.abc import Callable
from functools import partial

import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common.widgets import Notice, plain

MOST_TITLES = 200  # ids read from one field
FOUND, SHOWN = 6, 12  # titles that a search offers, edits that the sidebar lists
EDIT_HELP = (
    "A liked item joins the profile and changes every score. "
    "A disliked item leaves the profile and the lists; the model learns nothing from it."
)


def split_ids(text: str) -> list[str]:
    """Ids from a text field: separated by commas or blanks, each once."""
    return list(dict.fromkeys(text.replace(",", " ").split()))[:MOST_TITLES]


# Callbacks


def like(item_id: object) -> None:
    """Callback: add this title to the likes, of a user of the data or of a custom profile."""
    forget(item_id)
    if str(item_id) not in _own_likes():
        _put(_likes_field(), [*_ids(_likes_field()), str(item_id)])


def dislike(item_id: object) -> None:
    """Callback: remove this title from the profile and from the lists."""
    forget(item_id)
    _put("disliked", [*_ids("disliked"), str(item_id)])


def forget(item_id: object) -> None:
    """Callback: undo a like or a dislike; a custom profile loses the title."""
    for field in (_likes_field(), "disliked"):
        _put(field, [other for other in _ids(field) if other != str(item_id)])


def undo_all() -> None:
    """Callback: undo all edits; a custom profile keeps its titles."""
    st.session_state["liked"] = st.session_state["disliked"] = ""


def _likes_field() -> str:
    """The field of the added likes; a custom profile consists of its likes."""
    return "titles" if st.session_state.get("profile") == "mine" else "liked"


def _own_likes() -> set[str]:
    """The user's likes in the data, which need no entry in the URL."""
    selection = st.session_state.get("selection")
    if selection is None or selection.profile.user_id is None or _likes_field() == "titles":
        return set()
    return {str(title) for title in selection.explorer.profile(selection.profile.user_id).history}


def _ids(field: str) -> list[str]:
    return split_ids(st.session_state.get(field) or "")


def _put(field: str, ids: list[str]) -> None:
    st.session_state[field] = ",".join(dict.fromkeys(ids))


def _keep(ids_of: dict[str, list[str]]) -> None:
    for field, ids in ids_of.items():
        _put(field, ids)


def _take_found(act: Callable[[object], None], item_id: object) -> None:
    """Callback of a search result: act on the title and clear the search."""
    act(item_id)
    st.session_state["search"] = ""


def _take_chosen() -> None:
    _put("titles", [str(item_id) for item_id in st.session_state["chosen"]])


# Ids in the URL


def known_titles(
    explorer: Explorer,
    ids_of: dict[str, list[str]],
    notices: list[Notice],
    owner: str = "the profile",
    button: str = "Remove them",
) -> dict[str, list[str]]:
    """The known ids of each field; unknown ids are left out with a notice."""
    known: dict[str, list[str]] = {}
    unknown: list[str] = []
    for field, ids in ids_of.items():
        known[field] = []
        for wanted in ids:
            try:
                known[field].append(str(explorer.item(wanted)["item_id"]))
            except InputError:
                unknown.append(wanted)
    if unknown:
        named = ", ".join(wanted[:40] for wanted in unknown[:10])
        notices.append(
            Notice(
                f"Unknown items in {owner}: {named}. They are left out.",
                button,
                partial(_keep, known),
            )
        )
    return known


# Widgets


def search(explorer: Explorer, label: str) -> None:
    """Find a title by name and like or dislike it with a click."""
    text = st.text_input(
        label, key="search", type="search", live="300ms", placeholder="part of an item's name", help=EDIT_HELP
    )
    if not (text and text.strip()):
        return
    found = explorer.find_items(text.strip(), limit=FOUND)
    with st.container(gap="xxsmall"):
        mark, act, icon = "add", like, "add"
        if len(found) and st.toggle("Dislike instead", key="search_dislikes"):
            mark, act, icon = "drop", dislike, "thumb_down"
        for item_id, title in zip(found["item_id"].tolist(), found["title"], strict=True):
            st.button(
                plain(title),
                key=f"{mark} {item_id}",
                icon=f":material/{icon}:",
                type="tertiary",
                on_click=_take_found,
                args=(act, item_id),
            )
    if found.empty:
        st.caption("No item matches. Try fewer letters.")


def chosen(explorer: Explorer, profile: Profile) -> None:
    """The titles of a custom profile as chips that can be removed."""
    titles = _distinct({str(item_id): str(explorer.item(item_id)["title"]) for item_id in profile.history})
    st.session_state["chosen"] = list(titles)
    st.multiselect(
        "Liked items",
        list(titles),
        format_func=lambda key: titles.get(key, key),
        key="chosen",
        on_change=_take_chosen,
        placeholder="none yet",
    )


def changes(explorer: Explorer, profile: Profile) -> None:
    """The edits, with a button to undo each and one to undo all."""
    for label, item_ids in (("Added likes", profile.liked), ("Dislikes", profile.disliked)):
        if item_ids:
            with st.container(gap="xxsmall"):
                st.caption(f"{label}; click to undo")
                for item_id in item_ids[:SHOWN]:
                    title = plain(explorer.item(item_id)["title"])
                    st.button(
                        title,
                        key=f"forget {item_id}",
                        icon=":material/close:",
                        width="stretch",
                        on_click=forget,
                        args=(item_id,),
                    )
                if len(item_ids) > SHOWN:
                    st.caption(f"and {len(item_ids) - SHOWN} more, in the URL")
    if profile.edited:
        st.button(
            "Undo all edits", icon=":material/undo:", key="undo_all", type="tertiary", on_click=undo_all
        )


def _distinct(labels: dict[str, str]) -> dict[str, str]:
    """Labels that differ: titles of the same name get their id appended, or the chooser would merge them."""
    names = list(labels.values())
    return {key: f"{name} ({key})" if names.count(name) > 1 else name for key, name in labels.items()}
