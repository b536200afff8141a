"""What the embeddings page is asked to show: its controls, its state in the address, and what is selected on
the map.

`point` (a viewer) and `picked` (titles or viewers selected with a lasso or box) live in bound text fields, so
a link carries them. A selection of more than `CARRIED` points would make a monstrous address: it stays in the
session.
"""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.embeddings import scatter
from dskreg.ui.frame import sidebar

CARRIED = 150  # ids of a selection that the address holds
NEAR, MOST_NEAR = 10, 50  # neighbours
TITLES, VIEWERS = "titles", "viewers"
TOOLS = {"move": "pan", "lasso": "lasso", "box": "select"}
ID = {TITLES: "item_id", VIEWERS: "user_id"}
TSNE, PCA = "t-SNE", "PCA"
COLOURS = {
    "genre": "The first of a title's genres.",
    "favourite": "The genre that stands out most in what a viewer likes.",
    "cluster": "Groups of points that are alike in the original space (k-means), named by the genres that are over-represented there.",
}


@dataclass(frozen=True)
class View:
    """The choices of one run of the page."""

    kind: str  # titles or viewers
    space: str = "aggregated"
    method: str = "tsne"
    colour: str = "genre"
    size: str = "same"
    tool: str = "move"
    lit: tuple[str, ...] = ()
    regions: bool = True
    moves: bool = False
    zoom: bool = False

    @property
    def core(self) -> str:
        """The kind as the maps call it."""
        return "users" if self.kind == VIEWERS else self.kind

    @property
    def selects(self) -> Literal["points", "lasso", "box"]:
        """What a drag or click on the map selects."""
        return "lasso" if self.tool == "lasso" else "box" if self.tool == "box" else "points"

    @property
    def place(self) -> dict[str, str]:
        """Which map of the kind."""
        return {"space": self.space, "method": self.method}


def what(explorer: Explorer) -> tuple[str, str, str]:
    """The first row of controls: (kind, space, method)."""
    some = len(cache.ask(explorer, "maps.users")) > 0
    kinds = [TITLES, *[VIEWERS] * some]
    kind = widgets.one_of("Map of the", kinds, "map", TITLES, on_change=forget_selection)
    space = "after"
    if kind == TITLES:
        text = "After: as the model compares titles, with what their neighbours in the knowledge graph add. Before: the title's own vector alone (e_i)."
        space = widgets.one_of("The graph", ("after", "before"), "graph", help=text)
    text = "t-SNE keeps near points near and bends the rest. PCA shows the two directions of most variation, true to scale, but most of the space is lost."
    method = widgets.one_of("Flattened by", (TSNE, PCA), "method", help=text)
    return str(kind), "aggregated" if space == "after" else "raw", "tsne" if method == TSNE else "pca"


def how(explorer: Explorer, kind: str, space: str, method: str, frame: pd.DataFrame) -> View:
    """The second row of controls: colour, size, tool, and what else is drawn."""
    genres = bool(explorer.genres)
    colours = [*["genre"] * genres, *["type"] * bool(explorer.types), "popularity", "cluster", "degree"]
    sizes = ["same", "popularity", "degree"]
    if kind == VIEWERS:
        colours, sizes = (
            [*["favourite"] * genres, "activity", "oddness", "cluster"],
            ["same", "activity", "oddness"],
        )
    text = "\n".join(f"- {name}: {COLOURS[name]}" for name in colours if name in COLOURS)
    text += (
        "\n- degree: how many ways lead from the title to others in the knowledge graph."
        if kind == TITLES
        else ""
    )
    colour = str(widgets.one_of("Colour by", colours, "colour", help=text))
    size = str(widgets.one_of("Size by", sizes, "size", "same"))
    text = "Move: drag to shift the map, scroll to zoom, click a point for its details. Lasso and box: drag around points to list them."
    tool = str(widgets.one_of("Drag to", list(TOOLS), "tool", "move", help=text))
    present = (
        [
            name
            for name in groups_of(frame, colour, names_of(explorer, kind)).unique()
            if isinstance(name, str)
        ]
        if colour != "cluster"
        else []
    )
    lit: list[str] = []
    if present:
        lit = st.multiselect(
            "Highlight",
            sorted(present),
            key=f"lit_{colour}",
            placeholder="all in colour",
            help="The others stay on the map in grey.",
            width=260,
        )
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        regions = st.toggle(
            "Name regions",
            True,
            key="names",
            bind="query-params",
            help="By the genres that are over-represented there.",
        )
        moves = False
        if kind == TITLES and method == "tsne":
            moves = st.toggle(
                "Arrows",
                key="arrows",
                bind="query-params",
                help="From where the chosen title and its neighbours lay before the graph to after it.",
            )
        zoom = st.toggle(
            "Zoom to the chosen", key="zoom", bind="query-params", help="Shows its surroundings, with names."
        )
    return View(kind, space, method, colour, size, tool, tuple(lit), bool(regions), bool(moves), bool(zoom))


def points(explorer: Explorer, kind: str, space: str, method: str) -> pd.DataFrame:
    """The map's points, with the column `label`, and `degree` for titles."""
    if kind == VIEWERS:
        frame = cache.ask(explorer, "maps.users", method)
        frame["label"] = "viewer " + frame["user_id"].astype(str)
    else:
        frame = cache.ask(explorer, "maps.titles", space, method)
        frame["label"] = frame["title"]
        frame["degree"] = frame["item_id"].map(explorer.degrees.set_index("item_id")["paths"])
    return frame.dropna(subset=["x", "y"]).reset_index(drop=True)


def names_of(explorer: Explorer, kind: str) -> dict[int, str]:
    """What each cluster is called: its number, and its genres where some stand out."""
    regions = cache.ask(explorer, "maps.regions", "users" if kind == VIEWERS else kind)
    return {
        int(number): f"{int(number) + 1}. {text or 'mixed'}"
        for number, text in zip(regions["cluster"], regions["label"], strict=True)
    }


def groups_of(frame: pd.DataFrame, by: str, names: dict[int, str]) -> pd.Series:
    """The category by which each point is coloured."""
    if by == "genre":
        return scatter.leading(frame["genres"].fillna("").str.split(",").str[0].str.strip())
    if by == "oddness":
        return scatter.bands(frame["oddness"].round(1), "bits", digits=1)
    if by in ("popularity", "activity", "degree"):
        column, unit = {
            "popularity": ("likes", "likes"),
            "activity": ("liked", "likes"),
            "degree": ("degree", "ways"),
        }[by]
        return scatter.bands(frame[column], unit)
    if by == "cluster":
        order = [*names.values(), charts.OTHER_NAME]
        return pd.Series(
            pd.Categorical(
                frame["cluster"].map(names).fillna(charts.OTHER_NAME), categories=order, ordered=True
            ),
            index=frame.index,
        )
    return scatter.leading(frame[by])


def colours_of(groups: pd.Series, by: str) -> dict[str, str]:
    """A colour for each group."""
    names = list(groups.cat.categories)
    if by in ("popularity", "activity", "degree", "oddness"):
        return charts.ramp(names)
    if by == "cluster":
        return {
            name: charts.OTHER if name == charts.OTHER_NAME else charts.COLOURS[n % len(charts.COLOURS)]
            for n, name in enumerate(names)
        }
    return charts.palette(names)


def sizes_of(frame: pd.DataFrame, by: str) -> pd.Series | None:
    """Pixels per point, or None where all are the same."""
    column = {"popularity": "likes", "degree": "degree", "activity": "liked", "oddness": "oddness"}.get(by)
    return None if column is None else scatter.sized(frame[column], smallest=3 if len(frame) > 4000 else 4)


def near_controls() -> tuple[int, str]:
    """How many neighbours, and by which distance."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = st.slider("How many (k)", 1, MOST_NEAR, NEAR, key="near_k", bind="query-params", width=260)
        text = "Cosine compares directions, as t-SNE and the clusters do. Euclidean distance also counts how long the vectors are."
        metric = widgets.one_of("Near by", ("cosine", "euclidean"), "metric", help=text)
    return int(k), str(metric)


# What is chosen and selected


def fields() -> None:
    """The bound fields of the page. Drawn before anything that reads them."""
    with st.expander("Points in the link", icon=":material/link:"):
        st.caption(
            f"A copied link carries these ids: edit them to jump. A selection of more than {CARRIED} points is not in the link."
        )
        st.text_input("Viewer chosen on the map", key="point", bind="query-params", placeholder="none")
        st.text_input(
            "Selected points",
            key="picked",
            bind="query-params",
            placeholder="none, comma-separated ids",
            on_change=_forget_many,
        )


def selected() -> list[str]:
    """Ids of the selected points, as text."""
    written = dict.fromkeys((st.session_state.get("picked") or "").replace(",", " ").split())
    return list(written)[:CARRIED] or list(st.session_state.get("picked_many", ()))


def choose(wanted: object, kind: str) -> None:
    """Callback: look at this title or viewer."""
    if kind == TITLES:
        sidebar.inspect(wanted)
    else:
        st.session_state["point"] = "" if wanted is None else str(wanted)


def take_points(kind: str, tool: str) -> None:
    """Callback: remember what was clicked or selected.

    plotly's own selection is gone as soon as the figure changes.
    """
    found = list(
        dict.fromkeys(
            str(i) for i in map(_id, st.session_state["map_chart"]["selection"]["points"]) if i is not None
        )
    )
    if tool == "move":
        if found:
            choose(found[0], kind)
        return
    st.session_state["picked"], st.session_state["picked_many"] = (
        (",".join(found), ()) if len(found) <= CARRIED else ("", tuple(found))
    )
    st.session_state["drawn_in_browser"] = True


def forget_selection() -> None:
    """Callback: nothing is selected any more."""
    st.session_state["picked"], st.session_state["picked_many"] = "", ()


def drawn_ids(all_ids: pd.Series, ids: list[str]) -> list[Any]:
    """The selection that the figure itself shows, out of the map's ids.

    A selection just made is drawn by the browser. The figure is left as it was then, since a new one would
    lose the zoom.
    """
    if not st.session_state.pop("drawn_in_browser", False):
        st.session_state["figure_selection"] = ids
    return all_ids[all_ids.astype(str).isin(st.session_state.get("figure_selection", []))].tolist()


def _forget_many() -> None:
    st.session_state["picked_many"] = ()


def _id(point: dict[str, Any]) -> Any:
    data = point.get("customdata")
    return data[0] if isinstance(data, list) and data else data.get("0") if isinstance(data, dict) else data
