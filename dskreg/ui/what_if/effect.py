"""What a change does to the selected item: its score, its rank and its sampled neighbours."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dskreg.explorer import WhatIf, signed
from dskreg.ui.common import widgets
from dskreg.ui.common.widgets import plain

LEAST = 0.0005  # the smallest difference that three decimals show
NAMED = 3  # neighbours in a sentence
UNRANKED = "no rank, because it cannot be recommended to this user"
CHANGES = {"came": "added", "left": "removed", "stayed": "unchanged"}


def difference(value: float) -> str:
    """The value with its sign, or words where it rounds to 0."""
    return signed(value) if abs(value) >= LEAST else "no difference"


def effect(found: WhatIf, changed: bool) -> str:
    """What happens to the selected item, in one or two sentences of Markdown."""
    before, after = found.before.score, found.after.score
    if not changed:
        rank = f"rank **{found.rank_before:,}** of {found.ranked_before:,}" if found.rank_before else UNRANKED
        return f"Without changes: score **{before:.3f}**, {rank}."
    if found.rank_before and found.rank_after:
        up = found.rank_before - found.rank_after
        verb = "rises from" if up > 0 else "falls from" if up else "keeps"
        to = f" to **{found.rank_after:,}**" if up else ""
        rank = f"{verb} rank **{found.rank_before:,}**{to} of {found.ranked_after:,}"
    else:
        rank = "leaves the ranking, because the user now likes it" if found.rank_before else f"has {UNRANKED}"
    moved = f"**{before:.3f}** to **{after:.3f}** ({difference(after - before)})"
    return f"*{plain(found.before.title)}* {rank}. Its score changes from {moved}."


def neighbours_of(found: WhatIf) -> pd.DataFrame:
    """`WhatIf.neighbours` with the change in this page's words: added, removed, unchanged."""
    neighbours = found.neighbours
    return neighbours.assign(change=neighbours["change"].replace(CHANGES))


def show_numbers(found: WhatIf) -> None:
    """Score, rank and sampled neighbours after the change, with the differences."""
    added = int((neighbours_of(found)["change"] == "added").sum())
    difference = found.after.score - found.before.score
    up = found.rank_before - found.rank_after if found.rank_before and found.rank_after else 0
    with st.container(horizontal=True):
        st.metric(
            "Score",
            f"{found.after.score:.3f}",
            f"{difference:+.3f}" if abs(difference) >= LEAST else None,
            border=True,
            height="stretch",
            help="The model's preference for this item; only the order and the gaps between scores count.",
        )
        st.metric(
            "Rank",
            f"{found.rank_after:,}" if found.rank_after else "–",
            f"{up:+d} place{'s' * (abs(up) != 1)}" if up else None,
            border=True,
            height="stretch",
            help=f"The position among the {found.ranked_after:,} items that can be recommended to this user; "
            "hidden items have none.",
        )
        st.metric(
            "Neighbour contribution",
            signed(found.after.neighbour_contribution),
            widgets.from_neighbours(found.after),
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help="What the sampled neighbours add to the score together.",
        )
        st.metric(
            "Sampled neighbours",
            int(found.after.item_neighbours["picked"].sum()),
            f"{added} added" if added else None,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help="The number of neighbours that the model samples for this item.",
        )


def some(neighbours: pd.DataFrame) -> str:
    """The first few neighbours by name and relation, and the number of the others; Markdown."""
    if neighbours.empty:
        return "none"
    names = [
        f"*{plain(title)}* ({plain(relation)})"
        for title, relation in zip(neighbours["title"], neighbours["relation"], strict=True)
    ]
    others = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return widgets.listed([*names[:NAMED], *others])


def show_neighbours(found: WhatIf) -> None:
    """The item's sampled neighbours before and after the change, with their contributions."""
    sampled = neighbours_of(found)
    st.subheader("Sampled neighbours", anchor=False)
    if sampled.empty:
        st.caption("No neighbour is sampled before or after the change: the score is the own embedding's.")
        return
    removed, added = (sampled[sampled["change"] == change] for change in ("removed", "added"))
    if len(removed) or len(added):
        st.markdown(f"Removed: {some(removed)}. Added: {some(added)}.")
    elif (sampled["contribution_before"] - sampled["contribution_after"]).abs().max() < LEAST:
        st.caption("The change affects neither the sampled neighbours nor their contributions.")
    else:
        st.caption("The sampled neighbours are the same; their contributions differ.")
    columns = {"title": "Neighbour", "relation": "Relation", "change": "Change"}
    contributions = {"contribution_before": "Contribution before", "contribution_after": "Contribution after"}
    st.dataframe(
        sampled[[*columns, *contributions]],
        hide_index=True,
        height="content",
        key="neighbours",
        alt="The sampled neighbours before and after the change, with their contributions to the score",
        column_config={name: st.column_config.TextColumn(label) for name, label in columns.items()}
        | {
            name: st.column_config.NumberColumn(
                label, format="%+.3f", help="The neighbour's part of the score; 0 where it is not sampled."
            )
            for name, label in contributions.items()
        },
    )
