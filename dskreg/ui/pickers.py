"""Choosing a person: a viewer of the data by id, taste or chance, or a profile of one's own made of titles.

The pickers write into the bound text fields `user` and `titles`, which hold the ids for the address.
"""

import secrets
from functools import partial

import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui import resources
from dskreg.ui.panels import Notice, plain

MOST = 50  # options a chooser sends to the browser
MOST_TITLES = 200  # titles a link may carry


def viewer(explorer: Explorer, notices: list[Notice]) -> Profile:
    """One viewer of the data: the field `user`, or a suggested one where it is empty or unknown."""
    suggested = str(resources.suggested_viewer(explorer))
    wanted = st.text_input(
        "Viewer id",
        key="user",
        bind="query-params",
        placeholder=f"{suggested} (suggested)",
        icon=":material/person:",
        help=f"One of {explorer.user_count:,} viewers. Left empty, the app suggests one with a clear taste.",
    )
    st.button("Random viewer", icon=":material/casino:", width="stretch", on_click=_random_viewer, args=(explorer,))
    with st.expander("Find a viewer", icon=":material/search:"):
        _find_viewer(explorer)
    if wanted and wanted.strip():
        try:
            return explorer.profile(wanted.strip()[:80])
        except InputError as error:
            notices.append(Notice(f"{error}. You see viewer {suggested} instead.", "Keep the suggested viewer", partial(set_field, "user", "")))
    return explorer.profile(suggested)


def _find_viewer(explorer: Explorer) -> None:
    text = st.text_input("Id begins with", key="user_prefix", type="search", live="300ms")
    genre = st.selectbox("Likes most", explorer.genres, index=None, key="user_genre", placeholder="any genre")
    found = resources.ask(explorer, "tastes.find", (text or "").strip(), loves=genre, limit=MOST)
    if found.empty:
        st.caption("No viewer matches. Clear one of the two fields.")
        return
    labels = {
        user_id: f"{user_id} · {liked} liked · {favourites}"
        for user_id, liked, favourites in zip(found["user_id"].tolist(), found["liked"], found["favourites"], strict=True)
    }
    st.selectbox(
        f"Matching viewers ({len(found)}{'+' if len(found) == MOST else ''})",
        list(labels),
        index=None,
        format_func=lambda user_id: labels.get(user_id, str(user_id)),
        key="match",
        placeholder="choose one",
        on_change=_take_match,
    )


def own_profile(explorer: Explorer, ids: list[str], notices: list[Notice]) -> Profile:
    """A profile made of these titles; ids that the model does not know are left out with a notice."""
    known, unknown = [], []
    for wanted in ids:
        try:
            known.append(explorer.item(wanted))
        except InputError:
            unknown.append(wanted)
    if unknown:
        named = ", ".join(wanted[:40] for wanted in unknown[:10])
        keep = [str(row["item_id"]) for row in known]
        notices.append(Notice(f"This model does not know these titles of the profile: {named}. They are left out.", "Remove them", partial(_set_titles, keep)))
    text = st.text_input("Add a title you like", key="search", type="search", live="300ms", placeholder="type a part of its name")
    if text and text.strip():
        found = explorer.find_items(text.strip(), limit=6)
        with st.container(gap="xxsmall"):
            for item_id, title in zip(found["item_id"].tolist(), found["title"], strict=True):
                st.button(plain(title), key=f"add {item_id}", icon=":material/add:", type="tertiary", on_click=add_title, args=(item_id,))
        if found.empty:
            st.caption("No title contains that. Try fewer letters.")
    titles = _distinct({str(row["item_id"]): str(row["title"]) for row in known})
    st.session_state["chosen"] = list(titles)
    st.multiselect("My titles", list(titles), format_func=lambda key: titles.get(key, key), key="chosen", on_change=_take_chosen, placeholder="none yet")
    history = tuple(row["item_id"] for row in known)
    return explorer.profile_of(history) if history else Profile(None, (), (), "my own profile (no title yet)")


def add_title(item_id: object) -> None:
    """Callback: put a title into the hand-made profile."""
    _set_titles([*split_ids(st.session_state.get("titles") or ""), str(item_id)])
    st.session_state["search"] = ""


def split_ids(text: str) -> list[str]:
    """Ids from a text field: separated by commas or blanks, each once."""
    return list(dict.fromkeys(text.replace(",", " ").split()))[:MOST_TITLES]


def _distinct(labels: dict[str, str]) -> dict[str, str]:
    """Two titles of one name need two labels, or the chooser takes them for one."""
    names = list(labels.values())
    return {key: f"{name} ({key})" if names.count(name) > 1 else name for key, name in labels.items()}


def set_field(key: str, value: str) -> None:
    """Callback: write a text field."""
    st.session_state[key] = value


def _set_titles(ids: list[str]) -> None:
    st.session_state["titles"] = ",".join(dict.fromkeys(ids))


def _take_chosen() -> None:
    _set_titles(st.session_state["chosen"])


def _take_match() -> None:
    if st.session_state["match"] is not None:
        st.session_state["user"] = str(st.session_state["match"])
        st.session_state["match"] = None


def _random_viewer(explorer: Explorer) -> None:
    st.session_state["user"] = str(explorer.random_user(secrets.randbelow(2**31)))
