"""Maps of the embedding spaces: similar titles or users are close together."""

from functools import partial

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.embeddings import controls, overlays, panels, scatter, tables
from dskreg.ui.embeddings.controls import ID, TITLES, USERS, View
from dskreg.ui.embeddings.marks import Focus, focus_of, marks
from dskreg.ui.frame import sidebar
from dskreg.ui.frame.finder import choose_user

PHONE = 700  # width of the window in pixels below which a map shows fewer region labels


def draw_map(explorer: Explorer, view: View, frame: pd.DataFrame, groups: pd.Series, focus: Focus) -> None:
    """The chart, with its marks and overlays."""
    key = ID[view.kind]
    present = [str(group) for group in groups.cat.categories if (groups == group).any()]
    look = scatter.Look(
        lit=view.lit or None,
        selected=controls.drawn_ids(frame[key], controls.selected()),
        focus=focus.id if view.zoom else None,
        drag=controls.TOOLS[view.tool],
        dark=st.context.theme.type == "dark",
        legend=len(present) <= len(charts.COLOURS),
    )
    figure = scatter.scatter_map(
        frame,
        key,
        "label",
        groups,
        controls.colours_of(groups, view.colour),
        marks(explorer, focus, frame, view.method),
        look,
        controls.sizes_of(frame, view.size),
    )
    if view.shifts and focus.who is not None:
        moved = cache.ask(explorer, "maps.moved")
        shown = moved["item_id"].isin([focus.who, *focus.near])
        overlays.add_shifts(figure, moved[shown], charts.CHOSEN)
    if view.regions and not view.zoom:
        point = frame[frame[key] == focus.id]
        clear = [*zip(point["x"], point["y"], strict=True), *([focus.here] if focus.here else [])]
        regions = cache.ask(explorer, "maps.regions", view.kind, **view.map)
        fitting = overlays.label_regions(figure, regions, frame, look.dark, clear)
        hide_on_phones(range(fitting, len(figure.layout.annotations)))
    st.plotly_chart(
        figure,
        key="map_chart",
        # Streamlit keeps callbacks for the whole session; a lambda would keep the figure as well
        on_select=partial(controls.take_points, view.kind, view.tool),
        selection_mode=view.selects,
        config={"scrollZoom": True, "displaylogo": False},
        alt=f"Map of {len(frame):,} {controls.LABELS[view.kind]} coloured by {view.colour}; first groups: "
        f"{', '.join(present[:4])}. The table below the map lists all points.",
    )


def hide_on_phones(labels: range) -> None:
    """Hide these annotations of the map in narrow windows."""
    hidden = ", ".join(f'.st-key-map_area .annotation[data-index="{n}"]' for n in labels)
    if hidden:
        st.html(f"<style>@media (max-width: {PHONE}px) {{ {hidden} {{ display: none }} }}</style>")


selection = sidebar.current(needs_profile=False)
explorer, profile = selection.explorer, selection.profile
asked = controls.asked()
st.title("Embeddings", anchor=False)
st.caption("Each point is an item or user in the embedding space, projected to two dimensions.")
with st.container(horizontal=True, vertical_alignment="bottom"):
    kind, space, method = controls.which_map(explorer)
if asked.get("map") == USERS != kind:
    st.caption("This model has no map of users.")
frame = controls.points(explorer, kind, space, method)
if not len(frame):
    st.info("This model has no map.", icon=":material/scatter_plot:")
    raise sidebar.PageEnd
with st.container(horizontal=True, vertical_alignment="bottom"):
    view = controls.view(explorer, kind, space, method, frame)
left, right = st.columns([7, 4], gap="medium")
below, neighbours, shifts, everything, parameters = (st.container() for _ in range(5))
with parameters:
    controls.fields()
with neighbours:
    st.subheader("Nearest neighbours", anchor=False)
    k, metric = controls.neighbour_controls()
shown = {
    "map": controls.LABELS[kind],
    "graph": space,
    "method": st.session_state["method"],
    "colour": view.colour,
}
shown |= {"size": view.size, "tool": view.tool, "metric": metric, "near_k": k}
if left_out := widgets.not_followed(asked, shown):
    widgets.show_notice(
        Notice(f"The link contains unknown settings, which are ignored: {', '.join(left_out)}.")
    )

point = focus_of(selection, view, k, metric)
groups = controls.groups_of(frame, view.colour, controls.names_of(explorer, kind))
with left, st.container(key="map_area"):
    draw_map(explorer, view, frame, groups, point)
    panels.projection_quality(explorer, view)
    if kind == USERS and len(frame) < explorer.user_count:
        st.caption(
            f"The map shows {len(frame):,} of {explorer.user_count:,} users, sampled at random. "
            "Any other user is added when selected."
        )
    if explorer.simulated and kind == USERS:
        st.caption(widgets.SIMULATED)
with right:
    panels.search(explorer, kind)
    if point.who is None:
        st.info(
            "Click or find a point to see its details and nearest neighbours.", icon=":material/ads_click:"
        )
    elif kind == TITLES:
        panels.title_card(explorer, point.who)
    else:
        panels.user_card(explorer, point.who, profile, choose_user)
if ids := controls.selected():
    with below:
        tables.selection(explorer, view, frame, ids)
with neighbours:
    if point.who is None:
        st.caption("Select a point to see its neighbours.")
    else:
        tables.neighbours(explorer, view, point, k, metric)
if kind == TITLES:
    with shifts:
        expander = st.expander(
            "Largest shifts after aggregation", icon=":material/moving:", on_change="rerun", key="moved_open"
        )
        if expander.open:
            with expander:
                tables.shifts(explorer)
with everything:
    expander = st.expander("All points", icon=":material/table:", on_change="rerun", key="points_open")
    if expander.open:
        with expander:
            tables.all_points(explorer, view, frame, groups)
