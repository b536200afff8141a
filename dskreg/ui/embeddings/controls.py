"""The controls of the Embeddings page, their values in the link, and the points selected on the map.

`point` (a user) and `picked` (points of a lasso or box) are bound text fields, so a link carries them. A
selection of more than `CARRIED` points would make the link too long and stays in the session.
"""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.embeddings import scatter
from dskreg.ui.frame import sidebar, url

CARRIED = 150  # ids of a selection that the link holds
NEAR, MOST_NEAR = 10, 50  # neighbours
TITLES, USERS = "titles", "users"
LABELS = {TITLES: "items", USERS: "users"}  # as the page and the link call them
TOOLS = {"pan": "pan", "lasso": "lasso", "box": "select"}  # as plotly calls them
ID = {TITLES: "item_id", USERS: "user_id"}
TSNE, PCA = "t-SNE", "PCA"
SAME = "same"
QUANTITIES = {  # colour or size: (column of the points, unit, digits)
    "popularity": ("likes", "likes", 0),
    "activity": ("liked", "likes", 0),
    "degree": ("degree", "paths", 0),
    "rarity": ("rarity", "bits", 1),
}
COLOURS = {
    "genre": "First genre of the item.",
    "favourite": "Most over-represented genre among the user's likes.",
    "activity": "Number of likes of the user.",
    "popularity": "Number of users who like the item.",
    "rarity": "Mean self-information of the user's likes, in bits.",
    "cluster": "k-means cluster in the embedding space, named by its over-represented genres.",
    "degree": "Number of 2-hop paths from the item to others in the knowledge graph.",
}
OLD_VALUES = {  # parameter: {value in the links of earlier versions: its name today}
    "map": {"viewers": USERS, TITLES: LABELS[TITLES]},
    "graph": {"after": "aggregated", "before": "raw"},
    "tool": {"move": "pan"},
    "colour": {"oddness": "rarity"},
    "size": {"oddness": "rarity"},
}
PARAMETERS = ("map", "graph", "method", "colour", "size", "tool", "metric", "near_k")

KIND_HELP = "The points of the map: the items of the catalogue, or the users of the data."
SPACE_HELP = (
    "aggregated: the embedding with its neighbours' contributions; raw: the own embedding (e_i) alone."
)
METHOD_HELP = (
    "t-SNE preserves neighbourhoods; PCA preserves the two directions of largest variance, to scale."
)
SIZE_HELP = "The quantity that the area of a point shows."
TOOL_HELP = "pan: drag the map, scroll to zoom, click a point. lasso, box: drag around points to list them."
HIGHLIGHT_HELP = "The groups to show in colour; all other points are grey."
REGIONS_HELP = "Labels every cluster with its over-represented genres."
SHIFT_HELP = "Arrows from the raw to the aggregated position, for the selected item and its neighbours."
ZOOM_HELP = "Shows the surroundings of the selected point, with names."
K_HELP = "Number of nearest neighbours."
METRIC_HELP = "cosine compares directions, as t-SNE and the clusters do; euclidean also compares lengths."


@dataclass(frozen=True)
class View:
    """The values of the controls in one run of the page."""

    kind: str  # titles or users
    space: str = "aggregated"
    method: str = "tsne"
    colour: str = "genre"
    size: str = SAME
    tool: str = "pan"
    lit: tuple[str, ...] = ()  # the highlighted groups
    regions: bool = True
    shifts: bool = False
    zoom: bool = False

    @property
    def selects(self) -> Literal["points", "lasso", "box"]:
        """The kind of selection that a drag or click on the map makes."""
        return "lasso" if self.tool == "lasso" else "box" if self.tool == "box" else "points"

    @property
    def map(self) -> dict[str, str]:
        """The map among those of the kind."""
        return {"space": self.space, "method": self.method}


def asked() -> dict[str, str]:
    """The link's values of the page's parameters; values of earlier versions are replaced in the link.

    Call it before the controls are drawn, since a parameter that is bound to a control cannot be written.
    """
    found = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    old = {
        name: OLD_VALUES[name][value] for name, value in found.items() if value in OLD_VALUES.get(name, ())
    }
    if old and not any(name in st.session_state for name in old):
        st.query_params.update(old)
        st.rerun()
    return found


def which_map(explorer: Explorer) -> tuple[str, str, str]:
    """The first row of controls: kind, space and method."""
    kinds = [TITLES, USERS] if len(cache.ask(explorer, "maps.users")) else [TITLES]
    kind = widgets.one_of(
        "Show",
        kinds,
        "map",
        TITLES,
        on_change=forget_selection,
        help=KIND_HELP,
        format_func=lambda kind: LABELS[kind],
    )
    space = "aggregated"
    if kind == TITLES:
        space = widgets.one_of("Embedding", ("aggregated", "raw"), "graph", help=SPACE_HELP)
    method = widgets.one_of("Projection", (TSNE, PCA), "method", help=METHOD_HELP)
    return str(kind), str(space), "tsne" if method == TSNE else "pca"


def view(explorer: Explorer, kind: str, space: str, method: str, frame: pd.DataFrame) -> View:
    """The second row of controls: colour, size, tool and overlays."""
    genres = bool(explorer.genres)
    if kind == TITLES:
        colours = [*["genre"] * genres, *["type"] * bool(explorer.types), "popularity", "cluster", "degree"]
        sizes = [SAME, "popularity", "degree"]
    else:
        colours = [*["favourite"] * genres, "activity", "rarity", "cluster"]
        sizes = [SAME, "activity", "rarity"]
    text = "\n".join(f"- {name}: {COLOURS[name]}" for name in colours if name in COLOURS)
    colour = str(widgets.one_of("Colour by", colours, "colour", help=text))
    size = str(widgets.one_of("Size by", sizes, "size", SAME, help=SIZE_HELP))
    tool = str(widgets.one_of("Tool", list(TOOLS), "tool", "pan", help=TOOL_HELP))
    lit = _highlighted(frame, colour, names_of(explorer, kind))
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        regions = st.toggle("Region labels", True, key="names", bind="query-params", help=REGIONS_HELP)
        shifts = False
        if kind == TITLES and method == "tsne":
            shifts = st.toggle("Show displacement", key="arrows", bind="query-params", help=SHIFT_HELP)
        zoom = st.toggle("Zoom to selection", key="zoom", bind="query-params", help=ZOOM_HELP)
    return View(kind, space, method, colour, size, tool, lit, bool(regions), bool(shifts), bool(zoom))


def _highlighted(frame: pd.DataFrame, colour: str, names: dict[int, str]) -> tuple[str, ...]:
    if colour == "cluster":
        return ()
    present = sorted(name for name in groups_of(frame, colour, names).unique() if isinstance(name, str))
    if not present:
        return ()
    key, placeholder = f"lit_{colour}", "no highlight"
    return tuple(
        st.multiselect("Highlight", present, key=key, placeholder=placeholder, help=HIGHLIGHT_HELP, width=260)
    )


def points(explorer: Explorer, kind: str, space: str, method: str) -> pd.DataFrame:
    """The map's points, with the column `label`, and `degree` for titles."""
    if kind == USERS:
        frame = cache.ask(explorer, "maps.users", method)
        frame["label"] = "user " + frame["user_id"].astype(str)
    else:
        frame = cache.ask(explorer, "maps.titles", space, method)
        frame["label"] = frame["title"]
        frame["degree"] = frame["item_id"].map(explorer.degrees.set_index("item_id")["paths"])
    return frame.dropna(subset=["x", "y"]).reset_index(drop=True)


def names_of(explorer: Explorer, kind: str) -> dict[int, str]:
    """The name of each cluster: its number and its over-represented genres."""
    regions = cache.ask(explorer, "maps.regions", kind)
    return {
        int(number): f"{int(number) + 1}. {text or 'mixed'}"
        for number, text in zip(regions["cluster"], regions["label"], strict=True)
    }


def groups_of(frame: pd.DataFrame, by: str, names: dict[int, str]) -> pd.Series:
    """The category that colours each point."""
    if by == "genre":
        return scatter.leading(frame["genres"].fillna("").str.split(",").str[0].str.strip())
    if by in QUANTITIES:
        column, unit, digits = QUANTITIES[by]
        return scatter.bands(frame[column].round(digits), unit, digits)
    if by == "cluster":
        order = [*names.values(), charts.OTHER_NAME]
        cluster = frame["cluster"].map(names).fillna(charts.OTHER_NAME)
        return pd.Series(pd.Categorical(cluster, categories=order, ordered=True), index=frame.index)
    return scatter.leading(frame[by])


def colours_of(groups: pd.Series, by: str) -> dict[str, str]:
    """The colour of each group."""
    names = list(groups.cat.categories)
    if by in QUANTITIES:
        return charts.ramp(names)
    if by == "cluster":
        return {
            name: charts.OTHER if name == charts.OTHER_NAME else charts.COLOURS[n % len(charts.COLOURS)]
            for n, name in enumerate(names)
        }
    return charts.palette(names)


def sizes_of(frame: pd.DataFrame, by: str) -> pd.Series | None:
    """The size of each point in pixels; None where all have the same."""
    if by not in QUANTITIES:
        return None
    return scatter.sized(frame[QUANTITIES[by][0]], smallest=3 if len(frame) > 4000 else 4)


def neighbour_controls() -> tuple[int, str]:
    """The number of nearest neighbours and the metric."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = st.slider("k", 1, MOST_NEAR, NEAR, key="near_k", bind="query-params", width=260, help=K_HELP)
        metric = widgets.one_of("Metric", ("cosine", "euclidean"), "metric", help=METRIC_HELP)
    return int(k), str(metric)


# The selected point and the selection


def fields() -> None:
    """The text fields of the link's ids. They must be drawn before their values are read."""
    with url.parameters():
        st.caption(f"A copied link carries these ids, but no selection of more than {CARRIED} points.")
        st.text_input("Selected user", key="point", bind="query-params", placeholder="none")
        st.text_input(
            "Selected points",
            key="picked",
            bind="query-params",
            placeholder="none, comma-separated ids",
            on_change=_forget_large_selection,
        )


def selected() -> list[str]:
    """The ids of the selected points, as text."""
    written = dict.fromkeys((st.session_state.get("picked") or "").replace(",", " ").split())
    return list(written)[:CARRIED] or list(st.session_state.get("picked_many", ()))


def choose(wanted: object, kind: str) -> None:
    """Callback: select this title or user."""
    if kind == TITLES:
        sidebar.inspect(wanted)
    else:
        st.session_state["point"] = "" if wanted is None else str(wanted)


def take_points(kind: str, tool: str) -> None:
    """Callback: keep the clicked point or the selection, which plotly forgets when the figure changes."""
    drawn = st.session_state["map_chart"]["selection"]["points"]
    found = list(dict.fromkeys(str(key) for key in map(_id, drawn) if key is not None))
    if tool == "pan":
        if found:
            choose(found[0], kind)
        return
    few = len(found) <= CARRIED
    st.session_state["picked"] = ",".join(found) if few else ""
    st.session_state["picked_many"] = () if few else tuple(found)
    st.session_state["drawn_in_browser"] = True


def forget_selection() -> None:
    """Callback: clear the selection."""
    st.session_state["picked"], st.session_state["picked_many"] = "", ()


def drawn_ids(all_ids: pd.Series, ids: list[str]) -> list[Any]:
    """The selected ids of the map that the figure itself shows.

    The browser draws a selection just made. The figure is then left as it is, since a new one would reset
    the zoom.
    """
    if not st.session_state.pop("drawn_in_browser", False):
        st.session_state["figure_selection"] = ids
    return all_ids[all_ids.astype(str).isin(st.session_state.get("figure_selection", []))].tolist()


def _forget_large_selection() -> None:
    st.session_state["picked_many"] = ()


def _id(point: dict[str, Any]) -> Any:
    data = point.get("customdata")
    return data[0] if isinstance(data, list) and data else data.get("0") if isinstance(data, dict) else data
