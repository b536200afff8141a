"""One entity of the knowledge graph (field `entity`): the titles that carry it, how they rank for this user,
and the sampled neighbours that it connects.
"""

import pandas as pd
import streamlit as st

from dskreg.explorer import MODEL, Explorer
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import url
from dskreg.ui.frame.sidebar import Selection

FIELDS = ("entity",)
OFFERED = 300  # entities in the chooser; any other is found by typing
TITLES = {
    "title": st.column_config.TextColumn("Title", pinned=True, width=190),
    "likes": st.column_config.NumberColumn("Likes", format="localized"),
    "rank": st.column_config.NumberColumn(
        "Rank", format="localized", help="Rank for this user among all titles; empty: liked already."
    ),
    "candidates": st.column_config.NumberColumn(
        "Candidates", help="Candidate neighbours of the title that the entity connects."
    ),
    "sampled": st.column_config.NumberColumn("Sampled", help="How many of these are sampled without noise."),
    "sampled_by": st.column_config.NumberColumn(
        "Sampled by", help="Titles that sample this one through the entity."
    ),
}
EDGES = {
    "title": st.column_config.TextColumn("Title", pinned=True, width=190),
    "neighbour": st.column_config.TextColumn("Sampled neighbour", width=190),
    "share": st.column_config.NumberColumn(
        "First-sample probability", format="percent", help="Probability that the neighbour is sampled first."
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
        f"**{len(found.titles):,}** titles carry it, of which this user likes **{liked:,}**; "
        f"**{found.users:,}** users like at least one. It connects **{found.candidates:,}** candidates, of "
        f"which **{len(found.edges):,}** are sampled."
    )
    ranks = cache.ask(explorer, "rivals.ranks", MODEL, profile)
    rank = pd.Series(ranks, index=explorer.items["item_id"]).reindex(found.titles["item_id"])
    st.subheader("Titles", anchor=False)
    st.dataframe(
        found.titles.assign(rank=rank.where(rank > 0).astype("Int64").to_numpy()),
        hide_index=True,
        key="entity_titles",
        column_order=tuple(TITLES),
        column_config=TITLES,
        alt=f"The titles that carry {name}, with likes, rank for this user and sampled neighbours",
    )
    st.subheader("Sampled through it", anchor=False)
    if found.edges.empty:
        st.caption("No sampled neighbour is connected by this entity.")
        return
    st.dataframe(
        found.edges,
        hide_index=True,
        key="entity_edges",
        column_order=tuple(EDGES),
        column_config=EDGES,
        alt=f"The sampled neighbours that {name} connects",
    )


def choose(selection: Selection) -> tuple[str, str] | None:
    """(relation, entity): the link's, the one chosen, or the selected item's rarest shared one."""
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
    relation, name, _ = known[code or suggested]
    return relation, name


def known_entities(explorer: Explorer) -> dict[str, tuple[str, str, int]]:
    """{relation:name: (relation, name, titles)}, those that most titles carry first."""
    frame = cache.ask(explorer, "entities")
    rows = zip(frame["relation"].tolist(), frame["entity"].tolist(), frame["titles"].tolist(), strict=True)
    return {f"{relation}:{name}": (relation, name, titles) for relation, name, titles in rows}


def suggestion(selection: Selection, known: dict[str, tuple[str, str, int]]) -> str:
    """Of the selected item, or the first recommendation, the entity that the fewest titles, but at least
    two, carry; else the largest one.
    """
    item_id = selection.item_id
    if item_id is None:
        listed = cache.recommendations(selection.explorer, selection.profile, selection.top)
        item_id = next(iter(listed["item_id"].tolist()), None)
    if item_id is not None:
        own = cache.ask(selection.explorer, "entities", item_id)
        shared = own[own["titles"] > 1].sort_values("titles", kind="stable")
        for relation, name in zip(shared["relation"], shared["entity"], strict=True):
            if f"{relation}:{name}" in known:
                return f"{relation}:{name}"
    return next(iter(known))


def label(code: str, known: dict[str, tuple[str, str, int]]) -> str:
    """The entity for the chooser, with its relation and number of titles."""
    if code not in known:
        return code
    relation, name, titles = known[code]
    return f"{name} · {relation} · {titles:,} titles"


def take_choice(explorer: Explorer) -> None:
    """Callback: write the entity that was chosen, or found by a part of its name, into the link."""
    choice = st.session_state["entity_choice"]
    st.session_state["entity"] = "" if choice is None else found_by(explorer, str(choice))


def found_by(explorer: Explorer, text: str) -> str:
    """The entity of this code, or the largest one whose name contains the text; else the text itself."""
    known, wanted = known_entities(explorer), text.strip().casefold()
    if text in known:
        return text
    names = {code: name.casefold() for code, (_, name, _) in known.items()}
    exact = [code for code, name in names.items() if name == wanted]
    return next(iter([*exact, *(code for code, name in names.items() if wanted in name)]), text)


def clear() -> None:
    """Callback: no entity is in the link."""
    st.session_state["entity"] = ""
