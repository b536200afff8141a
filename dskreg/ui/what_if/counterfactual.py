"""The minimal counterfactual explanation: the smallest removal of likes that takes the item off the list."""

from __future__ import annotations

import streamlit as st

from dskreg.explorer import Counterfactual, Explorer, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.what_if import changes

MOST = 8  # likes in a set


def show(explorer: Explorer, profile: Profile, item_id: object, top: int) -> None:
    """The fewest liked items whose removal takes the item off the top of the list, and a button that applies
    it; of an item that is not there, those that displace the first recommendation.
    """
    st.subheader("Minimal counterfactual explanation", anchor=False)
    with st.spinner("Searching for the minimal set …"):
        found = _ask(explorer, profile, item_id, top)
        outside = not 0 < found.rank_before <= top
        if outside and profile.history:
            st.markdown(not_listed(explorer, profile, item_id, found))
            found = _ask(explorer, profile, None, 1)
    likes = len(profile.history)
    if not found.found:
        st.markdown(not_found(found, likes))
        if found.first is not None and likes > 1:
            st.caption(search_extent(found, likes))
        return
    names = [f"**{plain(explorer.item(key)['title'])}**" for key in found.removed]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(in_words(found, names), width="stretch")
        if changes.is_removed(found):
            st.badge("Applied", icon=":material/check:", color="green")
        else:
            st.button(
                "Apply",
                icon=":material/experiment:",
                type="primary",
                key="apply_counterfactual",
                on_click=changes.apply_removal,
                args=(found, item_id),
                help="Removes these likes and nothing else, and shows what the model says then.",
            )
    st.caption(search_extent(found, likes))


def _ask(explorer: Explorer, profile: Profile, item_id: object, top: int) -> Counterfactual:
    found: Counterfactual = cache.ask(explorer, "smallest_removal", profile, MOST, item_id, top)
    return found


def in_words(found: Counterfactual, names: list[str]) -> str:
    """What the removal of the items called `names` does, in Markdown."""
    first, other = (f"**{plain(title)}**" for title in (found.first_title, found.replacement_title))
    if found.top == 1:
        return (
            f"Without {widgets.listed(names)}, the first recommendation would be {other} instead of {first}."
        )
    return (
        f"Without {widgets.listed(names)}, {first} leaves the top {found.top}: it falls from rank "
        f"**{found.rank_before}** to **{found.rank_after}**, and {other} comes in."
    )


def not_listed(explorer: Explorer, profile: Profile, item_id: object, found: Counterfactual) -> str:
    """Why no removal can take the item off the list, in Markdown."""
    title = plain(explorer.item(item_id)["title"])
    if not found.rank_before:
        why = "it is disliked" if item_id in profile.disliked else "the user has seen it"
        return f"*{title}* is not recommended, because {why}. For the first recommendation:"
    return (
        f"*{title}* has rank **{found.rank_before:,}**, outside the top {found.top}. For the first "
        "recommendation:"
    )


def search_extent(found: Counterfactual, likes: int) -> str:
    """How many histories were scored, and whether the result is proven."""
    tried = f"The model scored {found.tried:,} shortened histor{'ies' if found.tried != 1 else 'y'}."
    size = len(found.removed)
    if found.proven:
        smaller = "single item" if size == 2 else "smaller set"
        return f"Proven minimal: every {smaller} was tried. {tried}" if size > 1 else tried
    doubt = "not proven minimal" if found.found else "a set that changes it may still exist"
    if not found.complete:
        return f"{tried} All sets were searched heuristically: {doubt}."
    complete = f"All sets of up to {found.complete} items were tried"
    if found.complete == 1:
        complete = f"Each of the {likes} items was tried alone"
    return f"{tried} {complete}; larger sets were searched heuristically: {doubt}."


def not_found(found: Counterfactual, likes: int) -> str:
    """Why there is no counterfactual, in Markdown."""
    first = plain(found.first_title)
    if not likes:
        return "This user has no liked items that could be removed."
    if found.first is None:
        return "There is no recommendation to replace."
    if likes == 1:
        return f"*{first}* depends on the only liked item: without it, the model knows nothing of this taste."
    place = "first" if found.top == 1 else f"in the top {found.top}"
    if found.proven:
        which = f"whichever of the {likes} liked items are removed, as long as one is left"
        return f"*{first}* stays {place} {which}."
    effect = "replaces" if found.top == 1 else f"takes off the top {found.top}"
    return f"No tested removal of up to {found.most} liked items {effect} *{first}*."
