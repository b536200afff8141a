"""Compare: people. The sidebar's person beside another one, pinned or named, before the same model.

The other person lives in three bound fields: `other` (a viewer's id; empty: a profile made by hand),
`other_liked` and `other_disliked` (titles changed by hand, or the hand-made profile's own).
"""

from typing import Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.compare.lists import Ranked, compare_two
from dskreg.ui.compare.person_test import show_found
from dskreg.ui.frame import edits, people
from dskreg.ui.frame.sidebar import Selection

FIELDS = ("other", "other_liked", "other_disliked")
GENRES = 10  # of the table of tastes


def show(selection: Selection) -> None:
    """The whole view."""
    explorer, profile = selection.explorer, selection.profile
    other = choose(explorer, profile)
    if other == profile:
        st.info(
            "Both sides are the same person now. Choose another one in the sidebar, and the two stand side by side.",
            icon=":material/group:",
        )
        return
    first, second = names(profile, other)
    lists = [
        Ranked(name, cache.recommendations(explorer, who, selection.top))
        for name, who in ((first, profile), (second, other))
    ]
    st.header("What the model would show them", anchor=False)
    compare_two(lists[0], lists[1], key="people")
    show_likes(explorer, (first, second), profile, other)
    st.header("Are their hidden titles found?", anchor=False)
    show_found([(first, explorer, profile), (second, explorer, other)], "people")


def names(profile: Profile, other: Profile) -> tuple[str, str]:
    """Two headings that differ."""
    first, second = (who.label[:1].upper() + who.label[1:] for who in (profile, other))
    return (f"{first}, sidebar", f"{second}, pinned") if first == second else (first, second)


def choose(explorer: Explorer, profile: Profile) -> Profile:
    """The other person: the pinned one, the one whose id was typed, or somebody worth a look."""
    suggested = suggestion(explorer, profile)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.text_input(
            "The other person", key="other", bind="query-params", width=220, icon=":material/person:", placeholder=placeholder(suggested), on_change=forget,
            help="The id of a viewer. Or press “Pin” and then choose somebody else in the sidebar: that keeps the present person on the right.",
        )  # fmt: skip
        st.button(
            plain(f"Pin {profile.label}"),
            icon=":material/push_pin:",
            key="pin_person",
            on_click=pin,
            args=(profile,),
        )
        swap = st.container()
    with st.expander(
        "Ids in the link: titles that the other person likes or dislikes by hand", icon=":material/link:"
    ):
        texts = {
            "liked": st.text_input(
                "Liked", key="other_liked", bind="query-params", placeholder="comma-separated ids"
            ),
            "disliked": st.text_input(
                "Disliked", key="other_disliked", bind="query-params", placeholder="comma-separated ids"
            ),
        }
    notices: list[Notice] = []
    changed = known_titles(
        explorer, {name: edits.split_ids(text or "") for name, text in texts.items()}, notices
    )
    other = other_person(explorer, (wanted or "").strip(), changed, suggested, notices)
    swap.button(
        "Swap",
        icon=":material/swap_horiz:",
        key="swap_people",
        on_click=exchange,
        args=(profile, other),
        disabled=other == profile,
    )
    for notice in notices:
        widgets.show_notice(notice)
    return other


def placeholder(suggested: object) -> str:
    """What stands in the empty field."""
    made = edits.split_ids(st.session_state.get("other_liked") or "")
    return "a profile made by hand" if made else f"{suggested} (suggested)"


def suggestion(explorer: Explorer, profile: Profile) -> object:
    """Somebody worth a look who is not the present person."""
    presets = cache.ask(explorer, "tastes.presets")["user_id"].tolist()
    return next((user for user in presets if user != profile.user_id), cache.suggested_user(explorer))


def known_titles(
    explorer: Explorer, ids_of: dict[str, list[str]], notices: list[Notice]
) -> dict[str, list[str]]:
    """The ids that the model knows; the others are left out with a notice."""
    known: dict[str, list[str]] = {name: [] for name in ids_of}
    unknown = []
    for name, ids in ids_of.items():
        for wanted in ids:
            try:
                known[name].append(str(explorer.item(wanted)["item_id"]))
            except InputError:
                unknown.append(wanted[:40])
    if unknown:
        notices.append(
            Notice(
                f"This model does not know these titles of the other person: {', '.join(unknown[:10])}. They are left out."
            )
        )
    return known


def other_person(
    explorer: Explorer, wanted: str, changed: dict[str, list[str]], suggested: object, notices: list[Notice]
) -> Profile:
    """The person that the three fields name."""
    if not wanted and changed["liked"]:
        return explorer.edited(explorer.profile_of(changed["liked"]), disliked=changed["disliked"])
    try:
        person = explorer.profile(wanted[:80] or suggested)
    except InputError as error:
        notices.append(
            Notice(f"{error}. You see viewer {suggested} instead.", "Keep the suggested person", clear)
        )
        return explorer.profile(suggested)
    return explorer.edited(person, changed["liked"], changed["disliked"])


def show_likes(explorer: Explorer, headings: tuple[str, str], profile: Profile, other: Profile) -> None:
    """What they like: the titles in common, and their genres side by side."""
    common = set(profile.history) & set(other.history)
    st.header("What they like", anchor=False)
    either = len(set(profile.history) | set(other.history))
    st.markdown(
        f"{plain(headings[0])} likes **{len(profile.history)}** titles, {plain(headings[1])} **{len(other.history)}**; "
        f"both like **{len(common)}** of these {either}."
    )
    left, right = st.columns(2, gap="medium") if explorer.genres else (st.container(), None)
    with left:
        st.markdown("**Liked by both**")
        liked = explorer.liked(profile)
        table = liked[liked["item_id"].isin(common)][["title", "likes"]]
        config = {
            "title": st.column_config.TextColumn("Title", width=220),
            "likes": st.column_config.NumberColumn(
                "Likes", format="localized", help="How many people like it, as far as the model knows."
            ),
        }
        if len(table):
            height: Literal["content"] | int = 320 if len(table) > 8 else "content"
            st.dataframe(
                table,
                hide_index=True,
                key="liked_by_both",
                column_config=config,
                alt="The titles that both like",
                height=height,
            )
        else:
            st.caption("Not one title.")
    if right is not None:
        with right:
            st.markdown("**Share of the liked titles that carry a genre**")
            config = {"genre": st.column_config.TextColumn("Genre", width=110)} | {
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
                alt="Genres of both tastes",
            )


def shares(explorer: Explorer, profile: Profile, other: Profile) -> pd.DataFrame:
    """genre, first, second: each person's share in percent, the genres that tell them apart first."""
    tastes = [
        cache.ask(explorer, "taste", who).set_index("genre")["share"].rename(name)
        for name, who in (("first", profile), ("second", other))
    ]
    table = 100 * pd.concat(tastes, axis=1).fillna(0.0)
    far = (table["first"] - table["second"]).abs()
    return (
        table.loc[far.sort_values(ascending=False, kind="stable").index]
        .head(GENRES)
        .rename_axis("genre")
        .reset_index()
    )


# Callbacks


def pin(profile: Profile) -> None:
    """Callback: this person stays on the right."""
    made = profile.user_id is None
    st.session_state["other"] = "" if made else str(profile.user_id)
    st.session_state["other_liked"] = ",".join(map(str, profile.history if made else profile.liked))
    st.session_state["other_disliked"] = ",".join(map(str, profile.disliked))


def exchange(profile: Profile, other: Profile) -> None:
    """Callback: left becomes right and right left."""
    pin(profile)
    if other.user_id is None:
        st.session_state["profile"], st.session_state["titles"] = "mine", ",".join(map(str, other.history))
    else:
        people.choose_user(other.user_id)
        st.session_state["liked"] = ",".join(map(str, other.liked))
    st.session_state["disliked"] = ",".join(map(str, other.disliked))


def forget() -> None:
    """Callback: the changes by hand belong to one person, so they go with a new id."""
    st.session_state["other_liked"] = st.session_state["other_disliked"] = ""


def clear() -> None:
    """Callback: nobody is pinned."""
    for field in FIELDS:
        st.session_state[field] = ""
