"""The maps: what the model holds to be alike lies close together.

Click a point for its details, drag around some to list them.
"""

from functools import partial
from typing import Any

import streamlit as st

from dskreg.explorer import InputError, Profile
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.embeddings import controls, overlays, scatter
from dskreg.ui.embeddings import panels as mapside
from dskreg.ui.embeddings.controls import TITLES, VIEWERS
from dskreg.ui.embeddings.scatter import Look, Mark
from dskreg.ui.frame import sidebar
from dskreg.ui.frame.finder import choose_user

PHONE = 700  # pixels of the window below which only those names of regions stay that fit


def chosen_viewer() -> Profile | None:
    """The viewer chosen on the map, if the field holds one; the person of the sidebar otherwise."""
    wanted = (st.session_state.get("point") or "").strip()
    if not wanted:
        return profile if profile.history else None
    try:
        return explorer.profile(wanted[:80])
    except InputError as error:
        widgets.show_notice(Notice(f"{error}. You see {profile.label} instead."))
        return profile if profile.history else None


def title_marks() -> dict[str, Mark]:
    """This person's titles, the chosen one and its neighbours."""
    return {
        "liked": Mark(profile.history, charts.LIKED, "circle"),
        "recommended": Mark(recommended, charts.RECOMMENDED, "diamond"),
        "nearest to the chosen": Mark(near, charts.CHOSEN, "circle-open", named=True),
        "chosen": Mark([who], charts.CHOSEN, "star", named=True),
    }


def viewer_marks() -> dict[str, Mark]:
    """Where this person stands, the chosen viewer and the neighbours."""
    marks = {"nearest to the chosen": Mark(near, charts.CHOSEN, "circle-open", named=True)}
    if profile.edited and profile.user_id is not None:
        marks["before the changes"] = Mark([profile.user_id], charts.LIKED, "diamond-open")
    if here is not None:
        marks["you are here" if profile.user_id is None or profile.edited else "this viewer"] = Mark(
            (), charts.LIKED, "diamond", at=here
        )
    if who is not None and who != profile:
        placed = who.user_id in set(frame["user_id"])
        at = None if placed else cache.ask(explorer, "maps.place", who, method)
        marks["chosen"] = Mark([who.user_id] if placed else (), charts.CHOSEN, "star", named=True, at=at)
    return marks


selection = sidebar.current(needs_profile=False)
explorer, profile = selection.explorer, selection.profile
asked = {
    name: st.query_params[name]
    for name in ("map", "graph", "method", "colour", "size", "tool", "metric", "near_k")
    if name in st.query_params
}

st.title("Embeddings", anchor=False)
st.caption(
    "Every title and viewer is a point in the model's embedding space. A map flattens that space so that near points stay near."
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    kind, space, method = controls.what(explorer)
if asked.get("map") == VIEWERS != kind:
    st.caption("This model holds no map of viewers.")
frame = controls.points(explorer, kind, space, method)
if not len(frame):
    st.info("This model holds no map.", icon=":material/scatter_plot:")
    raise sidebar.PageEnd
with st.container(horizontal=True, vertical_alignment="bottom"):
    view = controls.how(explorer, kind, space, method, frame)
left, right = st.columns([7, 4], gap="medium")
listed, neighbours, graph, everything, address = (st.container() for _ in range(5))
with address:
    controls.fields()
with neighbours:
    st.subheader("Nearest neighbours", anchor=False)
    k, metric = controls.near_controls()
shown = {
    "map": kind,
    "graph": st.session_state.get("graph", "after"),
    "method": st.session_state["method"],
    "colour": view.colour,
}
shown |= {"size": view.size, "tool": view.tool, "metric": metric, "near_k": k}
if left_out := widgets.not_followed(asked, shown):
    widgets.show_notice(
        Notice(f"This part of the link is not known here and was not followed: {', '.join(left_out)}.")
    )

recommended = (
    cache.recommendations(explorer, profile, selection.top)["item_id"].tolist()
    if profile.history and kind == TITLES
    else []
)
who: Any = (
    (selection.item_id if selection.item_id is not None else next(iter(recommended), None))
    if kind == TITLES
    else chosen_viewer()
)
name = str(explorer.item(who)["title"]) if kind == TITLES and who is not None else getattr(who, "label", "")
here = cache.ask(explorer, "maps.place", profile, method) if kind == VIEWERS else None
near = (
    cache.ask(explorer, "maps.near", view.core, who, k=k, metric=metric, **view.place)[
        controls.ID[kind]
    ].tolist()
    if who is not None
    else []
)

groups = controls.groups_of(frame, view.colour, controls.names_of(explorer, kind))
present = [str(group) for group in groups.cat.categories if (groups == group).any()]
ids = controls.selected()
look = Look(
    lit=view.lit or None,
    selected=controls.drawn_ids(frame[controls.ID[kind]], ids),
    focus=(who if kind == TITLES else getattr(who, "user_id", None)) if view.zoom else None,
    drag=controls.TOOLS[view.tool],
    dark=st.context.theme.type == "dark",
    legend=len(present) <= len(charts.COLOURS),
)
marks = title_marks() if kind == TITLES else viewer_marks()
figure = scatter.scatter_map(
    frame,
    controls.ID[kind],
    "label",
    groups,
    controls.colours_of(groups, view.colour),
    marks,
    look,
    controls.sizes_of(frame, view.size),
)
if view.moves and who is not None:
    moved = cache.ask(explorer, "maps.moved")
    overlays.add_moves(figure, moved[moved["item_id"].isin([who, *near])], charts.CHOSEN)
if view.regions and not view.zoom:
    key = controls.ID[kind]
    main = frame[frame[key] == (who if kind == TITLES else getattr(who, "user_id", None))]
    clear = [*zip(main["x"], main["y"], strict=True), *([here] if here is not None else [])]
    fitting = overlays.name_regions(
        figure, cache.ask(explorer, "maps.regions", view.core, **view.place), frame, look.dark, clear
    )
    hidden = ", ".join(
        f'.st-key-map_area .annotation[data-index="{n}"]'
        for n in range(fitting, len(figure.layout.annotations))
    )
    if hidden:
        st.html(f"<style>@media (max-width: {PHONE}px) {{ {hidden} {{ display: none }} }}</style>")

with left, st.container(key="map_area"):
    alt = f"Map of {len(frame):,} {kind} coloured by {view.colour}; {', '.join(present[:4])} are the first groups. The table below the map lists the points."
    st.plotly_chart(
        figure,
        key="map_chart",
        # Streamlit keeps it for good, and what a lambda of the page refers to: the figure
        on_select=partial(controls.take_points, kind, view.tool),
        selection_mode=view.selects,
        config={"scrollZoom": True, "displaylogo": False},
        alt=alt,
    )
    mapside.trust(explorer, view)
    if kind == VIEWERS and len(frame) < explorer.user_count:
        st.caption(
            f"{len(frame):,} of {explorer.user_count:,} viewers, drawn by chance, are on the map. Anybody else is placed among them when chosen."
        )
    if explorer.simulated and kind == VIEWERS:
        st.caption(widgets.SIMULATED)
with right:
    mapside.search(explorer, kind)
    if who is None:
        st.info(
            "Click a point, or search for one, to see its details and its true neighbours.",
            icon=":material/ads_click:",
        )
    elif kind == TITLES:
        mapside.title_card(explorer, who)
    else:
        mapside.viewer_card(explorer, who, profile, choose_user)
if ids:
    with listed:
        mapside.selection(explorer, view, frame, ids)
with neighbours:
    if who is None:
        st.caption("Choose a point to see its neighbours.")
    else:
        mapside.neighbours(
            explorer,
            view,
            who if kind == TITLES or who.edited or who.user_id is None else who.user_id,
            name,
            k,
            metric,
        )
if kind == TITLES:
    with graph:
        wide = st.expander(
            "What did the graph move?", icon=":material/moving:", on_change="rerun", key="moved_open"
        )
        if wide.open:
            with wide:
                mapside.moved(explorer)
with everything:
    table = st.expander(
        "The points as a table", icon=":material/table:", on_change="rerun", key="points_open"
    )
    if table.open:
        with table:
            mapside.all_points(explorer, view, frame, groups)
