"""Compare: titles.

The title under inspection beside another one (field `other_title`), for the same person.
"""

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, InputError, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.compare.lists import Ranked, compare_two
from dskreg.ui.frame import sidebar
from dskreg.ui.frame.sidebar import Selection
from dskreg.ui.model.scoreboard import MODEL

FIELDS = ("other_title",)
NEAREST = 20  # titles alike to each of the two
# Shown where the data have them
FACTS = {
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
    ids = offered["item_id"].tolist()
    item_id = selection.item_id if selection.item_id is not None else next(iter(ids), None)
    if item_id is None:
        st.info(
            "There is nothing to recommend to this person. Choose a title in the sidebar.",
            icon=":material/inbox:",
        )
        return
    other_id = choose(explorer, item_id, offered)
    if other_id is None or other_id == item_id:
        st.info(
            "Both sides are the same title now. Choose another one in the sidebar or here.",
            icon=":material/movie:",
        )
        return
    explanations = [cache.explanation(explorer, selection.profile, wanted) for wanted in (item_id, other_id)]
    names = headings(explanations)
    show_facts(selection, explanations, names)
    show_ties(explorer, explanations, names)
    show_neighbours(explanations, names)
    st.header("What else is like them", anchor=False)
    st.caption(f"The {NEAREST} nearest titles of each in the model's own space.")
    near = [
        Ranked(name, cache.ask(explorer, "maps.similar", one.item_id, NEAREST).pipe(numbered))
        for name, one in zip(names, explanations, strict=True)
    ]
    compare_two(near[0], near[1], key="titles")


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Neighbours as a ranked list."""
    return table.assign(rank=range(1, len(table) + 1), held_out=False)


def headings(explanations: list[Explanation]) -> tuple[str, str]:
    """The two titles, told apart where their names are the same."""
    one, other = explanations
    return (
        (one.title, other.title)
        if one.title != other.title
        else (f"{one.title} ({one.item_id})", f"{other.title} ({other.item_id})")
    )


def choose(explorer: Explorer, item_id: object, offered: pd.DataFrame) -> int | str | None:
    """The other title: pinned, chosen among the recommendations, or any by name."""
    labels = dict(zip(offered["item_id"].tolist(), offered["title"].astype(str), strict=True))
    suggested = next((key for key in labels if key != item_id), None)
    chosen = None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        below = st.container(width=300)
        wanted = st.text_input(
            "The other title (id)",
            key="other_title",
            bind="query-params",
            width=160,
            placeholder=str(suggested or "none"),
        )
        st.button(
            "Pin the present title",
            icon=":material/push_pin:",
            key="pin_title",
            on_click=take,
            args=(item_id,),
        )
    if wanted and wanted.strip():
        try:
            row = explorer.item(wanted.strip()[:80])
            chosen = row["item_id"]
            labels.setdefault(chosen, str(row["title"]))
        except InputError as error:
            widgets.show_notice(
                Notice(f"{error}. You see the next recommendation instead.", "Keep the recommendation", clear)
            )
    st.session_state["other_title_choice"] = chosen
    below.selectbox(
        "The other title", list(labels), index=None, format_func=lambda key: labels.get(key, str(key)), key="other_title_choice", accept_new_options=True,
        on_change=take_choice, args=(explorer,), placeholder=labels.get(suggested, "type a name"),
        help="One of the recommendations, or type the name of any title and press Enter. The first title is the sidebar's title under inspection.",
    )  # fmt: skip
    return suggested if chosen is None else chosen


def show_facts(selection: Selection, explanations: list[Explanation], names: tuple[str, str]) -> None:
    """Two cards: what the title is, what it scores for this person, and where that places it."""
    explorer, profile = selection.explorer, selection.profile
    for column, one, name in zip(st.columns(2, gap="medium"), explanations, names, strict=True):
        row = explorer.item(one.item_id)
        rank = place(explorer, profile, one.item_id)
        with column, st.container(border=True):
            st.subheader(plain(name), anchor=False)
            facts = [
                f"{label}: {fact(row[key])}" for key, label in FACTS.items() if row.get(key) not in (None, "")
            ]
            st.caption(plain(" · ".join([*facts, f"{row['likes']:,} likes"])))
            with st.container(horizontal=True, gap="small"):
                st.metric(
                    "Score",
                    f"{one.score:.2f}",
                    help="This person's preference as the model sees it: only order and gaps mean something.",
                )
                text = "Among the titles that this person may be shown, as in the recommendations. For a title already seen: where it would stand."
                st.metric(
                    "Rank", "liked already" if one.item_id in profile.history else f"{rank:,}", help=text
                )
                st.metric(
                    "From the title itself",
                    f"{one.self_contribution:+.2f}",
                    help="What the title's own embedding adds to the score.",
                )
                drawn = one.item_neighbours["contribution"].sum()
                st.metric(
                    "From its neighbours",
                    f"{drawn:+.2f}",
                    help="What its sampled neighbours in the knowledge graph add together. A constant term makes up the rest of the score.",
                )
            st.button(
                "See what was sampled",
                icon=":material/hub:",
                key=f"sampled {one.item_id}",
                on_click=sidebar.inspect,
                args=(one.item_id, "pages/sampling.py"),
            )


def place(explorer: Explorer, profile: Profile, item_id: object) -> int:
    """Where the title stands, or would stand, among those that this person may be shown; 1 is the first
    recommendation.
    """
    by, ids = cache.ask(explorer, "rivals.scores", MODEL, profile), explorer.items["item_id"]
    barred = (
        ids.isin([*profile.seen, *profile.disliked]) | (explorer.items["adult"] & (not explorer.adult))
    ).to_numpy()
    own = int((ids == item_id).to_numpy().argmax())
    # Equals by position, as in the lists
    ahead = (by > by[own]) | ((by == by[own]) & (np.arange(len(by)) < own))
    return int((ahead & ~barred).sum()) + 1


def fact(value: object) -> str:
    """A cell of the catalogue in words; whole numbers without a decimal point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_ties(explorer: Explorer, explanations: list[Explanation], names: tuple[str, str]) -> None:
    """What ties the two in the graph, and how alike the model takes them to be."""
    pair = cache.ask(explorer, "pair", *(one.item_id for one in explanations))
    st.header("What ties them", anchor=False)
    with st.container(horizontal=True, gap="small"):
        text = "Cosine of the two embeddings: 1 the same direction, 0 nothing in common. "
        st.metric(
            "Alike, after",
            f"{pair.after:.2f}",
            border=True,
            help=text + "After the graph's neighbours were added: what the model ranks by.",
            width=176,
        )
        st.metric(
            "Alike, before",
            f"{pair.before:.2f}",
            border=True,
            help=text + "Before the neighbours: of the titles' own embeddings.",
            width=176,
        )
        st.metric(
            "Like both",
            f"{pair.together:,}",
            border=True,
            help="People who like both titles, in the training data.",
            width=176,
        )
        st.metric(
            "Shared ties",
            len(pair.shared),
            border=True,
            help="Entities that both titles carry, such as a genre or a studio.",
            width=176,
        )
    if pair.shared.empty:
        st.caption("The knowledge graph has no direct tie between them.")
        return
    st.dataframe(
        pair.shared, hide_index=True, key="ties", alt=f"What {names[0]} and {names[1]} share in the knowledge graph", width="content",
        height=320 if len(pair.shared) > 8 else "content",
        column_config={"relation": st.column_config.TextColumn("Relation", width=120), "entity": st.column_config.TextColumn("Both have", width=230)},
    )  # fmt: skip


def show_neighbours(explanations: list[Explanation], names: tuple[str, str]) -> None:
    """The neighbours drawn for each, those that both share marked."""
    st.header("Their sampled neighbours", anchor=False)
    drawn = [one.item_neighbours[one.item_neighbours["picked"]] for one in explanations]
    columns = ["title", "contribution", "relation"]
    shared = set(drawn[0]["item_id"]) & set(drawn[1]["item_id"])
    if shared:
        columns.insert(2, "both")
    st.markdown(
        f"Drawn without noise, as for the recommendations: **{len(drawn[0])}** and **{len(drawn[1])}**, of which **{len(shared)}** are the same titles."
    )
    for column, frame, name in zip(st.columns(2, gap="medium"), drawn, names, strict=True):
        table = frame.sort_values("contribution", ascending=False)[
            ["item_id", "title", "relation", "contribution"]
        ]
        table = table.assign(both=["both" if key in shared else "" for key in table.pop("item_id")])
        with column:
            st.markdown(f"**{plain(name)}**")
            st.dataframe(
                table, hide_index=True, height="content", key=f"drawn {name}", alt=f"The neighbours drawn for {name}",
                column_order=columns,
                column_config={
                    "title": st.column_config.TextColumn("Neighbour", width=170),
                    "contribution": st.column_config.NumberColumn("Adds", format="%+.3f", width=72, help="What it adds to the score before the activation."),
                    "both": st.column_config.TextColumn("Shared", width=64, help="Drawn for both titles."),
                    "relation": st.column_config.TextColumn("Relation", width=90),
                },
            )  # fmt: skip


# Callbacks


def take(item_id: object) -> None:
    """Callback: this title stays on the right."""
    st.session_state["other_title"] = str(item_id)


def take_choice(explorer: Explorer) -> None:
    """Callback: the chooser beside the field."""
    choice = st.session_state["other_title_choice"]
    take("" if choice is None else sidebar.find_title(explorer, choice))


def clear() -> None:
    """Callback: no title is pinned."""
    take("")
