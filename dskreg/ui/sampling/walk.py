"""Walking from neighbour to neighbour: a network that answers to a click, the same as a table, and the way
back.

The way is kept in the link: the bound text field `trail` holds the ids of the titles visited. It begins with
the title under inspection; where that is another one by now, the way begins afresh.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from dskreg.explorer import Explorer, InputError
from dskreg.ui.common.charts import shorten
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import sidebar
from dskreg.ui.sampling import walk_chart
from dskreg.ui.sampling.draw import Shown

MOST_STEPS = 20
CRUMB = 28  # characters of a title on a button
STEPS: dict[str, Any] = {
    "title": st.column_config.TextColumn("Go on to", pinned=True, width="medium"),
    "picked": st.column_config.CheckboxColumn("Drawn", width=64),
    "contribution": st.column_config.NumberColumn(
        "Adds", format="%+.3f", width=76, help="What it adds to the score of the title in the middle."
    ),
    "inclusion_probability": st.column_config.NumberColumn(
        "Likely", format="percent", width=80, help="Probability that a random draw contains it (π)."
    ),
    "relation": st.column_config.TextColumn("Relation r"),
}


def show_walk(shown: Shown) -> None:
    """The network around where one stands, with the trail behind."""
    st.subheader("Walk through the neighbours", anchor=False)
    st.caption(
        "Click a neighbour to go to its own neighbours, drawn with the settings above. The title under inspection stays what it is."
    )
    with st.expander("The way as ids", icon=":material/link:"):
        text = (
            st.text_input(
                "Titles visited (ids)", key="trail", bind="query-params", placeholder="comma-separated ids"
            )
            or ""
        )
    trail, unknown = _known(shown.explorer, text)
    if unknown:
        st.warning(
            f"The link's way leads over unknown titles: {plain(', '.join(name[:40] for name in unknown))}. They are left out.",
            icon=":material/link_off:",
        )
    start = (shown.item_id, str(shown.explorer.item(shown.item_id)["title"]))
    steps = trail if trail[:1] == [start] else [start]
    _crumbs(steps)
    here, name = steps[-1]
    explanation = shown.explanation(here)
    drawing = walk_chart.walk(
        explanation.item_neighbours,
        (here, name),
        shown.colours(),
        set(shown.profile.history),
        st.context.theme.type == "dark",
    )
    if drawing.table.empty:
        st.info(
            f"{plain(name)} has no neighbours in the knowledge graph. Go back by one of the buttons above.",
            icon=":material/hub:",
        )
        return
    drawn = int(explanation.item_neighbours["picked"].sum())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"Neighbours of **{plain(name)}**: {drawn} drawn, score {explanation.score:.3f}", width="content"
        )
        if len(steps) > 1:
            icon = ":material/center_focus_strong:"
            st.button("Inspect this title", icon=icon, key="walk_inspect", on_click=_inspect, args=(here,))
    left, right = st.columns([3, 2])
    visited = [item_id for item_id, _ in steps]
    # a selection belongs to one drawing: at the next stop it must not count again
    place = f"{len(steps)} {here}"
    with left:
        key = f"walk {place}"
        st.echarts_chart(
            drawing.option,
            height=walk_chart.HEIGHT,
            key=key,
            on_select=partial(_take_node, key, drawing.nodes, visited),
            renderer="svg",
            alt=drawing.alt,
        )
        st.caption(
            "Right, filled: drawn; the thicker the line, the more it adds. Left, hollow: the best of those not drawn. \u2665 liked by this person."
        )
    with right:
        key = f"steps {place}"
        act: Callable[[], None] = partial(_take_row, key, drawing.nodes, visited)
        table = drawing.table[list(STEPS)].assign(
            contribution=drawing.table["contribution"].where(drawing.table["picked"])
        )
        st.dataframe(
            table, column_config=STEPS, hide_index=True, key=key, on_select=act, selection_mode="single-row", alt=f"As a table: {drawing.alt}",
            height=460, placeholder="–",
        )  # fmt: skip
        st.caption("The same as a table: the box before a row goes there.")


def _known(explorer: Explorer, text: str) -> tuple[list[tuple[Any, str]], list[str]]:
    """(id, title) of the steps that this model knows, and the ids that it does not."""
    steps, unknown = list[tuple[Any, str]](), list[str]()
    for wanted in text.replace(",", " ").split()[:MOST_STEPS]:
        try:
            row = explorer.item(wanted[:80])
            steps.append((row["item_id"], str(row["title"])))
        except InputError:
            unknown.append(wanted)
    return steps, unknown


def _crumbs(steps: list[tuple[Any, str]]) -> None:
    """The way so far: each stop a button that leads back to it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, (_, title) in enumerate(steps):
            last = place == len(steps) - 1
            label = plain(shorten(title, CRUMB))
            icon = ":material/trip_origin:" if not place else ":material/chevron_right:"
            st.button(
                label,
                key=f"crumb {place}",
                icon=icon,
                type="tertiary",
                disabled=last,
                on_click=_go,
                args=([i for i, _ in steps], place),
            )


def _go(visited: list[Any], place: int) -> None:
    """Callback: back to a stop of the way; the first is the title under inspection."""
    st.session_state["trail"] = ",".join(map(str, visited[: place + 1]))


def _step(item_id: Any, visited: list[Any]) -> None:
    """Go on to a title, or back to it where the way has been there."""
    way = [*visited, item_id]
    if len(way) > MOST_STEPS:
        way = [way[0], *way[2:]]
    _go(way, way.index(item_id))


def _take_node(key: str, nodes: list[Any], visited: list[Any]) -> None:
    """Callback of the network: the centre leads nowhere."""
    chosen = [
        n
        for group in st.session_state[key].selection.selected
        if group["data_type"] == "node"
        for n in group["data_indices"]
    ]
    if chosen and 0 < chosen[0] < len(nodes):
        _step(nodes[chosen[0]], visited)


def _take_row(key: str, nodes: list[Any], visited: list[Any]) -> None:
    """Callback of the table."""
    rows = st.session_state[key].selection.rows
    if rows and rows[0] + 1 < len(nodes):
        _step(nodes[rows[0] + 1], visited)


def _inspect(item_id: Any) -> None:
    """Callback: make it the title under inspection, where the next way begins."""
    st.session_state["trail"] = ""
    sidebar.inspect(item_id)
