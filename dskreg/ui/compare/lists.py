"""Ranked lists side by side: what stands in both, how far it moved, figures of the overlap, and the bump
chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from dskreg.explorer import Overlap
from dskreg.ui.common.widgets import plain
from dskreg.ui.compare.bump_chart import GUIDE, slope

QUIET = {"displayModeBar": False}
FIGURES = {
    "In both lists": "How many titles stand in both lists, whatever their rank.",
    "Shared part": "Titles in both lists divided by titles in either: 1 means the same titles, 0 none in common (Jaccard index).",
    "Top agreement": "Like the shared part, but agreement near the top counts most: 1 means the same list (rank-biased overlap, p = 0.9).",
    "Same order": "Among the titles in both lists: 1 the same order, 0 no relation, \u22121 the reverse (Kendall's \u03c4).",
}
STAR = "★"
HIDDEN = f"{STAR} a title that this person likes and that was hidden from the recommenders: found again."


@dataclass(frozen=True)
class Ranked:
    """One list: its name, how it is said in a sentence, and its titles (rank, item_id, title, ...

    held_out), the best first.
    """

    name: str
    table: pd.DataFrame
    # What makes a title the same in both lists; by default its id
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
        """The keys of the hidden titles among them."""
        return {key for key, hit in zip(self.ids, self.table["held_out"], strict=True) if hit}


def move(here: int, there: int | None) -> str:
    """Where a title stands here, seen from the other list."""
    if there is None:
        return "only here"
    return "same" if here == there else f"up {there - here}" if here < there else f"down {here - there}"


def compare_two(first: Ranked, second: Ranked, key: str) -> None:
    """Two lists: a sentence, four figures, the lists, the bump chart with its tables.

    `key` tells the widgets apart.
    """
    if first.table.empty or second.table.empty:
        st.info("One of the lists is empty, so there is nothing to compare.", icon=":material/inbox:")
        return
    overlap = Overlap.of(first.ids, second.ids)
    st.markdown(sentence(first, second, overlap))
    show_figures(overlap)
    for place, (mine, other) in zip(
        st.columns(2, gap="medium"), ((first, second), (second, first)), strict=True
    ):
        with place:
            show_list(mine, other, key)
    marked = first.found | second.found
    st.caption(
        "Beside each title: how many places higher (up) or lower (down) it stands than in the other list."
        + (f"  \n{HIDDEN}" if marked else "")
    )
    show_ranks([first, second], overlap, key)


def sentence(first: Ranked, second: Ranked, overlap: Overlap) -> str:
    """How much the lists share, and the title that moves farthest; Markdown."""
    names = {**dict(second.entries), **dict(first.entries)}
    length = min(overlap.first, overlap.second)
    if not overlap.common:
        return f"**None of {length}** titles stands in both lists."
    text = f"**{overlap.common} of {length}** titles stand{'s' * (overlap.common == 1)} in both lists."
    moved = overlap.moves.dropna()
    if moved.empty or not moved["up"].abs().max():
        return text + (" They stand in the same order." if len(moved) else "")
    far = moved.loc[moved["up"].astype(int).abs().idxmax()]
    ranks = f"number {far['first']} in the list of {plain(first.name)}, number {far['second']} in that of {plain(second.name)}"
    return f"{text} *{plain(names[far['item_id']])}* moves farthest: {ranks}."


def show_figures(overlap: Overlap) -> None:
    """The four figures, each with its sentence of help."""
    values = (
        f"{overlap.common} of {min(overlap.first, overlap.second)}",
        f"{overlap.jaccard[-1]:.2f}",
        f"{overlap.rbo:.2f}",
        "–" if overlap.tau is None else f"{overlap.tau:+.2f}",
    )
    with st.container(horizontal=True, gap="small"):
        for (label, text), value in zip(FIGURES.items(), values, strict=True):
            st.metric(label, value, border=True, help=text, width=176)


def show_list(mine: Ranked, other: Ranked | None, key: str) -> None:
    """One list; beside each title its move against the other list, and a star on hidden titles."""
    st.subheader(plain(mine.name), anchor=False)
    table = mine.table[["rank", "title"]]
    config = {
        "rank": st.column_config.NumberColumn("#", width=36),
        "title": st.column_config.TextColumn("Title", width=150 if other is None else 195),
    }
    if mine.found:
        table = table.assign(star=[STAR if hit else "" for hit in mine.table["held_out"]])
        config["star"] = st.column_config.TextColumn(STAR, width=30, help=HIDDEN)
    if other is not None:
        there = other.ranks
        table = table.assign(move=[move(rank, there.get(entry)) for rank, entry in enumerate(mine.ids, 1)])
        config["move"] = st.column_config.TextColumn(
            "Move", width=76, help="Up 3: three places higher here than in the other list."
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
    """The bump chart; beside it the same ranks, and the overlap by depth, as tables."""
    names = [ranked.name for ranked in lists]
    st.subheader("Rank by rank", anchor=False)
    tabs = st.tabs(["Drawn", "As a table", *["By depth"] * (overlap is not None)])
    alt = f"Ranks of the same titles in the lists of {', '.join(names)}; the table beside it holds every rank"
    tabs[0].plotly_chart(
        slope(
            [(ranked.name, ranked.entries) for ranked in lists],
            found_in(lists),
            st.context.theme.type == "dark",
        ),
        key=f"{key} slope",
        config=QUIET,
        alt=alt,
    )
    tabs[0].caption(f"{GUIDE} Star: a hidden title." if found_in(lists) else GUIDE)
    with tabs[1]:
        config = {
            "title": st.column_config.TextColumn("Title", pinned=True, width=195),
            "star": st.column_config.TextColumn(STAR, width=30, help=HIDDEN),
        }
        config |= {
            str(number): st.column_config.NumberColumn(name, width=90) for number, name in enumerate(names)
        }
        st.dataframe(
            ranks_table(lists),
            hide_index=True,
            column_config=config,
            key=f"{key} ranks",
            alt=f"Every title's rank in the lists of {', '.join(names)}",
        )
    if overlap is not None:
        with tabs[2]:
            st.caption(
                "The shared part of the first K titles, list against list: does the agreement sit at the top or further down?"
            )
            depth = pd.DataFrame(
                {"first K": range(1, len(overlap.jaccard) + 1), "shared part": overlap.jaccard}
            )
            config = {
                "shared part": st.column_config.ProgressColumn(
                    "Shared part", min_value=0.0, max_value=1.0, format="%.2f", help=FIGURES["Shared part"]
                )
            }
            st.dataframe(
                depth,
                hide_index=True,
                column_config=config,
                key=f"{key} depth",
                alt="Jaccard index of the first K titles for every K",
            )


def ranks_table(lists: Sequence[Ranked]) -> pd.DataFrame:
    """title, the ranks in each list (columns 0, 1, ...), star where there is any; those that stand in most
    lists first.
    """
    titles: dict[object, str] = {}
    for ranked in lists:
        titles = {**titles, **{key: title for key, title in ranked.entries if key not in titles}}
    places = [ranked.ranks for ranked in lists]
    found = found_in(lists)
    ids = sorted(
        titles,
        key=lambda entry: (
            -sum(entry in place for place in places),
            min(place[entry] for place in places if entry in place),
        ),
    )
    frame = pd.DataFrame({"title": [titles[entry] for entry in ids]})
    for number, place in enumerate(places):
        frame[str(number)] = pd.array([place.get(entry) for entry in ids], dtype="Int64")
    return frame.assign(star=[STAR if entry in found else "" for entry in ids]) if found else frame


def found_in(lists: Sequence[Ranked]) -> set[object]:
    """The keys of the hidden titles in any of the lists."""
    return set[object]().union(*(ranked.found for ranked in lists))
