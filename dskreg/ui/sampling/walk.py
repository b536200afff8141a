"""Traversal of the graph from node to node: a clickable chart, the same as a table, and the path back.

The text field `trail`, bound to the link, holds the ids of the path. It begins with the selected item; if it
does not, the path starts over.
"""

from functools import partial
from typing import Any

import streamlit as st

from dskreg.explorer import Explorer, InputError
from dskreg.ui.common import widgets
from dskreg.ui.common.charts import is_dark, shorten
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame import sidebar, url
from dskreg.ui.sampling.draw import Sample
from dskreg.ui.sampling.graph import network
from dskreg.ui.sampling.panels import second_hop

MOST_STEPS = 20
CRUMB = 28  # characters of a title on a button
STEPS: dict[str, Any] = {
    "title": st.column_config.TextColumn("Next node", pinned=True, width=112),
    "relation": st.column_config.TextColumn("Relation", width=74),
    "contribution": st.column_config.NumberColumn(
        "Adds",
        format="%+.3f",
        width=62,
        help="Contribution: what the neighbour adds to the score of the item in the middle.",
    ),
    "inclusion_probability": st.column_config.NumberColumn(
        "π",
        format="%.0f%%",
        width=52,
        help="Inclusion probability: exact share of all random samples that contain it.",
    ),
    "picked": st.column_config.CheckboxColumn("Sampled", width=72),
}
Step = tuple[Any, str]  # id and title


def show_walk(sample: Sample) -> None:
    """The path so far, and the graph around its last item."""
    st.subheader("Traverse the graph", anchor=False)
    st.caption("Click a neighbour to see its own sample, with the settings above. The selected item stays.")
    steps = _path(sample)
    _show_crumbs(steps)
    item_id, name = steps[-1]
    explanation = sample.explanation(item_id)
    liked, dark = set(sample.profile.history), is_dark()
    frame = explanation.item_neighbours
    second = second_hop(sample, frame)
    graph = network.build(frame, steps[-1], sample.colours(), liked, dark, clickable=True, second=second)
    if graph.edges.empty:
        st.info(
            f"{plain(name)} has no neighbours in the knowledge graph. Use the buttons above to go back.",
            icon=":material/hub:",
        )
        return
    count = int(explanation.item_neighbours["picked"].sum())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"Neighbours of **{plain(name)}**: {count} sampled, score {explanation.score:.3f}",
            width="content",
        )
        if len(steps) > 1:
            icon = ":material/center_focus_strong:"
            st.button("Select this item", icon=icon, key="walk_inspect", on_click=_select, args=(item_id,))
    visited = [step_id for step_id, _ in steps]
    # A selection belongs to one graph: the key keeps it from counting again at the next node
    _show_choices(graph, visited, f"{len(steps)} {item_id} {int(bool(second))}")


def _path(sample: Sample) -> list[Step]:
    """The path in the link, or the selected item alone."""
    with url.parameters():
        text = st.text_input(
            "Visited items (ids)", key="trail", bind="query-params", placeholder="comma-separated ids"
        )
    path, unknown = _known(sample.explorer, text or "")
    if unknown:
        names = ", ".join(name[:40] for name in unknown)
        widgets.show_notice(Notice(f"The path in the link skips unknown items: {names}."))
    start = (sample.item_id, str(sample.explorer.item(sample.item_id)["title"]))
    return path if path[:1] == [start] else [start]


def _show_choices(graph: network.Graph, visited: list[Any], place: str) -> None:
    """The next nodes, as a chart and as a table."""
    left, right = st.columns([3, 2])
    with left:
        key = f"walk {place}"
        st.echarts_chart(
            graph.option,
            height=graph.height,
            key=key,
            on_select=partial(_take_node, key, graph.item_ids, visited),
            renderer="svg",
            alt=graph.alt,
        )
        st.caption(graph.caption)
    with right:
        key, edges = f"steps {place}", graph.edges
        st.dataframe(
            edges[list(STEPS)].assign(
                contribution=edges["contribution"].where(edges["picked"]),
                inclusion_probability=100 * edges["inclusion_probability"],
            ),
            column_config=STEPS,
            hide_index=True,
            key=key,
            on_select=partial(_take_row, key, edges["item_id"].tolist(), visited),
            selection_mode="single-row",
            alt=f"As a table: {graph.alt}",
            height=460,
            placeholder="–",
        )
        st.caption("Select a row to go to its item.")


def _known(explorer: Explorer, text: str) -> tuple[list[Step], list[str]]:
    """(id, title) of the steps that this model knows, and the ids that it does not."""
    steps, unknown = list[Step](), list[str]()
    for wanted in text.replace(",", " ").split()[:MOST_STEPS]:
        try:
            row = explorer.item(wanted[:80])
            steps.append((row["item_id"], str(row["title"])))
        except InputError:
            unknown.append(wanted)
    return steps, unknown


def _show_crumbs(steps: list[Step]) -> None:
    """The path as buttons; each leads back to its item."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, (_, title) in enumerate(steps):
            st.button(
                plain(shorten(title, CRUMB)),
                key=f"crumb {place}",
                icon=":material/trip_origin:" if not place else ":material/chevron_right:",
                type="tertiary",
                disabled=place == len(steps) - 1,
                on_click=_go_back,
                args=([step_id for step_id, _ in steps], place),
            )


def _go_back(visited: list[Any], place: int) -> None:
    """Callback: cut the path after a place; place 0 is the selected item."""
    st.session_state["trail"] = ",".join(map(str, visited[: place + 1]))


def _go_to(item_id: Any, visited: list[Any]) -> None:
    """Append an item to the path, or go back to it if it is on the path."""
    path = [*visited, item_id]
    if len(path) > MOST_STEPS:
        path = [path[0], *path[2:]]
    _go_back(path, path.index(item_id))


def _take_node(key: str, item_ids: list[Any], visited: list[Any]) -> None:
    """Callback of the chart; the item itself and the entities lead nowhere."""
    chosen = [
        n
        for group in st.session_state[key].selection.selected
        if group["data_type"] == "node"
        for n in group["data_indices"]
    ]
    if chosen and 0 < chosen[0] < len(item_ids) and item_ids[chosen[0]] is not None:
        _go_to(item_ids[chosen[0]], visited)


def _take_row(key: str, item_ids: list[Any], visited: list[Any]) -> None:
    """Callback of the table."""
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(item_ids):
        _go_to(item_ids[rows[0]], visited)


def _select(item_id: Any) -> None:
    """Callback: make it the selected item, where the next path begins."""
    st.session_state["trail"] = ""
    sidebar.inspect(item_id)
