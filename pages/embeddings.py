"""Maps of the embedding spaces: similar titles or users are close together."""

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.entities import known_entities, parted
from dskreg.ui.common.widgets import Notice
from dskreg.ui.embeddings import (
    cloud,
    colouring,
    controls,
    legend,
    overlays,
    panels,
    scatter,
    selected,
    tables,
)
from dskreg.ui.embeddings.controls import ID, TITLES, USERS, View
from dskreg.ui.embeddings.marks import Focus, focus_of, marks
from dskreg.ui.frame import sidebar
from dskreg.ui.frame.finder import choose_user

PHONE = 700  # width of the window in pixels below which a map shows fewer region labels
HELP = "Each point is an item or user in the embedding space, projected to two dimensions."


def draw_map(
    explorer: Explorer, view: View, frame: pd.DataFrame, groups: pd.Series, focus: Focus, isolated: bool
) -> None:
    """The chart with its marks and overlays, and the legend."""
    key, dark = ID[view.kind], charts.is_dark()
    shown = pd.Series(True, index=frame.index)
    ids = selected.drawn_ids(frame[key], selected.selected())
    if isolated:
        shown = frame[key].isin(ids) if ids else groups.isin(list(view.lit))
    look = scatter.Look(
        lit=view.lit or ([] if view.colour == colouring.ENTITY else None),
        selected=() if isolated else ids,
        focus=focus.id if view.zoom else None,
        drag=controls.TOOLS[view.tool],
        dark=dark,
        ratio=scatter.ratio(frame),
    )
    marked = marks(focus, frame, dark)
    if isolated:
        marked = {name: replace(mark, at=None) for name, mark in marked.items()}
    points = frame[shown] if isolated else frame
    if isolated or ids:
        glyphs, sizes = colouring.glyphs_of(groups, view.colour), colouring.sizes_of(frame, view.size)
        sizes = sizes if sizes is None else sizes[shown]
        traces = scatter.cloud(points, key, "label", groups[shown], glyphs, look, sizes)
    else:
        map_of, coloured = (view.kind, view.space, view.method), (view.colour, view.codes)
        lit = None if look.lit is None else tuple(look.lit)
        traces = cloud.traces(explorer, map_of, coloured, view.size, lit, look.drag)
    figure = scatter.scatter_map(points, key, "label", traces, marked, look)
    here = focus.at if not isolated or points[key].isin([focus.id]).any() else None
    if view.density:
        overlays.add_density(figure, points)
    if view.lines and here is not None:
        overlays.add_lines(figure, here, points[points[key].isin(focus.near)], charts.INK[dark])
    if view.shifts and focus.who is not None:
        moved = cache.ask(explorer, "maps.moved")
        moving = moved["item_id"].isin([focus.who, *focus.near]) & moved["item_id"].isin(points[key])
        overlays.add_shifts(figure, moved[moving], charts.INK[dark])
    if view.regions and not isolated:
        regions = cache.ask(explorer, "maps.regions", view.kind, **view.map)
        clear = [at for at in (focus.at, focus.here) if at is not None]
        fitting = overlays.label_regions(figure, regions, frame, dark, clear)
        hide_on_phones(range(fitting, len(figure.layout.get("annotations", ()))))
    groups_shown = ", ".join(colouring.present(groups[shown])[:4])
    st.html(f"<style>.st-key-map_chart {{ aspect-ratio: {look.ratio:.3f} }}</style>")
    charts.show_chart(
        st,
        figure,
        key="map_chart",
        height="stretch",
        # Streamlit keeps callbacks for the whole session; a lambda would keep the figure as well
        on_select=partial(selected.take_points, view.kind, view.tool),
        selection_mode=view.selects,
        config={"scrollZoom": True, "displaylogo": False},
        alt=f"Map of {len(points):,} {controls.LABELS[view.kind]} coloured by {view.colour}; "
        f"first groups: {groups_shown}. The table below the map lists all points.",
    )
    st.html(legend.html(figure, charts.INK[dark]))


def hide_on_phones(labels: range) -> None:
    """Hide these annotations of the map in narrow windows."""
    hidden = ", ".join(f'.st-key-map_area .annotation[data-index="{n}"]' for n in labels)
    if hidden:
        st.html(f"<style>@media (max-width: {PHONE}px) {{ {hidden} {{ display: none }} }}</style>")


selection = sidebar.current(needs_profile=False)
explorer, profile = selection.explorer, selection.profile
asked = controls.asked(explorer)
selected.fields()
st.title("Embeddings", anchor=False, help=HELP)
view, frame, groups = controls.row(explorer, selection.item_id)
if asked.get("map") == USERS != view.kind:
    st.caption("This model has no map of users.")
if not len(frame):
    st.info("This model has no map.", icon=":material/scatter_plot:")
    raise sidebar.PageEnd
left, right = st.columns([2, 1], gap="medium")
below, neighbours, shifts, everything = (st.container() for _ in range(4))
left_out = widgets.not_followed(asked, view.written)
left_out += [
    f"entities={code[:40]}"
    for code in parted(st.session_state.get("entities"))
    if code not in known_entities(explorer)
]
if left_out:
    widgets.show_notice(
        Notice(f"The link contains unknown settings, which are ignored: {', '.join(left_out)}.")
    )

point = focus_of(selection, view, frame)
ids = selected.selected()
with right:
    own = frame[ID[view.kind]]
    chosen = own[own.astype(str).isin(ids)] if ids else ()
    isolated = panels.isolation(view, groups, chosen, len(frame))
    panels.search(explorer, view.kind)
    if point.who is None:
        st.info(
            "Click or find a point to see its details and nearest neighbours.", icon=":material/ads_click:"
        )
    elif view.kind == TITLES:
        panels.title_card(explorer, point.who)
    else:
        panels.user_card(explorer, point.who, profile, choose_user)
with left, st.container(key="map_area"):
    draw_map(explorer, view, frame, groups, point, isolated)
    panels.projection_quality(explorer, view)
    if view.kind == USERS and len(frame) < explorer.user_count:
        st.caption(
            f"The map shows {len(frame):,} of {explorer.user_count:,} users, sampled at random. "
            "Any other user is added when selected."
        )
    if explorer.simulated and view.kind == USERS:
        st.caption(widgets.SIMULATED)
if ids:
    with below:
        tables.selection(explorer, view, frame, ids)
with neighbours:
    st.subheader("Nearest neighbours", anchor=False)
    if point.who is None:
        st.caption("Select a point to see its neighbours.")
    else:
        tables.neighbours(explorer, view, point)
if view.kind == TITLES and explorer.relations:
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
