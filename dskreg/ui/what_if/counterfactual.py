"""The minimal counterfactual explanation of a user's first recommendation."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dskreg.explorer import Counterfactual, Explorer, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.what_if import changes


def show(explorer: Explorer, profile: Profile, selected: object) -> None:
    """The fewest liked items whose removal changes the first recommendation, and a button that applies it."""
    st.header("Minimal counterfactual explanation", anchor=False)
    st.caption("The smallest set of liked items whose removal changes the first recommendation.")
    with st.spinner("Searching for the minimal set …"):
        found: Counterfactual = cache.ask(explorer, "smallest_removal", profile)
    likes = len(profile.history)
    if not found.found:
        st.markdown(not_found(found, likes))
        if found.first is not None and likes > 1:
            st.caption(search_extent(found, likes))
        return
    names = [f"**{plain(explorer.item(key)['title'])}**" for key in found.removed]
    st.markdown(
        f"Without {widgets.listed(names)}, the first recommendation would be "
        f"**{plain(found.replacement_title)}** instead of **{plain(found.first_title)}**."
    )
    _scores(found)
    st.caption(search_extent(found, likes))
    st.button(
        "Apply",
        icon=":material/experiment:",
        key="apply_counterfactual",
        on_click=changes.apply_removal,
        args=(found, selected),
        help="Replaces all changes above with this removal and selects the item that was first.",
    )


def _scores(found: Counterfactual) -> None:
    scores = pd.DataFrame(
        {
            "title": [found.first_title, found.replacement_title],
            "before": [found.first_before, found.replacement_before],
            "after": [found.first_after, found.replacement_after],
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        scores,
        hide_index=True,
        height="content",
        width="content",
        key="reason",
        alt="The scores of the first recommendation and of its replacement, before and after the removal",
        column_config={
            "title": st.column_config.TextColumn("Item", width=180),
            "before": number("Score before", format="%.3f", width=100, help="With all liked items."),
            "after": number("Score after", format="%.3f", width=100, help="Without the items named above."),
        },
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
    if found.proven:
        return (
            f"*{first}* stays first whichever of the {likes} liked items are removed, as long as one is left."
        )
    return f"No tested removal of up to {found.most} liked items replaces *{first}*."
