"""One entity of the knowledge graph (field `entity`): the titles that carry it, how they rank for this user,
and the sampled neighbours that it connects.
"""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.entities import OFFERED, found_by, known_entities, label
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import link, url
from dskreg.ui.frame.sidebar import Selection

FIELDS = ("entity",)
TITLES = {
    "title": st.column_config.TextColumn("Item", pinned=True, width=190),
    "likes": st.column_config.NumberColumn("Likes", format="localized"),
    "rank": st.column_config.NumberColumn(
        "Rank", format="localized", help="Rank among all recommendations for this user; –: hidden."
    ),
    "candidates": st.column_config.NumberColumn(
        "Candidates", help="Candidate neighbours of the item that the entity connects."
    ),
    "sampled": st.column_config.NumberColumn("Sampled", help="How many of these are sampled without noise."),
    "sampled_by": st.column_config.NumberColumn(
        "Sampled by", help="Items that sample this one through the entity."
    ),
}
EDGES = {
    "title": st.column_config.TextColumn("Item", pinned=True, width=190),
    "neighbour": st.column_config.TextColumn("Sampled neighbour", width=190),
    "share": st.column_config.NumberColumn(
        "Sampled first", format="%.1f%%", help="Probability that the neighbour is sampled first."
    ),
    "others": st.column_config.NumberColumn(
        "Other entities", help="Further entities that both share under the relation; 0: this one alone."
    ),
}


def show(selection: Selection) -> None:
    """The whole view."""
    explorer, profile = selection.explorer, selection.profile
    chosen = choose(selection)
    if chosen is None:
        st.info("The knowledge graph of this model has no entities.", icon=":material/hub:")
        return
    relation, name = chosen
    found = cache.ask(explorer, "entity", relation, name)
    liked = int(found.titles["item_id"].isin(profile.history).sum())
    st.header(plain(f"{name} ({relation})"), anchor=False)
    st.markdown(
        f"**{len(found.titles):,}** items carry it, of which this user likes **{liked:,}**; "
        f"**{found.users:,}** users like at least one. It connects **{found.candidates:,}** candidates, of "
        f"which **{len(found.edges):,}** are sampled."
    )
    st.subheader("Items", anchor=False)
    st.dataframe(
        found.titles.assign(rank=ranks(explorer, profile, found.titles["item_id"])),
        hide_index=True,
        key="entity_titles",
        placeholder="–",
        column_order=tuple(TITLES),
        column_config=TITLES,
        alt=f"The items that carry {name}, with likes, rank for this user and sampled neighbours",
    )
    st.subheader("Sampled through it", anchor=False)
    if found.edges.empty:
        st.caption("No sampled neighbour is connected by this entity.")
        return
    st.dataframe(
        found.edges.assign(share=100 * found.edges["share"]),
        hide_index=True,
        key="entity_edges",
        column_order=tuple(EDGES),
        column_config=EDGES,
        alt=f"The sampled neighbours that {name} connects",
    )


def ranks(explorer: Explorer, profile: Profile, item_ids: pd.Series) -> pd.Series:
    """The items' ranks among all recommendations; missing for what these leave out."""
    found = cache.ask(explorer, "ranks", profile)[item_ids].astype("Int64").reset_index(drop=True)
    return found.mask(item_ids.isin(explorer.unlisted(profile)).to_numpy())


def choose(selection: Selection) -> tuple[str, str] | None:
    """(relation, entity): the link's, the one chosen, or the suggestion."""
    explorer = selection.explorer
    known = known_entities(explorer)
    if not known:
        return None
    suggested = suggestion(selection, known)
    with url.parameters():
        wanted = st.text_input(
            "Entity (relation:name)",
            key="entity",
            bind="query-params",
            placeholder=f"{suggested} (suggested)",
        )
    code = wanted.strip() if wanted and wanted.strip() else ""
    if code and code not in known:
        widgets.show_notice(
            Notice(f"The model has no entity {code[:60]}. You see another one.", "Remove from link", clear)
        )
        code = ""
    offered = dict.fromkeys([suggested, *([code] if code else []), *list(known)[:OFFERED]])
    st.session_state["entity_choice"] = code or suggested
    st.selectbox(
        "Entity",
        list(offered),
        format_func=lambda key: label(key, known),
        key="entity_choice",
        accept_new_options=True,
        on_change=take_choice,
        args=(explorer,),
        width=420,
        help="A genre, studio, franchise ... of the knowledge graph: choose one, or type a part of its name "
        "and press Enter.",
    )
    link.pin(entity=suggested)
    relation, name, _ = known[code or suggested]
    return relation, name


def suggestion(selection: Selection, known: dict[str, tuple[str, str, int]]) -> str:
    """Of the selected item, or the first recommendation, the entity that the fewest titles carry of those
    that connect sampled neighbours; else the largest one.
    """
    explorer, profile, item_id = selection.explorer, selection.profile, selection.item()
    codes: list[str] = []
    if item_id is not None:
        rows = cache.explanation(explorer, profile, item_id).item_neighbours
        sampled = rows[rows["picked"]]
        for relation, via in zip(sampled["relation"], sampled["via"], strict=True):
            codes += [f"{relation}:{name}" for name in via if f"{relation}:{name}" in known]
    return min(codes, key=lambda code: known[code][2], default=next(iter(known)))


def take_choice(explorer: Explorer) -> None:
    """Callback: write the entity that was chosen, or found by a part of its name, into the link."""
    choice = st.session_state["entity_choice"]
    st.session_state["entity"] = "" if choice is None else found_by(explorer, str(choice))


def clear() -> None:
    """Callback: no entity is in the link."""
    st.session_state["entity"] = ""
