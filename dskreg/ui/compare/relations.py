"""One relation of the knowledge graph (field `relation_name`): what it connects, what the sampler makes of
it, and where it raises and lowers this user's scores most.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import percent
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame.sidebar import Selection

FIELDS = ("relation_name",)
ENTITIES = {
    "entity": st.column_config.TextColumn("Entity", pinned=True, width=180),
    "titles": st.column_config.NumberColumn("Items", format="localized", help="Items that carry it."),
}
PAIRS: dict[str, Any] = {
    "title": st.column_config.TextColumn("Item", pinned=True, width=140),
    "neighbour": st.column_config.TextColumn("Sampled neighbour", width=140),
    "contribution": st.column_config.NumberColumn(
        "Adds", format="%+.3f", width=70, help="What the neighbour adds to the item's score for this user."
    ),
    "share": st.column_config.NumberColumn(
        "Sampled first",
        format="%.1f%%",
        width=95,
        help="Probability that the neighbour is sampled first.",
    ),
    "via": st.column_config.ListColumn("Via", help="Entities that both share."),
}


def show(selection: Selection) -> None:
    """The whole view."""
    explorer, profile = selection.explorer, selection.profile
    names = cache.relation_names(explorer)
    if not names:
        st.info("The knowledge graph of this model has no relations.", icon=":material/hub:")
        return
    asked = st.query_params.get("relation_name")
    name = st.selectbox(
        "Relation",
        names,
        key="relation_name",
        bind="query-params",
        width=300,
        help="Those sampled most come first.",
    )
    if asked is not None and asked not in names:
        widgets.show_notice(Notice(f"The model has no relation {asked[:60]}. You see another one."))
    found = cache.ask(explorer, "relation", profile, name, selection.top)
    statistics = cache.ask(explorer, "graph_statistics").set_index("relation")
    st.header(plain(name), anchor=False)
    st.markdown(in_words(found, statistics, profile.label, selection.top))
    best, worst = st.columns(2, gap="medium")
    for place, rows, heading in (
        (best, found.best, "Best examples: raise the score most"),
        (worst, found.worst, "Worst examples: raise it least, or lower it"),
    ):
        place.subheader(heading, anchor=False)
        if rows.empty:
            place.caption("None.")
            continue
        place.dataframe(
            rows.assign(share=100 * rows["share"]),
            hide_index=True,
            key=f"relation_{'best' if rows is found.best else 'worst'}",
            column_order=tuple(PAIRS),
            column_config=PAIRS,
            alt=f"{heading}: sampled neighbours under {name}",
        )
    st.subheader("Entities", anchor=False)
    if found.entities.empty:
        st.caption("This relation connects items directly.")
        return
    st.dataframe(
        found.entities,
        hide_index=True,
        key="relation_entities",
        column_config=ENTITIES,
        width="content",
        height=320 if len(found.entities) > 8 else "content",
        alt=f"The entities of {name}, with the number of items that carry each",
    )


def in_words(found: Any, statistics: pd.DataFrame, user: str, top: int) -> str:
    """What it links, its weight and its shares, in Markdown.

    Args:
        statistics: `Explorer.graph_statistics` by relation.
    """
    row = statistics.loc[found.name]
    of_candidates = row["candidates"] / max(1, statistics["candidates"].sum())
    weight = "" if pd.isna(row["weight"]) else f" Its weight is **{row['weight']:.2f}**."
    entities = f" through **{len(found.entities):,}** entities" if len(found.entities) else ""
    adds = (
        ""
        if found.share is None
        else (
            f" For {plain(user)}, it makes **{percent(found.share)}** of what the neighbours add to the "
            f"top {top}."
        )
    )
    return (
        f"It links **{row['titles']:,.0f}** items{entities}.{weight} It has **{percent(of_candidates)}** of "
        f"the candidates and **{percent(row['mass'])}** of the probability to be sampled first; an item "
        f"samples **{row['picks']:.1f}** neighbours under it on average.{adds} Of "
        f"**{found.sampled:,}** sampled pairs, **{found.below:,}** lower the score."
    )
