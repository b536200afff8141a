"""Compare items: the selected item and another one (field `other_title`), for the same user."""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, InputError, signed
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.compare.lists import Ranked, compare_two
from dskreg.ui.frame import link, sidebar, url
from dskreg.ui.frame.sidebar import Selection

FIELDS = ("other_title",)
NEAREST = 20  # neighbours of each item
FACTS = {  # column of the catalogue: label
    "type": "Type",
    "genres": "Genres",
    "year": "Year",
    "studio": "Studio",
    "source": "Source",
    "episodes": "Episodes",
}


def show(selection: Selection) -> None:
    """The whole view."""
    explorer = selection.explorer
    offered = cache.recommendations(explorer, selection.profile, selection.top)
    item_id = selection.item()
    if item_id is None:
        st.info(
            "Nothing can be recommended to this user. Select an item in the sidebar.",
            icon=":material/inbox:",
        )
        return
    other_id = choose(explorer, item_id, offered)
    if other_id is None or other_id == item_id:
        st.info(
            "Both sides show the same item. Select another one in the sidebar or here.",
            icon=":material/balance:",
        )
        return
    explanations = [cache.explanation(explorer, selection.profile, wanted) for wanted in (item_id, other_id)]
    names = headings(explanations)
    show_facts(selection, explanations, names)
    show_relationship(explorer, explanations, names)
    show_neighbours(explanations, names)
    st.header("Nearest neighbours", anchor=False)
    st.caption(f"The {NEAREST} most similar items to each, by the cosine of the aggregated embeddings.")
    near = [
        Ranked(name, cache.ask(explorer, "maps.similar", one.item_id, NEAREST).pipe(numbered))
        for name, one in zip(names, explanations, strict=True)
    ]
    compare_two(near[0], near[1], key="titles")


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """The neighbours as a ranked list."""
    return table.assign(rank=range(1, len(table) + 1), held_out=False)


def headings(explanations: list[Explanation]) -> tuple[str, str]:
    """The two titles, with their ids where they are the same."""
    one, other = explanations
    return (
        (one.title, other.title)
        if one.title != other.title
        else (f"{one.title} ({one.item_id})", f"{other.title} ({other.item_id})")
    )


def choose(explorer: Explorer, item_id: object, offered: pd.DataFrame) -> int | str | None:
    """The other item: pinned, one of the recommendations, or any by title."""
    labels = dict(zip(offered["item_id"].tolist(), offered["title"].astype(str), strict=True))
    suggested = next((key for key in labels if key != item_id), None)
    chosen = None
    with url.parameters():
        placeholder = f"{suggested} (suggested)" if suggested is not None else "none"
        wanted = st.text_input("Other item", key="other_title", bind="query-params", placeholder=placeholder)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chooser = st.container(width=300)
        st.button(
            "Pin selected item",
            icon=":material/push_pin:",
            key="pin_title",
            on_click=pin,
            args=(item_id,),
            help="Keeps the selected item on the right while you select another one in the sidebar.",
        )
    if wanted and wanted.strip():
        try:
            row = explorer.item(wanted.strip()[:80])
            chosen = row["item_id"]
            labels.setdefault(chosen, str(row["title"]))
        except InputError as error:
            widgets.show_notice(
                Notice(f"{error}. You see the next recommendation.", "Keep the recommendation", clear)
            )
    st.session_state["other_title_choice"] = chosen
    chooser.selectbox(
        "Other item",
        list(labels),
        index=None,
        format_func=lambda key: labels.get(key, str(key)),
        key="other_title_choice",
        accept_new_options=True,
        on_change=pin_choice,
        args=(explorer,),
        placeholder=labels.get(suggested, "type a name"),
        help="One of the recommendations, or any item: type its name and press Enter.",
    )
    link.pin(other_title=suggested)
    return suggested if chosen is None else chosen


def show_facts(selection: Selection, explanations: list[Explanation], names: tuple[str, str]) -> None:
    """A card for each item: its facts, its score for this user, and its rank."""
    explorer, profile = selection.explorer, selection.profile
    ranks = cache.ask(explorer, "ranks", profile)
    for column, one, name in zip(st.columns(2, gap="medium"), explanations, names, strict=True):
        row = explorer.item(one.item_id)
        with column, st.container(border=True):
            st.subheader(plain(name), anchor=False)
            facts = [
                f"{widgets.genres_label(explorer) if key == 'genres' else label}: {fact(row[key])}"
                for key, label in FACTS.items()
                if row.get(key) not in (None, "")
            ]
            st.caption(plain(" · ".join([*facts, f"{row['likes']:,} likes"])))
            with st.container(horizontal=True, gap="small"):
                st.metric(
                    "Score",
                    f"{one.score:.2f}",
                    help="The model's preference; only the order and the gaps between scores count.",
                )
                liked = one.item_id in profile.history
                st.metric(
                    "Rank",
                    "liked already" if liked else f"{ranks[one.item_id]:,}",
                    help="The position among the items that can be recommended, even for a seen item.",
                )
                st.metric(
                    "Own embedding",
                    signed(one.self_contribution, 2),
                    help="The contribution of the item's own embedding to the score.",
                )
                st.metric(
                    "Neighbour contribution",
                    signed(one.item_neighbours["contribution"].sum(), 2),
                    widgets.from_neighbours(one),
                    delta_color="off",
                    delta_arrow="off",
                    help="The contribution of the sampled neighbours; the rest of the score is a constant.",
                )
            st.button(
                "Why?",
                icon=":material/hub:",
                key=f"sampled {one.item_id}",
                on_click=sidebar.inspect,
                args=(one.item_id, "pages/sampling.py"),
            )


def fact(value: object) -> str:
    """A cell of the catalogue as text; whole numbers without a decimal point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_relationship(explorer: Explorer, explanations: list[Explanation], names: tuple[str, str]) -> None:
    """The similarity of the two items, their common likes and their shared entities."""
    pair = cache.ask(explorer, "pair", *(one.item_id for one in explanations))
    st.header("Relationship", anchor=False)
    figures = (
        (
            "Aggregated similarity",
            f"{pair.after:.2f}",
            "The cosine of the embeddings after aggregation of the neighbours; 1 at most.",
        ),
        (
            "Raw similarity",
            f"{pair.before:.2f}",
            "The cosine of the items' own embeddings, without neighbours; 1 at most.",
        ),
        ("Co-likes", f"{pair.together:,}", "The number of users who like both items in the training data."),
        (
            "Shared entities",
            f"{len(pair.shared)}",
            "The number of entities of both items, for example a genre or a studio.",
        ),
    )
    with st.container(horizontal=True, gap="small"):
        for label, value, text in figures:
            st.metric(label, value, border=True, help=text, width=196)
    if pair.shared.empty:
        st.caption("The two items share no entity in the knowledge graph.")
        return
    st.dataframe(
        pair.shared,
        hide_index=True,
        key="ties",
        alt=f"The entities that {names[0]} and {names[1]} share in the knowledge graph",
        width="content",
        height=320 if len(pair.shared) > 8 else "content",
        column_config={
            "relation": st.column_config.TextColumn("Relation", width=120),
            "entity": st.column_config.TextColumn("Shared entity", width=230),
        },
    )


def show_neighbours(explanations: list[Explanation], names: tuple[str, str]) -> None:
    """The sampled neighbours of each item, with the common ones marked."""
    st.header("Sampled neighbours", anchor=False)
    sampled = [one.item_neighbours[one.item_neighbours["picked"]] for one in explanations]
    columns = ["title", "contribution", "relation"]
    shared = set(sampled[0]["item_id"]) & set(sampled[1]["item_id"])
    if shared:
        columns.insert(2, "both")
    st.markdown(
        f"Sampled without noise, as for the recommendations: **{len(sampled[0])}** and "
        f"**{len(sampled[1])}**, **{len(shared)}** of them in common."
    )
    for column, frame, name in zip(st.columns(2, gap="medium"), sampled, names, strict=True):
        table = frame.sort_values("contribution", ascending=False)[
            ["item_id", "title", "relation", "contribution"]
        ]
        table = table.assign(both=["both" if key in shared else "" for key in table.pop("item_id")])
        with column:
            st.markdown(f"**{plain(name)}**")
            st.dataframe(
                table,
                hide_index=True,
                height="content",
                key=f"drawn {name}",
                alt=f"The neighbours sampled for {name}",
                column_order=columns,
                column_config={
                    "title": st.column_config.TextColumn("Neighbour", width=170),
                    "contribution": st.column_config.NumberColumn(
                        "Contribution",
                        format="%+.3f",
                        width=92,
                        help="The neighbour's part of the score before the activation.",
                    ),
                    "both": st.column_config.TextColumn("Shared", width=64, help="Sampled for both items."),
                    "relation": st.column_config.TextColumn("Relation", width=90),
                },
            )


# Callbacks


def pin(item_id: object) -> None:
    """Callback: this item stays on the right."""
    st.session_state["other_title"] = str(item_id)


def pin_choice(explorer: Explorer) -> None:
    """Callback: the item chosen beside the field stays on the right."""
    choice = st.session_state["other_title_choice"]
    pin("" if choice is None else sidebar.find_title(explorer, choice))


def clear() -> None:
    """Callback: no item is pinned."""
    pin("")
