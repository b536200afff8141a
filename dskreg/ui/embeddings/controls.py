"""The controls of the Embeddings page in one row, the rare ones in popovers. Links carry their values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.entities import OFFERED, found_by, joined, known_entities, label, parted
from dskreg.ui.embeddings import cloud, selected
from dskreg.ui.embeddings.colouring import CLUSTER, ENTITY, GENRE, present

NEAR, MOST_NEAR = 10, 50  # neighbours
TITLES, USERS, ID = selected.TITLES, selected.USERS, selected.ID
LABELS = {TITLES: "items", USERS: "users"}  # as the page and the link call them
TOOLS = {"pan": "pan", "lasso": "lasso", "box": "select"}  # as plotly calls them
TSNE, PCA = "t-SNE", "PCA"
SAME = "same"
COLOURS = {
    GENRE: "Of the item's genres the one that fewest items carry.",
    ENTITY: "Items that carry chosen entities of the knowledge graph.",
    "favourite": "Most over-represented genre among the user's likes.",
    "activity": "Number of likes of the user.",
    "popularity": "Number of users who like the item.",
    "rarity": "Mean self-information of the user's likes, in bits.",
    CLUSTER: "k-means cluster in the embedding space, named by its over-represented genres.",
    "degree": "Number of 2-hop paths from the item to others in the knowledge graph.",
}
OLD_VALUES = {  # parameter: {value in the links of earlier versions: its name today}
    "map": {"viewers": USERS, TITLES: LABELS[TITLES]},
    "graph": {"after": "aggregated", "before": "raw"},
    "tool": {"move": "pan"},
    "colour": {"oddness": "rarity", "genre": GENRE},
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
ENTITY_HELP = "The items that carry them are in colour. Type a part of a name and press Enter."
REGIONS_HELP = "Labels every cluster with its over-represented genres."
DENSITY_HELP = "Lines of equal density of points; the innermost enclose the densest parts."
SHIFT_HELP = "Arrows from the raw to the aggregated position, for the selected item and its neighbours."
ZOOM_HELP = "Shows the surroundings of the selected point, with names."
K_HELP = "Number of nearest neighbours."
METRIC_HELP = "cosine compares directions, as t-SNE and the clusters do; euclidean also compares lengths."
LINES_HELP = "Lines from the selected point to its nearest neighbours in the embedding space."


@dataclass(frozen=True)
class View:
    """The values of the controls in one run of the page."""

    kind: str  # titles or users
    space: str = "aggregated"
    method: str = "tsne"
    colour: str = GENRE
    size: str = SAME
    tool: str = "pan"
    k: int = NEAR
    metric: str = "cosine"
    lines: bool = True  # to the nearest neighbours
    regions: bool = True
    density: bool = False
    shifts: bool = False
    zoom: bool = False
    lit: tuple[str, ...] = ()  # the highlighted groups
    codes: tuple[str, ...] = ()  # the coloured entities

    @property
    def selects(self) -> Literal["points", "lasso", "box"]:
        """The kind of selection that a drag or click on the map makes."""
        return "lasso" if self.tool == "lasso" else "box" if self.tool == "box" else "points"

    @property
    def map(self) -> dict[str, str]:
        """The map among those of the kind."""
        return {"space": self.space, "method": self.method}

    @property
    def written(self) -> dict[str, object]:
        """The values that a link writes, by parameter."""
        method = TSNE if self.method == "tsne" else PCA
        texts = {"map": LABELS[self.kind], "graph": self.space, "method": method, "colour": self.colour}
        return texts | {"size": self.size, "tool": self.tool, "metric": self.metric, "near_k": self.k}


def colour_label(explorer: Explorer, colour: str) -> str:
    """A colouring's name on the page and in the link: for genre the relation that stands for genres."""
    return colour.replace("genre", explorer.directory.described_by)


def asked(explorer: Explorer) -> dict[str, str]:
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
    if found.get("colour") == colour_label(explorer, GENRE):
        found["colour"] = GENRE
    return found


def row(explorer: Explorer, item_id: object) -> tuple[View, pd.DataFrame, pd.Series]:
    """Draw the row; return its values, the points of the map, and the group of each point."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="map_controls"):
        kind = TITLES
        if len(cache.ask(explorer, "maps.users")):
            kinds = [TITLES, USERS]
            chosen = widgets.one_of(
                "Show",
                kinds,
                "map",
                on_change=selected.forget,
                help=KIND_HELP,
                format_func=lambda kind: LABELS[kind],
            )
            kind = str(chosen)
        colour = _colour(explorer, kind, item_id)
        groups_at = st.container(width=210)
        tool = str(widgets.one_of("Tool", list(TOOLS), "tool", "pan", help=TOOL_HELP))
        with st.popover("Neighbours", icon=":material/hub:"):
            k, metric, lines = _neighbours()
        with st.popover("More", icon=":material/tune:"):
            space, method, size = _projection(kind)
            regions, density, shifts, zoom = _overlays(kind, method)
    frame = cloud.points(explorer, kind, space, method)
    with groups_at:
        codes = tuple(_entities(explorer)) if colour == ENTITY else ()
        groups = cloud.groups(explorer, kind, space, method, colour, codes)
        lit = tuple(present(groups)) if colour == ENTITY else _highlighted(groups, colour)
    view = View(kind, space, method, colour, size, tool, k, metric, lines, regions, density, shifts, zoom)
    return replace(view, lit=lit, codes=codes), frame, groups


def _colour(explorer: Explorer, kind: str, item_id: object) -> str:
    genres, entities = bool(explorer.genres), bool(len(cache.ask(explorer, "entities")))
    if kind == TITLES:
        options = [*[GENRE] * genres, *[ENTITY] * entities, *["type"] * bool(explorer.types)]
        options += ["popularity", CLUSTER, "degree"]
    else:
        options = [*["favourite"] * genres, "activity", "rarity", CLUSTER]
    lines = [f"- {name}: {COLOURS[name]}" for name in options if name in COLOURS]
    text = colour_label(explorer, "\n".join(lines))
    chosen = st.selectbox(
        "Colour by",
        options,
        format_func=partial(colour_label, explorer),
        key="colour",
        bind="query-params",
        width=140,
        help=text,
        on_change=partial(_suggest_entity, explorer, item_id),
    )
    return str(chosen)


def _neighbours() -> tuple[int, str, bool]:
    k = st.slider("k", 1, MOST_NEAR, NEAR, key="near_k", bind="query-params", width=260, help=K_HELP)
    metric = widgets.one_of("Metric", ("cosine", "euclidean"), "metric", help=METRIC_HELP)
    lines = st.toggle("Lines on the map", True, key="lines", bind="query-params", help=LINES_HELP)
    return int(k), str(metric), bool(lines)


def _projection(kind: str) -> tuple[str, str, str]:
    space = "aggregated"
    if kind == TITLES:
        space = str(widgets.one_of("Embedding", ("aggregated", "raw"), "graph", help=SPACE_HELP))
    method = widgets.one_of("Projection", (TSNE, PCA), "method", help=METHOD_HELP)
    sizes = [SAME, "popularity", "degree"] if kind == TITLES else [SAME, "activity", "rarity"]
    size = widgets.one_of("Size by", sizes, "size", SAME, help=SIZE_HELP)
    return space, "tsne" if method == TSNE else "pca", str(size)


def _overlays(kind: str, method: str) -> tuple[bool, bool, bool, bool]:
    zoom = st.toggle("Zoom to selection", key="zoom", bind="query-params", help=ZOOM_HELP)
    density = st.toggle("Density contours", key="density", bind="query-params", help=DENSITY_HELP)
    regions = shifts = False
    if not zoom:  # which names the points instead
        regions = st.toggle("Region labels", True, key="names", bind="query-params", help=REGIONS_HELP)
    if kind == TITLES and method == "tsne":
        shifts = st.toggle("Show displacement", key="arrows", bind="query-params", help=SHIFT_HELP)
    return bool(regions), bool(density), bool(shifts), bool(zoom)


def _highlighted(groups: pd.Series, colour: str) -> tuple[str, ...]:
    options = present(groups)
    if len(options) < 2:
        return ()
    return tuple(
        st.multiselect(
            "Highlight",
            options,
            key=f"lit_{colour.split()[-1]}",
            bind="query-params",
            placeholder="no highlight",
            help=HIGHLIGHT_HELP,
        )
    )


def _entities(explorer: Explorer) -> list[str]:
    """The chosen entities (`relation:name`), which the field `entities` keeps."""
    known = known_entities(explorer)
    codes = [code for code in parted(st.session_state.get("entities")) if code in known]
    st.session_state["entities_choice"] = codes
    st.multiselect(
        "Entities",
        list(dict.fromkeys([*codes, *list(known)[:OFFERED]])),
        format_func=lambda code: label(code, known),
        key="entities_choice",
        placeholder="genre, studio …",
        accept_new_options=True,
        on_change=_take_entities,
        args=(explorer,),
        help=ENTITY_HELP,
    )
    return codes


def _take_entities(explorer: Explorer) -> None:
    """Callback: write the entities that were chosen, or found by a part of their name, into the link."""
    _write([found_by(explorer, str(choice)) for choice in st.session_state["entities_choice"]])


def _suggest_entity(explorer: Explorer, item_id: object) -> None:
    """Callback: where no entity is chosen, begin with the item's rarest one that other titles carry too."""
    if st.session_state["colour"] != ENTITY or parted(st.session_state.get("entities")):
        return
    own = explorer.entities(item_id) if item_id is not None else explorer.entities()
    shared = own[own["titles"] > 1].sort_values("titles", kind="stable")
    _write([f"{row.relation}:{row.entity}" for row in shared.head(1).itertuples()])


def _write(codes: Sequence[str]) -> None:
    st.session_state["entities"] = joined(list(dict.fromkeys(codes)))
