"""Compare users: the sidebar's profile and another one, pinned or named, for the same model.

The other profile lives in three bound fields: `other` (a user's id; empty for a custom profile),
`other_liked` and `other_disliked` (the edits of that user, or the items of the custom profile).
"""

from typing import Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.compare.lists import Ranked, compare_two
from dskreg.ui.compare.user_item import show_user_item
from dskreg.ui.compare.user_test import show_user_test
from dskreg.ui.frame import edits, link, url
from dskreg.ui.frame.sidebar import Selection

FIELDS = ("other", "other_liked", "other_disliked")
GENRES = 10  # rows of the table of tastes


def show(selection: Selection) -> None:
    """The whole view."""
    explorer, profile = selection.explorer, selection.profile
    other = choose(explorer, profile)
    if other == profile:
        st.info(
            "Both sides show the same user. Choose another one in the sidebar or here.",
            icon=":material/balance:",
        )
        return
    first, second = names(profile, other)
    lists = [
        Ranked(name, cache.recommendations(explorer, user, selection.top))
        for name, user in ((first, profile), (second, other))
    ]
    st.header("Recommendations", anchor=False)
    compare_two(lists[0], lists[1], key="users")
    show_user_item(selection, other, (first, second))
    show_likes(explorer, (first, second), profile, other)
    st.header("Test on held-out items", anchor=False)
    show_user_test([(first, explorer, profile), (second, explorer, other)], "users")


def names(profile: Profile, other: Profile) -> tuple[str, str]:
    """Two headings that differ."""
    first, second = (user.label[:1].upper() + user.label[1:] for user in (profile, other))
    return (f"{first} (sidebar)", f"{second} (pinned)") if first == second else (first, second)


def choose(explorer: Explorer, profile: Profile) -> Profile:
    """The other profile: the pinned one, the user whose id was typed, or a suggested user."""
    suggested = suggestion(explorer, profile)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.text_input(
            "Other user",
            key="other",
            bind="query-params",
            width=220,
            icon=":material/person:",
            placeholder=placeholder(suggested),
            on_change=forget,
            help="The id of the user on the right.",
        )
        st.button(
            plain(f"Pin {profile.label}"),
            icon=":material/push_pin:",
            key="pin_person",
            on_click=pin,
            args=(profile,),
            help="Keeps this user on the right while you choose another one in the sidebar.",
        )
        swap = st.container()
    with url.parameters():
        texts = {
            "other_liked": st.text_input("Other user: likes", key="other_liked", bind="query-params"),
            "other_disliked": st.text_input(
                "Other user: dislikes", key="other_disliked", bind="query-params"
            ),
        }
    notices: list[Notice] = []
    edited = {field: edits.split_ids(text or "") for field, text in texts.items()}
    edited = edits.known_titles(explorer, edited, notices, "the other profile", "Remove from other profile")
    other = other_user(explorer, (wanted or "").strip(), edited, suggested, notices)
    link.pin(other=other.user_id)
    swap.button(
        "Swap",
        icon=":material/swap_horiz:",
        key="swap_people",
        on_click=exchange,
        args=(profile, other),
        disabled=other == profile,
        help="Exchanges the users on the left and on the right.",
    )
    for notice in notices:
        widgets.show_notice(notice)
    return other


def placeholder(suggested: object) -> str:
    """The text in the empty field of the other user's id."""
    custom = edits.split_ids(st.session_state.get("other_liked") or "")
    return "custom profile" if custom else f"{suggested} (suggested)"


def suggestion(explorer: Explorer, profile: Profile) -> object:
    """A user other than the sidebar's: the first preset, where there is one."""
    presets = cache.ask(explorer, "tastes.presets")["user_id"].tolist()
    users = [*presets, *explorer.user_ids[:2].tolist()]
    return next((user for user in users if user != profile.user_id), profile.user_id)


def other_user(
    explorer: Explorer, wanted: str, edited: dict[str, list[str]], suggested: object, notices: list[Notice]
) -> Profile:
    """The profile that the three fields name: the id `wanted` and the edits by field."""
    liked, disliked = edited["other_liked"], edited["other_disliked"]
    if not wanted and liked:
        return explorer.edited(explorer.profile_of(liked), disliked=disliked)
    try:
        user = explorer.profile(wanted[:80] or suggested)
    except InputError as error:
        notices.append(Notice(f"{error}. You see user {suggested}.", "Keep suggested user", clear))
        return explorer.profile(suggested)
    return explorer.edited(user, liked, disliked)


def show_likes(explorer: Explorer, headings: tuple[str, str], profile: Profile, other: Profile) -> None:
    """The liked items in common, and the genres of both profiles."""
    common = set(profile.history) & set(other.history)
    st.header("Likes", anchor=False)
    either = len(set(profile.history) | set(other.history))
    counts = f"**{len(profile.history)}** items, {plain(headings[1])} **{len(other.history)}**"
    st.markdown(f"{plain(headings[0])} likes {counts}; both like **{len(common)}** of these {either}.")
    left, right = st.columns(2, gap="medium") if explorer.genres else (st.container(), None)
    with left:
        st.markdown("**Liked by both**")
        liked = explorer.liked(profile)
        table = liked[liked["item_id"].isin(common)][["title", "likes"]]
        config = {
            "title": st.column_config.TextColumn("Item", width=220),
            "likes": st.column_config.NumberColumn(
                "Likes",
                format="localized",
                help="The number of users who like the item.",
            ),
        }
        if len(table):
            height: Literal["content"] | int = 320 if len(table) > 8 else "content"
            st.dataframe(
                table,
                hide_index=True,
                key="liked_by_both",
                column_config=config,
                alt="The items that both users like",
                height=height,
            )
        else:
            st.caption("None.")
    if right is not None:
        with right:
            kind = explorer.directory.described_by
            st.markdown(f"**Share of the liked items by {plain(kind)}**")
            config = {"genre": st.column_config.TextColumn(kind.capitalize(), width=110)} | {
                key: st.column_config.NumberColumn(name, format="%.0f%%", width=110)
                for key, name in zip(("first", "second"), headings, strict=True)
            }
            table = shares(explorer, profile, other)
            st.dataframe(
                table,
                hide_index=True,
                key="both_tastes",
                height="content",
                column_config=config,
                alt=f"The share of each {kind} among the liked items of both users",
            )


def shares(explorer: Explorer, profile: Profile, other: Profile) -> pd.DataFrame:
    """genre, first, second: each user's share in percent, the genres that differ most first."""
    tastes = [
        cache.ask(explorer, "taste", user).set_index("genre")["share"].rename(name)
        for name, user in (("first", profile), ("second", other))
    ]
    table = 100 * pd.concat(tastes, axis=1).fillna(0.0)
    difference = (table["first"] - table["second"]).abs()
    return (
        table.loc[difference.sort_values(ascending=False, kind="stable").index]
        .head(GENRES)
        .rename_axis("genre")
        .reset_index()
    )


# Callbacks


def pin(profile: Profile) -> None:
    """Callback: this user stays on the right."""
    custom = profile.user_id is None
    st.session_state["other"] = "" if custom else str(profile.user_id)
    st.session_state["other_liked"] = ",".join(map(str, profile.history if custom else profile.liked))
    st.session_state["other_disliked"] = ",".join(map(str, profile.disliked))


def exchange(profile: Profile, other: Profile) -> None:
    """Callback: exchange the users on the left and on the right."""
    pin(profile)
    if other.user_id is None:
        st.session_state["profile"], st.session_state["titles"] = "mine", ",".join(map(str, other.history))
    else:
        st.session_state["profile"], st.session_state["user"] = "viewer", str(other.user_id)
        st.session_state["liked"] = ",".join(map(str, other.liked))
    st.session_state["disliked"] = ",".join(map(str, other.disliked))


def forget() -> None:
    """Callback: the edits belong to one user, so a new id removes them."""
    st.session_state["other_liked"] = st.session_state["other_disliked"] = ""


def clear() -> None:
    """Callback: no user is pinned."""
    for field in FIELDS:
        st.session_state[field] = ""
