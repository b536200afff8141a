"""Ranked lists side by side: their overlap, the rank changes between them, and a bump chart."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from dskreg.explorer import Overlap, signed
from dskreg.ui.common import bump_chart, charts
from dskreg.ui.common.widgets import plain

JACCARD = "Items in both lists divided by items in either list: 1 for the same items, 0 for none in common."
FIGURES = {  # label: help
    "Overlap": "The number of items in both lists, whatever their rank.",
    "Jaccard": JACCARD,
    "RBO (p = 0.9)": "Rank-biased overlap, in which the top counts most: 1 for the same list, 0 for none in "
    "common.",
    "Kendall's tau": "How the order of the common items agrees: 1 for the same order, 0 for no relation, "
    "\u22121 for the reverse.",
}
STAR = "★"
HELD_OUT = f"{STAR} a held-out item: this user likes it, and no recommender was trained on that like."


@dataclass(frozen=True)
class Ranked:
    """A named list.

    table: rank, item_id, title, ..., held_out; the best first
    keys:  the same key is the same item in every list; by default the item ids
    """

    name: str
    table: pd.DataFrame
    keys: tuple[object, ...] = field(default=())

    @property
    def ids(self) -> tuple[object, ...]:
        """The key of every row."""
        return self.keys or tuple(self.table["item_id"].tolist())

    @property
    def entries(self) -> list[tuple[object, str]]:
        """(key, title) of every row."""
        return list(zip(self.ids, self.table["title"].astype(str), strict=True))

    @property
    def ranks(self) -> dict[object, int]:
        """{key: rank}."""
        return {key: rank for rank, key in enumerate(self.ids, 1)}

    @property
    def found(self) -> set[object]:
        """The keys of the held-out items in the list."""
        return {key for key, hit in zip(self.ids, self.table["held_out"], strict=True) if hit}


def move(here: int, there: int | None) -> str:
    """An item's rank in this list relative to its rank in the other one, in words."""
    if there is None:
        return "only here"
    return "same rank" if here == there else f"up {there - here}" if here < there else f"down {here - there}"


def compare_two(first: Ranked, second: Ranked, key: str) -> None:
    """Two lists: a sentence, four figures, the lists, and their rank changes.

    `key` distinguishes the widgets of several comparisons.
    """
    if first.table.empty or second.table.empty:
        st.info("One of the lists is empty, so there is nothing to compare.", icon=":material/inbox:")
        return
    overlap = Overlap.of(first.ids, second.ids)
    st.markdown(sentence(first, second, overlap))
    show_figures(overlap)
    for column, (mine, other) in zip(
        st.columns(2, gap="medium"), ((first, second), (second, first)), strict=True
    ):
        with column:
            show_list(mine, other, key)
    st.caption(
        "Move: places higher (up) or lower (down) than in the other list."
        + (f"  \n{HELD_OUT}" if first.found | second.found else "")
    )
    show_ranks([first, second], overlap, key)


def sentence(first: Ranked, second: Ranked, overlap: Overlap) -> str:
    """How many items the lists share, and which item differs most in rank; Markdown."""
    titles = {**dict(second.entries), **dict(first.entries)}
    length = min(overlap.first, overlap.second)
    if not overlap.common:
        return f"**None of {length}** items is in both lists."
    text = f"**{overlap.common} of {length}** items {'is' if overlap.common == 1 else 'are'} in both lists."
    moved = overlap.moves.dropna()
    if moved.empty or not moved["up"].abs().max():
        return text + (" They have the same order." if len(moved) else "")
    far = moved.loc[moved["up"].astype(int).abs().idxmax()]
    title = plain(titles[far["item_id"]])
    ranks = f"rank {far['first']} for {plain(first.name)}, rank {far['second']} for {plain(second.name)}"
    return f"{text} *{title}* differs most: {ranks}."


def show_figures(overlap: Overlap) -> None:
    """The four figures of the overlap."""
    values = (
        f"{overlap.common} of {min(overlap.first, overlap.second)}",
        f"{overlap.jaccard[-1]:.2f}",
        f"{overlap.rbo:.2f}",
        "–" if overlap.tau is None else signed(overlap.tau, 2),
    )
    with st.container(horizontal=True, gap="small"):
        for (label, text), value in zip(FIGURES.items(), values, strict=True):
            st.metric(label, value, border=True, help=text, width=176)


def show_list(mine: Ranked, other: Ranked | None, key: str) -> None:
    """One list, with each item's rank relative to the other list and a star on held-out items."""
    st.subheader(plain(mine.name), anchor=False)
    table = mine.table[["rank", "title"]]
    config = {
        "rank": st.column_config.NumberColumn("#", width=36),
        "title": st.column_config.TextColumn("Item", width=150 if other is None else 195),
    }
    if mine.found:
        table = table.assign(star=[STAR if hit else "" for hit in mine.table["held_out"]])
        config["star"] = st.column_config.TextColumn(STAR, width=30, help=HELD_OUT)
    if other is not None:
        there = other.ranks
        table = table.assign(move=[move(rank, there.get(entry)) for rank, entry in enumerate(mine.ids, 1)])
        config["move"] = st.column_config.TextColumn(
            "Move", width=84, help="Places higher (up) or lower (down) than in the other list."
        )
    columns = [name for name in ("rank", "title", "move", "star") if name in table]
    st.dataframe(
        table[columns],
        hide_index=True,
        height="content",
        column_config=config,
        key=f"{key} list {mine.name}",
        alt=f"The list of {mine.name}, best first",
    )


def show_ranks(lists: Sequence[Ranked], overlap: Overlap | None, key: str) -> None:
    """The ranks of the same items as a chart and as a table, and the overlap of the first k items."""
    st.subheader("Rank changes", anchor=False)
    tabs = st.tabs(["Chart", "Table", *["Overlap@k"] * (overlap is not None)])
    with tabs[0]:
        _chart(lists, key)
    with tabs[1]:
        _ranks(lists, key)
    if overlap is not None:
        with tabs[2]:
            _overlap_at_k(overlap, key)


def _chart(lists: Sequence[Ranked], key: str) -> None:
    found, names = found_in(lists), ", ".join(ranked.name for ranked in lists)
    charts.show_chart(
        st,
        bump_chart.of_lists([(ranked.name, ranked.entries) for ranked in lists], found),
        key=f"{key} slope",
        alt=f"Ranks of the same items in the lists of {names}; the table holds every rank",
    )
    st.caption(f"{bump_chart.GUIDE} Star: a held-out item." if found else bump_chart.GUIDE)


def _ranks(lists: Sequence[Ranked], key: str) -> None:
    config = {
        "title": st.column_config.TextColumn("Item", pinned=True, width=195),
        "star": st.column_config.TextColumn(STAR, width=30, help=HELD_OUT),
    }
    config |= {
        str(number): st.column_config.NumberColumn(ranked.name, width=90)
        for number, ranked in enumerate(lists)
    }
    st.dataframe(
        ranks_table(lists),
        hide_index=True,
        column_config=config,
        key=f"{key} ranks",
        alt=f"Every item's rank in the lists of {', '.join(ranked.name for ranked in lists)}",
    )


def _overlap_at_k(overlap: Overlap, key: str) -> None:
    st.caption("The Jaccard index of the first k items of both lists, for every k.")
    table = pd.DataFrame({"k": range(1, len(overlap.jaccard) + 1), "Jaccard": overlap.jaccard})
    config = {
        "Jaccard": st.column_config.ProgressColumn(
            "Jaccard", min_value=0.0, max_value=1.0, format="%.2f", help=JACCARD
        )
    }
    st.dataframe(
        table,
        hide_index=True,
        column_config=config,
        key=f"{key} depth",
        alt="Jaccard index of the first k items for every k",
    )


def ranks_table(lists: Sequence[Ranked]) -> pd.DataFrame:
    """title, the ranks in each list (columns 0, 1, ...), and star where there is any.

    The items of most lists come first, then those of the best rank.
    """
    titles: dict[object, str] = {}
    for ranked in lists:
        titles = {**dict(ranked.entries), **titles}
    ranks = [ranked.ranks for ranked in lists]
    found = found_in(lists)

    def order(key: object) -> tuple[int, int]:
        mine = [of_list[key] for of_list in ranks if key in of_list]
        return -len(mine), min(mine)

    keys = sorted(dict.fromkeys(key for ranked in lists for key in ranked.ids), key=order)
    frame = pd.DataFrame({"title": [titles[key] for key in keys]})
    for number, of_list in enumerate(ranks):
        frame[str(number)] = pd.array([of_list.get(key) for key in keys], dtype="Int64")
    return frame.assign(star=[STAR if key in found else "" for key in keys]) if found else frame


def found_in(lists: Sequence[Ranked]) -> set[object]:
    """The keys of the held-out items in any of the lists."""
    return set[object]().union(*(ranked.found for ranked in lists))
